"""Encoders: bundles, the runtime that serves them, and the way new ones are made."""

from findalike.models.bundle import Bundle, write_bundle
from findalike.models.calibration import Calibration
from findalike.models.encoder import Encoder
from findalike.models.manifest import Figure, InputSection, Manifest, SourceSection
from findalike.models.registry import (
    DEFAULT_ENCODER,
    BundleEntry,
    find_bundle,
    list_bundles,
    pulled_folder,
)

__all__ = [
    "DEFAULT_ENCODER",
    "Bundle",
    "BundleEntry",
    "Calibration",
    "Encoder",
    "Figure",
    "InputSection",
    "Manifest",
    "SourceSection",
    "find_bundle",
    "list_bundles",
    "pulled_folder",
    "write_bundle",
]
