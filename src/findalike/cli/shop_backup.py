"""`findalike shop backup` and `findalike shop restore`: a whole shop in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from findalike.cli.options import AsJson, ShopFolder


def backup(
    archive: Annotated[Path, typer.Argument(help="The file to make.", show_default=False)],
    shop: ShopFolder,
    as_json: AsJson = False,
) -> None:
    """Back up a shop, also while it is served and written to.

    Photos that the shop knows by a path or URL are not in it, those that were uploaded are.

    Example: `findalike shop backup myshop-2026-11-23.tar.gz --shop myshop`
    """
    from findalike.cli.output import console, print_json, progress_bar
    from findalike.shop.backup import back_up

    with progress_bar("backing up", quiet=as_json) as show:
        made = back_up(shop, archive, progress=show)
    if as_json:
        print_json({"version": made.version, "files": made.files, "bytes": made.bytes})
        return
    console.print(
        f"version {made.version} in {archive}: {made.files:,} files, {made.bytes / 1e6:,.1f} MB",
        markup=False,
        soft_wrap=True,
    )


def restore(
    archive: Annotated[
        Path, typer.Argument(help="A file of `findalike shop backup`.", show_default=False)
    ],
    shop: ShopFolder,
    as_json: AsJson = False,
) -> None:
    """Make a shop of a backup, in a new folder.

    Example: `findalike shop restore myshop-2026-11-23.tar.gz --shop myshop-again`
    """
    from findalike.cli.output import console, print_json
    from findalike.shop.backup import restore as restore_shop

    stats = restore_shop(archive, shop).stats()
    if as_json:
        print_json(stats.to_json())
        return
    console.print(
        f"{shop} holds version {stats.version}: {stats.products:,} products, "
        f"{stats.images:,} images",
        markup=False,
        soft_wrap=True,
    )
