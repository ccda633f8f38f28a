"""Settings of the service in a YAML file, read strictly."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from findalike.config.explain import explain
from findalike.config.strict_yaml import NOT_YAML, StrictLoader, why_no_yaml
from findalike.errors import SettingError

MAX_FILE_BYTES = 100_000

Model = TypeVar("Model", bound=BaseModel)


def read_yaml_settings(
    path: Path, model: type[Model], *, what: str, example: str, context: Any = None
) -> Model:
    """Read settings from a YAML file; those that it does not name are as usual.

    Args:
        what: what the file holds, in the plural, for messages.
        example: one line of such a file.
        context: what the model's validators are told.

    Raises:
        SettingError: if it cannot be read, or a key or a value cannot be used; for an unknown key
            the message names the nearest allowed one.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise SettingError(
                f"{path} is larger than {MAX_FILE_BYTES:,} bytes: it holds no {what}"
            )
        document = yaml.load(path.read_bytes(), Loader=StrictLoader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise SettingError(
            f"cannot read {path} ({error.strerror}): give a YAML file of {what}"
        ) from error
    except NOT_YAML as error:
        raise SettingError(f"{path} is not YAML: {why_no_yaml(error)}") from None
    if document is None:
        document = {}
    if not isinstance(document, dict):
        raise SettingError(f"{path} holds no {what}: write one as `{example}`")
    try:
        return model.model_validate(document, strict=True, context=context)
    except ValidationError as error:
        raise SettingError(f"{path}: {'; '.join(explain(error, model))}") from None
