"""The use case of `findalike demo`: a whole shop from nothing, searched and measured."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from findalike.data.queries import Query
from findalike.data.simulate import simulate
from findalike.evaluation.result import EvaluationResult
from findalike.pipelines.evaluate import evaluate_rankings
from findalike.pipelines.evaluation_report import REPORT_NAME
from findalike.pipelines.evaluation_set import read_evaluation_set
from findalike.pipelines.index import index_catalogue
from findalike.pipelines.ranking import rank_by_embedding
from findalike.pipelines.sheet import write_sheet
from findalike.shop.import_report import ImportReport
from findalike.shop.results import SearchResult
from findalike.shop.shop import Shop

PRODUCTS = 80
SEED = 11
SEARCHES = 6
DEPTH = 1000

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class DemoOutcome:
    """What the demo made, all of it below one folder.

    Attributes:
        searches: some queries, with the answers to them.
        seconds: wall-clock time of everything.
    """

    imported: ImportReport
    searches: tuple[tuple[Query, SearchResult], ...]
    evaluation: EvaluationResult
    photos: Path
    shop: Path
    sheet: Path
    report: Path
    seconds: float


def run_demo(out: Path, *, progress: Progress) -> DemoOutcome:
    """Simulate a shop's photos, index them, search them and measure the search.

    Running it again into the same folder goes over what is there.

    Args:
        progress: called with (stage, done, in all).
    """
    started = time.perf_counter()
    photos, folder = out / "photos", out / "shop"
    made = simulate(
        photos, products=PRODUCTS, seed=SEED, progress=lambda n, of: progress("drawing", n, of)
    )
    imported = index_catalogue(
        made.gallery, folder, progress=lambda n, of: progress("indexing", n, of)
    )
    data = read_evaluation_set(made.gallery, made.queries)
    shop = Shop.open(folder)
    shown = data.queries[:: max(1, len(data.queries) // SEARCHES)][:SEARCHES]
    answers = shop.search_batch(
        [photos / query.location for query in shown], boxes=[query.box for query in shown], k=5
    )
    searches = tuple(zip(shown, answers, strict=True))
    # What the page offers to search with.
    (folder / "examples").mkdir(exist_ok=True)
    for query in shown:
        shutil.copy(photos / query.location, folder / "examples")
    sheet = out / "sheet.png"
    write_sheet(
        shop,
        [(photos / query.location, answer, query.product_id) for query, answer in searches],
        sheet,
    )
    rankings = rank_by_embedding(
        data, shop.encoder, k=DEPTH, progress=lambda n, of: progress("evaluating", n, of)
    )
    evaluation = evaluate_rankings(data, rankings, k=DEPTH, out=out)
    return DemoOutcome(
        imported=imported,
        searches=searches,
        evaluation=evaluation.result,
        photos=photos,
        shop=folder,
        sheet=sheet,
        report=out / REPORT_NAME,
        seconds=time.perf_counter() - started,
    )
