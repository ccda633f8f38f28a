"""What is collected from Amazon Reviews, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from findalike.data.datasets.pair_filter import PairRules
from findalike.data.download import Pace
from findalike.data.images import ImageLimits
from findalike.errors import SettingError

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with (stage, done, in all)."""


@dataclass(frozen=True, slots=True)
class AmazonSettings:
    """What is collected, and how.

    Attributes:
        thresholds: least mean cosines, a table each.
        rules: everything else a picture must be like; its ``min_cosine`` is not used.
        limit: work on so many products only; None for all.
        per_product: most pictures of a product that are collected, of the seller's and of the
            buyers' each.
        side: longer side of the pictures asked for, in pixels; 0 for the URLs as listed.
        min_side: pictures with a shorter side than that are dropped.
        pace: how hard servers are asked.
        timeout: seconds for one try at one picture.
        limits: what one picture may cost.
        allow_networks: networks that may be reached although they are not public.
    """

    thresholds: tuple[float, ...] = (0.6,)
    rules: PairRules = field(default_factory=PairRules)
    limit: int | None = None
    per_product: int = 20
    side: int = 800
    min_side: int = 64
    pace: Pace = field(default_factory=Pace)
    timeout: float = 20.0
    limits: ImageLimits = field(default_factory=ImageLimits)
    allow_networks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.thresholds:
            raise SettingError("no least cosine is given: give one, such as 0.6")
        for threshold in self.thresholds:
            replace(self.rules, min_cosine=threshold)
        if self.limit is not None and self.limit < 1:
            raise SettingError(f"limit is {self.limit}: it must be 1 or more")
        if self.per_product < 1 or self.side < 0 or self.min_side < 1:
            raise SettingError(
                f"per_product, side and min_side are {self.per_product}, {self.side} and "
                f"{self.min_side}: they must be at least 1, 0 and 1"
            )
