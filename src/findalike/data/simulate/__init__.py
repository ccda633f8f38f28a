"""Simulated shops: product pictures and shoppers' photos drawn by a small renderer.

``simulate`` writes them in the challenge's format; the rest is how they are drawn:

======================================  ==========================================================
``plan``, ``spec``, ``products``        which products there are, and the 3D model of each
``mesh``, ``model``, ``textures`` …     shapes and materials; patterns, icons and labels on them
``raster``, ``render``, ``light`` …     the renderer: what is seen where, and how it is lit
``seller``, ``scene``, ``user``         the two kinds of picture
``shop``                                the folder that is written
======================================  ==========================================================
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from findalike.data.simulate.shop import SimulatedShop

__all__ = ["simulate"]


def simulate(
    out: Path,
    *,
    products: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
    workers: int | None = None,
) -> SimulatedShop:
    """Make a shop; see :func:`findalike.data.simulate.shop.simulate`."""
    # OpenCV is loaded at the first use, so that importing findalike.data stays quick.
    from findalike.data.simulate import shop  # noqa: PLC0415

    return shop.simulate(out, products=products, seed=seed, progress=progress, workers=workers)
