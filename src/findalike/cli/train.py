"""`findalike train`: a recipe, run by run, to an encoder's weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from findalike.cli.options import AsJson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from findalike.pipelines.chain_table import RunOutcome
    from findalike.pipelines.training_plan import RunPlan


def train(
    recipe: Annotated[Path, typer.Argument(help="The recipe, a YAML file.", show_default=False)],
    out: Annotated[
        Path, typer.Option(help="Folder for the runs; the recipe gets a folder of its own in it.")
    ] = Path("runs"),
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Override a setting: `train.epochs=1` for every run, `NAME.train.epochs=1` for "
            "one. May be repeated.",
            show_default=False,
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            help="Stop after the run of this name; the ones before it are run if they are not "
            "finished.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was interrupted.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Check files, classes, leaks, shapes and memory, print the plan, and end.",
        ),
    ] = False,
    smoke: Annotated[
        bool,
        typer.Option(
            "--smoke", help="Rehearse the whole chain in about a minute with tiny stand-ins."
        ),
    ] = False,
    devices: Annotated[
        str,
        typer.Option(
            help="auto; cpu or gpu; how many of them, such as `2`; or both, such as `cpu:2`.",
        ),
    ] = "auto",
    as_json: AsJson = False,
) -> None:
    """Train an encoder by a recipe: an ordered list of runs, each starting from one before it.

    A finished run is not repeated, a changed one is; the old folder of a changed run is kept
    beside the new one.

    Example: `findalike train recipe.yml --out runs`
    """
    from findalike.config import read_recipe
    from findalike.errors import SettingError

    if dry_run and smoke:
        raise SettingError("--dry-run checks the real data, --smoke replaces it: give one of them")
    chain = read_recipe(recipe, overrides=overrides or [])
    if until is not None:
        names = [run.name for run in chain.runs]
        if until not in names:
            raise SettingError(f"--until {until!r}: the runs are {', '.join(names)}")
        chain = chain.model_copy(update={"runs": chain.runs[: names.index(until) + 1]})
    _require_extra()
    if dry_run:
        from findalike.cli.output import progress_stages
        from findalike.pipelines.training_plan import plan_recipe
        from findalike.training.devices import parse_devices

        count = parse_devices(devices).count
        with progress_stages(quiet=as_json) as show:
            plans = plan_recipe(
                chain, base=recipe.parent, devices=count, folder=out / chain.name, progress=show
            )
        _print_plan(plans, as_json=as_json)
        return
    from findalike.cli.output import stderr
    from findalike.pipelines.train import rehearse_recipe, train_recipe
    from findalike.training import BarProgress, LineProgress, TrainingProgress

    def say(text: str) -> None:
        if not as_json:
            stderr.print(text, markup=False, soft_wrap=True)

    watch: TrainingProgress | None = None
    if not as_json:
        watch = BarProgress(stderr) if stderr.is_terminal else LineProgress()
    if smoke:
        outcomes = rehearse_recipe(chain, out=out, progress=watch, say=say)
    else:
        outcomes = train_recipe(
            chain,
            base=recipe.parent,
            out=out,
            resume=resume,
            devices=devices,
            progress=watch,
            say=say,
        )
    _print_outcomes(outcomes, as_json=as_json)


def _require_extra() -> None:
    from importlib.util import find_spec

    from findalike.errors import MissingExtraError

    if any(find_spec(name) is None for name in ("torch", "lightning", "timm", "open_clip")):
        raise MissingExtraError("training", extra="train")


def _print_plan(plans: Sequence[RunPlan], *, as_json: bool) -> None:
    from findalike.cli.output import console, print_json

    if as_json:
        print_json({"runs": [_plan_json(plan) for plan in plans]})
        return
    for plan in plans:
        for line in _plan_lines(plan):
            console.print(line, markup=False, soft_wrap=True)


def _plan_json(plan: RunPlan) -> dict[str, object]:
    from dataclasses import asdict

    return {
        **asdict(plan),
        "run": plan.run.model_dump(mode="json", by_alias=True),
        "need": {**asdict(plan.need), "total": plan.need.total},
    }


def _plan_lines(plan: RunPlan) -> list[str]:
    run, need = plan.run, plan.need
    lines = [
        f"{run.name}: {run.description}".rstrip(": "),
        f"  starts from     {plan.start}",
        f"  network         {run.model.backbone}, {plan.parameters / 1e6:,.1f} M parameters, "
        f"{run.input.size} px, {plan.embedding_size} numbers",
        f"  losses          {' + '.join(loss.name for loss in run.losses)}"
        + (f", memory of {run.memory.size:,}" if run.memory.size else ""),
    ]
    lines += [
        f"  trains on       {entry.name}: {entry.images:,} images of {entry.classes:,} labels "
        f"({entry.smallest:,} to {entry.largest:,} each), {entry.share:.0%} of a batch"
        + (f", {entry.refused:,} rows left out" if entry.refused else "")
        for entry in plan.data.sets
    ]
    lines += [
        f"  is judged by    {name}: {queries:,} queries, {gallery:,} gallery images"
        for name, (queries, gallery) in plan.validation.items()
    ]
    lines += [
        f"  shares          {leak.count:,} {leak.kind}, in {leak.validation} from "
        f"{leak.training}: allowed"
        for leak in plan.leaks
    ]
    epochs = plan.steps / plan.steps_per_epoch
    lines += [
        f"  steps           {plan.steps:,} of {run.train.batch_size * run.train.accumulate:,} "
        f"images a device, {epochs:.3g} epochs of {plan.steps_per_epoch:,} steps",
        f"  memory          {_gigabytes(need.total)} a device: weights "
        f"{_gigabytes(need.weights)}, gradients {_gigabytes(need.gradients)}, optimizer "
        f"{_gigabytes(need.optimizer)}, activations {_gigabytes(need.activations)}"
        + (f", memory of embeddings {_gigabytes(need.memory)}" if need.memory else ""),
    ]
    return lines


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.2f} GB"


def _print_outcomes(outcomes: Sequence[RunOutcome], *, as_json: bool) -> None:
    from rich.table import Table

    from findalike.cli.output import console, print_json, print_table
    from findalike.pipelines.chain_table import chain_header, chain_rows

    folder = outcomes[-1].folder.parent
    if as_json:
        print_json(
            {
                "folder": str(folder),
                "runs": [
                    {
                        "run": outcome.run.name,
                        "folder": str(outcome.folder),
                        "start": outcome.start,
                        "state": outcome.state,
                        "figures": dict(outcome.figures),
                        "steps": outcome.steps,
                        "images": outcome.images,
                        "classes": outcome.classes,
                        "seconds": outcome.seconds,
                    }
                    for outcome in outcomes
                ],
            }
        )
        return
    table = Table(*chain_header(outcomes))
    for row in chain_rows(outcomes):
        table.add_row(*row)
    print_table(table)
    console.print(
        f"Runs in {folder}. Next: findalike export {outcomes[-1].folder} --out BUNDLE",
        markup=False,
        soft_wrap=True,
    )
