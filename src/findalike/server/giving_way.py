"""Processes of the service that do long work beside its searches."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def give_way(nice: int) -> None:
    """Let other processes go first on a busy CPU.

    Args:
        nice: 1 to 19; the higher, the less this process gets of a CPU that others want.
    """
    if hasattr(os, "nice"):
        os.nice(nice)
    # Linux may weigh sessions before it weighs the processes in them, and this one has its own
    # (sched(7), "The autogroup feature").
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(nice))
