"""Opening what an import reads: the catalogue, with the shop's attribute types, and its images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from findalike.data.catalogue import Catalogue, open_catalogue
from findalike.data.fetch import Fetcher
from findalike.data.image_source import ImageSource
from findalike.errors import SettingError
from findalike.types import FieldType


def open_for_shop(
    source: Path,
    *,
    source_format: str | None,
    columns: Mapping[str, str] | None,
    types: Mapping[str, FieldType] | None,
    root: Path | None,
    fixed: Mapping[str, FieldType],
) -> Catalogue:
    """Open a source so that its attributes are of the shop's types.

    Args:
        types: what the caller wants.
        fixed: the types of the shop's attributes, which cannot change. A value that does not fit
            becomes a refusal of its row.

    Raises:
        SettingError: if the caller wants a type the shop does not have.
        CatalogueError: if the source cannot be read as a whole.
    """
    wanted = dict(types or {})
    for name in wanted.keys() & fixed.keys():
        if fixed[name] != wanted[name]:
            raise SettingError(
                f"the attribute {name!r} is {fixed[name]} in this shop and cannot become "
                f"{wanted[name]}: leave its type out, or index into a new shop"
            )

    def opened() -> Catalogue:
        return open_catalogue(
            source, format=source_format, columns=columns, types=wanted, root=root
        )

    catalogue = opened()
    differing = {
        name: fixed[name]
        for name, kind in catalogue.fields.items()
        if fixed.get(name, kind) != kind
    }
    if not differing:
        return catalogue
    wanted |= differing
    return opened()


@contextmanager
def image_source_of(root: Path, allow_networks: Sequence[str]) -> Iterator[ImageSource]:
    """Read images below a root and at URLs, also in the networks that are allowed by name.

    Raises:
        SettingError: if one of them is not a network.
        PathError: if the root is not a folder.
    """
    with Fetcher(allow_networks=allow_networks) as fetcher:
        yield ImageSource(root, fetcher=fetcher)
