"""A process of low priority that builds the vector index of a shop anew."""

from __future__ import annotations

import sys
from pathlib import Path

from findalike.server.giving_way import give_way
from findalike.shop.shop import Shop

PRIORITY = 10


def main(folder: str) -> None:
    """Tidy up the shop in ``folder``."""
    give_way(PRIORITY)
    Shop.open(Path(folder)).caretaker().tidy()


if __name__ == "__main__":
    main(sys.argv[1])
