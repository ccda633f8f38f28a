"""Pictures of a run's curves: loss and mAP over steps, with the epochs marked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from findalike.training.metrics_log import Row


def draw_charts(rows: Sequence[Row], folder: Path, *, run: str, steps_per_epoch: int) -> None:
    """Draw ``loss.png``, and ``map.png`` where there are such figures.

    Args:
        rows: of `MetricsLog`.
        folder: where the pictures go.
        run: its name, for the titles.
        steps_per_epoch: epochs are a second axis above.
    """
    folder.mkdir(parents=True, exist_ok=True)
    maps = [
        name
        for row in rows
        for name in row
        if name.endswith("/map") or (name == "map" and "map" in row)
    ]
    losses = {"train_loss": "training", "val_loss": "validation"}
    _draw(rows, losses, folder / "loss.png", f"{run}: loss", steps_per_epoch)
    names = {name: "mean" if name == "map" else name[:-4] for name in dict.fromkeys(maps)}
    if len(names) == 2 and "map" in names:
        del names["map"]
    if names:
        _draw(rows, names, folder / "map.png", f"{run}: mAP", steps_per_epoch)


def _draw(
    rows: Sequence[Row], columns: dict[str, str], path: Path, title: str, steps_per_epoch: int
) -> None:
    # The object interface: pyplot would keep figures in a state of the whole process.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(7.0, 4.2), dpi=110)
    FigureCanvasAgg(figure)
    # Fixed edges: a layout that is worked out costs more than the rest of the drawing.
    axes: Any = figure.add_axes((0.09, 0.12, 0.88, 0.71))
    for column, label in columns.items():
        points = [(int(row["step"]), float(row[column])) for row in rows if column in row]
        if points:
            steps, values = zip(*points, strict=True)
            few = len(points) <= 40
            axes.plot(steps, values, label=label, linewidth=1.6, marker="o" if few else "", ms=3)
    axes.set_xlabel("step")
    figure.text(0.02, 0.95, title, fontsize=11)
    axes.grid(visible=True, alpha=0.25)
    axes.spines[["right"]].set_visible(False)
    if axes.lines:
        axes.legend(frameon=False, fontsize=9)
    above = axes.secondary_xaxis(
        "top", functions=(lambda x: x / steps_per_epoch, lambda x: x * steps_per_epoch)
    )
    above.set_xlabel("epoch", fontsize=9)
    unfinished = path.with_name(f".{path.name}.part")
    figure.savefig(unfinished, format="png")
    unfinished.replace(path)
