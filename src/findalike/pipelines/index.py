"""The use case of `findalike index`: open or make the shop, then import."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from findalike.errors import ShopNotFoundError
from findalike.models.registry import DEFAULT_ENCODER
from findalike.shop.import_report import ImportReport
from findalike.shop.shop import Shop
from findalike.types import FieldType


def index_catalogue(
    source: Path,
    folder: Path,
    *,
    root: Path | None = None,
    source_format: str | None = None,
    columns: Mapping[str, str] | None = None,
    types: Mapping[str, FieldType] | None = None,
    encoder: str | None = None,
    dry_run: bool = False,
    strict: bool = False,
    allow_networks: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Import ``source`` into the shop in ``folder``, which is made if there is none.

    A dry run of a shop that does not exist leaves nothing behind but its report.

    Raises:
        EncoderMismatchError: if the shop was built with another encoder.
        FindalikeError: whatever ``Shop.add`` raises.
    """

    def add(shop: Shop, report: Path | None = None) -> ImportReport:
        return shop.add(
            source,
            root=root,
            source_format=source_format,
            columns=columns,
            types=types,
            dry_run=dry_run,
            strict=strict,
            allow_networks=allow_networks,
            report=report,
            progress=progress,
        )

    try:
        return add(Shop.open(folder, encoder=encoder))
    except ShopNotFoundError:
        encoder = encoder or DEFAULT_ENCODER
    if not dry_run:
        return add(Shop.create(folder, encoder=encoder))
    with tempfile.TemporaryDirectory(prefix="findalike-dry-run-") as scratch:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        report = folder / "reports" / f"{stamp}.csv"
        return add(Shop.create(Path(scratch) / "shop", encoder=encoder), report)
