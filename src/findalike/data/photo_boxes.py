"""Boxes proposed for a photo that is still a file: no more of it is decoded than they need."""

from __future__ import annotations

from dataclasses import dataclass

from findalike.data.images import ImageLimits
from findalike.data.prepare import prepare
from findalike.data.propose import ProposedBox, propose_boxes
from findalike.types import Box, InputSpec

SIDE = 256
"""Longer side in pixels of the copy that boxes are looked for on."""


@dataclass(frozen=True, slots=True)
class PhotoBoxes:
    """A photo's boxes.

    Attributes:
        width: of the upright photo in pixels.
        height: of it.
        boxes: in its pixels, best first, never empty.
    """

    width: int
    height: int
    boxes: tuple[ProposedBox, ...]

    @property
    def box(self) -> Box | None:
        """The best box, None if that is the whole photo."""
        best = self.boxes[0].box
        whole = Box(0.0, 0.0, float(self.width), float(self.height))
        return None if best == whole else best


def photo_boxes(
    data: bytes, *, name: str, most: int = 5, limits: ImageLimits | None = None
) -> PhotoBoxes:
    """Propose boxes for a photo; see `propose_boxes`.

    Args:
        data: a whole image file.
        name: what error messages call it.
        most: how many boxes at most, 1 or more.
        limits: what the photo may cost.

    Raises:
        ImageError: see `findalike.data.images.decode`.
        SettingError: if ``most`` is below 1.
    """
    prepared = prepare(data, InputSpec(SIDE, "pad"), name=name, limits=limits)
    width, height = prepared.width, prepared.height
    scale = SIDE / max(width, height)
    w, h = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (SIDE - w) // 2, (SIDE - h) // 2
    found = propose_boxes(prepared.pixels[top : top + h, left : left + w], most=most)
    return PhotoBoxes(width, height, tuple(_scaled(box, (w, h), (width, height)) for box in found))


def _scaled(proposed: ProposedBox, small: tuple[int, int], size: tuple[int, int]) -> ProposedBox:
    """A box of the small copy on the photo; what reaches an edge still does, to the pixel."""
    box, (width, height) = proposed.box, size
    left, right = box.x / small[0] * width, (box.x + box.w) / small[0] * width
    top, bottom = box.y / small[1] * height, (box.y + box.h) / small[1] * height
    left, right = round(left, 1), min(round(right, 1), float(width))
    top, bottom = round(top, 1), min(round(bottom, 1), float(height))
    return ProposedBox(
        Box(left, top, max(right - left, 0.1), max(bottom - top, 0.1)), proposed.score
    )
