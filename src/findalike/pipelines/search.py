"""The use case of `findalike search`: one photo against a shop, as a picture too."""

from __future__ import annotations

from pathlib import Path

from findalike.pipelines.sheet import require_sheet_suffix, write_sheet
from findalike.shop.results import SearchResult
from findalike.shop.shop import Shop
from findalike.types import Box


def search_shop(
    photo: Path,
    folder: Path,
    *,
    box: str | None = None,
    k: int = 10,
    where: str | None = None,
    sheet: Path | None = None,
    root: Path | None = None,
) -> SearchResult:
    """Search the shop in ``folder``; write the contact sheet if one is asked for.

    Args:
        box: ``x,y,w,h`` in pixels of the upright photo.
        sheet: file for the picture, .png or .html.
        root: where the shop's photos lie now, if they were moved since their import.

    Raises:
        FindalikeError: whatever ``Shop.open``, ``Shop.search`` and ``write_sheet`` raise.
    """
    if sheet is not None:
        require_sheet_suffix(sheet)
    shop = Shop.open(folder)
    result = shop.search(photo, box=Box.parse(box) if box else None, k=k, where=where)
    if sheet is not None:
        write_sheet(shop, [(photo, result, None)], sheet, root=root)
    return result
