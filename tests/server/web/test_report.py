"""The report of an evaluation in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from findalike.evaluation.judging import Protocol, QueryTable, judge
from findalike.evaluation.relevance import Relevance
from findalike.evaluation.report import render_report


@pytest.mark.parametrize("width", [480, 900, 1100, 1440])
def test_bars_are_seen_whole_on_every_screen(chromium: Any, tmp_path: Path, width: int) -> None:
    """Also beside the names of deep categories; on a phone they are scrolled to."""
    deep = ("Packages/Sour-Cream", "Vegetables/Mushroom", "Tischdekorationsartikel")
    many = judge(
        np.zeros((600, 1), dtype=np.int64),
        Relevance.from_lists([[0]] * 600),
        queries=QueryTable(
            ids=[str(i) for i in range(600)],
            products=[f"p{i // 10}" for i in range(600)],
            columns={
                "category": [deep[i % 3] for i in range(600)],
                "split": [("seen", "unseen")[i % 2] for i in range(600)],
            },
        ),
        gallery_ids=["0"],
        protocol=Protocol("inductive", "a", "b", "c"),
        encoder="e",
        seconds=1,
    )
    (tmp_path / "report.html").write_text(render_report(many), encoding="utf-8")
    page = chromium.new_page(viewport={"width": width, "height": 800})
    page.goto((tmp_path / "report.html").as_uri())
    cut = page.evaluate(
        """() => [...document.querySelectorAll(".slices .bar")].map((bar) =>
          bar.getBoundingClientRect().right -
          bar.closest(".scroll").getBoundingClientRect().right)"""
    )
    page.close()
    assert len(cut) == 5
    assert max(cut) <= 0
