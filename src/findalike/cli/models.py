"""`findalike models`: the encoders at hand, and new ones from the hubs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from findalike.cli.options import AsJson

Resize: TypeAlias = Literal["stretch", "pad", "crop"]

app = typer.Typer(help="List, show and pull encoders.", no_args_is_help=True)


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the encoders at hand, and the short names that `pull` knows.

    Example: `findalike models list`
    """
    from rich.table import Table
    from rich.text import Text

    from findalike.cli.output import console, print_json
    from findalike.models.backbone_names import BACKBONES
    from findalike.models.registry import list_bundles

    entries = list_bundles()
    if as_json:
        print_json(
            {
                "encoders": [
                    {
                        "name": entry.name,
                        "origin": entry.origin,
                        "folder": entry.folder,
                        "embedding_size": entry.bundle and entry.bundle.embedding_size,
                        "input_size": entry.bundle and entry.bundle.input.size,
                        "problem": entry.problem,
                    }
                    for entry in entries
                ],
                "backbones": {
                    name: {"spec": known.spec, "what": known.what}
                    for name, known in BACKBONES.items()
                },
            }
        )
        return
    table = Table("encoder", "origin", "input", "dimensions")
    for entry in entries:
        size = f"{entry.bundle.input.size} px" if entry.bundle else "-"
        length = str(entry.bundle.embedding_size) if entry.bundle else "-"
        table.add_row(Text(entry.name, overflow="fold"), entry.origin, size, length)
    console.print(table)
    for entry in entries:  # below the table, where a long path is not cut to a column
        where = f"{entry.name}: {entry.problem or entry.folder}"
        console.print(Text(where), soft_wrap=True)
    backbones = Table("pull", "which is", "what it is")
    for name, known in BACKBONES.items():
        backbones.add_row(name, known.spec, Text(known.what))
    console.print(backbones)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name or folder of a bundle.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Show what an encoder is, after checking its hashes.

    Example: `findalike models show findalike-lite0`
    """
    from rich.markdown import Markdown

    from findalike.cli.output import console, print_json
    from findalike.models.registry import find_bundle

    bundle = find_bundle(name).verify()
    if as_json:
        said = bundle.manifest.model_dump(mode="json")
        print_json({**said, "fingerprint": bundle.fingerprint, "folder": bundle.folder})
        return
    console.print(Markdown((bundle.folder / "README.md").read_text(encoding="utf-8")))
    console.print(
        f"fingerprint {bundle.fingerprint}\nfolder {bundle.folder}", markup=False, soft_wrap=True
    )


@app.command()
def pull(
    backbone: Annotated[
        str,
        typer.Argument(
            help="A short name of `models list`, timm/NAME, hf-hub:ORG/NAME, or "
            "open_clip/ARCH:TAG.",
            show_default=False,
        ),
    ],
    name: Annotated[
        str | None, typer.Option(help="Name of the bundle; default: the backbone's.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the bundle; default: where findalike finds it by name."),
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Take the weights from this file instead of the hub.")
    ] = None,
    random_weights: Annotated[
        bool, typer.Option("--random", help="Random weights: a floor to compare with.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random weights.")] = 0,
    size: Annotated[
        int | None, typer.Option(help="Side of the input in pixels; default: the weights'.")
    ] = None,
    mean: Annotated[
        str | None,
        typer.Option(help="Mean of the channels, one value or three: 0.5 or 0.4,0.5,0.4."),
    ] = None,
    std: Annotated[str | None, typer.Option(help="Deviation of the channels, likewise.")] = None,
    resize: Annotated[
        str | None,
        typer.Option(help="stretch, pad or crop; default: pad, or the weights' own stretch."),
    ] = None,
    context: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Margin around a box, as a share of its longer side; default: 0.05.",
            show_default=False,
        ),
    ] = None,
    licence: Annotated[str | None, typer.Option(help="Licence of the weights.")] = None,
    trained_on: Annotated[str | None, typer.Option(help="What they were trained on.")] = None,
    as_json: AsJson = False,
) -> None:
    """Export a backbone to an encoder bundle, checked against torch. Needs the extra `train`.

    Example: `findalike models pull resnet18 --random --name resnet18-random`
    """
    from findalike.cli.output import console, print_json, stderr
    from findalike.models.pull import DEFAULT_CONTEXT
    from findalike.models.pull import pull as pull_backbone

    with stderr.status(f"pulling {backbone}"):
        bundle = pull_backbone(
            backbone,
            name=name,
            out=out,
            checkpoint=checkpoint,
            pretrained=not random_weights,
            seed=seed,
            size=size,
            mean=_numbers(mean, "--mean"),
            std=_numbers(std, "--std"),
            resize=_resize(resize),
            context=DEFAULT_CONTEXT if context is None else context,
            licence=licence,
            trained_on=trained_on,
        )
    if as_json:
        print_json(
            {"name": bundle.name, "folder": bundle.folder, "fingerprint": bundle.fingerprint}
        )
    else:
        console.print(
            f"{bundle.name}: {bundle.embedding_size} dimensions at {bundle.input.size} px, "
            f"in {bundle.folder}",
            markup=False,
            soft_wrap=True,
        )


def _numbers(text: str | None, option: str) -> list[float] | None:
    from findalike.errors import SettingError

    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise SettingError(
            f"{option} {text!r} is not numbers: write one, or three with commas between, "
            f"such as 0.485,0.456,0.406"
        ) from None


def _resize(text: str | None) -> Resize | None:
    from findalike.errors import SettingError

    if text is None:
        return None
    for known in ("stretch", "pad", "crop"):
        if text == known:
            return known
    raise SettingError(f"--resize {text!r}: it must be stretch, pad or crop")


@app.command()
def calibrate(
    folder: Annotated[Path, typer.Argument(help="Folder of a bundle.", show_default=False)],
    gallery: Annotated[
        list[Path],
        typer.Option(
            help="Seller's photos, as for `evaluate`. May be repeated.", show_default=False
        ),
    ],
    queries: Annotated[
        list[Path],
        typer.Option(
            help="Shoppers' photos of that gallery's products; once for each gallery.",
            show_default=False,
        ),
    ],
    root: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of the photos: none, or one for each gallery; default: the gallery's own.",
            show_default=False,
        ),
    ] = None,
    stand_in: Annotated[
        Path | None,
        typer.Option(
            help="Bundle to search with instead: one trained in the same way without these "
            "products.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure what an encoder's scores mean, and write it into its bundle.

    Each photo is searched with twice, with its product in the gallery and without. Use photos
    of products that the encoder was not trained on.

    Example: `findalike models calibrate mine --gallery gallery.csv --queries queries.csv`
    """
    from findalike.cli.output import console, print_json, progress_bar
    from findalike.errors import SettingError
    from findalike.pipelines.calibrate import calibrate as fit
    from findalike.pipelines.evaluation_set import read_evaluation_set

    roots: list[Path] | list[None] = root or [None] * len(gallery)
    if not len(gallery) == len(queries) == len(roots):
        raise SettingError(
            f"{len(gallery)} --gallery, {len(queries)} --queries and {len(root or ())} --root: "
            f"give one --queries for each --gallery, and no --root or as many"
        )
    sets = [
        (f"{table.parent.name}/{table.name}", read_evaluation_set(sellers, table, root=place))
        for sellers, table, place in zip(gallery, queries, roots, strict=True)
    ]
    named = " ".join(
        f"--gallery {sellers.parent.name}/{sellers.name} --queries {name}"
        for sellers, (name, _) in zip(gallery, sets, strict=True)
    )
    command = f"findalike models calibrate {folder.name} {named}"
    if stand_in is not None:
        command += f" --stand-in {stand_in.name}"
    with progress_bar("searching", quiet=as_json) as show:
        made = fit(
            folder,
            sets,
            command=command,
            stand_in=stand_in,
            progress=lambda _, n, all_: show(n, all_),
        )
    if as_json:
        print_json(made.model_dump())
        return
    console.print(
        f"fitted to {made.fitted_on}: same from {made.same:.3f}, very similar from "
        f"{made.very_similar:.3f}, unlike below {made.similar:.3f}, which {made.caught:.0%} of the "
        f"searches for absent products are, and {made.false_alarms:.0%} of those that found theirs",
        markup=False,
        soft_wrap=True,
    )
