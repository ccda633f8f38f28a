"""`findalike index`: a catalogue becomes a shop, or brings one up to date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from findalike.cli.options import AsJson, ShopFolder

if TYPE_CHECKING:
    from findalike.shop.import_report import ImportReport
    from findalike.types import FieldType

FIELD_TYPES: tuple[FieldType, ...] = ("text", "number", "boolean", "list")


def index(
    source: Annotated[
        Path,
        typer.Argument(
            help="Folder of photos, or a CSV, TSV, Parquet, XML or shop export, .gz too.",
            show_default=False,
        ),
    ],
    shop: ShopFolder,
    root: Annotated[
        Path | None,
        typer.Option(help="Folder the image paths are relative to; default: the source's own."),
    ] = None,
    source_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="challenge, folder, google, magento, shopify or table; default: found out.",
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="Which column is what, such as `title=Name`, or `price=` for none; may be "
            "repeated.",
            show_default=False,
        ),
    ] = None,
    field_type: Annotated[
        list[str] | None,
        typer.Option(
            "--type",
            help="Type of an attribute, such as `size=text` (text, number, boolean or list); "
            "may be repeated; default: found out.",
            show_default=False,
        ),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Name or folder of an encoder bundle; default: the shop's, else the "
            "one shipped with findalike."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and check everything, write nothing.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse the whole import at the first bad row.")
    ] = False,
    allow_network: Annotated[
        list[str] | None,
        typer.Option(
            help="A network that images may be fetched from although it is not public, such as "
            "10.1.0.0/16; may be repeated.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import a catalogue into a shop: new products are added, changed ones updated.

    Running it again continues where it was stopped and leaves what is unchanged alone. Rows that
    cannot be taken are listed in the report; the others are imported.

    Example: `findalike index catalogue.csv --root photos/ --shop myshop`
    """
    from findalike.cli.output import print_json, progress_bar
    from findalike.pipelines.index import index_catalogue

    with progress_bar("indexing", quiet=as_json) as show:
        report = index_catalogue(
            source,
            shop,
            root=root,
            source_format=source_format,
            columns=_pairs(column, "--column", "title=Name", may_be_empty=True),
            types=_types(field_type),
            encoder=encoder,
            dry_run=dry_run,
            strict=strict,
            allow_networks=allow_network or [],
            progress=show,
        )
    if as_json:
        print_json(
            {
                name: getattr(report, name)
                for name in (
                    "added",
                    "updated",
                    "unchanged",
                    "refused",
                    "embedded",
                    "images",
                    "products",
                    "seconds",
                    "dry_run",
                    "format",
                    "report",
                    "refusals",
                    "notes",
                )
            }
        )
    else:
        _print_report(report, shop)


def _pairs(
    options: list[str] | None, name: str, example: str, *, may_be_empty: bool = False
) -> dict[str, str]:
    from findalike.errors import SettingError

    pairs = {}
    for option in options or []:
        key, equals, value = option.partition("=")
        if not (key and equals and (value or may_be_empty)):
            raise SettingError(f"{name} {option!r} is not NAME=VALUE: write it as {example}")
        pairs[key.strip()] = value.strip()
    return pairs


def _types(options: list[str] | None) -> dict[str, FieldType]:
    from findalike.errors import SettingError

    types: dict[str, FieldType] = {}
    for name, kind in _pairs(options, "--type", "size=text").items():
        known = next((known for known in FIELD_TYPES if known == kind), None)
        if known is None:
            raise SettingError(f"--type {name}={kind}: a type is one of {', '.join(FIELD_TYPES)}")
        types[name] = known
    return types


def _print_report(report: ImportReport, shop: Path) -> None:
    from rich.text import Text

    from findalike.cli.output import console, print_note

    for note in report.notes:
        print_note(note)
    would = "would be " if report.dry_run else ""
    rate = report.embedded / report.seconds if report.seconds else 0.0
    console.print(
        f"{report.format} source: {report.added:,} images {would}added, {report.updated:,} "
        f"{would}updated, {report.unchanged:,} unchanged, {report.refused:,} refused",
        soft_wrap=True,
    )
    if not report.dry_run:
        console.print(
            f"{report.embedded:,} photos embedded in {report.seconds:.1f} s ({rate:,.0f}/s)"
        )
    console.print(
        f"shop {shop}: {report.products:,} products, {report.images:,} images",
        markup=False,
        soft_wrap=True,
    )
    for refusal in report.refusals[:10]:
        what = "" if refusal.value in refusal.reason else f"{refusal.column} {refusal.value!r}: "
        line = f"  row {refusal.row}: {what}{refusal.reason}; allowed: {refusal.allowed}"
        console.print(Text(line), soft_wrap=True)
    if report.refused > 10:
        console.print(f"  ... and {report.refused - 10:,} more refused, all of them in the report")
    console.print(f"report: {report.report}", markup=False, soft_wrap=True)
