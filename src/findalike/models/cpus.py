"""How many CPUs this process may use, and what they can."""

from __future__ import annotations

import math
import os
from pathlib import Path

CONTROL_GROUP = Path("/sys/fs/cgroup")
CPU_INFO = Path("/proc/cpuinfo")


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


def sums_bytes_exactly(cpu_info: Path = CPU_INFO) -> bool:
    """Whether the CPU has instructions that add products of 8-bit numbers in 32 bits (VNNI).

    x86 CPUs without them add pairs in 16 bits, where they may overflow. Only Linux tells which it
    is; elsewhere the answer is no.

    Args:
        cpu_info: where Linux tells what the CPUs can.
    """
    try:
        text = cpu_info.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    flags = [line.partition(":")[2].split() for line in text.splitlines() if line[:5] == "flags"]
    return bool(flags) and all({"avx512_vnni", "avx_vnni"} & set(found) for found in flags)
