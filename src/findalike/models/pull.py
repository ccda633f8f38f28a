"""`pull`: a backbone from a hub or a checkpoint becomes an encoder bundle."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from findalike.errors import BundleError, MissingExtraError, SettingError
from findalike.models.backbone_names import BACKBONES
from findalike.models.bundle import Bundle, write_bundle
from findalike.models.card import model_card
from findalike.models.manifest import (
    MAX_SIZE,
    MIN_SIZE,
    MODEL_NAME,
    NAME_PATTERN,
    InputSection,
    Manifest,
    SourceSection,
)
from findalike.models.registry import SHIPPED, pulled_folder
from findalike.types import Pixels

if TYPE_CHECKING:
    from findalike.models.backbones import Backbone

_EXPORTERS = ("torch", "timm", "open_clip_torch", "onnxscript")
_PLACEHOLDER_SHA256 = "0" * 64

DEFAULT_CONTEXT = 0.05
"""Margin around a box; on simulated shops 0 to 0.06 is best, and from 0.1 on it costs."""


def pull(
    backbone: str,
    *,
    name: str | None = None,
    out: Path | None = None,
    checkpoint: Path | None = None,
    pretrained: bool = True,
    seed: int = 0,
    size: int | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    resize: Literal["stretch", "pad", "crop"] | None = None,
    context: float = DEFAULT_CONTEXT,
    version: str = "1",
    licence: str | None = None,
    trained_on: str | None = None,
    samples: Pixels | None = None,
    home: Path | None = None,
) -> Bundle:
    """Export a backbone to an encoder bundle, checked picture by picture against torch.

    Args:
        backbone: its name; see `findalike.models.backbones.build` for the forms.
        name: of the bundle; by default the backbone's own. Random weights add ``-random`` to it.
        out: folder of the bundle, which must not exist; by default one named after the bundle
            among the pulled ones, where `find_bundle` finds it by name.
        checkpoint: weights from this file (.safetensors, or .pth and the like without code in it)
            instead of the hub.
        pretrained: False for random weights.
        seed: of the random weights.
        size: side of the input in pixels; by default the one the weights were made for.
        mean: what to subtract from each channel, on the scale 0-1; one value counts for all three.
            By default the one the weights were made for.
        std: what to divide by after that, likewise.
        resize: how a photo becomes a square; by default as the weights were made for where that
            keeps the whole photo, else ``pad``.
        context: margin around a given box; see `findalike.types.InputSpec`.
        version: of the bundle, free text.
        licence: of the weights; by default what the hub says.
        trained_on: what the weights were trained on, in words.
        samples: (n, size, size, 3) uint8 pictures to check the export with; by default generated.
        home: findalike's data folder; see `findalike.models.registry.pulled_folder`.

    Raises:
        MissingExtraError: without the extra ``train``.
        BundleError: if there is no such backbone, the checkpoint does not fit it, it cannot be
            exported, the export differs from torch, or something else lies in ``out``.
        FetchError: if the weights cannot be had from the hub.
        SettingError: if a setting is outside its range.
    """
    try:
        from findalike.models import backbones, export  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise MissingExtraError("pulling an encoder", extra="train") from error

    _require_settings(name=name, size=size, mean=mean, std=std, context=context)
    built = backbones.build(
        backbone, checkpoint=checkpoint, pretrained=pretrained, seed=seed, size=size
    )
    chosen_name = _bundle_name(name, backbone, built)
    folder = out if out is not None else pulled_folder(home) / chosen_name
    _require_free(folder, chosen_name, among_pulled=out is None)
    channels_mean, channels_std = _three(mean, built.mean), _three(std, built.std)
    pictures = _samples(built.size) if samples is None else _sized(samples, built.size)
    module = export.PixelEncoder(built.module, mean=channels_mean, std=channels_std)
    with tempfile.TemporaryDirectory(prefix="findalike-pull-") as scratch:
        model = Path(scratch) / MODEL_NAME
        half, dimension = export.export_checked(module, built.size, model, pictures)
        manifest = Manifest(
            name=chosen_name,
            version=version,
            input=InputSection(
                size=built.size, resize=resize or built.resize, context=context, fill=255
            ),
            mean=channels_mean,
            std=channels_std,
            embedding_size=dimension,
            files={MODEL_NAME: _PLACEHOLDER_SHA256},
            licence=licence or built.licence or "not stated: see the source of the weights",
            source=SourceSection(
                backbone=built.spec, weights=built.weights, made_by=_made_by(half=half)
            ),
            trained_on=trained_on or _trained_on(built),
        )
        return write_bundle(folder, manifest, model=model, card=model_card(manifest))


def _require_settings(
    *,
    name: str | None,
    size: int | None,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    context: float,
) -> None:
    """Refuse at once what would otherwise fail after a download of minutes."""
    if name is not None and not re.fullmatch(NAME_PATTERN, name):
        raise SettingError(
            f"name {name!r}: lower-case letters, digits, '.', '_' and '-' are allowed, at most 100"
        )
    if size is not None and not MIN_SIZE <= size <= MAX_SIZE:
        raise SettingError(f"size is {size}: it must be {MIN_SIZE} to {MAX_SIZE} pixels")
    for what, values in (("mean", mean), ("std", std)):
        if values is not None and len(values) not in (1, 3):
            raise SettingError(f"{what} has {len(values)} values: give one, or one a channel")
    if std is not None and min(std) <= 0:
        raise SettingError(f"std is {tuple(std)}: every value must be above 0")
    if not 0.0 <= context <= 1.0:
        raise SettingError(f"context is {context}: it must be 0 to 1")


def _require_free(folder: Path, name: str, *, among_pulled: bool) -> None:
    if among_pulled and (SHIPPED / name).exists():
        raise BundleError(f"{name!r} is the name of a shipped encoder: choose another one")
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise BundleError(
            f"cannot put the encoder {name!r} at {folder}: something lies there already; "
            f"remove it, or choose another name or folder"
        )


def _bundle_name(name: str | None, backbone: str, built: Backbone) -> str:
    if name is None:
        long = backbone if backbone in BACKBONES else built.spec
        # Of a local folder, the last part only: paths do not belong in names.
        plain = re.sub(r"^(timm/|open_clip/)?(hf-hub:|local-dir:(.*[/\\])?)?", "", long).lower()
        name = re.sub(r"[^a-z0-9._]+", "-", plain).strip("-._")[:92]
    return f"{name}-random" if built.random and not name.endswith("-random") else name


def _three(
    given: Sequence[float] | None, default: tuple[float, float, float]
) -> tuple[float, float, float]:
    if given is None:
        return default
    red, green, blue = (float(value) for value in (given if len(given) == 3 else [given[0]] * 3))
    return red, green, blue


def _samples(size: int) -> Pixels:
    """Eight pictures between plain and busy: blobs of colour, at five scales, and pure noise."""
    random = np.random.default_rng(0)
    pictures = np.empty((8, size, size, 3), np.uint8)
    for place, cells in enumerate((1, 2, 4, 8, 16, 32, size, size)):
        blobs = random.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        index = np.arange(size) * cells // size
        pictures[place] = blobs[index][:, index]
    return pictures


def _sized(samples: Pixels, size: int) -> Pixels:
    if samples.dtype != np.uint8 or samples.ndim != 4 or samples.shape[1:] != (size, size, 3):
        raise SettingError(
            f"the samples are {samples.dtype} of shape {samples.shape}: this backbone takes uint8 "
            f"of shape (n, {size}, {size}, 3)"
        )
    if not len(samples):
        raise SettingError("there are no samples: give at least one picture, or None")
    return samples


def _trained_on(built: Backbone) -> str:
    return "nothing: the weights are random" if built.random else "see the source of the weights"


def _made_by(*, half: bool) -> str:
    versions = ", ".join(f"{package} {installed_version(package)}" for package in _EXPORTERS)
    return f"{versions}; weights stored as {'float16' if half else 'float32'}"
