"""Invented brand names."""

from __future__ import annotations

import numpy as np

_HEADS = (
    "Nor",
    "Lu",
    "Pa",
    "Bris",
    "Hil",
    "Kes",
    "Ta",
    "Mo",
    "Ver",
    "Os",
    "Fen",
    "Ca",
    "Dru",
    "El",
    "Ga",
    "Ju",
    "Wil",
    "Zo",
    "Ro",
    "Sa",
    "Ip",
    "Ul",
    "Vo",
    "Thy",
    "Qui",
    "Bel",
)
_MIDDLES = ("", "", "", "ra", "me", "lo", "vi", "na", "ri", "do", "ta", "be")
_TAILS = (
    "vik",
    "tta",
    "no",
    "co",
    "ma",
    "trel",
    "lin",
    "dra",
    "sso",
    "ren",
    "wick",
    "ven",
    "lle",
    "mund",
    "zen",
    "ric",
    "nia",
    "dale",
    "mar",
    "fax",
    "lum",
    "par",
    "quist",
    "don",
)
_PARTNERS = ("Tide", "Sons", "Finch", "Oak", "Birch", "Field", "Moor", "Vale")


def brand_name(rng: np.random.Generator) -> str:
    """A name such as "Norvik", "Lumetta" or "Hilma & Finch"."""
    parts = [words[int(rng.integers(len(words)))] for words in (_HEADS, _MIDDLES, _TAILS)]
    name = "".join(parts)
    if rng.random() < 0.15:
        name += f" & {_PARTNERS[int(rng.integers(len(_PARTNERS)))]}"
    return name
