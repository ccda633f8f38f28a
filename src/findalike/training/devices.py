"""Which devices a training runs on, from a few letters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import torch

from findalike.errors import SettingError

_FORM = re.compile(r"(?:(auto|cpu|gpu)(?::(\d+))?|(\d+))")


@dataclass(frozen=True, slots=True)
class Devices:
    """What Lightning's Trainer is told.

    Attributes:
        kind: of the devices.
        count: how many, each with a process of its own.
    """

    kind: Literal["cpu", "gpu"]
    count: int


def parse_devices(text: str) -> Devices:
    """Read ``auto``, ``cpu``, ``gpu``, ``2``, ``cpu:2``, ``gpu:4``.

    ``auto`` takes every GPU there is, or else the CPU; a number alone counts GPUs where there are
    some, or else processes on the CPU.

    Raises:
        SettingError: if the text is something else, or asks for GPUs that are not there.
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise SettingError(
            f"devices {text!r}: auto, cpu, gpu, a number, cpu:NUMBER and gpu:NUMBER are allowed"
        )
    name = match.group(1) or "auto"
    number = match.group(2) or match.group(3)
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    kind: Literal["cpu", "gpu"] = (
        "cpu" if name == "cpu" or (name == "auto" and not there) else "gpu"
    )
    count = int(number) if number is not None else max(there, 1) if kind == "gpu" else 1
    if count < 1:
        raise SettingError(f"devices {text!r}: at least one is needed")
    if kind == "gpu" and count > there:
        raise SettingError(f"devices {text!r}: there are {there} GPUs here; use cpu, or fewer")
    return Devices(kind, count)
