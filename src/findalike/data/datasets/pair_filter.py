"""Which photos of a product show it: by how alike sellers' pictures and buyers' photos are.

The rule is that of the challenge solution this follows (Ludwiczuk, Visual Product Recognition
2023): a picture is kept if the mean of its cosines with the product's pictures of the other kind
is high enough; theirs was 0.6, then 0.5. Deviations: a seller's picture is compared with the
buyers' photos that are kept, so that one wrong photo does not cost it (one seller's picture always
stays then, since the two means have the same mean); copies are dropped, and products whose
seller's pictures have nothing in common.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from findalike.errors import SettingError
from findalike.types import Embeddings


@dataclass(frozen=True, slots=True)
class PairRules:
    """What a picture must be like to stay.

    Attributes:
        min_cosine: least mean cosine with the product's pictures of the other kind; those of a
            seller's picture are with the buyers' photos that are kept.
        copy_cosine: two pictures of a product that are more alike are one picture.
        min_agreement: least cosine of the two seller's pictures that are most alike, where there
            are several.
        min_images: least pictures of a product in all; one of each kind is needed anyway.

    Raises:
        SettingError: if a value is out of range.
    """

    min_cosine: float = 0.6
    copy_cosine: float = 0.98
    min_agreement: float = 0.2
    min_images: int = 2

    def __post_init__(self) -> None:
        for name in ("min_cosine", "copy_cosine", "min_agreement"):
            if not -1 <= getattr(self, name) <= 1:
                raise SettingError(f"{name} is {getattr(self, name):g}: it must be -1 to 1")
        if self.min_images < 2:
            raise SettingError(f"min_images is {self.min_images}: it must be 2 or more")


def judge_product(
    embeddings: Embeddings, sellers: NDArray[np.bool_], rules: PairRules
) -> list[tuple[str, float | None]]:
    """Why each picture of a product is dropped, "" if it stays, and its mean cosine if known.

    Args:
        embeddings: float32 (n, d), unit rows, in an order of which the first of two copies stays;
            where one of them is the seller's, that one does.
        sellers: bool (n,), True for the seller's pictures.
    """
    count = len(embeddings)
    reasons = [""] * count
    means: list[float | None] = [None] * count
    cosines = embeddings.astype(np.float64) @ embeddings.astype(np.float64).T
    kept: list[int] = []
    for row in sorted(range(count), key=lambda row: not sellers[row]):
        if kept and (cosines[row, kept] > rules.copy_cosine).any():
            reasons[row] = "a copy of another picture of the product"
        else:
            kept.append(row)
    seller = [row for row in kept if sellers[row]]
    user = [row for row in kept if not sellers[row]]
    if len(seller) > 1:
        pairs = cosines[np.ix_(seller, seller)][np.triu_indices(len(seller), 1)]
        if pairs.max() < rules.min_agreement:
            _set(reasons, kept, "the seller's pictures have nothing in common")
            return list(zip(reasons, means, strict=True))
    for row in user if seller else ():
        means[row] = float(cosines[row, seller].mean())
    alike = [row for row in user if (mean := means[row]) is not None and mean >= rules.min_cosine]
    for row in seller if alike else ():
        means[row] = float(cosines[row, alike].mean())
    shown = [row for row in seller if (mean := means[row]) is not None and mean >= rules.min_cosine]
    low = "its mean cosine is too low"
    _set(reasons, user, low if seller else "the product has no seller picture left")
    _set(reasons, seller, low if alike else "the product has no user picture left")
    few = f"the product has fewer than {rules.min_images} pictures left"
    _set(reasons, [*shown, *alike], "" if len(shown) + len(alike) >= rules.min_images else few)
    return list(zip(reasons, means, strict=True))


def _set(reasons: list[str], rows: list[int], reason: str) -> None:
    for row in rows:
        reasons[row] = reason
