"""Pictures of the curves of several runs, one after the other, as one encoder went through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from findalike.training.metrics_log import Row


@dataclass(frozen=True, slots=True)
class Curves:
    """The figures of one run.

    Attributes:
        run: its name.
        rows: of its `MetricsLog`.
    """

    run: str
    rows: Sequence[Row]

    @property
    def steps(self) -> int:
        """Its last step that has figures."""
        return max((int(row["step"]) for row in self.rows), default=0)

    def points(self, column: str) -> list[tuple[int, float]]:
        """Step and figure wherever there is one."""
        return [(int(row["step"]), float(row[column])) for row in self.rows if column in row]


def draw_chain_charts(chain: Sequence[Curves], folder: Path) -> dict[str, Path]:
    """Draw ``loss.png``, and ``map.png`` if any run was validated at least twice.

    The loss of each run has a scale of its own, for losses of different kinds have nothing in
    common. All mAP is on one scale, the steps of the runs counted on.

    Args:
        chain: the runs, the first one first.
        folder: where the pictures go.

    Returns:
        The pictures that were drawn, by file name.
    """
    drawn: dict[str, Path] = {}
    known = [curves for curves in chain if curves.points("train_loss")]
    if known:
        drawn["loss.png"] = _draw_loss(known, folder / "loss.png")
    sets = validation_columns(chain)
    if any(len(curves.points(column)) > 1 for curves in chain for column in sets):
        drawn["map.png"] = _draw_map(chain, sets, folder / "map.png")
    return drawn


def validation_columns(chain: Sequence[Curves]) -> dict[str, str]:
    """The columns of mAP, and what they are called; the mean only beside two sets or more."""
    names = (name for curves in chain for row in curves.rows for name in row)
    sets = [name for name in dict.fromkeys(names) if name.endswith("/map")]
    found = {name: name.removesuffix("/map") for name in sets}
    return found | ({"map": "mean"} if len(sets) > 1 else {})


def _draw_loss(chain: Sequence[Curves], path: Path) -> Path:
    columns = min(len(chain), 3)
    rows = -(-len(chain) // columns)
    figure = _figure(7.0, 4.2 if rows == 1 else 2.9 * rows)
    for number, curves in enumerate(chain):
        axes = figure.add_subplot(rows, columns, number + 1)
        for column, label in {"train_loss": "training", "val_loss": "validation"}.items():
            _plot(axes, curves.points(column), label)
        axes.set_title(curves.run, fontsize=10)
        axes.set_xlabel("step", fontsize=9)
        axes.tick_params(labelsize=8)
        _finish(axes)
    figure.suptitle("loss", x=0.02, ha="left", fontsize=11)
    figure.tight_layout()
    return _save(figure, path)


def _draw_map(chain: Sequence[Curves], sets: Mapping[str, str], path: Path) -> Path:
    figure = _figure(7.0, 4.2)
    axes: Any = figure.add_axes((0.09, 0.12, 0.88, 0.74))
    begins = [0, *accumulate(curves.steps for curves in chain)]
    for number, (column, label) in enumerate(sets.items()):
        named = ""
        # A line for each run: from one to the next the network, or its input, is another one.
        for begin, curves in zip(begins, chain, strict=False):
            points = [(begin + step, value) for step, value in curves.points(column)]
            _plot(axes, points, named or label, colour=f"C{number}")
            named = named or ("_" if points else "")
    if len(chain) > 1:
        for begin, curves in zip(begins, chain, strict=False):
            axes.axvline(begin, color="grey", linewidth=0.8, linestyle=":")
            axes.annotate(curves.run, (begin, 1.01), xycoords=("data", "axes fraction"), fontsize=8)
    axes.set_xlim(0, max(begins[-1], 1) * 1.02)
    axes.set_xlabel("step")
    figure.text(0.02, 0.95, "mAP", fontsize=11)
    _finish(axes)
    return _save(figure, path)


def _figure(width: float, height: float) -> Any:
    # The object interface: pyplot would keep figures in a state of the whole process.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(width, height), dpi=110)
    FigureCanvasAgg(figure)
    return figure


def _plot(
    axes: Any, points: Sequence[tuple[int, float]], label: str, *, colour: str | None = None
) -> None:
    if points:
        steps, values = zip(*points, strict=True)
        few = len(points) <= 40
        style = {"linewidth": 1.6, "marker": "o" if few else "", "markersize": 3, "color": colour}
        axes.plot(steps, values, label=label, **style)


def _finish(axes: Any) -> None:
    axes.grid(visible=True, alpha=0.25)
    axes.spines[["right", "top"]].set_visible(False)
    if axes.lines:
        axes.legend(frameon=False, fontsize=8)


def _save(figure: Any, path: Path) -> Path:
    figure.savefig(path, format="png")
    return path
