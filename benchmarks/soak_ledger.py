"""What must be true of a shop that is written to: every change in its order, and when it was told.

A product has one writer, so its changes follow each other. A change that was answered holds from
its answer on. One without an answer may hold or not, but as a whole: what is seen of a product
must be one of its versions, words and pictures together.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

TITLE = "{product_id}, edition {edition}"


@dataclass(frozen=True)
class Version:
    """A product at one moment.

    Attributes:
        edition: number of the change that gave it its words; title, price and attribute tell it.
        images: image id → what its location in the shop ends with.
    """

    edition: int
    images: Mapping[str, str]

    def words(self, product_id: str) -> dict[str, object]:
        """What the service is told of it."""
        return {
            "title": TITLE.format(product_id=product_id, edition=self.edition),
            "price": float(self.edition),
            "attributes": {"edition": float(self.edition)},
        }


@dataclass
class _Change:
    version: Version | None
    began: float
    answered: float | None = None


@dataclass
class Ledger:
    """All products that may be in the shop beside those that never change.

    Attributes:
        settled: ids of the products that never change.
    """

    settled: frozenset[str] = frozenset()
    _changes: dict[str, list[_Change]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, product_id: str, version: Version | None, now: float) -> None:
        """A change is being sent; None removes the product."""
        with self._lock:
            self._changes.setdefault(product_id, [_Change(None, 0.0, 0.0)])
            self._changes[product_id].append(_Change(version, now))

    def answered(self, product_id: str, now: float) -> None:
        """The latest change was answered as done."""
        with self._lock:
            self._changes[product_id][-1].answered = now

    def refused(self, product_id: str) -> None:
        """The latest change was answered as refused: it never was."""
        with self._lock:
            self._changes[product_id].pop()

    def settle(self, product_id: str, version: Version | None, now: float) -> None:
        """What a product is was found out, after changes that were not answered."""
        with self._lock:
            # What came before stays: there are readers who asked before now.
            self._changes[product_id].append(_Change(version, now, now))

    def ids(self) -> list[str]:
        with self._lock:
            return list(self._changes)

    def present(self, beginning: str = "") -> list[str]:
        """The products that are there once everything that was sent is done."""
        with self._lock:
            found = [i for i, changes in self._changes.items() if changes[-1].version is not None]
        return [product_id for product_id in found if product_id.startswith(beginning)]

    def latest(self, product_id: str) -> Version | None:
        """What the product is once everything that was sent is done."""
        with self._lock:
            changes = self._changes.get(product_id)
            return changes[-1].version if changes else None

    def uncertain(self, product_id: str) -> bool:
        """Whether the latest change has no answer."""
        with self._lock:
            return self._changes[product_id][-1].answered is None

    def possible(self, product_id: str, since: float, until: float) -> list[Version | None]:
        """What a reader may see who asked at ``since`` and was answered at ``until``."""
        with self._lock:
            changes = self._changes.get(product_id, [_Change(None, 0.0, 0.0)])
            sure = max(
                number
                for number, change in enumerate(changes)
                if not number or (change.answered is not None and change.answered <= since)
            )
            return [c.version for c in changes[sure:] if c.began <= until]

    def age(self, product_id: str, now: float) -> float:
        """Seconds since the latest change was sent."""
        with self._lock:
            changes = self._changes.get(product_id)
            return now - changes[-1].began if changes else float("inf")

    def wrong_hit(self, hit: Mapping[str, object], since: float, until: float) -> str | None:
        """What is wrong with one row of an answer; None if it may be so."""
        product_id = str(hit["product_id"])
        if product_id in self.settled:
            return None
        possible = self.possible(product_id, since, until)
        image = hit["image"]
        assert isinstance(image, dict)
        for version in possible:
            if version is not None and _same_words(product_id, version, hit):
                if image["image_id"] in version.images:
                    return None
                return f"{product_id}: the words of edition {version.edition}, the image of another"
        return f"{product_id}: {hit['title']!r} is not what it is: {_said(possible)}"

    def wrong_product(
        self, product_id: str, seen: Mapping[str, object] | None, since: float, until: float
    ) -> str | None:
        """What is wrong with a product as the catalogue gives it; None stands for no product."""
        possible = self.possible(product_id, since, until)
        if seen is None:
            return None if None in possible else f"{product_id} is lost: {_said(possible)}"
        for version in possible:
            if version is not None and matches(product_id, version, seen):
                return None
        return f"{product_id} is {seen['title']!r} with {_images(seen)}: {_said(possible)}"


def matches(product_id: str, version: Version, seen: Mapping[str, object]) -> bool:
    """Whether a product of the catalogue is this version, words and images."""
    images = _images(seen)
    return (
        _same_words(product_id, version, seen)
        and images.keys() == version.images.keys()
        and all(images[name].endswith(end) for name, end in version.images.items())
    )


def _same_words(product_id: str, version: Version, seen: Mapping[str, object]) -> bool:
    return all(seen[name] == value for name, value in version.words(product_id).items())


def _images(seen: Mapping[str, object]) -> dict[str, str]:
    images = seen["images"]
    assert isinstance(images, list)
    return {image["image_id"]: image["location"] for image in images}


def _said(possible: list[Version | None]) -> str:
    told = [
        "no product" if v is None else f"edition {v.edition} with {dict(v.images)}"
        for v in possible
    ]
    return "expected " + " or ".join(told)
