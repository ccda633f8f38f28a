"""The use case of `findalike export`: a run's weights become an encoder bundle.

Nothing is written unless the exported encoder does what the network in torch does: on real photos,
and on the run's own validation sets.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from findalike.errors import BundleError, MissingExtraError, SettingError
from findalike.evaluation.result import EvaluationResult
from findalike.models.bundle import Bundle, file_sha256, write_bundle
from findalike.models.encoder import Encoder
from findalike.models.manifest import (
    MODEL_NAME,
    NAME_PATTERN,
    Figure,
    InputSection,
    Manifest,
    SourceSection,
)
from findalike.pipelines.export_card import Comparison, figures_of, mean_map, trained_card
from findalike.pipelines.export_photos import ExportPhotos, draw_photos
from findalike.pipelines.export_runs import data_in_words, draw_curves
from findalike.pipelines.machine_paths import without_machine_paths
from findalike.pipelines.run_to_export import RunToExport, read_run_to_export
from findalike.pipelines.validation import Embed, Validator
from findalike.types import Embeddings, Pixels

if TYPE_CHECKING:
    from findalike.models.export import PixelEncoder
    from findalike.models.network import EmbeddingNetwork

Precision: TypeAlias = Literal["fp32", "fp16", "int8"]

MAP_TOLERANCE = 0.005
"""How far the mAP of an export may be from torch's, over the queries of all validation sets."""

_ADVICE: dict[Precision, str] = {
    "fp32": "nothing can be done about it here: train with another backbone or head",
    "fp16": "take --precision fp32",
    "int8": "take --precision fp16, or give more varied photos with --samples",
}
_EXPORTERS = ("findalike", "torch", "timm", "open_clip_torch", "onnxscript", "onnxruntime")
_PLACEHOLDER_SHA256 = "0" * 64

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class ExportOutcome:
    """An exported encoder, and how it compares with torch."""

    bundle: Bundle
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class _Attempt:
    """An ONNX file that may become the bundle.

    Attributes:
        cosine: the least one with torch.
        how: how its numbers are stored, in words.
    """

    model: Path
    cosine: float
    how: str


def export_run(
    folder: Path,
    out: Path,
    *,
    precision: Precision = "fp16",
    name: str | None = None,
    version: str = "1",
    licence: str | None = None,
    weights: str | None = None,
    samples: Path | None = None,
    validate: Sequence[str] | None = None,
    base: Path | None = None,
    progress: Progress | None = None,
) -> ExportOutcome:
    """Export a run's weights to an encoder bundle, if they do there what they do in torch.

    Args:
        folder: the run.
        out: folder of the bundle, which must not exist.
        precision: ``fp32``; ``fp16``, weights stored as float16 and computed in float32; ``int8``,
            see `findalike.models.quantise.quantise`.
        name: of the bundle; by default that of its folder.
        version: of the bundle, free text.
        licence: of the weights; by default the backbone's where it is known.
        weights: see `findalike.pipelines.run_to_export.read_run_to_export`.
        samples: folder of photos, or catalogue, to compare and calibrate with; by default photos
            of the validation sets.
        validate: names of the validation sets to compare on; all by default.
        base: what the recipe's paths are relative to; by default what the run says, and the
            current folder where it says nothing.
        progress: called with (what, done, in all).

    Raises:
        MissingExtraError: without the extra ``train``.
        RecipeError: if the folder is no run, or has no such weights.
        BundleError: if something lies in ``out``, the network cannot be exported, or the export
            differs from torch.
        SettingError: if a setting is wrong, or there are too few photos to compare with.
    """
    source = read_run_to_export(folder, weights)
    chosen = _bundle_name(name, out)
    _require_free(out)
    validator = _validator(source, validate, base)
    photos = draw_photos(
        validator.sets, samples, source.run.input.spec(), calibrate=precision == "int8",
        progress=progress,
    )  # fmt: skip
    network, module = _load_network(source)
    expected: dict[str, EvaluationResult] | None = None
    refusal = ""
    with tempfile.TemporaryDirectory(prefix="findalike-export-") as scratch:
        place = Path(scratch)
        attempts = _attempts(
            module, network.size, photos, precision=precision, place=place, progress=progress
        )
        for number, attempt in enumerate(attempts):
            refusal = _cosine_refusal(attempt, precision, len(photos.compared))
            if refusal:
                continue
            if expected is None:
                by_torch = _counted(_torch_embed(module), "judging by torch", validator, progress)
                expected = validator.results(by_torch, method="torch")
            manifest = _manifest(
                source, network, attempt, name=chosen, version=version, licence=licence
            )
            draft = write_bundle(place / f"draft-{number}", manifest, model=attempt.model, card="")
            exported = _counted(Encoder(draft).embed, "judging the export", validator, progress)
            found = validator.results(exported, method=chosen)
            refusal = _map_refusal(expected, found)
            if refusal:
                continue
            comparison = Comparison(
                precision=precision,
                photos=len(photos.compared),
                calibrated_on=len(photos.calibrating),
                photos_from=photos.source,
                least_cosine=attempt.cosine,
                by_torch=expected,
                exported=found,
                how=attempt.how,
            )
            pictures = draw_curves(source, place)
            return ExportOutcome(_write(source, draft, out, comparison, pictures), comparison)
    raise BundleError(f"{chosen} in {precision} is not written: {refusal}; {_ADVICE[precision]}")


def _write(
    source: RunToExport,
    draft: Bundle,
    out: Path,
    comparison: Comparison,
    pictures: Mapping[str, Path],
) -> Bundle:
    figures: tuple[Figure, ...] = figures_of(source, draft.name, comparison)
    manifest = draft.manifest.model_copy(update={"figures": figures})
    return write_bundle(
        out,
        manifest,
        model=draft.model_path,
        card=trained_card(source, manifest, comparison, pictures),
        pictures=pictures,
    )


