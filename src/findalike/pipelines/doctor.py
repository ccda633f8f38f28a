"""The use case of `findalike doctor`: does this machine have what findalike needs?"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from PIL import features

from findalike import __version__
from findalike.errors import FindalikeError
from findalike.models.encoder import Encoder
from findalike.models.registry import DEFAULT_ENCODER, find_bundle
from findalike.shop.shop import Shop
from findalike.types import Embeddings

State: TypeAlias = Literal["ok", "note", "wrong"]

PACKAGES = ("lancedb", "onnxruntime", "opencv-python-headless", "pillow", "pyarrow")
FREE_GB = 1.0
SPEED_IMAGES = 64


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``wrong`` means that findalike will not work."""

    what: str
    state: State
    detail: str


def examine() -> Iterator[Finding]:
    """Look at one thing after the other."""
    checks: tuple[Callable[[], Finding], ...] = (
        _python,
        _machine,
        _packages,
        _image_formats,
        _scratch_space,
        _encoder,
        _round_trip,
        _training_extra,
    )
    for check in checks:
        try:
            yield check()
        except (FindalikeError, OSError, ImportError) as error:
            yield Finding(check.__name__.strip("_").replace("_", " "), "wrong", str(error))


def _python() -> Finding:
    text = f"findalike {__version__}, Python {platform.python_version()}, {platform.platform()}"
    return Finding("python", "ok" if sys.version_info >= (3, 11) else "wrong", text)


def _machine() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Finding("machine", "ok", f"{cores} cores, {platform.machine()}")


def _packages() -> Finding:
    versions = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    return Finding("packages", "ok", ", ".join(versions))


def _image_formats() -> Finding:
    known = {name: features.check(name) for name in ("jpg", "zlib", "webp", "libtiff", "avif")}
    missing = [name for name, there in known.items() if not there]
    if missing:
        return Finding(
            "image formats",
            "note",
            f"this Pillow was built without {', '.join(missing)}: such photos are refused; "
            f"`pip install --upgrade pillow` brings a complete one",
        )
    return Finding("image formats", "ok", "JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF")


def _scratch_space() -> Finding:
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free / 1e9
    if free < FREE_GB:
        return Finding(
            "scratch space", "note", f"{free:.1f} GB free in {folder}: set TMPDIR to a larger disk"
        )
    return Finding("scratch space", "ok", f"{free:.0f} GB free in {folder}")


def _encoder() -> Finding:
    encoder = Encoder.load(find_bundle(DEFAULT_ENCODER))
    size = encoder.input.size
    batch = np.random.default_rng(0).integers(0, 256, (SPEED_IMAGES, size, size, 3), dtype=np.uint8)
    started = time.perf_counter()
    embeddings: Embeddings = encoder.embed(batch)
    rate = SPEED_IMAGES / (time.perf_counter() - started)
    return Finding(
        "encoder",
        "ok",
        f"{encoder.name}: hashes right, {embeddings.shape[1]} dimensions, {rate:,.0f} images/s",
    )


def _round_trip() -> Finding:
    with tempfile.TemporaryDirectory(prefix="findalike-doctor-") as scratch:
        shop = Shop.create(Path(scratch) / "shop")
        stats = shop.stats()
    return Finding("shop", "ok", f"made, opened and deleted one (version {stats.version})")


def _training_extra() -> Finding:
    if importlib.util.find_spec("torch") is None:
        return Finding(
            "extra 'train'",
            "note",
            'not installed; needed to pull or train encoders: pip install "findalike[train]"',
        )
    return Finding("extra 'train'", "ok", f"torch {importlib.metadata.version('torch')}")
