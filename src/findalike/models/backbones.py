"""Image backbones by name, from timm and open_clip, as plain torch modules. Needs torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import open_clip
import timm
import torch
from torch import nn

from findalike.errors import BundleError, FetchError
from findalike.models.backbone_names import BACKBONES
from findalike.models.bundle import file_sha256
from findalike.models.checkpoints import load_weights, read_checkpoint
from findalike.models.quiet import quiet

Resize = Literal["stretch", "pad", "crop"]

# Both libraries name the way a photo becomes a square. Those that cut the photo's edges off are
# left out, for a product reaches the edges of its box, and such a backbone is fed by padding:
# boxes have every shape, and stretching them costs the shipped encoder 0.03 to 0.07 mAP.
_RESIZES: dict[str, Resize] = {"squash": "stretch"}


@dataclass(frozen=True, slots=True)
class Backbone:
    """A backbone ready for export.

    Attributes:
        module: normalised float pictures (n, 3, size, size) → features (n, d).
        spec: its long name.
        size: side of its input in pixels.
        mean: what to subtract from each channel, on the scale 0-1.
        std: what to divide by after that.
        resize: how a photo becomes a square.
        weights: where the weights come from, in words.
        licence: of the weights, where the source names it.
        random: whether the weights are random.
    """

    module: nn.Module
    spec: str
    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resize: Resize
    weights: str
    licence: str | None
    random: bool


def build(
    name: str,
    *,
    checkpoint: Path | None = None,
    pretrained: bool = True,
    seed: int = 0,
    size: int | None = None,
) -> Backbone:
    """Build a backbone by its name.

    Args:
        name: a short name of `BACKBONES`, or one of the long forms: ``timm/NAME`` or a bare timm
            name, with or without ``.TAG``; ``hf-hub:ORG/NAME`` or ``local-dir:PATH`` in timm's
            format; ``open_clip/ARCH:TAG``; ``open_clip/hf-hub:ORG/NAME`` or
            ``open_clip/local-dir:PATH`` in open_clip's format.
        checkpoint: take the weights from this file instead of the hub.
        pretrained: False for random weights.
        seed: of the random weights.
        size: side of the input in pixels; by default the one the weights were made for.

    Raises:
        BundleError: if there is no such backbone, or the checkpoint does not fit it.
        FetchError: if the hub cannot be reached and the weights are not in its local cache.
    """
    spec = long_form(name)
    request = _Request(spec, checkpoint, pretrained and checkpoint is None, seed, size)
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if spec.startswith("open_clip/"):
            return _build_open_clip(request)
        return _build_timm(request)


def long_form(name: str) -> str:
    """The long form of a backbone's name: short names resolved, bare ones taken for timm's."""
    if name in BACKBONES:
        return BACKBONES[name].spec
    known = name.startswith(("timm/", "open_clip/", "hf-hub:", "local-dir:"))
    return name if known else f"timm/{name}"


@dataclass(frozen=True, slots=True)
class _Request:
    spec: str
    checkpoint: Path | None
    from_hub: bool
    seed: int
    size: int | None

    @property
    def is_random(self) -> bool:
        return not self.from_hub and self.checkpoint is None

    def weights(self, hub: str, matched: str = "") -> str:
        if self.is_random:
            return f"random, seed {self.seed}"
        if self.checkpoint is not None:
            digest = file_sha256(self.checkpoint)
            return f"{self.checkpoint.name} (SHA-256 {digest}), {matched}"
        return hub


def _build_timm(request: _Request) -> Backbone:
    name = request.spec.removeprefix("timm/")
    if ":" not in name:
        _require_timm_name(name, tagged=request.from_hub)
    with _hub_errors(request):
        model = timm.create_model(name, pretrained=request.from_hub, exportable=True)
    matched = ""
    if request.checkpoint is not None:
        head = model.pretrained_cfg.get("classifier") or ""
        tensors = read_checkpoint(request.checkpoint)
        matched = load_weights(
            model, tensors, head=head if isinstance(head, str) else "", path=request.checkpoint
        )
        matched = f"matched {matched}"
    model.reset_classifier(0)
    config = timm.data.resolve_data_config({}, model=model)
    size = request.size or _square(config["input_size"][1:], request.spec)
    if hasattr(model, "set_input_size") and size != config["input_size"][1]:
        model.set_input_size(img_size=(size, size))
    cfg = model.pretrained_cfg
    return Backbone(
        module=model.eval(),
        spec=request.spec,
        size=size,
        mean=_three(config["mean"]),
        std=_three(config["std"]),
        resize=_RESIZES.get(config["crop_mode"], "pad"),
        weights=request.weights(str(cfg.get("hf_hub_id") or cfg.get("url") or name), matched),
        licence=cfg.get("license") if request.from_hub else None,
        random=request.is_random,
    )


def _build_open_clip(request: _Request) -> Backbone:
    name = request.spec.removeprefix("open_clip/")
    tag: str | None = None
    if not name.startswith(("hf-hub:", "local-dir:")):
        name, _, tag = name.partition(":")
        _require_open_clip_name(name, tag, tagged=request.from_hub)
    elif request.checkpoint is not None:
        raise BundleError(
            f"{request.spec!r} brings its own weights: leave the checkpoint out, or name the "
            f"architecture as open_clip/ARCH"
        )
    weights = str(request.checkpoint) if request.checkpoint else (tag if request.from_hub else None)
    with _hub_errors(request):
        model = open_clip.create_model(
            name,
            pretrained=weights or None,
            load_weights=not request.is_random,
            require_pretrained=not request.is_random,
            # The text tower is thrown away below, so its weights need not be fetched.
            pretrained_text=False,
            force_image_size=request.size,
            # Without it, weights would be moved to the CPU from the device meta, which has none.
            device=torch.get_default_device(),
        )
    config = open_clip.get_model_preprocess_cfg(model)
    size = config["size"]
    return Backbone(
        module=model.visual.eval(),
        spec=request.spec,
        size=size if isinstance(size, int) else _square(size, request.spec),
        mean=_three(config["mean"]),
        std=_three(config["std"]),
        resize=_RESIZES.get(config["resize_mode"], "pad"),
        weights=request.weights(request.spec, "matched by name"),
        licence=None,
        random=request.is_random,
    )


def _require_timm_name(name: str, *, tagged: bool) -> None:
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        raise _unknown(name, "backbone", [*timm.list_models(), *BACKBONES])
    tags = [found.partition(".")[2] for found in timm.list_pretrained(f"{architecture}.*")]
    if tagged and tag and tag not in tags:
        raise _unknown(tag, f"weights of {architecture}", tags)
    if tagged and not tags:
        raise BundleError(
            f"timm has no pretrained weights of {architecture}: give a checkpoint, or ask for "
            f"random weights"
        )


def _require_open_clip_name(name: str, tag: str, *, tagged: bool) -> None:
    if name not in open_clip.list_models():
        raise _unknown(name, "open_clip architecture", open_clip.list_models())
    tags = open_clip.list_pretrained_tags_by_model(name)
    if tagged and tag not in tags:
        raise _unknown(tag, f"weights of {name}", tags)


def _unknown(name: str, what: str, choices: list[str]) -> BundleError:
    near = get_close_matches(name, list(dict.fromkeys(choices)), n=3, cutoff=0.5)
    shown = ", ".join(near or choices[:8]) or "none"
    return BundleError(f"no {what} is named {name!r}: near it are {shown}")


def _square(sides: Any, spec: str) -> int:
    height, width = sides
    if height != width:
        raise BundleError(f"{spec} takes {width} x {height} pixels: give the side of a square")
    return int(height)


def _three(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


@contextmanager
def _hub_errors(request: _Request) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        if request.checkpoint is not None:
            raise BundleError(
                f"{request.checkpoint} does not fit {request.spec} ({reason}): give the "
                f"checkpoint of this architecture"
            ) from error
        if "local-dir:" in request.spec or not (request.from_hub or "hf-hub:" in request.spec):
            raise BundleError(f"{request.spec} cannot be built ({reason})") from error
        raise FetchError(
            f"the weights of {request.spec} could not be had ({reason}): pull where the hub can "
            f"be reached, or download them there and give the file as checkpoint"
        ) from error
