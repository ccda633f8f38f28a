"""What a run was made with: versions, commit, platform."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

import findalike

PACKAGES = (
    "findalike",
    "lightning",
    "numpy",
    "open_clip_torch",
    "opencv-python-headless",
    "pytorch-metric-learning",
    "timm",
    "torch",
    "torchvision",
)


def describe_environment(*, seed: int, devices: str) -> dict[str, object]:
    """What ``environment.json`` holds.

    Args:
        seed: of the run.
        devices: as they were asked for.
    """
    cuda = torch.cuda.is_available()
    return {
        "packages": {name: _version(name) for name in PACKAGES},
        "git": _commit(Path(findalike.__file__).parent),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        if cuda
        else [],
        "cuda": torch.version.cuda if cuda else None,
        "devices": devices,
        "seed": seed,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit(folder: Path) -> dict[str, object] | None:
    """The commit of the checkout that findalike runs from; None for an installed one."""
    git = shutil.which("git")
    # An installed package may lie inside somebody's repository, whose commit says nothing of it.
    if git is None or "site-packages" in folder.parts:
        return None

    def ask(*words: str) -> str | None:
        asked = subprocess.run(  # noqa: S603 - git itself, with fixed words
            [git, "-C", str(folder), *words], capture_output=True, text=True, check=False
        )
        return asked.stdout.strip() if asked.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    if not commit:
        return None
    return {"commit": commit, "changed": bool(ask("status", "--porcelain", "--", "."))}
