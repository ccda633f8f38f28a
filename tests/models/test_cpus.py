from __future__ import annotations

import os

import pytest

from findalike.models import cpus
from findalike.models.cpus import sums_bytes_exactly, usable_cpus


@pytest.fixture(autouse=True)
def _machine_of_64(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 64),
        ({"cpu.max": "max 100000\n"}, 64),
        ({"cpu.max": "200000 100000\n"}, 2),
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "10000 100000\n"}, 1),
        ({"cpu.max": "9900000 100000\n"}, 64),
        ({"cpu.max": "what is this"}, 64),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 64),
    ],
)
def test_the_quota_of_a_container_counts(tmp_path, files, expected):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert usable_cpus(tmp_path) == expected


def test_affinity_counts_and_where_there_is_none_all_cpus(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5})
    assert usable_cpus(tmp_path) == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(cpus.os, "cpu_count", lambda: None)
    assert usable_cpus(tmp_path) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor\t: 0\nflags\t\t: fpu sse2 avx512_vnni\n", True),
        ("flags\t\t: avx2 avx_vnni\nflags\t\t: avx2 avx_vnni\n", True),
        ("flags\t\t: avx2 avx_vnni\nflags\t\t: avx2\n", False),
        ("flags\t\t: avx2 avx512f\nvmx flags\t: avx_vnni\n", False),
        ("Features\t: asimd\n", False),
        ("", False),
    ],
)
def test_only_what_every_cpu_can_counts(tmp_path, text, expected):
    (tmp_path / "cpuinfo").write_text(text)
    assert sums_bytes_exactly(tmp_path / "cpuinfo") is expected
    assert sums_bytes_exactly(tmp_path / "none") is False
