"""What every reader of catalogues makes of its source: drafts, still unchecked, or refusals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple, TypeAlias

from findalike.types import FieldType, Refusal

if TYPE_CHECKING:
    from findalike.data.catalogue.checks import Checks

RawValue: TypeAlias = str | int | float | bool | list[str] | None
"""A cell as its file has it: text from CSV and XML, native values from Parquet."""

SHOWN_CHARACTERS = 80
"""Longer values are cut to this in messages, so that a report stays readable."""


class DraftImage(NamedTuple):
    """An image as its source names it; ``row`` where it is not the draft's own."""

    location: RawValue
    row: int | None = None


@dataclass(slots=True)
class Draft:
    """One row as a reader understood it: the right cells in the right places, none checked yet.

    Attributes:
        box: x, y, w, h as the cells have them, where the source has columns for a box.
        attributes: by the source's own names; they become snake_case later.
        columns: field of this class → column of the source, for messages.
    """

    file: str
    row: int
    product_id: RawValue
    images: list[DraftImage]
    title: RawValue = None
    category: RawValue = None
    variant_of: RawValue = None
    price: RawValue = None
    currency: RawValue = None
    url: RawValue = None
    image_id: RawValue = None
    box: tuple[RawValue, RawValue, RawValue, RawValue] | None = None
    domain: RawValue = None
    attributes: dict[str, RawValue] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)


PRODUCT_FIELDS = ("title", "category", "variant_of", "price", "currency", "url")
"""The fields of a draft that are of its product, not of its images."""


def fill(draft: Draft, values: Sequence[RawValue]) -> None:
    """Give a draft the product fields that it lacks, in the order of ``PRODUCT_FIELDS``."""
    for name, value in zip(PRODUCT_FIELDS, values, strict=True):
        if not is_filled(getattr(draft, name)):
            setattr(draft, name, value)


def is_filled(value: RawValue) -> bool:
    """Whether a cell has something in it."""
    return value is not None and value not in ("", [])


class BadValue(Exception):  # noqa: N818 - never leaves this package; it becomes a Refusal
    """A value that cannot be used: which, why, and what is allowed in its place."""

    def __init__(self, field_name: str, value: object, *, reason: str, allowed: str) -> None:
        super().__init__(reason)
        self.field_name = field_name
        self.value = value
        self.reason = reason
        self.allowed = allowed

    def refusal(
        self, file: str, row: int, *, item: object = "", columns: Mapping[str, str] | None = None
    ) -> Refusal:
        """The refusal that reports this value; ``columns`` gives the source's column names."""
        return Refusal(
            file=file,
            row=row,
            item=shown(item),
            column=(columns or {}).get(self.field_name, self.field_name),
            value=shown(self.value),
            reason=self.reason,
            allowed=self.allowed,
        )


def shown(value: object) -> str:
    r"""A value fit for a one-line message: no control characters, at most 80 characters.

    >>> shown("a\nb")
    'a\\nb'
    """
    text = ("" if value is None else str(value))[: SHOWN_CHARACTERS + 1]
    if not text.isprintable():
        text = "".join(
            c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
        )
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


def words(text: str) -> tuple[str, ...]:
    """The names in a table of names, which reads better than a list of strings."""
    return tuple(text.split())


class Reader(ABC):
    """One kind of source. Subclasses say how its rows become drafts.

    Attributes:
        format: name of the format, as given to ``open_catalogue``.
        declared: types the format itself fixes, by the source's names of its attributes.
        notes: what a user should know about how the source was read.
        checks: set once the whole source has been surveyed, before its drafts are read for use.
    """

    format: ClassVar[str]
    checks: Checks

    def __init__(self, source: Path) -> None:
        self.source = source
        self.declared: dict[str, FieldType] = {}
        self.notes: list[str] = []

    @property
    def default_root(self) -> Path:
        """The folder image paths are relative to unless another is given."""
        return self.source.parent

    @abstractmethod
    def drafts(self) -> Iterator[Draft | Refusal]:
        """The rows, streamed; may be called again."""

    def survey(self, observe: Callable[[Draft], None], count: Callable[[], None]) -> None:
        """The first pass: hand every draft to ``observe``, and call ``count`` once a row."""
        for item in self.drafts():
            if isinstance(item, Draft):
                observe(item)
            count()
