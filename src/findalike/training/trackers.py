"""Where figures go besides the table: TensorBoard, MLflow, Weights & Biases."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from findalike.config import LoggingSection, Run
from findalike.errors import SettingError
from findalike.training.quiet import quiet_lightning


def require_trackers(section: LoggingSection) -> None:
    """Refuse what is not installed before anything is trained.

    Raises:
        SettingError: if the package of a tracker is missing.
    """
    for key, package, wanted in (
        ("mlflow", "mlflow", section.mlflow),
        ("wandb", "wandb", section.wandb),
    ):
        if wanted is not None and find_spec(package) is None:
            raise SettingError(
                f"logging.{key} needs the package {package}, which is not installed: "
                f"`pip install {package}`, or leave logging.{key} out"
            )


class Trackers:
    """Lightning's loggers, fed with the rows of the table."""

    def __init__(self, run: Run, folder: Path, *, recipe: str, after_step: int) -> None:
        """Open them.

        Args:
            run: its settings, which are told to each of them.
            folder: of the run; TensorBoard's events go to ``tensorboard`` in it.
            recipe: its name: the experiment at MLflow.
            after_step: what TensorBoard knows of later steps is hidden.

        Raises:
            SettingError: if the package of a tracker is missing.
        """
        require_trackers(run.logging)
        with quiet_lightning():
            self._loggers = _open(run, folder, recipe, after_step)
            settings = run.model_dump(mode="json", by_alias=True)
            for logger in self._loggers[1:]:
                logger.log_hyperparams(settings)

    def log(self, figures: Mapping[str, float], step: int) -> None:
        """Tell all of them the figures of a step."""
        with quiet_lightning():
            for logger in self._loggers:
                logger.log_metrics(dict(figures), step=step)

    def close(self, *, failed: bool) -> None:
        """Write what is not yet written."""
        with quiet_lightning():
            for logger in self._loggers:
                logger.save()
                logger.finalize("failed" if failed else "success")


def _open(run: Run, folder: Path, recipe: str, after_step: int) -> list[Any]:
    from lightning.pytorch import loggers  # noqa: PLC0415

    purge = {"purge_step": after_step + 1} if after_step else {}
    opened: list[Any] = [
        loggers.TensorBoardLogger(
            folder, name="", version="tensorboard", default_hp_metric=False, **purge
        )
    ]
    if run.logging.mlflow is not None:
        where = run.logging.mlflow
        address = where if "://" in where else Path(where).resolve().as_uri()
        opened.append(
            loggers.MLFlowLogger(experiment_name=recipe, run_name=run.name, tracking_uri=address)
        )
    if run.logging.wandb is not None:
        opened.append(
            loggers.WandbLogger(project=run.logging.wandb, name=run.name, save_dir=folder)
        )
    return opened
