"""`findalike shop`: look after a shop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from findalike.cli.options import AsJson, ShopFolder

app = typer.Typer(
    help="Look after a shop: info, verify, remove, versions, rollback, compact, backup, restore, "
    "public, feedback, delete.",
    no_args_is_help=True,
)


@app.command()
def info(shop: ShopFolder, as_json: AsJson = False) -> None:
    """Show what a shop holds.

    Example: `findalike shop info --shop myshop`
    """
    from findalike.cli.output import console, print_json
    from findalike.shop.shop import Shop

    stats = Shop.open(shop).stats()
    if as_json:
        print_json(stats.to_json())
        return
    updated = f"{stats.updated_at:%Y-%m-%d %H:%M:%S}" if stats.updated_at else "never"
    attributes = ", ".join(f"{name} ({kind})" for name, kind in stats.attributes.items())
    for name, value in (
        ("products", f"{stats.products:,}"),
        ("images", f"{stats.images:,}"),
        ("encoder", f"{stats.encoder} ({stats.encoder_fingerprint[:12]})"),
        ("dimensions", f"{stats.embedding_size:,}"),
        ("version", f"{stats.version}"),
        ("created", f"{stats.created_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("updated", f"{updated} UTC"),
        ("size", f"{stats.bytes / 1e6:,.1f} MB"),
        ("photos below", ", ".join(stats.roots)),
        ("attributes", attributes),
    ):
        console.print(f"{name:<13}{value}", markup=False, soft_wrap=True)


@app.command()
def verify(
    shop: ShopFolder,
    root: Annotated[
        Path | None, typer.Option(help="Also look for each photo below this folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a shop: its encoder's hashes, every row and vector, and its photos.

    Ends with exit code 1 when something is wrong.

    Example: `findalike shop verify --shop myshop`
    """
    from findalike.cli.output import console, print_json, progress_bar
    from findalike.shop.shop import Shop

    with progress_bar("verifying", quiet=as_json) as show:
        findings = Shop.open(shop).verify(root=root, progress=show)
    if as_json:
        print_json({"ok": not findings, "findings": findings})
    for finding in () if as_json else findings:
        console.print(f"- {finding}", markup=False)
    if findings:
        raise typer.Exit(1)
    if not as_json:
        console.print("all is well")


@app.command()
def remove(
    products: Annotated[
        list[str], typer.Argument(help="Ids of the products to remove.", show_default=False)
    ],
    shop: ShopFolder,
    as_json: AsJson = False,
) -> None:
    """Remove products with all their images; `shop rollback` brings them back.

    Example: `findalike shop remove MH01-XS-Gray MH01-S-Gray --shop myshop`
    """
    from findalike.cli.output import console, print_json
    from findalike.shop.shop import Shop

    opened = Shop.open(shop)
    removed = opened.remove(products)
    if as_json:
        print_json({"images_removed": removed, "version": opened.stats().version})
    else:
        console.print(f"{removed:,} images removed")


@app.command()
def versions(shop: ShopFolder, as_json: AsJson = False) -> None:
    """List the versions a shop can be rolled back to, newest first.

    Example: `findalike shop versions --shop myshop`
    """
    from rich.table import Table
    from rich.text import Text

    from findalike.cli.output import console, print_json
    from findalike.shop.shop import Shop

    found = Shop.open(shop).versions()
    if as_json:
        print_json({"versions": found})
        return
    table = Table("version", "when (UTC)", "images", "what")
    for version in found:
        table.add_row(
            str(version.version),
            f"{version.created_at:%Y-%m-%d %H:%M:%S}",
            f"{version.images:,}",
            Text(version.what),
        )
    console.print(table)


