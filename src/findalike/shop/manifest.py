"""The manifest of a shop: which encoder filled it, and where its pictures lie."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from findalike.errors import ShopNotFoundError, StorageError

MANIFEST_NAME = "shop.json"
SCHEMA_VERSION = 1


class Manifest(BaseModel):
    """What ``shop.json`` holds.

    Attributes:
        schema_version: layout of the shop's folder.
        encoder: name of the bundle whose embeddings the shop holds.
        encoder_fingerprint: SHA-256 that identifies that encoder.
        embedding_size: dimensions of an embedding.
        roots: folders that image paths are relative to, latest import first. An image is looked
            for below each of them and recognised by its SHA-256.
        created_at: UTC.
        created_by: version of findalike.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA_VERSION
    encoder: str
    encoder_fingerprint: str
    embedding_size: int
    roots: tuple[str, ...] = ()
    created_at: datetime
    created_by: str

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the manifest of the shop in ``folder``.

        Raises:
            ShopNotFoundError: if there is no shop in the folder.
            StorageError: if the manifest is damaged, or of a newer findalike.
        """
        path = folder / MANIFEST_NAME
        try:
            text = path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            raise ShopNotFoundError(
                f"no shop at {folder}: make one with `findalike index SOURCE --shop {folder}`"
            ) from None
        except OSError as error:
            raise StorageError(f"cannot read {path}: {error.strerror}") from error
        try:
            version = json.loads(text).get("schema_version")
            if isinstance(version, int) and version > SCHEMA_VERSION:
                raise StorageError(
                    f"{path} has layout {version}, this findalike knows up to {SCHEMA_VERSION}: "
                    f"upgrade with `pip install --upgrade findalike`"
                )
            return cls.model_validate_json(text)
        except (ValidationError, ValueError, AttributeError) as error:
            raise StorageError(
                f"{path} is damaged ({type(error).__name__}): restore it from a backup, "
                f"or index the catalogue again into another folder"
            ) from error

    def write(self, folder: Path) -> None:
        """Write the manifest in one step: readers see the old one or the new one."""
        path = folder / MANIFEST_NAME
        draft = path.with_suffix(".json.new")
        try:
            with draft.open("w", encoding="utf-8") as file:
                file.write(self.model_dump_json(indent=2) + "\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as error:
            raise StorageError(
                f"cannot write {path}: {error.strerror}; free space or mend its rights, "
                f"then run the same command again"
            ) from error

    def with_root(self, root: Path) -> Manifest:
        """The manifest with a folder that image paths are relative to, as the latest of them."""
        path = str(root.resolve())
        others = tuple(other for other in self.roots if other != path)
        return self.model_copy(update={"roots": (path, *others)})
