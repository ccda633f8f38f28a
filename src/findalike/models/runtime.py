"""ONNX Runtime, imported at first use and kept from reporting."""

from __future__ import annotations

import os
from types import ModuleType


def onnx_runtime() -> ModuleType:
    """The module ``onnxruntime``, with its telemetry off.

    Since 1.29 its builds report each model they load to their maker, and keep a database of that
    in the user's home, unless this variable is set before the first import. A shop's machine tells
    nobody what it does. The import takes 0.1 s, which commands that embed nothing need not spend.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime  # noqa: PLC0415

    onnxruntime.disable_telemetry_events()
    module: ModuleType = onnxruntime
    return module
