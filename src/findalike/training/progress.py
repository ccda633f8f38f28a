"""What a training tells its watcher while it runs."""

from __future__ import annotations

import sys
import time
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class TrainingProgress(Protocol):
    """Called by the process that writes the run folder, and by no other."""

    def start(self, *, run: str, epochs: int, steps: int, done: int) -> None:
        """The run begins, or goes on after ``done`` of its ``steps``."""
        ...

    def step(self, *, epoch: int, step: int, loss: float, images_per_second: float) -> None:
        """A step is done; at most a few calls a second. ``epoch`` counts from 1."""
        ...

    def say(self, text: str) -> None:
        """What the run does besides steps, such as ``validating``; empty when it goes on."""
        ...

    def stop(self) -> None:
        """The run ended, in whatever way; may be called twice."""
        ...


class NoProgress:
    """Tells nothing."""

    def start(self, *, run: str, epochs: int, steps: int, done: int) -> None:
        """See `TrainingProgress`."""

    def step(self, *, epoch: int, step: int, loss: float, images_per_second: float) -> None:
        """See `TrainingProgress`."""

    def say(self, text: str) -> None:
        """See `TrainingProgress`."""

    def stop(self) -> None:
        """See `TrainingProgress`."""


class BarProgress:
    """A bar on the terminal: run, epoch, step, loss, images per second, time left.

    Nothing is shown where the console is no terminal. The bar is made when the run starts, so an
    object that has not started can be sent to another process.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._task: Any = None
        self._epochs = 0
        self._steps = 0

    def start(self, *, run: str, epochs: int, steps: int, done: int) -> None:
        """See `TrainingProgress`."""
        console = self._console or Console(stderr=True)
        if not console.is_terminal:
            return
        self._epochs, self._steps = epochs, steps
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[where]}"),
            TextColumn("{task.fields[loss]}"),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[doing]}"),
            console=console,
        )
        self._task = self._bar.add_task(
            run, total=steps, completed=done, where="", loss="", rate="", doing="starting"
        )
        self._bar.start()

    def step(self, *, epoch: int, step: int, loss: float, images_per_second: float) -> None:
        """See `TrainingProgress`."""
        if self._bar is not None:
            self._bar.update(
                self._task,
                completed=step,
                where=f"epoch {epoch}/{self._epochs} step {step:,}/{self._steps:,}",
                loss=f"loss {loss:.4f}",
                rate=f"{images_per_second:,.0f} img/s",
                doing="",
            )

    def say(self, text: str) -> None:
        """See `TrainingProgress`."""
        if self._bar is not None:
            self._bar.update(self._task, doing=text)

    def stop(self) -> None:
        """See `TrainingProgress`."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


class LineProgress:
    """A line on standard error now and then, for output that goes to a file.

    Args:
        seconds: least time between two lines.
    """

    def __init__(self, seconds: float = 60.0) -> None:
        self._seldom = Seldom(seconds)
        self._epochs = self._steps = self._first = 0
        self._started = 0.0

    def start(self, *, run: str, epochs: int, steps: int, done: int) -> None:
        """See `TrainingProgress`."""
        self._epochs, self._steps, self._first = epochs, steps, done
        self._started = time.monotonic()
        self._seldom.due()
        since = f", from step {done:,}" if done else ""
        self._write(f"{run}: {steps:,} steps, epochs: {epochs:,}{since}")

    def step(self, *, epoch: int, step: int, loss: float, images_per_second: float) -> None:
        """See `TrainingProgress`."""
        if not self._seldom.due():
            return
        made = max(step - self._first, 1)
        left = (time.monotonic() - self._started) / made * (self._steps - step) / 60.0
        self._write(
            f"  epoch {epoch}/{self._epochs}, step {step:,}/{self._steps:,}: loss {loss:.4f}, "
            f"{images_per_second:,.0f} img/s, {left:,.0f} minutes left"
        )

    def say(self, text: str) -> None:
        """See `TrainingProgress`."""

    def stop(self) -> None:
        """See `TrainingProgress`."""

    def _write(self, line: str) -> None:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


class Seldom:
    """Says yes at most so often, for what is not worth doing at every step."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last = -seconds

    def due(self) -> bool:
        """Whether the time since the last yes is over."""
        now = time.monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True
