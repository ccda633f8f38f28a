from __future__ import annotations

import pytest

from findalike.errors import SettingError
from findalike.evaluation.report import render_table
from findalike.evaluation.table import TABLE_HEADER, TableRow, table_cells

ROWS = [
    TableRow("sift", 0.11, (0.08, 0.15), 0.07, 1312.25, note="ratio test and RANSAC"),
    TableRow("lite0", 0.4998, (0.421, 0.587), 0.3256, 12.0, dimensions=1280),
]


def test_cells_are_text_best_first() -> None:
    cells = table_cells(ROWS)
    assert cells[0] == ("lite0", "0.4998", "0.421 to 0.587", "0.326", "1,280", "12.0", "")
    assert cells[1] == (
        "sift",
        "0.1100",
        "0.080 to 0.150",
        "0.070",
        "",
        "1,312.2",
        "ratio test and RANSAC",
    )
    assert all(len(row) == len(TABLE_HEADER) for row in cells)


def test_page() -> None:
    page = render_table(ROWS, title="Alternatives")
    assert page.index("lite0") < page.index("sift")
    assert "Alternatives" in page
    assert "ratio test" in page
    assert 'style="width:49.98%"' in page
    # No run has a note: no column of empty cells.
    assert ">note<" not in render_table(ROWS[1:])


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(SettingError, match="at least one run"):
        table_cells([])
    with pytest.raises(SettingError, match="at least one run"):
        render_table([])
