"""The leak check of a run, the same before its training and in the plan of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from findalike.config import Run
from findalike.data.training.mixture import Mixture
from findalike.models.encoder import Encoder
from findalike.models.registry import IMAGENET_ENCODER
from findalike.pipelines.evaluation_set import EvaluationSet
from findalike.pipelines.leaks import LeakReport, check_leaks
from findalike.pipelines.picture_matches import Comparer, Progress

CACHE = ".hashes"
"""File of a recipe's folder that keeps prints and embeddings for its next run."""

SECONDS_A_LINE = 15.0


def check_run_leaks(
    run: Run,
    mixture: Mixture,
    sets: Mapping[str, EvaluationSet],
    *,
    cache: Path | None,
    progress: Progress | None = None,
) -> LeakReport:
    """Look for leaks as the section ``data`` of a run wants it.

    Args:
        mixture: its training data.
        sets: name → validation set.
        cache: file that keeps prints and embeddings; None keeps none.
        progress: called with what is done, pictures done and pictures in all.

    Raises:
        TrainingDataError: if something is shared that the run does not allow.
        StorageError: if the cache cannot be used.
    """
    return check_leaks(
        mixture,
        sets,
        allow=run.data.allow_leaks,
        comparer=_comparer(run.data.leak_cosine) if sets else None,
        cache=cache,
        progress=progress,
    )


def in_lines(tell: Callable[[str], None], *, every: float = SECONDS_A_LINE) -> Progress:
    """Progress as a sentence now and then, for those who have no bar.

    Args:
        tell: is told the sentences; none comes of what is done before the first is due.
        every: seconds from one to the next.
    """
    due = time.monotonic() + every

    def show(what: str, done: int, total: int) -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due:
            due = now + every
            tell(f"looking for leaks, {what}: {done:,} of {total:,}")

    return show


def _comparer(cosine: float | None) -> Comparer | None:
    """What tells nearly the same pictures by their embeddings.

    Always by the same encoder: the cosine is meant for it. On the grocery photos no two photos of
    different scenes reach 0.92, and 97 of 100 photos reach 0.93 with themselves cropped by 3 % on
    each side, by 6 % half of them (`benchmarks/leak_cosine.py`).
    """
    if cosine is None:
        return None
    encoder = Encoder.load(IMAGENET_ENCODER)
    return Comparer(
        embed=encoder.embed,
        input=encoder.input,
        fingerprint=encoder.bundle.fingerprint,
        threshold=cosine,
    )
