"""`findalike shop public`: which attributes a shop keeps to itself."""

from __future__ import annotations

from typing import Annotated

import typer

from findalike.cli.options import AsJson, ShopFolder


def public(
    shop: ShopFolder,
    hide: Annotated[
        list[str] | None,
        typer.Option(
            help="An attribute to keep private; a * stands for any characters.",
            show_default=False,
        ),
    ] = None,
    show: Annotated[
        list[str] | None,
        typer.Option(help="An entry to take off the list of private ones.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show or set which attributes shoppers are not told, and cannot filter by or count.

    Keys of the roles catalogue and admin see everything. Running services heed a change at once.

    Example: `findalike shop public --shop myshop --hide "internal_*" --show quantity`
    """
    from findalike.cli.output import console, print_json
    from findalike.shop.public_settings import PublicSettings
    from findalike.shop.public_view import View
    from findalike.shop.shop import Shop

    opened = Shop.open(shop)
    settings = PublicSettings.read(shop)
    if hide or show:
        settings = settings.changed(hide=hide or (), show=show or ())
        settings.write(shop)
    view = View(settings.private)
    shown = view.shown(opened.attributes)
    hidden = [name for name in opened.attributes if name not in shown]
    if as_json:
        print_json({"private": settings.private, "hidden": hidden, "shown": shown})
        return
    for name, values in (("private", settings.private), ("hidden", hidden), ("shown", shown)):
        console.print(f"{name:<13}{', '.join(values)}", markup=False, soft_wrap=True)
