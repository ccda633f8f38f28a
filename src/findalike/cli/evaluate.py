"""`findalike evaluate`: mAP@k of exactly the pipeline that serves a shop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from findalike.cli.options import AsJson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from findalike.evaluation.slices import Slice
    from findalike.pipelines.evaluate import Evaluation
    from findalike.pipelines.evaluation_set import EvaluationSet


def evaluate(
    gallery: Annotated[
        Path | None,
        typer.Option(
            help="CSV of the seller's photos: seller_img_id, img_path, product_id; or any other "
            "source that `index` takes.",
            show_default=False,
        ),
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option(
            help="CSV of the shoppers' photos: user_img_id, img_path, product_id, bbox_x, "
            "bbox_y, bbox_w, bbox_h.",
            show_default=False,
        ),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(help="Folder the image paths are relative to; default: the gallery's."),
    ] = None,
    encoder: Annotated[
        list[str] | None,
        typer.Option(
            help="Name or folder of an encoder bundle; default: the shipped one. With --table it "
            "may be repeated.",
            show_default=False,
        ),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            help="encoder, or sift for the classical baseline. With --table it may be repeated.",
            show_default=False,
        ),
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Depth of the rankings.")] = 1000,
    where: Annotated[
        list[str] | None,
        typer.Option(
            help="Only queries with this value, such as `split=unseen`, in a column of theirs or "
            "of their products. May be repeated.",
            show_default=False,
        ),
    ] = None,
    ground_truth: Annotated[
        Path | None,
        typer.Option(
            help="CSV of the truth: user_img_id with seller_img_id or product_id; default: the "
            "product_id of both files.",
            show_default=False,
        ),
    ] = None,
    rankings: Annotated[
        Path | None,
        typer.Option(
            help="Write the challenge's array here: .npy, int32, (queries, 1000).",
            show_default=False,
        ),
    ] = None,
    from_rankings: Annotated[
        Path | None,
        typer.Option(help="Judge this array instead of searching.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for report.html, report.json and the figures of each query.",
            show_default=False,
        ),
    ] = None,
    table: Annotated[
        bool, typer.Option("--table", help="Compare several encoders and methods in one table.")
    ] = False,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            help="Two folders written by --out: is the second better than the first?",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the confidence intervals.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Measure the search: mAP@k, recall and more, with confidence intervals and a report.

    Example: `findalike evaluate --gallery gallery.csv --queries queries.csv --out report`
    """
    from findalike.errors import SettingError

    if compare is not None:
        _compare(*compare, seed=seed, as_json=as_json)
        return
    if gallery is None or queries is None:
        raise SettingError("give --gallery and --queries, or two results with --compare")
    methods = _methods(encoder or [], method or [])
    if len(methods) > 1 and not table:
        raise SettingError(f"{len(methods)} methods ({', '.join(methods)}): add --table")
    if rankings is not None and len(methods) > 1:
        raise SettingError("--rankings is for one method: leave the others out")
    if from_rankings is not None and (encoder or method or table):
        raise SettingError(
            "--from-rankings judges one file: leave --encoder, --method, --table out"
        )
    data = _read(gallery, queries, root, ground_truth, where or [])
    if from_rankings is not None:
        evaluations = [_judge_file(data, from_rankings, k=k, seed=seed, out=out)]
    else:
        evaluations = _run(data, methods, k=k, seed=seed, out=out, quiet=as_json)
    if rankings is not None:
        from findalike.pipelines.evaluate import write_rankings

        write_rankings(data, evaluations[0].rankings, rankings)
    if table:
        _print_table(evaluations, out, as_json=as_json)
    else:
        _print_figures(evaluations[0], as_json=as_json)


def _methods(encoders: Sequence[str], methods: Sequence[str]) -> list[str]:
    """What to evaluate, in the order given: encoders by name, then "sift"."""
    from findalike.errors import SettingError
    from findalike.models.registry import DEFAULT_ENCODER
    from findalike.pipelines.evaluate import SIFT

    unknown = [name for name in methods if name not in ("encoder", SIFT)]
    if unknown:
        raise SettingError(f"--method {unknown[0]!r}: it must be encoder or {SIFT}")
    chosen = list(encoders)
    if not chosen and ("encoder" in methods or SIFT not in methods):
        chosen.append(DEFAULT_ENCODER)
    return chosen + [SIFT] * (SIFT in methods)


