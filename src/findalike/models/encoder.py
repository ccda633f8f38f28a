"""The encoder: prepared pictures in, embeddings of unit length out, by ONNX Runtime on the CPU."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from findalike.errors import BundleError, EngineError, SettingError
from findalike.models.bundle import Bundle
from findalike.models.cpus import sums_bytes_exactly, usable_cpus
from findalike.models.registry import find_bundle
from findalike.models.runtime import onnx_runtime
from findalike.types import Embeddings, InputSpec, Pixels

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

INPUT_NAME = "pixels"
OUTPUT_NAME = "embedding"

BATCH_SIZE = 2
"""Pictures given to the runtime at once.

Batches of two, run side by side, stay in the cache and leave no thread waiting for another: on two
cores they take 9.2 ms of CPU a picture where batches of eight, each shared by all threads, take
10.8, and more of the time both cores are busy.
"""

SMALL_MODEL = 100_000_000
"""Bytes of a model file up to which a second copy of the model is kept in memory."""

NORM_TOLERANCE = 1e-3


class Encoder:
    """Turns prepared pictures into embeddings; one may be shared by any number of threads.

    Attributes:
        bundle: what it was loaded from.
        threads: threads the runtime computes with.
    """

    def __init__(self, bundle: Bundle, *, threads: int | None = None) -> None:
        """Start the runtime and run it once, so that the first search is as fast as the rest.

        Args:
            bundle: the encoder; its files are verified if they were not yet.
            threads: threads to compute with; by default every CPU this process may use.

        Raises:
            BundleError: if the model does not do what its description says.
            SettingError: if ``threads`` is below 1.
        """
        if threads is not None and threads < 1:
            raise SettingError(f"threads is {threads}: it must be 1 or more, or None for all CPUs")
        self.bundle = bundle if bundle.verified else bundle.verify()
        self.threads = threads or usable_cpus()
        self._pool = ThreadPoolExecutor(self.threads, "encoder")
        self._session = _start(self.bundle, self.threads)
        # Batches run side by side, one thread each; a second copy of a large model is too dear.
        small = self.bundle.model_path.stat().st_size < SMALL_MODEL
        self._side_by_side = _start(self.bundle, 1) if small and self.threads > 1 else self._session
        _require_agreement(self._session, self.bundle)
        size = self.input.size
        self.embed(np.full((1, size, size, 3), self.input.fill, np.uint8))

    @classmethod
    def load(cls, bundle: Bundle | Path | str, *, threads: int | None = None) -> Encoder:
        """Start the encoder of a bundle, of a path, or of a name; see `find_bundle`.

        Raises:
            BundleError: if there is none, it is damaged, or does not do what it says.
            SettingError: if ``threads`` is below 1.
        """
        return cls(bundle if isinstance(bundle, Bundle) else find_bundle(bundle), threads=threads)

    @property
    def name(self) -> str:
        """Name of the bundle."""
        return self.bundle.name

    @property
    def fingerprint(self) -> str:
        """SHA-256 that identifies the encoder; see `Bundle.fingerprint`."""
        return self.bundle.fingerprint

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return self.bundle.embedding_size

    @property
    def input(self) -> InputSpec:
        """How a photo becomes the picture that `embed` takes."""
        return self.bundle.input

    def embed(self, batch: Pixels, *, one_thread: bool = False) -> Embeddings:
        """Embeddings of prepared pictures, in their order.

        Args:
            batch: (n, size, size, 3) uint8 RGB, n ≥ 0. Any n: it is worked off in pieces.
            one_thread: work it all off in the caller's thread, for callers that keep the other
                CPUs busy themselves. Threads that share a picture wait for each other by spinning:
                where those CPUs have other work, that takes up to twice the time of CPU.

        Returns:
            (n, dimension) float32, rows of unit length.

        Raises:
            SettingError: if the batch has another shape or dtype.
            BundleError: if the model gives no usable embedding for a picture.
            EngineError: if the runtime fails, for want of memory say.
        """
        size = self.input.size
        if batch.dtype != np.uint8 or batch.ndim != 4 or batch.shape[1:] != (size, size, 3):
            raise SettingError(
                f"the encoder {self.name!r} takes uint8 pictures of shape (n, {size}, {size}, 3), "
                f"not {batch.dtype} of shape {batch.shape}: use findalike.data.prepare"
            )
        pieces = [batch[at : at + BATCH_SIZE] for at in range(0, len(batch), BATCH_SIZE)]
        if one_thread:
            found = [self._run(self._side_by_side, piece) for piece in pieces]
        elif len(pieces) > 1 and self.threads > 1:
            found = list(self._pool.map(partial(self._run, self._side_by_side), pieces))
        else:
            found = [self._run(self._session, piece) for piece in pieces]
        result = np.concatenate([np.empty((0, self.dimension), np.float32), *found])
        self._require_unit_length(result)
        return result

    def _run(self, session: InferenceSession, piece: Pixels) -> Embeddings:
        piece = np.ascontiguousarray(piece)
        try:
            (embedding,) = session.run([OUTPUT_NAME], {INPUT_NAME: piece})
        except Exception as error:  # the runtime's own classes share no public base
            raise EngineError(
                f"the encoder {self.name!r} failed on {len(piece)} pictures: {error}"
            ) from error
        array: Embeddings = np.asarray(embedding)
        if array.shape != (len(piece), self.dimension) or array.dtype != np.float32:
            raise BundleError(
                f"the encoder {self.name!r} gave {array.dtype} of shape {array.shape} for "
                f"{len(piece)} pictures, its description says float32 of {self.dimension} "
                f"numbers each: pull it again"
            )
        return array

    def _require_unit_length(self, embeddings: Embeddings) -> None:
        norms = np.sqrt(np.einsum("nd,nd->n", embeddings, embeddings, dtype=np.float64))
        # Written so that NaN counts as wrong.
        wrong = np.flatnonzero(~(np.abs(norms - 1.0) <= NORM_TOLERANCE))
        if wrong.size:
            raise BundleError(
                f"the encoder {self.name!r} gave no usable embedding for picture {wrong[0]} of "
                f"{len(norms)}: its length is {norms[wrong[0]]:g}, not 1; pull the encoder again"
            )


def _start(bundle: Bundle, threads: int) -> InferenceSession:
    onnxruntime = onnx_runtime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3
    # Threads that share one picture wait for each other by spinning, which saves a third of its
    # time; once it is done they stop, to leave the CPU to those that decode photos.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    # x86 CPUs without VNNI add products of 8-bit numbers in 16 bits, where they may overflow; this
    # has them use exact sums. With VNNI all sums are exact, and it would take twice the time.
    if not sums_bytes_exactly():
        options.add_session_config_entry("session.x64quantprecision", "1")
    try:
        return onnxruntime.InferenceSession(
            str(bundle.model_path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # the runtime's own classes share no public base
        raise BundleError(
            f"{bundle.model_path} is not a model that ONNX Runtime {onnxruntime.__version__} "
            f"can run ({error}): pull the encoder again"
        ) from error


def _require_agreement(session: InferenceSession, bundle: Bundle) -> None:
    """The graph's input and output are those of the description."""
    size = bundle.input.size
    found = [_describe(value) for value in (*session.get_inputs(), *session.get_outputs())]
    expected = [
        (INPUT_NAME, "tensor(uint8)", [size, size, 3]),
        (OUTPUT_NAME, "tensor(float)", [bundle.embedding_size]),
    ]
    if found != expected:
        raise BundleError(
            f"{bundle.model_path} takes and gives {found}, its description says {expected}: "
            f"pull the encoder again"
        )


def _describe(value: Any) -> tuple[str, str, list[int | str | None]]:
    return value.name, value.type, list(value.shape[1:])
