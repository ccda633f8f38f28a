"""The folder ``weights`` of a run: which files are written, and which are dropped."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from findalike.models.network_weights import save_weights
from findalike.training.files import write_json
from findalike.training.journal import Entry, Journal, Verdict
from findalike.training.results import KeptWeights

SUFFIX = ".safetensors"
BEST, LAST = "best", "last"
INDEX = "index.json"


class WeightFiles:
    """Writes the weights of a run.

    Each file is whole or not there. ``index.json`` says what the files are, for those who come
    after the training.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(
        self,
        journal: Journal,
        verdict: Verdict,
        *,
        network: nn.Module,
        losses: Mapping[str, Tensor],
    ) -> None:
        """Write the weights of the journal's last entry as its verdict says."""
        entry = journal.last
        if entry is None:
            return
        metadata = {
            "step": str(entry.step),
            "epoch": str(entry.epoch),
            "figures": json.dumps(entry.figures),
        }
        last = self.folder / f"{LAST}{SUFFIX}"
        save_weights(last, network, losses, metadata)
        if verdict.keep:
            _copy(last, self.folder / f"{entry.name}{SUFFIX}")
        if verdict.best:
            _copy(last, self.folder / f"{BEST}{SUFFIX}")
        for name in verdict.drop:
            (self.folder / f"{name}{SUFFIX}").unlink(missing_ok=True)
        write_json(self.folder / INDEX, journal.state())

    def remove_strangers(self, journal: Journal) -> None:
        """Remove weights that a killed process wrote after its last checkpoint."""
        known = {f"{name}{SUFFIX}" for name in (BEST, LAST, "final")}
        known |= {f"{entry.name}{SUFFIX}" for entry in journal.kept}
        for path in self.folder.glob(f"*{SUFFIX}"):
            if path.name not in known:
                path.unlink()
        for path in self.folder.glob(".*.part"):
            path.unlink()

    def kept(self, entry: Entry, name: str | None = None) -> KeptWeights:
        """The value that stands for a file."""
        path = self.folder / f"{name or entry.name}{SUFFIX}"
        return KeptWeights(path, entry.step, entry.epoch, dict(entry.figures))


def _copy(source: Path, target: Path) -> None:
    """The same content under another name, without doubling it where the disk can link."""
    unfinished = target.with_name(f".{target.name}.part")
    unfinished.unlink(missing_ok=True)
    try:
        os.link(source, unfinished)
    except OSError:
        shutil.copyfile(source, unfinished)
    unfinished.replace(target)
