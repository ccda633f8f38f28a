"""What of a shop a caller may see: which attributes, and which products."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from findalike.errors import EngineError, FilterError, SettingError
from findalike.index.filter_tree import Filter
from findalike.index.filters import parse_filter
from findalike.types import FieldType


@dataclass(frozen=True, slots=True)
class View:
    """What one kind of caller may see.

    Attributes:
        private: names of attributes the caller is not told and cannot ask by; a ``*`` stands for
            any characters.
        only: a filter; products it does not keep are as if they were not there. It may name
            private attributes.
    """

    private: tuple[str, ...] = ()
    only: str | None = None

    def hides(self, name: str) -> bool:
        """Whether an attribute is private."""
        return _matches_any(name, self.private)

    def shown(self, attributes: Iterable[str]) -> tuple[str, ...]:
        """Those that are not private."""
        return tuple(name for name in attributes if not self.hides(name))

    def filter(self, fields: Mapping[str, FieldType]) -> Filter | None:
        """The filter as a tree.

        Raises:
            EngineError: if it does not fit the shop: showing everything then would be wrong.
        """
        if self.only is None:
            return None
        try:
            return parse_filter(self.only, fields)
        except FilterError as error:
            raise EngineError(
                f"the service's own filter {self.only!r} does not fit the shop: {error}"
            ) from error

    def check(self, fields: Mapping[str, FieldType]) -> None:
        """Refuse a filter that does not fit the shop, before anybody is served.

        Raises:
            FilterError: it points at the character.
        """
        if self.only is not None:
            parse_filter(self.only, fields)


@lru_cache(maxsize=4096)
def _matches_any(name: str, patterns: tuple[str, ...]) -> bool:
    # Asked of every attribute of every product of every answer.
    return any(fnmatchcase(name, pattern) for pattern in patterns)


EVERYTHING = View()
"""What those see who look after the catalogue."""


def check_attribute_pattern(pattern: str) -> str:
    """A name or pattern of private attributes, as it is kept.

    Raises:
        SettingError: if no attribute can have such a name.
    """
    kept = pattern.strip().lower()
    if not kept.replace("*", "a").isidentifier() or not kept.isascii():
        raise SettingError(
            f"{pattern!r} is no name of an attribute: write it as `findalike shop info` does, "
            f"such as 'cost'; a * stands for any characters"
        )
    return kept
