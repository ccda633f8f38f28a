"""The real photos an export is compared and calibrated with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from findalike.data.catalogue import open_catalogue
from findalike.data.image_source import ImageSource
from findalike.data.prepare import prepare
from findalike.errors import FindalikeError, SettingError
from findalike.pipelines.evaluation_set import EvaluationSet
from findalike.shop.photos import load_ahead
from findalike.types import Box, InputSpec, Pixels, Refusal

COMPARED = 200
CALIBRATING = 100
FEWEST = 16

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class ExportPhotos:
    """Prepared photos, none of them twice.

    Attributes:
        compared: (n, size, size, 3) uint8, what torch and the export are compared on.
        calibrating: (m, size, size, 3) uint8, what int8 is calibrated with; m = 0 where nobody
            asked for it.
        source: where they are from, in words.
    """

    compared: Pixels
    calibrating: Pixels
    source: str


@dataclass(frozen=True, slots=True)
class _Place:
    """One photo that may be taken."""

    source: ImageSource
    location: str
    box: Box | None


def draw_photos(
    sets: Mapping[str, EvaluationSet],
    samples: Path | None,
    spec: InputSpec,
    *,
    calibrate: bool,
    seed: int = 0,
    progress: Progress | None = None,
) -> ExportPhotos:
    """Draw 200 photos to compare with, and 100 others to calibrate with.

    Of fewer photos two thirds are for the comparison, if there is something to calibrate.

    Args:
        sets: the run's validation sets, whose queries and gallery are drawn from, unless
        samples: is given, a folder of photos or a catalogue.
        spec: how photos are prepared.
        calibrate: whether photos to calibrate with are wanted.
        seed: of the draw.
        progress: called with (what, done, in all).

    Raises:
        SettingError: if fewer than 16 photos can be read.
        CatalogueError: if ``samples`` cannot be read.
    """
    places = _of_catalogue(samples) if samples is not None else _of_sets(sets)
    source = "photos given for the purpose"
    if samples is None:
        source = f"queries and gallery of {', '.join(sets)}" if sets else "nowhere"
    wanted = COMPARED + (CALIBRATING if calibrate else 0)
    order = np.random.default_rng(seed).permutation(len(places)).tolist()
    pictures = _read([places[row] for row in order], wanted, spec, progress)
    if len(pictures) < FEWEST:
        raise SettingError(
            f"an export is compared with torch on real photos, and {len(pictures)} could be read "
            f"({source}): give {FEWEST} or more with --samples, a folder or a catalogue"
        )
    compared = min(COMPARED, 2 * len(pictures) // 3 if calibrate else len(pictures))
    stacked = np.stack(pictures)
    return ExportPhotos(stacked[:compared], stacked[compared:wanted], source)


def _of_sets(sets: Mapping[str, EvaluationSet]) -> list[_Place]:
    # By content: a set judged twice, with other queries say, has one gallery.
    places: dict[tuple[str | None, str, Box | None], _Place] = {}
    for data in sets.values():
        photos = [(query.location, query.box) for query in data.queries]
        photos += [(image.location, image.box) for image in data.gallery]
        for location, box in photos:
            key = (str(data.source.root), location, box)
            places.setdefault(key, _Place(data.source, location, box))
    return list(places.values())


def _of_catalogue(samples: Path) -> list[_Place]:
    catalogue = open_catalogue(samples)
    source = ImageSource(catalogue.default_root)
    return [
        _Place(source, image.location, image.box)
        for row in catalogue.rows()
        if not isinstance(row, Refusal)
        for image in row.images
    ]


def _read(
    places: Sequence[_Place], wanted: int, spec: InputSpec, progress: Progress | None
) -> list[Pixels]:
    """The first ``wanted`` photos that can be read."""
    pictures: list[Pixels] = []
    for _, photo in load_ahead(places, partial(_load, spec=spec)):
        if not isinstance(photo, FindalikeError):
            pictures.append(photo)
        if progress is not None:
            progress("reading photos", len(pictures), min(wanted, len(places)))
        if len(pictures) == wanted:
            break
    return pictures


def _load(place: _Place, *, spec: InputSpec) -> Pixels:
    data = place.source.read(place.location)
    return prepare(data, spec, name=place.location, box=place.box).pixels
