"""What happens between the steps: figures, validation, weights, checkpoints."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, distributed, nn

from findalike.config import Run
from findalike.models.network import EmbeddingNetwork
from findalike.training.charts import draw_charts
from findalike.training.contracts import Validate
from findalike.training.ema import WeightAverage
from findalike.training.feed import Feed
from findalike.training.journal import Journal
from findalike.training.judging import judge
from findalike.training.length import RunLength
from findalike.training.meter import Meter
from findalike.training.metrics_log import MetricsLog
from findalike.training.module import TrainingModule
from findalike.training.progress import Seldom, TrainingProgress
from findalike.training.run_folder import RunFolder
from findalike.training.schedules import rate_factor
from findalike.training.sharded_module import ShardedModule
from findalike.training.trackers import Trackers
from findalike.training.weights import WeightFiles

STATE_KEY = "findalike"


class TrainingLoop(Callback):  # type: ignore[misc]  # lightning is not followed
    """Keeps the run folder.

    All ranks come to the same decisions from the same figures; only the first one judges and
    writes. What is written at a step is written before its checkpoint, and all of it can be made
    again: a process killed in between goes on from the checkpoint before and writes the same.
    """

    def __init__(
        self,
        run: Run,
        *,
        feed: Feed,
        folder: RunFolder,
        length: RunLength,
        validate: Validate | None,
        average: WeightAverage | None,
        progress: TrainingProgress,
    ) -> None:
        self._run = run
        self._feed = feed
        self._folder = folder
        self._length = length
        self._validate = validate
        self._average = average
        self._progress = progress
        self._journal = Journal(run.validate_, run.keep)
        self._files = WeightFiles(folder.weights)
        self._restored: dict[str, Any] | None = None
        self._stopped = False
        self._meter: Meter | None = None
        self._log: MetricsLog | None = None
        self._trackers: Trackers | None = None

    def state_dict(self) -> dict[str, Any]:
        """What `read_loop_state` and a resumed run take from a checkpoint."""
        meter = self._meter.state() if self._meter is not None else {}
        return {"journal": self._journal.state(), "meter": meter, "stopped": self._stopped}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """See `state_dict`."""
        self._restored = state_dict
        self._journal = Journal.restored(self._run.validate_, self._run.keep, state_dict["journal"])

    @property
    def state_key(self) -> str:
        """Under which a checkpoint holds `state_dict`."""
        return STATE_KEY

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Add the mean of the weights."""
        if self._average is not None:
            self._average.gather(kept=trainer.is_global_zero)
            checkpoint["average"] = self._average.state_dict()

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Take the mean of the weights."""
        if self._average is not None:
            self._average.load_state_dict(checkpoint["average"])

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open what is written to."""
        module = _ours(pl_module)
        done = trainer.global_step
        module.position = done * self._length.accumulate
        module.train()
        if self._average is not None:
            if isinstance(module, ShardedModule):
                self._average.share_out(module.network, module.losses)
            else:
                self._average.to(module.device)
        self._meter = Meter(len(module.names), module.device)
        if self._restored is not None:
            self._meter.restore(self._restored["meter"])
        if trainer.is_global_zero:
            folder = self._folder
            self._log = MetricsLog(folder.metrics, after_step=done)
            recipe = folder.path.resolve().parent.name
            self._trackers = Trackers(self._run, folder.path, recipe=recipe, after_step=done)
            folder.weights.mkdir(exist_ok=True)
            self._files.remove_strangers(self._journal)
            self._progress.start(
                run=self._run.name, epochs=self._length.epochs, steps=self._length.steps, done=done
            )
        self._seldom_told = Seldom(0.25)
        self._seldom_drawn = Seldom(60.0)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Let the backbone rest in the first epochs, if it is to."""
        module = _ours(pl_module)
        epoch = module.position // self._length.batches_per_epoch
        resting = epoch < self._run.train.freeze_epochs
        if resting != module.network.resting:
            module.network.rest_backbone(resting)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Do what is due after a batch, and after a step once all its batches are seen."""
        module, meter = _ours(pl_module), self._running()
        values: Tensor = outputs["values"]
        meter.add(values, len(batch[1]))
        module.position += 1
        if module.position % self._length.accumulate:
            return
        step = module.position // self._length.accumulate
        if self._average is not None:
            self._average.update(module.network, module.losses)
        epoch, within = divmod(step, self._length.steps_per_epoch)
        ended, last = within == 0, step == self._length.steps
        judged = last or self._is_judged(step, epoch, ended=ended)
        if trainer.is_global_zero and self._seldom_told.due():
            self._progress.step(
                epoch=min(epoch + 1, self._length.epochs),
                step=step,
                loss=float(values[0]),
                images_per_second=meter.rate() * trainer.world_size,
            )
        if step % self._run.logging.every_steps == 0 or ended or judged:
            self._write_row(trainer, module, step=step, epoch=epoch, judged=judged)
        every = self._run.keep.checkpoint_steps
        if ended or judged or (every is not None and step % every == 0):
            self._save(trainer)
        if self._stopped:
            trainer.should_stop = True
        # Asked to end, Lightning does so after this batch; nothing of it need be lost. On several
        # devices the others know nothing of it yet, and a checkpoint is made by all.
        if trainer.received_sigterm and trainer.world_size == 1:
            self._save(trainer)
            raise KeyboardInterrupt

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Close what was written to."""
        self._close(failed=False)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Close what was written to."""
        self._close(failed=True)

    def _running(self) -> Meter:
        if self._meter is None:
            raise RuntimeError("the training has not started")
        return self._meter

    def _is_judged(self, step: int, epoch: int, *, ended: bool) -> bool:
        section = self._run.validate_
        by_epoch = ended and epoch % section.every_epochs == 0
        by_step = section.every_steps is not None and step % section.every_steps == 0
        return by_epoch or by_step

    def _write_row(
        self, trainer: Trainer, module: TrainingModule, *, step: int, epoch: int, judged: bool
    ) -> None:
        meter = self._running()
        means = _mean_over_ranks(meter.means())
        # A GPU is asked only here, before anything is kept of weights that may be spoilt.
        module.require_finite(means, step=step)
        # The schedule has gone on to the next step by now.
        factor = rate_factor(self._run.scheduler, self._length, step - 1)
        rates = [factor * group["initial_lr"] for group in trainer.optimizers[0].param_groups]
        figures: dict[str, float] = {"step": step, "epoch": epoch}
        figures |= dict(zip(module.names, means.tolist(), strict=True))
        figures |= {"lr": max(rates), "images_per_s": meter.rate() * trainer.world_size}
        meter.clear()
        if judged:
            began = time.monotonic()
            figures |= self._judge(trainer, module, step=step, epoch=epoch)
            meter.pause(time.monotonic() - began)
        if self._log is not None and self._trackers is not None:
            self._log.append(figures)
            told = {name: value for name, value in figures.items() if name != "step"}
            self._trackers.log(told, step)
            ending = step == self._length.steps or self._stopped
            if judged and (self._seldom_drawn.due() or ending):
                draw_charts(
                    self._log.rows,
                    self._folder.path / "charts",
                    run=self._run.name,
                    steps_per_epoch=self._length.steps_per_epoch,
                )

    def _judge(
        self, trainer: Trainer, module: TrainingModule, *, step: int, epoch: int
    ) -> dict[str, float]:
        network, losses, learnt = self._judged(module)
        figures: dict[str, float] = {}
        if trainer.is_global_zero:
            self._progress.say("validating")
            figures = judge(
                self._run,
                network=network,
                losses=losses,
                learnt=learnt,
                feed=self._feed,
                validate=self._validate,
                device=module.device,
                precision=trainer.precision_plugin.val_step_context(),
            )
            self._progress.say("")
        figures = trainer.strategy.broadcast(figures)
        ended = step % self._length.steps_per_epoch == 0
        name = f"epoch-{epoch:03d}" if ended else f"step-{step:06d}"
        verdict = self._journal.record(name=name, step=step, epoch=epoch, figures=figures)
        self._stopped = self._stopped or verdict.stop
        if trainer.is_global_zero:
            own = {key: p.detach() for key, p in losses.named_parameters()}
            weights: Mapping[str, Tensor] = own if learnt is None else learnt
            self._files.write(self._journal, verdict, network=network, losses=weights)
            if isinstance(module, ShardedModule):
                network.to("cpu")
                losses.to("cpu")
        return figures

    def _judged(
        self, module: TrainingModule
    ) -> tuple[EmbeddingNetwork, nn.ModuleList, Mapping[str, Tensor] | None]:
        """The network to judge and the losses, and what these are to have learnt instead.

        Where weights are shared out, they are put together for the first device.
        """
        average, network, losses = self._average, module.network, module.losses
        if average is not None:
            average.gather(kept=module.global_rank == 0)
            network = average.network
        if not isinstance(module, ShardedModule):
            share_statistics(network)
            return network, losses, None if average is None else average.losses
        copied = module.gather(network=average is None)
        if copied is not None:
            network = copied.network if average is None else network
            network.to(module.device)
            losses = copied.losses.to(module.device)
        if average is None:
            return network, losses, None
        return network, losses, {k: mean.to(module.device) for k, mean in average.losses.items()}

    def _save(self, trainer: Trainer) -> None:
        path = self._folder.checkpoint
        unfinished = path.with_name(f".{path.name}.part")
        if trainer.is_global_zero:
            path.parent.mkdir(exist_ok=True)
        trainer.save_checkpoint(unfinished)
        if trainer.is_global_zero:
            unfinished.replace(path)

    def _close(self, *, failed: bool) -> None:
        if self._trackers is not None:
            self._trackers.close(failed=failed)
            self._trackers = None
        self._progress.stop()


def _ours(module: LightningModule) -> TrainingModule:
    if not isinstance(module, TrainingModule):
        raise TypeError(f"a TrainingModule is trained here, not a {type(module).__name__}")
    return module


def _mean_over_ranks(values: Tensor) -> Tensor:
    if distributed.is_available() and distributed.is_initialized():
        distributed.all_reduce(values)
        values = values / distributed.get_world_size()
    return values


def share_statistics(network: torch.nn.Module) -> None:
    """Give every rank the batch statistics of the first one, which are those that are kept."""
    if distributed.is_available() and distributed.is_initialized():
        for buffer in network.buffers():
            distributed.broadcast(buffer, 0)
