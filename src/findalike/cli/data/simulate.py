"""`findalike data simulate`: a shop of simulated products."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from findalike.cli.options import AsJson


def simulate(
    out: Annotated[Path, typer.Option(help="Folder to write to.", show_default=False)],
    products: Annotated[int, typer.Option(min=1, help="How many products.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same shop.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Make a shop of simulated products: seller photos, and shoppers' photos with true boxes.

    Example: `findalike data simulate --products 200 --seed 7 --out simulated`
    """
    from findalike.cli.output import console, print_json, progress_bar
    from findalike.data.simulate import simulate as make

    with progress_bar("drawing", quiet=as_json) as show:
        made = make(out, products=products, seed=seed, progress=show)
    if as_json:
        print_json(asdict(made))
    else:
        console.print(
            f"{made.product_count:,} products, {made.seller_images:,} seller photos and "
            f"{made.user_images:,} shoppers' photos in {made.root}",
            markup=False,
            soft_wrap=True,
        )
