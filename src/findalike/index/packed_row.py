"""The packed copy of a row that searches read.

Lance reads a column of scattered rows in about a quarter of a millisecond, however little is in
it: the 20 columns of a product would cost more than the search. Beside the columns that filters
use, each row therefore carries all its values once more as one JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa

from findalike.index.schema import ADDED_AT, VECTOR

PACKED = "_row"


def with_packed(rows: pa.Table) -> pa.Table:
    """The rows with the packed column added."""
    plain = rows.drop_columns([VECTOR]).to_pylist()
    texts = [_pack(row) for row in plain]
    return rows.append_column(pa.field(PACKED, pa.string()), pa.array(texts, pa.string()))


def _pack(row: Mapping[str, Any]) -> str:
    present = {name: value for name, value in row.items() if value is not None}
    return json.dumps(
        present, ensure_ascii=False, separators=(",", ":"), default=datetime.isoformat
    )


def unpack(text: str) -> dict[str, Any]:
    """The values of a packed row; missing ones are absent."""
    row: dict[str, Any] = json.loads(text)
    if ADDED_AT in row:
        row[ADDED_AT] = datetime.fromisoformat(row[ADDED_AT])
    return row
