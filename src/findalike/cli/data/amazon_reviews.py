"""`findalike data amazon-reviews`: pairs of sellers' and buyers' photos of one product."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from findalike.cli.options import AsJson

if TYPE_CHECKING:
    from findalike.pipelines.amazon_reviews import AmazonReport

SHOWN = 3


def amazon_reviews(
    metadata: Annotated[
        Path, typer.Argument(help="Metadata of a category: JSON lines, gzipped or not.")
    ],
    reviews: Annotated[Path, typer.Argument(help="Reviews of the same category.")],
    out: Annotated[
        Path, typer.Option(help="Folder for pictures, tables and state.", show_default=False)
    ],
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Name or folder of an encoder bundle; default: the shipped one.",
            show_default=False,
        ),
    ] = None,
    min_cosine: Annotated[
        list[float] | None,
        typer.Option(
            help="Least mean cosine with the product's pictures of the other kind; default: 0.6. "
            "Repeat it for several tables; what fits depends on the encoder.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Only the first so many products.", show_default=False),
    ] = None,
    per_product: Annotated[
        int, typer.Option(min=1, help="Most pictures of a product, of each kind.")
    ] = 20,
    image_side: Annotated[
        int,
        typer.Option(min=0, help="Longer side to ask Amazon's servers for; 0: URLs as listed."),
    ] = 800,
    min_side: Annotated[
        int, typer.Option(min=1, help="Shorter side below which a picture is dropped.")
    ] = 64,
    copy_cosine: Annotated[
        float,
        typer.Option(
            min=-1, max=1, help="Pictures of a product that are more alike are one picture."
        ),
    ] = 0.98,
    min_agreement: Annotated[
        float,
        typer.Option(
            min=-1,
            max=1,
            help="Products whose two most similar seller's pictures are less alike are dropped.",
        ),
    ] = 0.2,
    min_images: Annotated[
        int, typer.Option(min=2, help="Least pictures of a product, both kinds together.")
    ] = 2,
    connections: Annotated[int, typer.Option(min=1, help="Downloads at once.")] = 16,
    per_host: Annotated[int, typer.Option(min=1, help="Downloads at once from one server.")] = 8,
    rate: Annotated[float, typer.Option(min=0.01, help="Requests a second to one server.")] = 20.0,
    retries: Annotated[
        int, typer.Option(min=0, help="Further tries after a failure that may pass.")
    ] = 4,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for one try.")] = 20.0,
    allow_network: Annotated[
        list[str] | None,
        typer.Option(
            help="Network such as 10.1.0.0/16 that may be reached although it is not public. May "
            "be repeated.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make training pairs from Amazon Reviews: sellers' pictures with buyers' photos.

    Reads the metadata and the reviews of a category (the releases of 2018 and 2023), downloads the
    pictures of products that have both kinds, embeds them, and writes pairs_0.6.csv (image_path,
    label, domain) with those that show their product, dropped_0.6.csv with the others and why.
    A stopped run goes on when the same command is given again; another --min-cosine costs no
    download and no embedding.

    The data is from the McAuley Lab of UC San Diego: https://amazon-reviews-2023.github.io and
    https://cseweb.ucsd.edu/~jmcauley/datasets/amazon_v2, collected for research and without a
    licence for anything else. The pictures belong to Amazon, its sellers and buyers.

    Example: `findalike data amazon-reviews meta.jsonl.gz reviews.jsonl.gz --out pairs --limit 99`
    """
    from findalike.cli.output import print_json, progress_stages
    from findalike.data.datasets.pair_filter import PairRules
    from findalike.data.download import Pace
    from findalike.models.encoder import Encoder
    from findalike.models.registry import DEFAULT_ENCODER
    from findalike.pipelines.amazon.settings import AmazonSettings
    from findalike.pipelines.amazon_reviews import collect_pairs

    settings = AmazonSettings(
        thresholds=tuple(min_cosine or [0.6]),
        rules=PairRules(
            copy_cosine=copy_cosine, min_agreement=min_agreement, min_images=min_images
        ),
        limit=limit,
        per_product=per_product,
        side=image_side,
        min_side=min_side,
        pace=Pace(connections=connections, per_host=per_host, rate=rate, retries=retries),
        timeout=timeout,
        allow_networks=tuple(allow_network or ()),
    )
    loaded = Encoder.load(encoder or DEFAULT_ENCODER)
    with progress_stages(quiet=as_json) as show:
        report = collect_pairs(
            metadata, reviews, out, encoder=loaded, settings=settings, progress=show
        )
    if as_json:
        from dataclasses import asdict

        print_json(asdict(report))
    else:
        _print(report)


def _print(report: AmazonReport) -> None:
    from rich.table import Table
    from rich.text import Text

    from findalike.cli.output import console, print_note, print_table

    console.print(
        f"{report.products:,} products, {report.downloaded:,} pictures ({report.embedded:,} "
        f"embedded now, by {report.encoder})",
        markup=False,
    )
    table = Table("mean cosine", "products", "seller", "user", "dropped", "table")
    for made in report.tables:
        counts = (made.products, made.seller_images, made.user_images, sum(made.dropped.values()))
        cells = (f"{made.min_cosine:g}", *(f"{count:,}" for count in counts), str(made.path))
        table.add_row(*(Text(cell) for cell in cells))
    print_table(table)
    if quantiles := report.tables[0].quantiles:
        console.print(
            "mean cosines that 10, 25, 50, 75 and 90 % of the buyers' photos do not reach: "
            + ", ".join(f"{value:.2f}" for value in quantiles)
        )
    console.print(f"terms: {report.terms}", markup=False, soft_wrap=True)
    for refusal in report.refusals[:SHOWN]:
        print_note(
            f"{refusal.file}, line {refusal.row} left out: {refusal.reason}; allowed: "
            f"{refusal.allowed}"
        )
    if report.refused > SHOWN:
        print_note(f"... and {report.refused - SHOWN:,} more lines left out")
    if report.later:
        print_note(
            f"{report.later:,} pictures failed for reasons that may pass: the same command tries "
            f"them again"
        )