def _bundle_name(name: str | None, out: Path) -> str:
    if name is None:
        name = re.sub(r"[^a-z0-9._]+", "-", out.resolve().name.lower()).strip("-._")[:100]
    if not re.fullmatch(NAME_PATTERN, name):
        raise SettingError(
            f"name {name!r}: lower-case letters, digits, '.', '_' and '-' are allowed, at most 100"
        )
    return name


def _require_free(out: Path) -> None:
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise BundleError(f"something lies in {out} already: remove it, or choose another --out")


def _validator(source: RunToExport, wanted: Sequence[str] | None, base: Path | None) -> Validator:
    run = source.run
    sections = {entry.name: entry for entry in run.data.validation}
    unknown = sorted(set(wanted or ()) - set(sections))
    if unknown:
        raise SettingError(
            f"--validate {unknown[0]!r}: the validation sets of the run are "
            f"{', '.join(sections) or '(none)'}"
        )
    return Validator(
        [entry for key, entry in sections.items() if wanted is None or key in wanted],
        base=base or source.record.base or Path.cwd(),
        spec=run.input.spec(),
        k=run.validate_.k,
        seed=run.train.seed,
    )


def _load_network(source: RunToExport) -> tuple[EmbeddingNetwork, PixelEncoder]:
    try:
        from findalike.models.export import PixelEncoder  # noqa: PLC0415
        from findalike.models.network import build_network  # noqa: PLC0415
        from findalike.models.network_weights import load_weights_into  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise MissingExtraError("exporting a run", extra="train") from error

    run = source.run
    network = build_network(run.model, run.input, start="random", seed=run.train.seed)
    left = load_weights_into(network, source.weights).left
    if left:
        raise BundleError(
            f"{source.weights} lacks {left[0]} of this run's network: take weights of this run"
        )
    module = PixelEncoder(network.for_export(), mean=network.channel_mean, std=network.channel_std)
    return network, module


def _torch_embed(module: PixelEncoder) -> Embed:
    from findalike.models.export import embed_by_torch  # noqa: PLC0415

    return lambda pixels: embed_by_torch(module, pixels)


def _counted(embed: Embed, what: str, validator: Validator, progress: Progress | None) -> Embed:
    """The same function, telling how many photos of the validation sets it has seen."""
    if progress is None:
        return embed
    total = sum(len(data.queries) + len(data.gallery) for data in validator.sets.values())
    done = 0

    def counted(pixels: Pixels) -> Embeddings:
        nonlocal done
        embeddings = embed(pixels)
        done = min(done + len(pixels), total)
        progress(what, done, total)
        return embeddings

    return counted


def _attempts(
    module: PixelEncoder,
    size: int,
    photos: ExportPhotos,
    *,
    precision: Precision,
    place: Path,
    progress: Progress | None,
) -> Iterator[_Attempt]:
    from findalike.models.export import embed_by_torch, export_onnx, least_cosine  # noqa: PLC0415

    expected = embed_by_torch(module, photos.compared)
    model = place / MODEL_NAME
    export_onnx(module, size, model, half=precision == "fp16")
    if precision != "int8":
        how = f"weights stored as {'float16' if precision == 'fp16' else 'float32'}"
        yield _Attempt(model, least_cosine(expected, model, photos.compared), how)
        return
    from findalike.models.quantise import quantise  # noqa: PLC0415

    for made in quantise(model, place, photos.calibrating, progress=progress):
        how = (
            f"int8 (QDQ, per channel, uint8 activations) calibrated on "
            f"{len(photos.calibrating)} photos, {len(made.kept)} of {made.layers} layers in float32"
        )
        yield _Attempt(made.path, least_cosine(expected, made.path, photos.compared), how)


def _cosine_refusal(attempt: _Attempt, precision: Precision, photos: int) -> str:
    from findalike.models.export import LEAST_COSINES  # noqa: PLC0415

    least = LEAST_COSINES[precision]
    if attempt.cosine >= least:
        return ""
    return (
        f"on the worst of {photos} photos its cosine with torch is {attempt.cosine:.6f}, and at "
        f"least {least} is wanted"
    )


def _map_refusal(
    expected: Mapping[str, EvaluationResult], found: Mapping[str, EvaluationResult]
) -> str:
    if not expected:
        return ""
    torch, export = mean_map(expected.values()), mean_map(found.values())
    if abs(export - torch) <= MAP_TOLERANCE:
        return ""
    return (
        f"over the queries of {', '.join(expected)} its mAP is {export:.4f}, torch's {torch:.4f}, "
        f"and they may differ by {MAP_TOLERANCE}"
    )


def _manifest(
    source: RunToExport,
    network: EmbeddingNetwork,
    attempt: _Attempt,
    *,
    name: str,
    version: str,
    licence: str | None,
) -> Manifest:
    picture = source.run.input
    versions = ", ".join(f"{package} {installed_version(package)}" for package in _EXPORTERS)
    return Manifest(
        name=name,
        version=version,
        input=InputSection(
            size=picture.size, resize=picture.resize, context=picture.context, fill=picture.fill
        ),
        mean=network.channel_mean,
        std=network.channel_std,
        embedding_size=network.embedding_size,
        files={MODEL_NAME: _PLACEHOLDER_SHA256},
        licence=licence or network.licence or "not stated: ask who trained it",
        source=SourceSection(
            backbone=str(without_machine_paths(network.spec)),
            weights=(
                f"run {source.full_name}, {source.weights.name} "
                f"(SHA-256 {file_sha256(source.weights)})"
            ),
            made_by=f"{versions}; {attempt.how}",
        ),
        trained_on=data_in_words(source),
    )
