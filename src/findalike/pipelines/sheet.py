"""Pictures of answers: the photo with its box, and the matches beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from findalike.data.images import decode
from findalike.errors import ImageError, SettingError, StorageError
from findalike.evaluation.contact_sheet import (
    SheetMatch,
    SheetRow,
    contact_sheet,
    contact_sheet_html,
)
from findalike.shop.results import FoundProduct, SearchResult
from findalike.shop.shop import Shop
from findalike.types import Pixels, Product, ProductId

SHEET_SUFFIXES = (".png", ".html")

Answer = tuple[Path, SearchResult, ProductId | None]
"""A photo, what was found, and what should have been found, if that is known."""


def require_sheet_suffix(sheet: Path) -> None:
    """Refuse a name before the work is done rather than after it.

    Raises:
        SettingError: if the name ends in none of ``SHEET_SUFFIXES``.
    """
    if sheet.suffix.lower() not in SHEET_SUFFIXES:
        raise SettingError(f"sheet {sheet}: end the name in {' or '.join(SHEET_SUFFIXES)}")


def write_sheet(
    shop: Shop, answers: Sequence[Answer], sheet: Path, *, root: Path | None = None
) -> None:
    """Write a contact sheet, one row an answer, as .png or .html.

    Args:
        root: where the shop's photos lie now, if they were moved since their import.

    Raises:
        SettingError: if the name has another suffix.
        StorageError: if it cannot be written.
    """
    require_sheet_suffix(sheet)
    rows = [
        SheetRow(
            query=decode(photo.read_bytes(), name=str(photo)),
            matches=[_match(shop, hit, truth, root) for hit in result.products],
            box=result.box,
            caption=photo.name,
        )
        for photo, result, truth in answers
    ]
    try:
        sheet.parent.mkdir(parents=True, exist_ok=True)
        if sheet.suffix.lower() == ".png":
            Image.fromarray(contact_sheet(rows)).save(sheet)
        else:
            sheet.write_text(contact_sheet_html(rows), encoding="utf-8")
    except OSError as error:
        raise StorageError(f"cannot write {sheet}: {error.strerror or error}") from error


def price_of(product: Product) -> str | None:
    """The price as a shopper reads it, None if there is none."""
    if product.price is None:
        return None
    return f"{product.price:.2f} {product.currency or ''}".strip()


def _match(shop: Shop, hit: FoundProduct, truth: ProductId | None, root: Path | None) -> SheetMatch:
    product = hit.product
    return SheetMatch(
        pixels=_picture(shop, hit, root),
        rank=hit.rank,
        score=hit.score,
        title=product.title or product.product_id,
        price=price_of(product),
        right=None if truth is None else product.product_id == truth,
    )


def _picture(shop: Shop, hit: FoundProduct, root: Path | None) -> Pixels | None:
    data = shop.picture(hit.image.location, hit.image.sha256, root=root)
    if data is None:
        return None
    try:
        return decode(data, name=hit.image.location)
    except ImageError:
        return None
