"""`findalike export`: a trained run becomes an encoder bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from findalike.cli.options import AsJson

if TYPE_CHECKING:
    from findalike.pipelines.export import ExportOutcome, Precision


def export(
    run: Annotated[
        Path,
        typer.Argument(help="Folder of a run that `train` made.", show_default=False),
    ],
    out: Annotated[
        Path, typer.Option(help="Folder of the bundle, which must not exist.", show_default=False)
    ],
    precision: Annotated[
        str,
        typer.Option(
            help="fp32; fp16, half the file at the same speed; int8, a quarter of the file and "
            "faster."
        ),
    ] = "fp16",
    name: Annotated[
        str | None, typer.Option(help="Name of the bundle; default: its folder's.")
    ] = None,
    version: Annotated[str, typer.Option(help="Version of the bundle.")] = "1",
    licence: Annotated[
        str | None, typer.Option(help="Licence of the weights; default: the backbone's.")
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(help="best, last, final, or a file of weights; default: final, else best."),
    ] = None,
    samples: Annotated[
        Path | None,
        typer.Option(
            help="Folder of photos, or catalogue, to compare and calibrate with; default: photos "
            "of the run's validation sets."
        ),
    ] = None,
    validate: Annotated[
        list[str] | None,
        typer.Option(
            help="Compare mAP on this validation set only. May be repeated.", show_default=False
        ),
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option(
            help="Folder that the recipe's paths are relative to; default: as the run says, else "
            "the current one."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Export a run to an encoder bundle, if it does there what it does in torch.

    Embeddings are compared on 200 real photos, and mAP on the run's validation sets. Needs the
    extra `train`.

    Example: `findalike export runs/grocery/xbm --out grocery-encoder --precision int8`
    """
    from findalike.cli.output import progress_stages
    from findalike.pipelines.export import export_run

    with progress_stages(quiet=as_json) as show:
        outcome = export_run(
            run,
            out,
            precision=_precision(precision),
            name=name,
            version=version,
            licence=licence,
            weights=weights,
            samples=samples,
            validate=validate or None,
            base=base,
            progress=show,
        )
    _print(outcome, as_json=as_json)


def _precision(text: str) -> Precision:
    from findalike.errors import SettingError

    for known in ("fp32", "fp16", "int8"):
        if text == known:
            return known
    raise SettingError(f"--precision {text!r}: it must be fp32, fp16 or int8")


def _print(outcome: ExportOutcome, *, as_json: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    from findalike.cli.output import console, print_json

    bundle, comparison = outcome.bundle, outcome.comparison
    size = sum((bundle.folder / name).stat().st_size for name in bundle.manifest.files)
    if as_json:
        print_json(
            {
                "name": bundle.name,
                "folder": bundle.folder,
                "fingerprint": bundle.fingerprint,
                "precision": comparison.precision,
                "bytes": size,
                "photos": comparison.photos,
                "least_cosine": comparison.least_cosine,
                "sets": {
                    key: {
                        "queries": result.figures.queries,
                        "map_by_torch": comparison.by_torch[key].figures.map_at_k,
                        "map": result.figures.map_at_k,
                    }
                    for key, result in comparison.exported.items()
                },
            }
        )
        return
    table = Table("validation set", "queries", "mAP by torch", "mAP of the export")
    for key, result in comparison.exported.items():
        by_torch = comparison.by_torch[key].figures.map_at_k
        table.add_row(
            Text(key),
            f"{result.figures.queries:,}",
            f"{by_torch:.4f}",
            f"{result.figures.map_at_k:.4f}",
        )
    if comparison.exported:
        console.print(table)
    console.print(
        f"{bundle.name}: {bundle.embedding_size} dimensions at {bundle.input.size} px, "
        f"{size / 1e6:.1f} MB, {comparison.how}\n"
        f"cosine with torch {comparison.least_cosine:.6f} on the worst of {comparison.photos} "
        f"photos\nin {bundle.folder}",
        markup=False,
        soft_wrap=True,
    )
