from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.train
pytest.importorskip("torch")

from findalike.training.charts import draw_charts  # noqa: E402
from findalike.training.metrics_log import MetricsLog, read_metrics  # noqa: E402


def test_rows_come_back_and_new_figures_make_columns(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    log = MetricsLog(path)
    log.append({"step": 1, "epoch": 0, "train_loss": 0.123456789123})
    log.append({"step": 2, "epoch": 1, "train_loss": 0.1, "map": 0.5})
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines == ["step,epoch,train_loss,map", "1,0,0.123456789,", "2,1,0.1,0.5"]
    assert read_metrics(path)[0] == {"step": "1", "epoch": "0", "train_loss": "0.123456789"}


@pytest.mark.parametrize("tail", ["", "4,1,0.", "4", "4,1,0.4,", "4,1,0.4,,9\n"])
def test_later_and_broken_rows_are_cut_when_it_goes_on(tmp_path: Path, tail: str) -> None:
    path = tmp_path / "metrics.csv"
    log = MetricsLog(path)
    for step in (1, 2, 3):
        log.append({"step": step, "epoch": 0, "train_loss": step / 10, "map": 0.5})
    with path.open("a", encoding="utf-8") as file:
        file.write(tail)
    again = MetricsLog(path, after_step=2)
    again.append({"step": 3, "epoch": 0, "train_loss": 0.7, "map": 0.5})
    assert [row["train_loss"] for row in read_metrics(path)] == ["0.1", "0.2", "0.7"]
    assert MetricsLog(path, after_step=0).rows == []


def test_charts_are_drawn(tmp_path: Path) -> None:
    from PIL import Image

    rows = [
        {"step": "1", "train_loss": "2.0"},
        {"step": "2", "train_loss": "1.0", "val_loss": "1.5", "a/map": "0.4", "map": "0.4"},
    ]
    draw_charts(rows[:1], tmp_path / "charts", run="run", steps_per_epoch=2)
    assert [p.name for p in (tmp_path / "charts").iterdir()] == ["loss.png"]
    draw_charts(rows, tmp_path / "charts", run="run", steps_per_epoch=2)
    assert sorted(p.name for p in (tmp_path / "charts").iterdir()) == ["loss.png", "map.png"]
    with Image.open(tmp_path / "charts" / "map.png") as picture:
        colours = picture.convert("RGB").getcolors(1 << 20)
        assert colours is not None
        # Lines and letters, not an empty sheet.
        assert len(colours) > 20
