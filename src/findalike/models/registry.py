"""The encoders at hand: those shipped inside the package, and those pulled by the user."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

import platformdirs

from findalike.errors import BundleError
from findalike.models.bundle import Bundle
from findalike.models.manifest import MANIFEST_NAME

DEFAULT_ENCODER = "findalike-lite0"
"""Name of the encoder that is used where none is given; it is shipped."""

IMAGENET_ENCODER = "efficientnet-lite0-imagenet"
"""Name of the encoder of plain ImageNet weights, shipped too: what others are compared with."""

HOME_VARIABLE = "FINDALIKE_HOME"
SHIPPED = Path(__file__).parent / "bundles"

Origin = Literal["shipped", "pulled"]


@dataclass(frozen=True, slots=True)
class BundleEntry:
    """One encoder at hand.

    Attributes:
        bundle: its description, files not verified; None where it cannot be read.
        problem: why it cannot be read; None where it can.
    """

    name: str
    origin: Origin
    folder: Path
    bundle: Bundle | None
    problem: str | None


def pulled_folder(home: Path | None = None) -> Path:
    """Where pulled bundles lie, one folder each.

    Args:
        home: findalike's data folder; by default the environment variable FINDALIKE_HOME, and
            without it the user's data folder of the operating system.
    """
    if home is None:
        named = os.environ.get(HOME_VARIABLE)
        home = Path(named).expanduser() if named else platformdirs.user_data_path("findalike")
    return home / "bundles"


def list_bundles(*, home: Path | None = None) -> list[BundleEntry]:
    """Every shipped and pulled encoder, shipped ones first, then by name.

    A bundle that cannot be read is listed with its problem rather than left out.
    """
    entries = []
    for origin, folder in _folders(home):
        try:
            bundle = Bundle.load(folder, verify=False)
        except BundleError as error:
            entries.append(BundleEntry(folder.name, origin, folder, None, str(error)))
        else:
            entries.append(BundleEntry(folder.name, origin, folder, bundle, None))
    return entries


def find_bundle(name_or_path: str | Path, *, home: Path | None = None) -> Bundle:
    """Open an encoder by its name, or by the path of its folder, and verify its files.

    A `Path` is always a path. A string is looked up as a name first, shipped encoders before
    pulled ones; write ``./name`` for a folder that shares a name with one of them.

    Raises:
        BundleError: if there is none, with the names that exist; or if its files are damaged.
    """
    if isinstance(name_or_path, Path):
        return Bundle.load(name_or_path)
    folders = {folder.name: folder for _, folder in reversed(list(_folders(home)))}
    if name_or_path in folders:
        return Bundle.load(folders[name_or_path])
    path = Path(name_or_path).expanduser()
    if path.is_dir() or path.name != name_or_path:
        return Bundle.load(path)
    near = get_close_matches(name_or_path, folders, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise BundleError(
        f"no encoder named {name_or_path!r}: {hint}"
        f"At hand are {', '.join(sorted(folders))}; "
        f"`findalike models pull` fetches others, or give the path of a bundle"
    )


def _folders(home: Path | None) -> Iterator[tuple[Origin, Path]]:
    places: tuple[tuple[Origin, Path], ...] = (
        ("shipped", SHIPPED),
        ("pulled", pulled_folder(home)),
    )
    for origin, place in places:
        # Hidden folders are half-written bundles of a pull that runs or was killed.
        yield from ((origin, path.parent) for path in sorted(place.glob(f"[!.]*/{MANIFEST_NAME}")))