def _read(
    gallery: Path,
    queries: Path,
    root: Path | None,
    ground_truth: Path | None,
    where: Sequence[str],
) -> EvaluationSet:
    from findalike.cli.output import print_note
    from findalike.pipelines.evaluation_set import read_evaluation_set

    data = read_evaluation_set(gallery, queries, root=root, ground_truth=ground_truth, where=where)
    for refusal in data.refused[:10]:
        print_note(
            f"{refusal.file}, row {refusal.row} left out: {refusal.column} {refusal.value!r}: "
            f"{refusal.reason}; allowed: {refusal.allowed}"
        )
    if len(data.refused) > 10:
        print_note(f"... and {len(data.refused) - 10:,} more rows left out")
    return data


def _run(
    data: EvaluationSet,
    methods: Sequence[str],
    *,
    k: int,
    seed: int,
    out: Path | None,
    quiet: bool,
) -> list[Evaluation]:
    from findalike.cli.output import print_note, progress_stages
    from findalike.pipelines.evaluate import evaluate_methods

    with progress_stages(quiet=quiet) as show:
        found = list(evaluate_methods(data, methods, k=k, seed=seed, out=out, progress=show))
    for evaluation in found:
        unreadable = evaluation.rankings.unreadable
        if unreadable:
            print_note(
                f"{evaluation.result.encoder}: {len(unreadable):,} photos could not be read and "
                f"count against the figures, such as: {unreadable[0]}"
            )
    return found


def _judge_file(
    data: EvaluationSet, path: Path, *, k: int, seed: int, out: Path | None
) -> Evaluation:
    from findalike.pipelines.evaluate import evaluate_rankings
    from findalike.pipelines.ranking import read_rankings

    return evaluate_rankings(data, read_rankings(data, path, k=k), k=k, seed=seed, out=out)


def _print_figures(evaluation: Evaluation, *, as_json: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    from findalike.cli.output import console, print_json

    result, figures = evaluation.result, evaluation.result.figures
    if as_json:
        shown = {**result.to_json(), "report": evaluation.report}
        print_json({name: value for name, value in shown.items() if name != "curves"})
        return
    low, high = figures.map_ci95
    console.print(
        f"mAP@{figures.k}  {figures.map_at_k:.4f}  (95 % interval {low:.4f} to {high:.4f})"
    )
    others = ("recall_at_1", "recall_at_5", "recall_at_10", "mrr", "r_precision", "ndcg_at_10")
    console.print("  ".join(f"{name} {getattr(figures, name):.4f}" for name in others))
    console.print(
        f"{result.encoder}: {figures.queries:,} queries, {figures.gallery_images:,} gallery "
        f"images, {result.seconds:.1f} s",
        markup=False,
    )
    console.print(Text(result.protocol, style="dim"))
    if result.slices:
        slices = Table("column", "value", "queries", "mAP", "95 % interval")
        for part in result.slices:
            slices.add_row(*_slice_cells(part))
        console.print(slices)
    if evaluation.report is not None:
        console.print(f"report: {evaluation.report}", markup=False, soft_wrap=True)


def _slice_cells(part: Slice) -> tuple[str, ...]:
    from rich.markup import escape

    interval = "" if part.ci95 is None else f"{part.ci95[0]:.3f} to {part.ci95[1]:.3f}"
    return (
        escape(part.column),
        escape(part.value),
        f"{part.queries:,}",
        f"{part.map_at_k:.3f}",
        interval,
    )


def _print_table(evaluations: Sequence[Evaluation], out: Path | None, *, as_json: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    from findalike.cli.output import console, print_json
    from findalike.evaluation.report import render_table
    from findalike.evaluation.table import TABLE_HEADER, table_cells

    rows = [evaluation.row for evaluation in evaluations]
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "table.html").write_text(render_table(rows), encoding="utf-8")
    if as_json:
        print_json({"protocol": evaluations[0].result.protocol, "rows": rows})
        return
    table = Table(*TABLE_HEADER)
    for cells in table_cells(rows):
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)
    console.print(Text(evaluations[0].result.protocol, style="dim"))
    if out is not None:
        console.print(f"table: {out / 'table.html'}", markup=False, soft_wrap=True)


def _compare(first: Path, second: Path, *, seed: int, as_json: bool) -> None:
    from findalike.cli.output import console, print_json, print_note
    from findalike.evaluation.comparison import compare
    from findalike.evaluation.result import EvaluationResult

    comparison = compare(EvaluationResult.load(first), EvaluationResult.load(second), seed=seed)
    if as_json:
        print_json(comparison.to_json())
        return
    console.print(comparison.sentence(), markup=False)
    console.print(
        f"better on {comparison.better:,} queries, worse on {comparison.worse:,}, equal on "
        f"{comparison.queries - comparison.better - comparison.worse:,}"
    )
    for note in comparison.notes:
        print_note(note)
