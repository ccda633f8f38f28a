"""Training: the loop of a run, its folder, and what is kept of it. Needs torch."""

from findalike.training.feed import Feed
from findalike.training.fit import fit
from findalike.training.progress import BarProgress, LineProgress, NoProgress, TrainingProgress
from findalike.training.results import FitResult, KeptWeights
from findalike.training.run_folder import RunFolder, RunState, read_run_state

__all__ = [
    "BarProgress",
    "Feed",
    "FitResult",
    "KeptWeights",
    "LineProgress",
    "NoProgress",
    "RunFolder",
    "RunState",
    "TrainingProgress",
    "fit",
    "read_run_state",
]
