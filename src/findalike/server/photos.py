"""A photo made ready for the encoder: within its limits, cut to its box, and forgotten."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from findalike.data.containers import ALLOWED, image_format
from findalike.data.images import ImageLimits
from findalike.data.photo_boxes import photo_boxes
from findalike.data.prepare import Prepared, prepare
from findalike.data.propose import ProposedBox
from findalike.server.answers import BoxSource
from findalike.server.problems import Problem
from findalike.types import Box, InputSpec


@dataclass(frozen=True, slots=True)
class PreparedPhoto:
    """A photo as the encoder takes it; of the file itself nothing is left.

    Attributes:
        box_source: who chose the box.
        started: when the work began, as ``time.perf_counter`` counts.
        took_ms: how long it took.
        propose_ms: how much of that went into proposing boxes.
        proposals: the boxes that were asked for, None for none.
    """

    prepared: Prepared
    box_source: BoxSource
    started: float
    took_ms: float
    propose_ms: float = 0.0
    proposals: tuple[ProposedBox, ...] | None = None


def prepare_photo(
    data: bytes,
    *,
    box: Box | Literal["auto"] | None,
    spec: InputSpec,
    limits: ImageLimits,
    started: float,
    proposals: int = 0,
) -> PreparedPhoto:
    """Decode a photo and cut out its box; see ``findalike.data.prepare``.

    Args:
        box: "auto" for the one that is proposed; None for the whole photo.
        proposals: how many boxes to propose beside it.

    Raises:
        Problem: 413 if there are too many bytes, 415 if it is not an image of a known format.
        ImageError, BoxError: if it cannot be used all the same.
    """
    check_file(data, limits)
    source: BoxSource = "given"
    propose_ms = 0.0
    boxes: tuple[ProposedBox, ...] | None = None
    if box == "auto" or proposals:
        clock = time.perf_counter()
        found = photo_boxes(data, name="the photo", most=max(1, proposals), limits=limits)
        boxes = found.boxes if proposals else None
        if box == "auto":
            box, source = found.box, "proposed"
        propose_ms = (time.perf_counter() - clock) * 1000
    prepared = prepare(data, spec, name="the photo", box=box, limits=limits)
    if box is None:
        source = "whole"
    took_ms = (time.perf_counter() - started) * 1000
    return PreparedPhoto(prepared, source, started, took_ms, propose_ms, boxes)


def check_file(data: bytes, limits: ImageLimits) -> None:
    """Refuse what is no image by its size or its first bytes.

    Raises:
        Problem: 413 or 415.
    """
    if len(data) > limits.max_bytes:
        raise Problem(
            413,
            "image-too-large",
            f"the photo has {len(data):,} bytes, and {limits.max_bytes:,} are allowed",
            next_step="send a smaller photo: 1,000 pixels a side are plenty for a search",
            title="The photo is too large",
        )
    if not data or image_format(data) is None:
        raise Problem(
            415,
            "not-an-image",
            "the photo is empty" if not data else "the photo is of no format that is known here",
            next_step=f"send one of {ALLOWED}",
            title="Not an image",
        )
