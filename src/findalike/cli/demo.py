"""`findalike demo`: a whole shop from nothing, searched and measured."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from findalike.cli.options import AsJson


def demo(
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("demo"),
    as_json: AsJson = False,
) -> None:
    """Draw a small shop, index it, search it with photos, and measure mAP@1000.

    Example: `findalike demo --out demo`
    """
    from rich.table import Table
    from rich.text import Text

    from findalike.cli.output import console, print_json, progress_stages
    from findalike.pipelines.demo import run_demo

    with progress_stages(quiet=as_json) as show:
        outcome = run_demo(out, progress=show)
    figures = outcome.evaluation.figures
    if as_json:
        print_json({**outcome.evaluation.to_json(), "sheet": outcome.sheet, "shop": outcome.shop})
        return
    table = Table("photo", "shows", "found", "title", "score", title="Best matches")
    for query, answer in outcome.searches:
        best = answer.products[0]
        right = best.product.product_id == query.product_id
        table.add_row(
            Text(query.location),
            Text(query.product_id or ""),
            Text(best.product.product_id, style="green" if right else "red"),
            Text(best.product.title or ""),
            f"{best.score:.3f}",
        )
    console.print(table)
    low, high = figures.map_ci95
    console.print(
        f"mAP@{figures.k} {figures.map_at_k:.3f} (95 % interval {low:.3f} to {high:.3f}), "
        f"{figures.queries} photos against {figures.gallery_images} seller photos of "
        f"{outcome.imported.products} products"
    )
    console.print(
        f"shop     {outcome.shop}\npictures {outcome.sheet}\nreport   {outcome.report}\n"
        f"done in {outcome.seconds:.0f} s; look for yourself: findalike search "
        f"{outcome.photos / outcome.searches[0][0].location} --shop {outcome.shop} "
        f"--box {outcome.searches[0][1].box}",
        soft_wrap=True,
        markup=False,
    )
