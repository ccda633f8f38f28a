"""Reads from an ONNX file which other files it would open, without the onnx package.

Models above 2 GB keep their weights in files beside the graph. A graph names those files itself,
so a hostile one could name ``/etc/passwd``; every name is therefore checked before the runtime
sees the graph. The default install has no onnx package, and the names sit in few places, so
the protobuf wire format is walked here
(https://protobuf.dev/programming-guides/encoding/, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3).
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

from findalike.errors import BundleError

LARGEST_SINGLE_FILE = 1_800_000_000
"""Bytes of weights up to which we write a single file: protobuf holds no more than 2 GB."""

_MAX_DEPTH = 32

# Message → field number → message it holds; fields that cannot lead to external data are skipped.
_CHILDREN: dict[str, dict[int, str]] = {
    "Model": {7: "Graph", 20: "Training", 25: "Function"},
    "Training": {1: "Graph", 2: "Graph"},
    "Function": {7: "Node", 11: "Attribute"},
    "Graph": {1: "Node", 5: "Tensor", 15: "SparseTensor"},
    "Node": {5: "Attribute"},
    "Attribute": {
        5: "Tensor",
        6: "Graph",
        10: "Tensor",
        11: "Graph",
        22: "SparseTensor",
        23: "SparseTensor",
    },
    "SparseTensor": {1: "Tensor", 2: "Tensor"},
    "Tensor": {13: "Entry"},
}


def external_files(path: Path) -> set[str]:
    """Names of the files that the ONNX file at ``path`` keeps tensors in, as it writes them.

    Raises:
        BundleError: if the file cannot be read or is not a readable ONNX file.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return set(_locations(data, "Model", 0, len(data), depth=0))
    except OSError as error:
        raise BundleError(f"cannot read {path} ({error.strerror or error})") from error
    except ValueError as error:
        raise BundleError(
            f"{path} is not a readable ONNX file ({error}): pull the encoder again"
        ) from None


def _locations(data: mmap.mmap, message: str, start: int, end: int, *, depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        raise ValueError("its graphs are nested too deeply")
    children = _CHILDREN[message]
    for field, first, last in _fields(data, start, end):
        child = children.get(field)
        if child == "Entry":
            yield from _location(data, first, last)
        elif child is not None:
            yield from _locations(data, child, first, last, depth=depth + 1)


def _location(data: mmap.mmap, start: int, end: int) -> Iterator[str]:
    """The value of a StringStringEntry whose key is "location"."""
    pair = {field: data[first:last] for field, first, last in _fields(data, start, end)}
    if pair.get(1) == b"location":
        yield pair.get(2, b"").decode("utf-8", errors="backslashreplace")


def _fields(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Number, first and last position of each field of a message that has a length."""
    position = start
    while position < end:
        key, position = _varint(data, position, end)
        first = position
        match key & 7:
            case 0:
                _, position = _varint(data, position, end)
            case 1:
                position += 8
            case 2:
                length, first = _varint(data, position, end)
                position = first + length
            case 5:
                position += 4
            case wire_type:
                raise ValueError(f"it has a field of wire type {wire_type}")
        if position > end:
            raise ValueError("it is cut off")
        if key & 7 == 2:
            yield key >> 3, first, position


def _varint(data: mmap.mmap, position: int, end: int) -> tuple[int, int]:
    result = shift = 0
    while shift < 70:
        if position >= end:
            raise ValueError("it is cut off")
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, position
        shift += 7
    raise ValueError("it has a number that is too long")
