from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from findalike.evaluation.charts import precision_chart, recall_chart, score_chart
from findalike.evaluation.curves import Curves, Histogram
from findalike.evaluation.examples import Showcase
from findalike.evaluation.judging import Protocol, QueryTable, judge
from findalike.evaluation.relevance import Relevance
from findalike.evaluation.report import render_report, write_report
from findalike.evaluation.result import EvaluationResult
from findalike.evaluation.table import TableRow
from findalike.types import Box, Pixels

HOSTILE = "</title><script>alert('x')</script><img src=x onerror=alert(1)>\"'&{{ 7*7 }}"
VOID = {"meta", "img", "wbr"}


class Page(HTMLParser):
    """Tags, attributes and text; fails where tags don't nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def noise(seed: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (300, 300, 3), dtype=np.uint8)


def evaluated(
    *, queries: int = 60, word: str = "Pear", scores: bool = True
) -> tuple[EvaluationResult, Showcase]:
    rng = np.random.default_rng(0)
    products = [f"{word} {i // 3}" for i in range(queries)]
    gallery = [f"{word} {i // 2}" for i in range(queries // 3 * 2)]
    table = rng.random((queries, len(gallery))).astype(np.float32)
    table[: queries // 2] += np.equal.outer(
        np.array(products[: queries // 2]), np.array(gallery)
    ).astype(np.float32)
    ranked = np.argsort(-table, axis=1)
    relevance = Relevance.from_products(products, gallery)
    ordered = np.take_along_axis(table, ranked, axis=1)
    result = judge(
        ranked,
        relevance,
        queries=QueryTable(
            ids=[f"{word} q{i}" for i in range(queries)],
            products=products,
            columns={
                word: [f"{word} slice {i % 2}" for i in range(queries)],
                "size": [str(i) for i in range(queries)],
            },
        ),
        gallery_ids=[f"{word} g{i}" for i in range(len(gallery))],
        protocol=Protocol("inductive", word, word, word),
        encoder=word,
        seconds=2.5,
        k=100,
        scores=ordered if scores else None,
    )
    showcase = Showcase(
        ranked=ranked,
        relevance=relevance,
        query_picture=noise,
        query_box=lambda _: Box(30, 40, 100, 120),
        gallery_picture=noise,
        gallery_title=lambda position: f"{word} {position}",
        scores=ordered if scores else None,
    )
    return result, showcase


def test_the_page_is_whole() -> None:
    result, showcase = evaluated()
    text = render_report(result, title="Pears", showcase=showcase)
    page = Page(text)
    figures = result.figures
    for part in (
        f"{figures.map_at_k:.4f}",
        f"{figures.map_ci95[0]:.3f} to {figures.map_ci95[1]:.3f}",
        f"{figures.recall_at_1:.3f}",
        f"{figures.mrr:.3f}",
        f"{figures.ndcg_at_10:.3f}",
        "mAP@100",
        "P@100",
        "Inductive: each query is ranked by itself",
        "Worst queries",
        "Median queries",
        "Best queries",
        "Scores of first matches",
        "share of right images found",
        "Pear slice 1",
    ):
        assert part in page.text
    assert len(page.all("svg")) == 3
    assert len(page.all("article")) == 15


def test_the_page_needs_nothing_from_outside() -> None:
    result, showcase = evaluated()
    text = render_report(result, showcase=showcase, table=[TableRow("a", 0.5, (0.4, 0.6), 0.3, 1)])
    page = Page(text)
    assert page.all("script") == page.all("link") == page.all("iframe") == []
    for attributes in page.all("img"):
        assert (attributes["src"] or "").startswith("data:image/jpeg;base64,")
    without_pictures = re.sub(r"data:image/jpeg;base64,[A-Za-z0-9+/=]+", "", text)
    assert not re.search(r"https?:|url\(|@import|//[a-z]", without_pictures)


def test_everything_can_be_read_aloud() -> None:
    result, showcase = evaluated()
    page = Page(render_report(result, showcase=showcase))
    assert all(attributes["alt"] for attributes in page.all("img"))
    assert all(
        attributes["role"] == "img" and attributes["aria-label"] for attributes in page.all("svg")
    )
    assert all("scope" in attributes for attributes in page.all("th"))
    html = page.all("html")[0]
    assert html["lang"] == "en"


def test_worst_case_pictures_stay_below_three_megabytes(tmp_path: Path) -> None:
    result, showcase = evaluated(queries=300)
    write_report(tmp_path / "new" / "report.html", result, showcase=showcase)
    assert 500_000 < (tmp_path / "new" / "report.html").stat().st_size < 3_000_000


def test_hostile_words_are_only_words() -> None:
    result, showcase = evaluated(word=HOSTILE)
    text = render_report(
        result,
        title=HOSTILE,
        showcase=showcase,
        table=[TableRow(HOSTILE, 0.5, (0.4, 0.6), 0.3, 1, note=HOSTILE)],
    )
    page = Page(text)
    assert page.all("script") == []
    assert all((image["src"] or "").startswith("data:") for image in page.all("img"))
    assert all("onerror" not in attributes for _, attributes in page.tags)
    assert "{{ 7*7 }}" in page.text
    assert "<script" not in text


def test_without_pictures_scores_and_slices() -> None:
    result, _ = evaluated(scores=False)
    page = Page(render_report(result))
    assert page.all("img") == []
    assert len(page.all("svg")) == 2
    assert "Worst queries" not in page.text


def test_missing_pictures_are_said() -> None:
    result, showcase = evaluated(scores=False)
    lost = Showcase(
        ranked=showcase.ranked,
        relevance=showcase.relevance,
        query_picture=lambda _: None,
        query_box=lambda _: Box(0, 0, 1, 1),
        gallery_picture=lambda _: None,
        gallery_title=str,
    )
    page = Page(render_report(result, showcase=lost))
    assert page.all("img") == []
    assert page.text.count("no picture") > 100


def test_the_first_right_match_is_shown_wherever_it_is() -> None:
    result, showcase = evaluated()
    page = Page(render_report(result, showcase=showcase))
    worst = int(np.argmin(result.outcomes.average_precision))
    rank = int(result.outcomes.first_relevant_rank[worst])
    assert rank > 8
    assert f"first right image: rank {rank}" in page.text
    further = [a["class"] for _, a in page.tags if "further" in (a.get("class") or "")]
    assert 1 <= len(further) <= 15
    assert all("is-right" in (name or "") for name in further)


def test_long_columns_of_slices_are_cut() -> None:
    result, _ = evaluated(queries=600)
    relevance = Relevance.from_lists([[0]] * 600)
    many = judge(
        np.zeros((600, 1), dtype=np.int64),
        relevance,
        queries=QueryTable(
            ids=[str(i) for i in range(600)],
            products=["p"] * 600,
            columns={"shop": [f"shop {i % 50}" for i in range(600)]},
        ),
        gallery_ids=["0"],
        protocol=Protocol("unknown", "a", "b", "c"),
        encoder="e",
        seconds=1,
    )
    page = Page(render_report(many))
    assert "30 more in report.json" in page.text
    assert result.figures.queries == 600


def test_charts_are_well_formed_and_inside_their_frame() -> None:
    curves = Curves(
        ranks=(1, 10, 1000),
        recall=(0.0, 0.5, 1.0),
        found_share=(0.0, 0.25, 0.75),
        precision=tuple(1 - i / 10 for i in range(11)),
    )
    histogram = Histogram(edges=(-0.5, 0.0, 0.5), right=(0, 9), wrong=(4, 0))
    for chart in (recall_chart(curves), precision_chart(curves), score_chart(histogram)):
        svg = ET.fromstring(str(chart))
        for circle in svg.iter("circle"):
            assert 0 <= float(circle.attrib["cx"]) <= 360
            assert 0 <= float(circle.attrib["cy"]) <= 250
    columns = list(ET.fromstring(str(score_chart(histogram))).iter("rect"))
    assert [c.attrib["class"] for c in columns] == ["column right", "column wrong"]
    heights = [float(c.attrib["height"]) for c in columns]
    assert heights[0] / heights[1] == pytest.approx(9 / 4, abs=0.05)
    assert len(list(ET.fromstring(str(recall_chart(curves))).iter("polyline"))) == 2


def test_one_right_image_a_query_makes_one_recall_line() -> None:
    same = Curves((1, 5), (0.5, 1.0), (0.5, 1.0), (0.5,) * 11)
    assert len(list(ET.fromstring(str(recall_chart(same))).iter("polyline"))) == 1


def test_a_histogram_of_nothing() -> None:
    ET.fromstring(str(score_chart(Histogram((0.0, 1.0), (0,), (0,)))))
