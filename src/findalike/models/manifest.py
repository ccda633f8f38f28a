"""The schema of ``encoder.json``, the description at the heart of an encoder bundle."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from findalike.config.explain import explain
from findalike.errors import BundleError
from findalike.models.calibration import Calibration
from findalike.types import InputSpec

MANIFEST_NAME = "encoder.json"
MODEL_NAME = "encoder.onnx"
CARD_NAME = "README.md"
CARD_PICTURES = ("loss.png", "map.png")
"""Pictures that a model card may show, curves of the training."""

SCHEMA_VERSION = 1
MAX_MANIFEST_BYTES = 1_000_000
MIN_SIZE, MAX_SIZE = 16, 2048
NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,99}$"

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
BundleName = Annotated[str, Field(pattern=NAME_PATTERN)]
Channels = tuple[float, float, float]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class InputSection(_Section):
    """How a photo becomes the encoder's input; see `findalike.types.InputSpec`."""

    size: int = Field(ge=MIN_SIZE, le=MAX_SIZE)
    resize: Literal["stretch", "pad", "crop"]
    context: float = Field(ge=0.0, le=1.0)
    fill: int = Field(ge=0, le=255)

    def spec(self) -> InputSpec:
        """The same values as the dataclass that travels between the layers."""
        return InputSpec(self.size, self.resize, self.context, self.fill)


class SourceSection(_Section):
    """Where the encoder comes from.

    Attributes:
        backbone: the architecture as given to `pull`, such as ``timm/resnet18``.
        weights: where its weights came from, and how they were matched to the architecture.
        made_by: the versions of the libraries that exported it.
    """

    backbone: str = Field(min_length=1)
    weights: str = Field(min_length=1)
    made_by: str = ""


class Figure(_Section):
    """One measured figure of the encoder, with what is needed to measure it again.

    Attributes:
        n: how many queries the value is the mean of.
        ci95: 95 % confidence interval, if one was computed.
        command: what printed it.
    """

    protocol: str = Field(min_length=1)
    metric: str = Field(min_length=1)
    value: float
    n: int = Field(ge=1)
    ci95: tuple[float, float] | None = None
    command: str = Field(min_length=1)


class Manifest(_Section):
    """What ``encoder.json`` holds.

    Attributes:
        mean: what the graph subtracts from each channel, on the scale 0-1. For the reader: the
            graph does the normalisation itself.
        std: what the graph then divides by.
        files: SHA-256 of each file that the runtime loads. The model card is not among them, so
            that notes may be added to it.
        calibration: what its cosines mean, None where that was not measured. No hash and no
            fingerprint covers it: it changes no embedding.
    """

    schema_version: int = Field(default=SCHEMA_VERSION, ge=1)
    name: BundleName
    version: str = Field(min_length=1, max_length=50)
    input: InputSection
    mean: Channels
    std: Channels
    embedding_size: int = Field(ge=1, le=65_536)
    files: dict[str, Sha256]
    licence: str = Field(min_length=1)
    source: SourceSection
    trained_on: str = Field(min_length=1)
    figures: tuple[Figure, ...] = ()
    calibration: Calibration | None = None

    @field_validator("files")
    @classmethod
    def _plain_file_names(cls, files: dict[str, str]) -> dict[str, str]:
        for name in files:
            if not _FILE_NAME.fullmatch(name):
                raise ValueError(
                    f"{name!r} is not a plain file name: letters, digits, '.', '_' and '-' "
                    f"are allowed, no folders"
                )
            if name in (MANIFEST_NAME, CARD_NAME, *CARD_PICTURES):
                raise ValueError(f"{name!r} cannot be listed: only the files of the model are")
        if MODEL_NAME not in files:
            raise ValueError(f"{MODEL_NAME!r} is not listed")
        return files


def read_manifest(path: Path) -> Manifest:
    """Read and check an ``encoder.json``.

    Raises:
        BundleError: if the file cannot be read, is of a newer schema, or breaks the schema; the
            message names the dotted key, and for an unknown key the nearest allowed one.
    """
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise BundleError(
                f"{path} is larger than {MAX_MANIFEST_BYTES} bytes: it is no encoder description"
            )
        data = path.read_bytes()
    except OSError as error:
        raise BundleError(
            f"cannot read {path} ({error.strerror}): "
            f"give the folder of a bundle, or a name from `findalike models list`"
        ) from error
    _refuse_newer(data, path)
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        raise BundleError(
            f"{path}: {'; '.join(explain(error, Manifest))}; mend it or pull the encoder again"
        ) from None


def _refuse_newer(data: bytes, path: Path) -> None:
    # Looked at before the schema is: a newer one may have keys that this one would call unknown.
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path} is not JSON ({error}): pull the encoder again") from None
    version = document.get("schema_version") if isinstance(document, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise BundleError(
            f"{path} has schema version {version}, this findalike knows up to {SCHEMA_VERSION}: "
            f"upgrade with `pip install --upgrade findalike`"
        )