@app.command()
def rollback(
    shop: ShopFolder,
    version: Annotated[int, typer.Option("--to", help="A version of `shop versions`.")],
    as_json: AsJson = False,
) -> None:
    """Bring back an earlier version; the present one stays in the list.

    Example: `findalike shop rollback --shop myshop --to 12`
    """
    from findalike.cli.output import console, print_json
    from findalike.shop.shop import Shop

    opened = Shop.open(shop)
    opened.rollback(version)
    stats = opened.stats()
    if as_json:
        print_json(stats.to_json())
    else:
        console.print(
            f"as it was in version {version}: {stats.products:,} products, {stats.images:,} images "
            f"(now version {stats.version})"
        )


@app.command()
def compact(
    shop: ShopFolder,
    keep: Annotated[int, typer.Option(min=1, help="Versions to keep for rollback.")] = 10,
) -> None:
    """Free the disk space of old versions.

    Example: `findalike shop compact --shop myshop --keep 3`
    """
    from findalike.cli.output import console
    from findalike.shop.shop import Shop

    opened = Shop.open(shop)
    before = opened.stats().bytes
    opened.compact(keep_versions=keep)
    after = opened.stats().bytes
    console.print(f"{before / 1e6:,.1f} MB -> {after / 1e6:,.1f} MB")


@app.command()
def feedback(
    shop: ShopFolder,
    out: Annotated[
        Path | None,
        typer.Option(help="Export training pairs to this CSV, the pictures beside it."),
    ] = None,
    positive: Annotated[
        list[str] | None,
        typer.Option(
            help="What counts as right: view, click, cart or purchase; may be repeated; "
            "default: click, cart and purchase.",
            show_default=False,
        ),
    ] = None,
    keep_photos: Annotated[
        bool | None,
        typer.Option(
            "--keep-photos/--no-keep-photos",
            help="From now on, keep the photos of shoppers who consent, or none.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what shoppers did with answers, export it for training, or set what is kept.

    The CSV is a table for `data.train` of a recipe: photos and the products that were right. What
    shoppers said is wrong is listed beside it, in a second one.

    Example: `findalike shop feedback --shop myshop --out pairs.csv`
    """
    from collections import Counter

    from findalike.cli.output import console, print_json
    from findalike.shop.feedback import FeedbackStore
    from findalike.shop.feedback_export import POSITIVE, checked_events, export_feedback
    from findalike.shop.shop import Shop

    positives = checked_events(positive) if positive else POSITIVE
    opened = Shop.open(shop)
    store = FeedbackStore(shop)
    if keep_photos is not None:
        store.change_settings(store.settings.model_copy(update={"keep_photos": keep_photos}))
    told: dict[str, object] = {"keep_photos": store.settings.keep_photos}
    told |= {"events": Counter(event.event for event in store.events())}
    if out is not None:
        exported = export_feedback(
            opened, store.events(), out, folder=store.folder, positives=positives
        )
        told |= {
            name: getattr(exported, name)
            for name in ("user_photos", "seller_photos", "wrong", "gone", "pairs", "negatives")
        }
    if as_json:
        print_json(told)
        return
    kept = "of shoppers who consent" if told["keep_photos"] else "none"
    console.print(f"{'photos kept':<13}{kept}")
    for event, count in Counter(event.event for event in store.events()).most_common():
        console.print(f"{event:<13}{count:,}")
    if out is not None:
        console.print(
            f"{exported.user_photos:,} photos of shoppers and {exported.seller_photos:,} of the "
            f"shop in {exported.pairs}; {exported.wrong:,} wrong ones in {exported.negatives}; "
            f"{exported.gone:,} are gone",
            markup=False,
            soft_wrap=True,
        )


@app.command()
def delete(
    shop: ShopFolder,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a shop: its index, its encoder and its reports; photos are not touched.

    Example: `findalike shop delete --shop myshop --yes`
    """
    from findalike.cli.output import console
    from findalike.shop.shop import Shop

    stats = Shop.open(shop).stats()
    if not yes:
        typer.confirm(
            f"Delete the shop {shop} with {stats.products:,} products and {stats.images:,} images?",
            abort=True,
        )
    Shop.delete(shop)
    console.print(f"deleted {shop}", markup=False)
