"""What speaks for a rectangle holding one whole thing, read from summed-area tables.

The cues are those of Alexe, Deselaers and Ferrari, "Measuring the Objectness of Image Windows"
(TPAMI 2012), with the saliency of `findalike.data.proposing.saliency` in place of theirs: colours
that differ from those around, edges along the border. To them come colours that the picture's
border has not got, and place and size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from findalike.data.proposing.saliency import saliency
from findalike.data.proposing.superpixels import superpixels
from findalike.data.proposing.windows import Windows
from findalike.types import Pixels

CUES = (
    "saliency inside",
    "saliency around",
    "share of all saliency",
    "saliency inside and share",
    "colours unlike those around",
    "colours found nowhere else",
    "off the middle across",
    "off the middle down",
    "sides on the picture's border",
    "size",
    "aspect",
    "edges along the weakest side",
    "edges along all sides",
    "steepness inside",
    "steepness around",
    "border's colours inside",
    "border's colours around",
)

COLOURS = 12
RING = 0.2
"""Width of what lies around a window, as a share of its shorter side."""

EDGE = 0.06
"""Half the width of the strips along its sides, likewise."""

BORDER = 4
"""Pixels along the picture's border whose colours are taken for the background's."""

_ROUNDS = 4
_SAMPLE = 5
Map = NDArray[np.float32]


class CueMaps:
    """A picture, ready to be asked about any number of windows in it."""

    def __init__(self, picture: Pixels) -> None:
        """Make the maps.

        Args:
            picture: (height, width, 3) uint8, some 100 pixels long.
        """
        import cv2  # noqa: PLC0415 - 100 ms that only proposing boxes should cost

        lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
        lab = cv2.GaussianBlur(lab, (0, 0), 0.8)
        self.height, self.width = picture.shape[:2]
        self._saliency = _table(saliency(lab, superpixels(picture))[..., None])
        palette = _palette(lab)
        colours = np.eye(COLOURS, dtype=np.float32)[palette]
        self._colours = _table(colours)
        self._all_colours = np.maximum(colours.sum(axis=(0, 1)), 1)
        across = np.abs(cv2.Sobel(lab, cv2.CV_32F, 1, 0)).sum(axis=2)
        down = np.abs(cv2.Sobel(lab, cv2.CV_32F, 0, 1)).sum(axis=2)
        steep = np.hypot(across, down)
        scale = float(steep.mean()) + 1e-6
        slopes = np.stack([steep, across, down], axis=2) / np.float32(scale)
        of_border = _of_border(palette)
        self._planes = _table(np.concatenate([slopes, of_border[..., None]], axis=2))

    def cues(self, windows: Windows) -> Map:
        """The cues of windows, (n, len(CUES)) float32."""
        left, top, right, bottom = windows.T
        w, h = right - left, bottom - top
        area = (w * h).astype(np.float32)
        ring = self._ring(windows)
        around = (ring[:, 2] - ring[:, 0]) * (ring[:, 3] - ring[:, 1]) - area
        framed = around > 0
        around = np.maximum(around, 1)
        salient = _sums(self._saliency, windows)[:, 0]
        salient_around = (_sums(self._saliency, ring)[:, 0] - salient) / around
        share = salient / max(float(self._saliency[-1, -1, 0]), 1e-6)
        counts = _sums(self._colours, windows)
        own = counts / area[:, None]
        other = (_sums(self._colours, ring) - counts) / around[:, None]
        unlike = (np.square(own - other) / (own + other + 1e-6)).sum(axis=1) / 2
        planes = _sums(self._planes, windows)
        planes_around = (_sums(self._planes, ring) - planes) / around[:, None]
        planes = planes / area[:, None]
        sides = self._sides(windows)
        on_border = np.stack([left == 0, top == 0, right == self.width, bottom == self.height])
        return np.stack(
            [
                salient / area,
                salient_around,
                share,
                np.sqrt(np.maximum(share * salient / area, 0)),
                unlike * framed,
                (own * (counts / self._all_colours)).sum(axis=1),
                np.abs((left + right) / 2 / self.width - 0.5),
                np.abs((top + bottom) / 2 / self.height - 0.5),
                on_border.sum(axis=0),
                np.log(area / (self.width * self.height)),
                np.log(w / h),
                sides.min(axis=0),
                sides.mean(axis=0),
                planes[:, 0],
                planes_around[:, 0],
                planes[:, 3],
                planes_around[:, 3],
            ],
            axis=1,
        ).astype(np.float32)

    def _sides(self, windows: Windows) -> Map:
        """How steep the picture is across each side of the windows, (4, n)."""
        left, top, right, bottom = windows.T
        half = EDGE * np.minimum(right - left, bottom - top)
        half = np.maximum(1, np.round(half)).astype(np.int64)
        strips = (
            (1, [left - half, top, left + half, bottom]),
            (1, [right - half, top, right + half, bottom]),
            (2, [left, top - half, right, top + half]),
            (2, [left, bottom - half, right, bottom + half]),
        )
        found = []
        for plane, edges in strips:
            strip = np.clip(np.stack(edges, axis=1), 0, [self.width, self.height] * 2)
            area = (strip[:, 2] - strip[:, 0]) * (strip[:, 3] - strip[:, 1])
            found.append(_sums(self._planes[..., plane : plane + 1], strip)[:, 0] / area)
        return np.stack(found)

    def _ring(self, windows: Windows) -> Windows:
        sides = windows[:, 2:] - windows[:, :2]
        margin = np.maximum(2, np.round(RING * sides.min(axis=1))).astype(np.int64)[:, None]
        low = np.maximum(windows[:, :2] - margin, 0)
        high = np.minimum(windows[:, 2:] + margin, [self.width, self.height])
        return np.concatenate([low, high], axis=1)


def _palette(lab: Map) -> NDArray[np.int64]:
    """The colour of each pixel among a few of the picture's own, by k-means.

    It starts from colours far from each other, so that it needs no chance.
    """
    pixels = lab.reshape(-1, 3)
    sample = pixels[::_SAMPLE]
    centres = np.empty((COLOURS, 3), np.float32)
    centres[0] = sample.mean(axis=0)
    far = np.square(sample - centres[0]).sum(axis=1)
    for number in range(1, COLOURS):
        # Not the furthest: that is a speck of light, more often than a colour.
        chosen = np.argpartition(far, int(0.98 * (len(far) - 1)))[int(0.98 * (len(far) - 1))]
        centres[number] = sample[chosen]
        far = np.minimum(far, np.square(sample - centres[number]).sum(axis=1))
    for _ in range(_ROUNDS):
        nearest = _nearest(sample, centres)
        counts = np.bincount(nearest, minlength=COLOURS)
        for channel in range(3):
            sums = np.bincount(nearest, sample[:, channel], minlength=COLOURS)
            found = sums / np.maximum(counts, 1)
            centres[:, channel] = np.where(counts > 0, found, centres[:, channel])
    return _nearest(pixels, centres).reshape(lab.shape[:2])


def _of_border(palette: NDArray[np.int64]) -> Map:
    """How far the colour of each pixel is one of the border rather than of the middle, 0 to 1."""
    edge = np.ones(palette.shape, bool)
    edge[BORDER:-BORDER, BORDER:-BORDER] = False
    at_edge = np.bincount(palette[edge], minlength=COLOURS) / max(int(edge.sum()), 1)
    anywhere = np.bincount(palette.ravel(), minlength=COLOURS) / palette.size
    return (at_edge / (at_edge + anywhere + 1e-6)).astype(np.float32)[palette]


def _nearest(pixels: Map, centres: Map) -> NDArray[np.int64]:
    return np.asarray((np.square(centres).sum(axis=1) - 2 * pixels @ centres.T).argmin(axis=1))


def _table(maps: Map) -> Map:
    """Summed-area tables of maps (height, width, channels), a row and a column longer."""
    table = np.zeros((maps.shape[0] + 1, maps.shape[1] + 1, maps.shape[2]), np.float32)
    table[1:, 1:] = maps.cumsum(axis=0).cumsum(axis=1)
    return table


def _sums(table: Map, windows: Windows) -> Map:
    left, top, right, bottom = windows.T
    sums = table[bottom, right] - table[top, right] - table[bottom, left] + table[top, left]
    return np.asarray(sums)
