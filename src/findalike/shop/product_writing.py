"""Writing single products: a group of changes becomes one step of the index.

A commit costs tens of milliseconds however little is in it, so changes that arrive together are
written together. Within a group they are carried out in their order, in memory, on what the shop
holds of the products they name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

import numpy as np

from findalike.errors import FindalikeError, UserError
from findalike.index.base import Index
from findalike.index.filter_tree import In
from findalike.index.schema import ADDED_AT, FIXED_FIELDS, VECTOR, image_rows
from findalike.shop.changes import (
    Change,
    ImageTakenError,
    PatchProduct,
    PutProduct,
    RemoveProduct,
    WriteOutcome,
    Written,
)
from findalike.shop.importing import row_hash
from findalike.shop.product_state import ProductChangedError
from findalike.shop.rows import BOX_COLUMNS, box_of, index_row, product_of, stored_product
from findalike.types import CatalogueImage, CatalogueRow, FieldType, ImageId, Product, ProductId

Row: TypeAlias = dict[str, Any]


def write_changes(index: Index, changes: Sequence[Change]) -> list[WriteOutcome]:
    """Carry out changes in their order; returns what became of each.

    A change that cannot be carried out gives its error and leaves the others alone.

    Raises:
        StorageError, EngineError: if the group could not be written. None of its changes counts
            as done then.
    """
    try:
        return _write_group(index, changes)
    except UserError as error:
        if len(changes) == 1:
            return [error]
    # One of them has a value that has no place, such as an attribute that another process has
    # just given another type: alone, each is taken or refused for itself.
    alone = (write_changes(index, [change]) for change in changes)
    return [outcome for outcomes in alone for outcome in outcomes]


def _write_group(index: Index, changes: Sequence[Change]) -> list[WriteOutcome]:
    types: dict[str, FieldType] = {}
    for change in changes:
        if not isinstance(change, RemoveProduct):
            types |= change.types
    shelf = _Shelf.of(index.snapshot(), changes)
    outcomes: list[WriteOutcome] = []
    for change in changes:
        try:
            outcomes.append(shelf.take(change))
        except (ImageTakenError, ProductChangedError) as error:
            outcomes.append(error)
    fresh, gone = shelf.to_write(), shelf.to_delete()
    if fresh:
        vectors = np.stack([np.asarray(row[VECTOR], dtype=np.float32) for row in fresh])
        plain = [{name: row[name] for name in row if name != VECTOR} for row in fresh]
        index.upsert(image_rows(plain, vectors, dict(index.attributes) | types), without=gone)
    elif gone:
        index.delete(In("image_id", tuple(sorted(gone))))
    version = index.version
    return [
        replace(outcome, version=version) if isinstance(outcome, Written) else outcome
        for outcome in outcomes
    ]


@dataclass(slots=True)
class _Shelf:
    """The products a group names, as they were and as they become.

    Attributes:
        before: image id → row, for every image these products have in the shop.
        rows: product → its rows as they become.
        owners: product of each image id that the group names or its products have.
    """

    now: datetime
    before: dict[ImageId, Row] = field(default_factory=dict)
    rows: dict[ProductId, list[Row]] = field(default_factory=dict)
    owners: dict[ImageId, ProductId] = field(default_factory=dict)

    @classmethod
    def of(cls, index: Index, changes: Sequence[Change]) -> _Shelf:
        shelf = cls(datetime.now(UTC))
        columns = [*index.fields, ADDED_AT, VECTOR]
        products = tuple(sorted({change.product_id for change in changes}))
        for batch in index.fetch(In("product_id", products), columns=columns):
            for row in batch.to_pylist():
                shelf.before[row["image_id"]] = row
                shelf.rows.setdefault(row["product_id"], []).append(row)
                shelf.owners[row["image_id"]] = row["product_id"]
        puts = [change for change in changes if isinstance(change, PutProduct)]
        strange = {
            ready.image.image_id
            for put in puts
            for ready in put.images
            if ready.image.image_id not in shelf.owners
        }
        if strange:
            where = In("image_id", tuple(sorted(strange)))
            for batch in index.fetch(where, columns=["image_id", "product_id"]):
                for row in batch.to_pylist():
                    shelf.owners[row["image_id"]] = row["product_id"]
        return shelf

    def take(self, change: Change) -> Written:
        """Carry out one change in memory; the version is filled in once it is written.

        Raises:
            ImageTakenError: if one of its images belongs to another product.
            ProductChangedError: if the product is not what the change is for.
        """
        before = self.rows.get(change.product_id)
        # A product that cannot be patched or removed, as there is none, is not told as changed.
        if change.expected is not None and (before or isinstance(change, PutProduct)):
            change.expected.check(stored_product(before) if before else None)
        match change:
            case PutProduct():
                return self._put(change)
            case PatchProduct():
                return self._patch(change)
            case RemoveProduct(product_id=product_id):
                gone = self._replace(product_id, [])
                return Written("removed" if gone else "missing", None, gone, 0)

    def to_write(self) -> list[Row]:
        """The rows that are not yet in the shop as they are here."""
        rows = [row for rows in self.rows.values() for row in rows]
        return [row for row in rows if self.before.get(row["image_id"]) is not row]

    def to_delete(self) -> set[ImageId]:
        """The images that no product of the group has any longer."""
        kept = {row["image_id"] for rows in self.rows.values() for row in rows}
        return self.before.keys() - kept

    def _put(self, put: PutProduct) -> Written:
        for ready in put.images:
            owner = self.owners.get(ready.image.image_id, put.product_id)
            if owner != put.product_id:
                raise ImageTakenError(
                    f"the image {ready.image.image_id!r} belongs to the product {owner!r} "
                    f"already: give it another image_id, or remove it there first"
                )
        before = {row["image_id"]: row for row in self.rows.get(put.product_id, [])}
        rows = []
        written = 0
        for ready in put.images:
            said = row_hash(CatalogueRow(put.product, (ready.image,), "", 0), ready.image)
            row = before.get(ready.image.image_id)
            if row is None or (row["row_hash"], row["sha256"]) != (said, ready.sha256):
                row = self._row(put.product, ready.image, ready.sha256, said)
                row[VECTOR] = ready.vector
                written += 1
            rows.append(row)
        gone = len(before.keys() - {row["image_id"] for row in rows})
        self._replace(put.product_id, rows)
        outcome: Any = "added" if not before else "updated" if written or gone else "unchanged"
        return Written(outcome, stored_product(rows), written + gone, 0)

    def _patch(self, patch: PatchProduct) -> Written:
        before = self.rows.get(patch.product_id, [])
        if not before:
            return Written("missing", None, 0, 0)
        # Where its rows disagree, the latest says what the product is, as it does in answers.
        present = product_of(max(before, key=lambda row: row[ADDED_AT]))
        product = patched(present, patch)
        rows = []
        for row in before:
            image = CatalogueImage(row["image_id"], row["location"], box_of(row), row["domain"])
            said = row_hash(CatalogueRow(product, (image,), "", 0), image)
            if said == row["row_hash"]:
                rows.append(row)
                continue
            new = self._row(product, image, row["sha256"], said)
            new[VECTOR] = row[VECTOR]
            rows.append(new)
        written = sum(new is not old for new, old in zip(rows, before, strict=True))
        self._replace(patch.product_id, rows)
        return Written("updated" if written else "unchanged", stored_product(rows), written, 0)

    def _row(self, product: Product, image: CatalogueImage, sha256: str, said: str) -> Row:
        row = index_row(product, image, sha256=sha256, row_hash=said, added_at=self.now)
        return {**dict.fromkeys(BOX_COLUMNS), **row}

    def _replace(self, product_id: ProductId, rows: list[Row]) -> int:
        """Give a product these rows; returns how many it had."""
        old = self.rows.get(product_id, [])
        for row in old:
            self.owners.pop(row["image_id"], None)
        for row in rows:
            self.owners[row["image_id"]] = product_id
        self.rows[product_id] = rows
        return len(old)


def patched(product: Product, patch: PatchProduct) -> Product:
    """The product after a patch."""
    own = {name: value for name, value in patch.values.items() if name in FIXED_FIELDS}
    attributes = dict(product.attributes)
    for name, value in patch.values.items():
        if name in FIXED_FIELDS:
            continue
        if value is None:
            attributes.pop(name, None)
        else:
            attributes[name] = value
    changed: Any = own
    return replace(product, **changed, attributes=attributes)


def done(outcome: WriteOutcome) -> Written:
    """The outcome of a change that was carried out.

    Raises:
        FindalikeError: the one it failed with.
    """
    if isinstance(outcome, FindalikeError):
        raise outcome
    return outcome
