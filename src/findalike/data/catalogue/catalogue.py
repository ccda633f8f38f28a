"""A source of products that has been surveyed and can be read."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import get_args

from findalike.data.catalogue.base import PRODUCT_FIELDS, Draft, RawValue, Reader, fill
from findalike.data.catalogue.checks import Checks
from findalike.data.catalogue.fields import (
    MAX_ATTRIBUTES,
    TypeGuess,
    attribute_name,
    merged_types,
    unique_names,
)
from findalike.data.catalogue.prices import DecimalStyle
from findalike.data.catalogue.seen import SeenStrings
from findalike.errors import CatalogueError
from findalike.types import CatalogueRow, FieldType, Refusal

_PROGRESS_ROWS = 1000


class Catalogue:
    """Products and their images from one source, whatever its format.

    Making one reads the source once, to count its rows and find the types of its attributes.

    Attributes:
        format: name of the format it is read as.
        source: the file or folder.
        default_root: folder that image paths are relative to, unless the user names another.
        fields: attribute → type, in the order of the source; empty attributes are left out.
        row_count: rows the source has, for progress; refused ones included.
        notes: what a user should know about how the source is read, a sentence each.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        types: Mapping[str, FieldType] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._reader = reader
        self._count = 0
        self._progress = progress
        guesses: dict[str, TypeGuess] = {}
        style = DecimalStyle()

        def observe(draft: Draft) -> None:
            style.observe(draft.price if isinstance(draft.price, str) else None)
            for name, value in draft.attributes.items():
                guess = guesses.get(name)
                if guess is None:
                    if len(guesses) >= MAX_ATTRIBUTES:
                        continue
                    guess = guesses[name] = TypeGuess(name)
                guess.observe(value)

        reader.survey(observe, self._counted)
        found = merged_types(guesses, reader.declared)
        names = unique_names(list(found))
        told, misspelt = _told_types(types or {}, names)
        found |= told
        self.format = reader.format
        self.source = reader.source
        self.default_root = reader.default_root
        self.row_count = self._count
        self.fields: Mapping[str, FieldType] = MappingProxyType(
            {names[source]: found[source] for source in names}
        )
        self.notes = (*reader.notes, *_renamed(names), *misspelt)
        self._checks = Checks(names, found, decimal_comma=style.comma)
        reader.checks = self._checks

    def rows(self) -> Iterator[CatalogueRow | Refusal]:
        """The rows in the order of the source, streamed; may be called again.

        A row with some images refused comes after their refusals, with those that are left. A
        product may come in several rows; where they follow each other, what only the first says
        of the product (title, category, price, ...) holds for all. An image that an earlier row
        had is refused, the first is kept; remembering which there were takes about 16-32 MB for a
        million images.

        Raises:
            CatalogueError: if the source has become unreadable since it was surveyed.
        """
        seen = SeenStrings()
        last_id: RawValue = None
        last_said: list[RawValue] = []
        for item in self._reader.drafts():
            if isinstance(item, Refusal):
                yield item
                continue
            if last_said and item.product_id == last_id:
                fill(item, last_said)
            for row in self._checks.rows(item, seen):
                if isinstance(row, CatalogueRow):
                    last_id = item.product_id
                    last_said = [getattr(item, name) for name in PRODUCT_FIELDS]
                yield row

    def _counted(self) -> None:
        self._count += 1
        if self._progress is not None and self._count % _PROGRESS_ROWS == 0:
            self._progress(self._count)


def _told_types(
    told: Mapping[str, FieldType], names: Mapping[str, str]
) -> tuple[dict[str, FieldType], list[str]]:
    """The types a user fixed, by the source's names, and notes on what looks misspelt.

    A type for an attribute that is not there is no error: what a shop knows of its attributes is
    given with every source, and not every source has them all.
    """
    allowed = get_args(FieldType)
    by_name = {name: original for original, name in names.items()}
    fixed: dict[str, FieldType] = {}
    misspelt: list[str] = []
    for name, field_type in told.items():
        if field_type not in allowed:
            raise CatalogueError(
                f"type {field_type!r} of {name!r} is none: the types are {', '.join(allowed)}"
            )
        key = name if name in by_name else attribute_name(name)
        if key in by_name:
            fixed[by_name[key]] = field_type
        elif near := difflib.get_close_matches(key, by_name, 1, 0.8):
            misspelt.append(
                f"a type is given for {name!r}, which is no attribute; did you mean {near[0]!r}?"
            )
    return fixed, misspelt


def _renamed(names: Mapping[str, str]) -> Iterator[str]:
    """A note on attributes whose names changed by more than case and punctuation."""
    changed = [
        f"{source!r} → {name}" for source, name in names.items() if name != attribute_name(source)
    ]
    if changed:
        yield f"attributes renamed to tell them from others: {', '.join(changed)}"
