"""Taking the paths of a machine out of what is given to others."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

# ${NAME:-default}: the default is this machine's, the name is for all.
_DEFAULT = re.compile(r"\$\{(\w+):-[^}]*\}")


def without_machine_paths(value: Any) -> Any:
    """The same settings with every absolute path cut to its last two parts.

    Defaults of environment variables go too; relative paths stay as they are.

    >>> without_machine_paths({"root": "/home/me/photos/shoes", "size": 224})
    {'root': '…/photos/shoes', 'size': 224}
    >>> without_machine_paths("${DATA:-/home/me}/shoes/gallery.csv")
    '${DATA}/shoes/gallery.csv'
    """
    if isinstance(value, dict):
        return {key: without_machine_paths(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [without_machine_paths(entry) for entry in value]
    if not isinstance(value, str):
        return value
    text = _DEFAULT.sub(r"${\1}", value)
    scheme, colon, rest = text.rpartition(":")
    for path in (PurePosixPath(rest), PureWindowsPath(text)):
        # "C:" of Windows is a drive and no scheme; "local-dir:" and the like are.
        if path.is_absolute() and not rest.startswith("//"):
            kept = "/".join(["…", *path.parts[1:][-2:]])
            return f"{scheme}:{kept}" if colon and isinstance(path, PurePosixPath) else kept
    return f"~/{PurePosixPath(text).name}" if text.startswith("~") else text
