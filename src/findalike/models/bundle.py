"""An encoder bundle: a folder with ``encoder.json``, ``encoder.onnx`` and a model card."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from findalike.errors import BundleError, StorageError
from findalike.models.manifest import (
    CARD_NAME,
    CARD_PICTURES,
    MANIFEST_NAME,
    MODEL_NAME,
    Manifest,
    read_manifest,
)
from findalike.models.onnx_file import external_files
from findalike.types import InputSpec

_CHUNK = 1 << 20
_CARD_FILES = (CARD_NAME, *CARD_PICTURES)


@dataclass(frozen=True, slots=True)
class Bundle:
    """An encoder on disk, known to be whole if it was loaded with ``verify``.

    Attributes:
        folder: where it lies.
        manifest: what its ``encoder.json`` says.
        verified: whether the files were found to have the SHA-256 the manifest lists.
    """

    folder: Path
    manifest: Manifest
    verified: bool

    @classmethod
    def load(cls, folder: Path, *, verify: bool = True) -> Bundle:
        """Open the bundle in ``folder``.

        Args:
            folder: the bundle.
            verify: compare every file with its SHA-256. Without it only the description is read,
                which is enough to list bundles; `Encoder.load` verifies what was not.

        Raises:
            BundleError: if the description breaks the schema, a file is missing, is a link, or
                differs from its SHA-256, or the model keeps weights in files that are not listed.
        """
        if not folder.is_dir():
            raise BundleError(
                f"no encoder bundle at {folder}: give a folder with an {MANIFEST_NAME}, "
                f"or a name from `findalike models list`"
            )
        bundle = cls(folder, read_manifest(folder / MANIFEST_NAME), verified=False)
        return bundle.verify() if verify else bundle

    def verify(self) -> Bundle:
        """The same bundle with its files checked against the manifest.

        Raises:
            BundleError: as for `load`.
        """
        for name, expected in self.manifest.files.items():
            path = self.folder / name
            _require_plain_file(path)
            actual = file_sha256(path)
            if actual != expected:
                raise BundleError(
                    f"{path} is damaged or was changed: its SHA-256 is {actual[:12]}…, "
                    f"{MANIFEST_NAME} says {expected[:12]}…; pull the encoder again"
                )
        unlisted = external_files(self.model_path) - set(self.manifest.files)
        if unlisted:
            raise BundleError(
                f"{self.model_path} keeps weights in {sorted(unlisted)[0]!r}, which "
                f"{MANIFEST_NAME} does not list: pull the encoder again"
            )
        return Bundle(self.folder, self.manifest, verified=True)

    @property
    def name(self) -> str:
        """The bundle's name, such as ``efficientnet-lite0-imagenet``."""
        return self.manifest.name

    @property
    def version(self) -> str:
        """The bundle's version, free text."""
        return self.manifest.version

    @property
    def input(self) -> InputSpec:
        """How a photo becomes the encoder's input."""
        return self.manifest.input.spec()

    @property
    def embedding_size(self) -> int:
        """Dimensions of an embedding."""
        return self.manifest.embedding_size

    @property
    def model_path(self) -> Path:
        """The ONNX file."""
        return self.folder / MODEL_NAME

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all that decides an embedding: the model's files and the input.

        Two bundles of one fingerprint give the same embeddings, whatever their names.
        """
        decisive = {
            "files": self.manifest.files,
            "input": self.manifest.input.model_dump(),
            "embedding_size": self.embedding_size,
        }
        text = json.dumps(decisive, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def copy_to(self, folder: Path) -> Bundle:
        """Copy the bundle to ``folder`` in one step: it is there whole, or not at all.

        A bundle of the same fingerprint that lies there already is left as it is.

        Raises:
            BundleError: if something else lies there.
            StorageError: if the disk is full or not writable.
        """
        checked = self if self.verified else self.verify()
        names = [*checked.manifest.files, MANIFEST_NAME]
        names += [name for name in _CARD_FILES if _is_plain_file(checked.folder / name)]
        return _place({name: checked.folder / name for name in names}, {}, folder)


def write_bundle(
    folder: Path,
    manifest: Manifest,
    *,
    model: Path,
    card: str,
    pictures: Mapping[str, Path] | None = None,
) -> Bundle:
    """Make a bundle in ``folder``, which must not exist, in one step.

    Args:
        folder: where to; its parents are made.
        manifest: the description; its ``files`` are replaced by what is found.
        model: the ONNX file; files beside it that its weights lie in are taken too.
        card: the model card, Markdown.
        pictures: of the card, by their names in the bundle, which are among `CARD_PICTURES`.
            As for the card itself, no hash covers them.

    Raises:
        BundleError: if something else lies in ``folder``, a picture has another name, or the model
            keeps weights outside
            its own folder.
        StorageError: if the disk is full or not writable.
    """
    sources = {MODEL_NAME: model}
    for name in external_files(model):
        if name in (MODEL_NAME, MANIFEST_NAME, CARD_NAME) or Path(name).name != name:
            raise BundleError(
                f"{model} keeps weights in {name!r}: only a file beside it is allowed"
            )
        sources[name] = model.parent / name
    shown = dict(pictures or {})
    strange = sorted(set(shown) - set(CARD_PICTURES))
    if strange:
        raise BundleError(
            f"{strange[0]!r} is no picture of a model card: {', '.join(CARD_PICTURES)} are"
        )
    for path in (*sources.values(), *shown.values()):
        _require_plain_file(path)
    listed = {name: file_sha256(path) for name, path in sorted(sources.items())}
    # Validated again, not only copied: model_copy trusts its argument.
    checked = Manifest.model_validate(manifest.model_dump() | {"files": listed})
    texts = {MANIFEST_NAME: checked.model_dump_json(indent=2) + "\n", CARD_NAME: card}
    return _place(sources | shown, texts, folder)


def _place(files: dict[str, Path], texts: dict[str, str], folder: Path) -> Bundle:
    """Gather files and texts in a hidden folder beside ``folder``, then rename it."""
    draft: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        draft.chmod(0o755)
        for name, source in files.items():
            with source.open("rb") as reader, (draft / name).open("xb") as writer:
                shutil.copyfileobj(reader, writer, _CHUNK)
                _to_disk(writer)
        for name, text in texts.items():
            with (draft / name).open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
                _to_disk(file)
        made = Bundle.load(draft)
        try:
            draft.rename(folder)
        except OSError:
            if not folder.exists():
                raise
            return _already_there(folder, made)
        return Bundle(folder, made.manifest, verified=True)
    except OSError as error:
        raise StorageError(
            f"cannot write the bundle {folder}: {error.strerror or error}; free space or mend "
            f"the folder's rights, then try again"
        ) from error
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)


def _already_there(folder: Path, made: Bundle) -> Bundle:
    try:
        present = Bundle.load(folder)
    except BundleError:
        present = None
    if present is None or present.fingerprint != made.fingerprint:
        raise BundleError(
            f"cannot put the encoder {made.name!r} at {folder}: something else lies there; "
            f"remove it or choose another folder"
        )
    return present


def _to_disk(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _is_plain_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _require_plain_file(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        raise BundleError(
            f"{path} is missing ({error.strerror}): copy the whole bundle, or pull it again"
        ) from None
    if not stat.S_ISREG(mode):
        raise BundleError(
            f"{path} is not a plain file: links and folders are not followed, copy the file itself"
        )


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises:
        BundleError: if the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BundleError(f"cannot read {path} ({error.strerror})") from error
