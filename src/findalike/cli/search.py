"""`findalike search`: a photo finds products."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from findalike.cli.options import AsJson, ShopFolder

if TYPE_CHECKING:
    from findalike.shop.results import SearchResult


def search(
    photo: Annotated[Path, typer.Argument(help="The shopper's photo.", show_default=False)],
    shop: ShopFolder,
    box: Annotated[
        str | None,
        typer.Option(
            help="The product in the photo: x,y,w,h in pixels of the upright photo; "
            "default: the whole photo.",
            show_default=False,
        ),
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many products.")] = 10,
    where: Annotated[
        str | None,
        typer.Option(
            help="Only products that match, such as `category = 'Fruit' and price < 20`.",
            show_default=False,
        ),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            help="Also write the photo and its matches as a picture: .png or .html.",
            show_default=False,
        ),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(help="Where the shop's photos lie now, for --sheet, if they were moved."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find the products of a shop that match a photo.

    Example: `findalike search photo.jpg --shop myshop --box 40,30,200,180 --where "price < 20"`
    """
    from findalike.cli.output import print_json
    from findalike.pipelines.search import search_shop

    result = search_shop(photo, shop, box=box, k=k, where=where, sheet=sheet, root=root)
    if as_json:
        print_json(result.to_json())
    else:
        _print_result(result)
    if sheet is not None and not as_json:
        from findalike.cli.output import print_note

        print_note(f"picture written to {sheet}")


def _print_result(result: SearchResult) -> None:
    from rich.table import Table
    from rich.text import Text

    from findalike.cli.output import console, print_note

    table = Table("rank", "score", "product", "title", "category", "price", "image")
    for hit in result.products:
        product = hit.product
        price = "" if product.price is None else f"{product.price:g} {product.currency or ''}"
        cells = (product.product_id, product.title or "", product.category or "", price.strip())
        table.add_row(
            str(hit.rank),
            f"{hit.score:.3f}",
            *(Text(cell, overflow="ellipsis") for cell in (*cells, hit.image.location)),
        )
    console.print(table)
    total = sum(result.timings_ms.values())
    steps = ", ".join(f"{name} {ms:.1f}" for name, ms in result.timings_ms.items())
    console.print(f"{len(result.products)} products in {total:.1f} ms ({steps})")
    for warning in result.warnings:
        print_note(warning)
