"""How many CPUs this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path

CONTROL_GROUP = Path("/sys/fs/cgroup")


def usable_cpus(control_group: Path = CONTROL_GROUP) -> int:
    """CPUs this process may use, at least 1.

    A container with a quota of two CPUs on a machine of 64 sees all 64; work for 64 threads there
    is stopped by the scheduler most of the time and slower than work for two. So the quota counts
    as well as the affinity.

    Args:
        control_group: where Linux mounts the control group of this process.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(allowed or 1, _quota(control_group)))


def _quota(control_group: Path) -> int:
    """CPUs of the control group's quota, rounded up; a large number if it has none."""
    for quota_file, period_file in (
        ("cpu.max", None),
        ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"),
    ):
        try:
            numbers = (control_group / quota_file).read_text().split()
            if period_file is not None:
                numbers += (control_group / period_file).read_text().split()
            quota, period = (int(number) for number in numbers)
        except (OSError, ValueError):  # no such file, or "max": no quota
            continue
        if quota > 0 and period > 0:
            return math.ceil(quota / period)
    return 1 << 16
