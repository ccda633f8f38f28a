"""The report of an evaluation, with the photos of its worst, median and best queries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from findalike.data.images import decode
from findalike.errors import FindalikeError, StorageError
from findalike.evaluation.examples import Showcase
from findalike.evaluation.report import write_report as write_page
from findalike.evaluation.result import EvaluationResult
from findalike.evaluation.table import TableRow
from findalike.pipelines.evaluation_set import EvaluationSet
from findalike.pipelines.ranking import Rankings
from findalike.types import Pixels

REPORT_NAME = "report.html"


def write_report(
    data: EvaluationSet,
    rankings: Rankings,
    result: EvaluationResult,
    folder: Path,
    *,
    table: Sequence[TableRow] = (),
) -> Path:
    """Write figures, queries and ``report.html`` into a folder.

    Args:
        table: runs to be listed beside this one.

    Returns:
        The path of the report.

    Raises:
        StorageError: if they cannot be written.
    """

    def picture(location: str) -> Pixels | None:
        try:
            return decode(data.source.read(location), name=location)
        except FindalikeError:
            return None

    showcase = Showcase(
        ranked=rankings.positions,
        relevance=data.relevance,
        query_picture=lambda row: picture(data.queries[row].location),
        query_box=lambda row: data.queries[row].box,
        gallery_picture=lambda position: picture(data.gallery[position].location),
        gallery_title=lambda position: (
            data.products[position].title or data.products[position].product_id
        ),
        scores=rankings.scores,
    )
    path = folder / REPORT_NAME
    try:
        result.save(folder)
        title = f"{result.encoder}: {result.figures.queries:,} queries"
        write_page(path, result, title=title, showcase=showcase, table=table)
    except OSError as error:
        raise StorageError(f"cannot write to {folder}: {error.strerror}") from error
    return path
