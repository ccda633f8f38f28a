"""The challenge's answer file: an int32 array of seller image ids in rank order, as ``.npy``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from findalike.errors import EvaluationError
from findalike.evaluation.relevance import Ranking
from findalike.evaluation.result import DEEPEST_FIXED_CUT

RANKS = 1000
_BLOCK_ROWS = 1024


def save_rankings(
    path: Path, positions: Ranking, gallery_ids: Sequence[str], *, ranks: int = RANKS
) -> None:
    """Write rankings as int32 (q, ranks): gallery image ids, nearest first, -1 after the last.

    The challenge asks for 1,000 ranks; where the gallery is smaller the rows end in -1.

    Args:
        path: file to write; ``.npy`` is what the challenge expects.
        positions: signed integers (q, n), gallery positions in rank order, -1 after the last.
        gallery_ids: the id of each gallery image, by position.
        ranks: number of columns; longer rankings are cut.

    Raises:
        EvaluationError: if an id isn't a whole number from 0 to 2^31 - 1, or two are the same.
    """
    ids = _numbers(gallery_ids)
    written = np.full((len(positions), ranks), -1, dtype=np.int32)
    kept = positions[:, :ranks]
    # The row of -1 behind the ids answers the position -1.
    written[:, : kept.shape[1]] = np.append(ids, np.int32(-1))[kept]
    with path.open("wb") as file:
        np.save(file, written, allow_pickle=False)


def load_rankings(
    path: Path, gallery_ids: Sequence[str], *, queries: int, k: int = RANKS
) -> NDArray[np.int32]:
    """Read rankings made elsewhere and turn their ids into gallery positions.

    Repeated ids are left for :func:`~findalike.evaluation.matches.find_matches` to refuse.

    Args:
        path: a ``.npy`` file of any integer type, shape (queries, at least min(k, gallery)), a
            row a query in the order of the queries, -1 after the last image of a short row.
        gallery_ids: the id of each gallery image, by position.
        queries: number of rows the file must have.
        k: ranks to read, at least ten; further columns are left out.

    Returns:
        int32 (queries, min(k, columns)), gallery positions, -1 after the last.

    Raises:
        EvaluationError: if the file isn't such an array, or names an image the gallery hasn't.
    """
    array = _open(path)
    # R@10 and nDCG@10 are always told, so a smaller k still needs ten ranks.
    k = max(k, DEEPEST_FIXED_CUT)
    needed = min(k, len(gallery_ids))
    if array.ndim != 2 or not np.issubdtype(array.dtype, np.integer):
        raise EvaluationError(
            f"{path}: holds {array.dtype} of shape {array.shape}; rankings are int32 of shape "
            f"(queries, {k}): convert them with .astype(numpy.int32)"
        )
    if len(array) != queries or array.shape[1] < needed:
        raise EvaluationError(
            f"{path}: has {len(array)} rows of {array.shape[1]} ranks, but there are {queries} "
            f"queries to judge at k = {k} over {len(gallery_ids)} gallery images: give "
            f"{queries} rows of at least {needed}, short ones filled with -1, or a smaller k"
        )
    ids = _numbers(gallery_ids)
    order = np.argsort(ids)
    in_order = ids[order]
    columns = min(k, array.shape[1])
    positions = np.empty((queries, columns), dtype=np.int32)
    for top in range(0, queries, _BLOCK_ROWS):
        block = np.asarray(array[top : top + _BLOCK_ROWS, :columns])
        places = np.minimum(np.searchsorted(in_order, block), len(ids) - 1)
        unknown = (in_order[places] != block) & (block != -1)
        if unknown.any():
            row, column = np.argwhere(unknown)[0]
            raise EvaluationError(
                f"{path}: row {top + row} names image {block[row, column]} at rank {column + 1}, "
                f"which the gallery hasn't: its ids go from {in_order[0]} to {in_order[-1]}; "
                f"only -1 stands for no image"
            )
        positions[top : top + _BLOCK_ROWS] = np.where(block == -1, -1, order[places])
    return positions


def _open(path: Path) -> NDArray[Any]:
    try:
        # Mapped, so that a huge or lying header costs no memory before the shape is checked.
        # Unlike numpy.load, this opens .npy only and never an archive or a pickle.
        return np.asanyarray(np.lib.format.open_memmap(path, mode="r"))
    except FileNotFoundError:
        raise EvaluationError(f"{path}: no such file: give rankings saved as .npy") from None
    except (OSError, ValueError, EOFError) as error:
        raise EvaluationError(
            f"{path}: cannot be read as a .npy array of integers ({error}): save rankings with "
            f"numpy.save(path, array.astype(numpy.int32))"
        ) from error


def _numbers(gallery_ids: Sequence[str]) -> NDArray[np.int32]:
    """Read ids as int32, refusing what the challenge's array cannot hold."""
    if not gallery_ids:
        raise EvaluationError("the gallery is empty: give at least one gallery image")
    for position, text in enumerate(gallery_ids):
        # isdecimal alone also takes digits of other scripts, and "007" would come back as 7.
        whole = text.isascii() and text.isdecimal() and (text == "0" or text[0] != "0")
        if not whole or int(text) > 2**31 - 1:
            raise EvaluationError(
                f"gallery image {position} has the id {text!r}: this array holds only whole "
                f"numbers from 0 to 2147483647 without leading zeros; number the images in "
                f"seller_img_id, or judge without a rankings file"
            )
    ids = np.array([int(text) for text in gallery_ids], dtype=np.int32)
    values, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        raise EvaluationError(
            f"gallery image id {values[counts > 1][0]} occurs {counts.max()} times: ids must be "
            f"unique"
        )
    return ids
