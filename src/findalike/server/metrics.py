"""What the service counts and measures, for Prometheus.

With several worker processes each writes its numbers to files in the folder that the environment
variable ``PROMETHEUS_MULTIPROC_DIR`` names, and whichever is asked adds them up. ``findalike
serve`` sets that by itself; it has to be set before this module is imported.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

CONTENT_TYPE = CONTENT_TYPE_LATEST
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

_STAGE_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_REQUEST_SECONDS = (0.0025, *_STAGE_SECONDS[2:], 30.0)
_BATCHES = (1, 2, 4, 8, 16, 32, 64)
_RECALLS = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
_LAGS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """The metrics of one worker. Labels hold routes and kinds, never what a client made up."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._several = FOLDER_VARIABLE in os.environ
        self._requests = self._histogram(
            "request_seconds",
            "Time from the first byte of a request to the last of its answer",
            _REQUEST_SECONDS,
            "method",
            "route",
            "status",
        )
        self._stages = self._histogram(
            "stage_seconds", "Time in one stage of a search", _STAGE_SECONDS, "stage"
        )
        self._problems = self._counter("problems_total", "Answers that tell of a problem", "kind")
        self._batches = self._histogram(
            "batch_photos", "Photos that were embedded together", _BATCHES
        )
        self._recall = self._histogram(
            "recall_at_10",
            "Share of the 10 nearest images, by exact search, that the index found too",
            _RECALLS,
        )
        self._updates = self._histogram(
            "update_seconds", "Time until a change of the catalogue can be searched", _LAGS
        )
        self._underway = self._gauge("requests_underway", "Requests that are being answered")
        self._gauges = {
            "queue_searches": self._gauge(
                "queue_searches", "Searches that were accepted and are not answered"
            ),
            "queue_photos": self._gauge("queue_photos", "Photos that wait to be embedded"),
            "upload_bytes": self._gauge("upload_bytes", "Bytes of uploads held in memory"),
            "shop_images": self._gauge("shop_images", "Images in the shop", "max"),
            "shop_version": self._gauge("shop_version", "Version of the shop searched in", "min"),
            "shop_age_seconds": self._gauge(
                "shop_age_seconds", "Time since the shop was changed", "min"
            ),
            "memory_bytes": self._gauge("memory_bytes", "Resident memory of the processes"),
            "open_files": self._gauge("open_files", "Open files and connections"),
            "cpu_seconds": self._gauge("cpu_seconds", "Processor time of the living processes"),
            "workers": self._gauge("workers", "Worker processes that live"),
        }

    def request_began(self) -> None:
        """Count a request in."""
        self._underway.inc()

    def request_ended(
        self,
        *,
        method: str,
        route: str,
        status: int,
        seconds: float,
        stages_ms: Mapping[str, float],
        problem: str | None,
    ) -> None:
        """Count a request out.

        Args:
            method: of the request.
            route: the template of its path, such as ``/v1/products/{product_id}``.
            status: of the answer.
            seconds: it took.
            stages_ms: what its stages took.
            problem: the kind of its problem, if it had one.
        """
        self._underway.dec()
        known = method if method in _METHODS else "other"
        self._requests.labels(known, route, str(status)).observe(seconds)
        for name, ms in stages_ms.items():
            self._stages.labels(name).observe(ms / 1000)
        if problem is not None:
            self._problems.labels(problem).inc()

    def search_of_batch(self, stages_ms: Mapping[str, float], problem: str | None) -> None:
        """Count one of the searches of a request: what its stages took, or its problem's kind."""
        for name, ms in stages_ms.items():
            self._stages.labels(name).observe(ms / 1000)
        if problem is not None:
            self._problems.labels(problem).inc()

    def batch(self, photos: int) -> None:
        """Count a batch that was embedded."""
        self._batches.observe(photos)

    def recall(self, share: float) -> None:
        """Count a search that was done exactly too."""
        self._recall.observe(share)

    def update(self, seconds: float) -> None:
        """Count a change of the catalogue that can be searched from now on."""
        self._updates.observe(seconds)

    def measured(self, values: Mapping[str, float]) -> None:
        """Keep what was measured of the state of this worker, by the names of the gauges."""
        for name, value in values.items():
            self._gauges[name].set(value)

    @property
    def gauges(self) -> frozenset[str]:
        """The names that `measured` takes."""
        return frozenset(self._gauges)

    def text(self) -> bytes:
        """All metrics, of all workers, in the text format of Prometheus."""
        if not self._several:
            return generate_latest(self._registry)
        _forget_the_dead(Path(os.environ[FOLDER_VARIABLE]))
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"findalike_{name}", what, labels, registry=self._registry)

    def _histogram(
        self, name: str, what: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(
            f"findalike_{name}", what, labels, buckets=buckets, registry=self._registry
        )

    def _gauge(self, name: str, what: str, across: str = "sum") -> Gauge:
        """A gauge that is added up (or whose least, or largest, is taken) across live workers."""
        modes = {"sum": "livesum", "max": "livemax", "min": "livemin"}
        return Gauge(
            f"findalike_{name}",
            what,
            registry=self._registry,
            multiprocess_mode=modes[across],  # type: ignore[arg-type]
        )


def _forget_the_dead(folder: Path) -> None:
    """Take away the gauges of workers that have ended; what they counted stays."""
    for pid in {int(path.stem.rpartition("_")[2]) for path in folder.glob("gauge_live*_*.db")}:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
