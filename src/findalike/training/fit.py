"""Training one run: Lightning's loop, with everything that is kept of it."""

from __future__ import annotations

import datetime
from pickle import UnpicklingError
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.strategies import DDPStrategy
from torch import nn
from torch.multiprocessing.spawn import ProcessRaisedException

from findalike import errors
from findalike.config import Run
from findalike.errors import RecipeError
from findalike.models.network import EmbeddingNetwork
from findalike.models.network_weights import load_weights_into
from findalike.training.contracts import Teacher, Validate
from findalike.training.devices import Devices, parse_devices
from findalike.training.ema import WeightAverage
from findalike.training.feed import Feed
from findalike.training.journal import Entry, Journal
from findalike.training.length import RunLength, run_length
from findalike.training.loop import STATE_KEY, TrainingLoop
from findalike.training.module import TrainingModule
from findalike.training.progress import NoProgress, TrainingProgress
from findalike.training.quiet import quiet_lightning
from findalike.training.results import FitResult
from findalike.training.run_folder import RunFolder
from findalike.training.sharded_module import ShardedModule
from findalike.training.sharded_strategy import ShardedStrategy
from findalike.training.sharding_parts import require_shardable
from findalike.training.trackers import require_trackers
from findalike.training.weights import BEST, LAST, WeightFiles

# While the first rank judges, the others wait; a validation may well take longer than the minutes
# after which they would give up by themselves.
_PATIENCE = datetime.timedelta(hours=12)


def fit(
    run: Run,
    *,
    network: EmbeddingNetwork,
    losses: nn.ModuleList,
    feed: Feed,
    folder: RunFolder,
    validate: Validate | None = None,
    teacher: Teacher | None = None,
    devices: str = "auto",
    progress: TrainingProgress | None = None,
) -> FitResult:
    """Train a run to its end, or go on with it where its checkpoint is.

    On several devices each has a process of its own, to which all arguments are sent: they must be
    picklable, and the calling program must guard its start by ``if __name__ == "__main__"``.
    Gradients are averaged; statistics of batch normalisation are those of each device's own batch,
    and the first one's are kept. With ``train.strategy`` fsdp the devices share out the weights;
    files and checkpoints are the same as without.

    Args:
        run: its settings.
        network: with the weights the run starts from; holds those of the last validation
            afterwards, the running mean if there is one.
        losses: one for each entry of ``run.losses``, in that order.
        feed: the pictures.
        folder: where everything is written; whether it is gone on with is the folder's matter.
        validate: judges the network; None where the run has no validation sets.
        teacher: for ``run.distillation``.
        devices: see `findalike.training.devices.parse_devices`.
        progress: is told how it goes.

    Returns:
        What the training left behind.

    Raises:
        RecipeError: if settings do not fit each other or the network, or the loss is no number.
        SettingError: if the devices are not there, or a tracker is not installed.
    """
    require_trackers(run.logging)
    machine = parse_devices(devices)
    _require_precision(run, machine)
    length = run_length(run.train, feed.plan(0, machine.count).length)
    before = _read_state(folder) if folder.resuming else None
    if before is None or not (before["stopped"] or before["step"] >= length.steps):
        sharded = run.train.strategy == "fsdp" and machine.count > 1
        _prepare(run, network, losses, sharded=sharded)
        module = (ShardedModule if sharded else TrainingModule)(
            run, network=network, losses=losses, feed=feed, length=length, teacher=teacher
        )
        decay = run.train.ema
        loop = TrainingLoop(
            run,
            feed=feed,
            folder=folder,
            length=length,
            validate=validate,
            average=WeightAverage(network, losses, decay) if decay is not None else None,
            progress=progress or NoProgress(),
        )
        with quiet_lightning():
            trainer = _trainer(run, machine, loop, folder)
            checkpoint = folder.checkpoint if folder.resuming else None
            try:
                trainer.fit(module, ckpt_path=checkpoint, weights_only=True)
            except SystemExit as error:
                # Lightning's answer to Ctrl-C; who called us has its own.
                raise KeyboardInterrupt from error
            except ProcessRaisedException as error:
                raise _of_process(error) from error
    result = _result(run, folder, length, machine)
    network.to("cpu", torch.float32)
    load_weights_into(network, result.last.path)
    network.eval()
    return result


def _of_process(error: ProcessRaisedException) -> Exception:
    """What a process of one device raised, of which only the text comes back."""
    kind, _, message = str(error).strip().splitlines()[-1].partition(": ")
    module, _, name = kind.rpartition(".")
    ours = getattr(errors, name, None) if module == errors.__name__ else None
    try:
        return ours(message) if ours is not None else error
    except TypeError:
        # One that is made of more than its message.
        return errors.FailureError(message)


def _prepare(run: Run, network: EmbeddingNetwork, losses: nn.ModuleList, *, sharded: bool) -> None:
    train = run.train
    if len(losses) != len(run.losses):
        raise RecipeError(f"{len(losses)} losses were given for the {len(run.losses)} of the run")
    network.freeze(train.freeze)
    if train.freeze_batch_norm:
        network.freeze_batch_norm()
    if sharded:
        require_shardable(network, losses)
    elif train.channels_last:
        # Weights are shared out row by row; there, the pictures alone have this layout.
        network.to(memory_format=torch.channels_last)


def _trainer(run: Run, machine: Devices, loop: TrainingLoop, folder: RunFolder) -> Trainer:
    train = run.train
    strategy: Any = "auto"
    backend = "gloo" if machine.kind == "cpu" else None
    if machine.count > 1 and train.strategy == "fsdp":
        strategy = ShardedStrategy(machine.count, backend=backend, timeout=_PATIENCE)
    elif machine.count > 1:
        strategy = DDPStrategy(
            start_method="spawn",
            process_group_backend=backend,
            timeout=_PATIENCE,
            # A memory of embeddings is the same on every rank already, and large.
            broadcast_buffers=False,
            find_unused_parameters=train.freeze_epochs > 0,
        )
    # One epoch of Lightning's is the whole run, so that a step is where it is, wherever an
    # epoch of ours ends; see RunBatches.
    return Trainer(
        accelerator=machine.kind,
        devices=machine.count,
        strategy=strategy,
        precision=train.precision,
        max_epochs=1,
        accumulate_grad_batches=train.accumulate,
        gradient_clip_val=train.clip_norm,
        gradient_clip_algorithm="norm",
        callbacks=[loop],
        limit_val_batches=0,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=folder.path,
    )


def _require_precision(run: Run, machine: Devices) -> None:
    if machine.kind == "cpu" and run.train.precision == "16-mixed":
        raise RecipeError(
            "train.precision is 16-mixed, which needs a GPU: on the CPU 32-true, bf16-mixed and "
            "bf16-true are allowed"
        )


def _read_state(folder: RunFolder) -> dict[str, Any]:
    """What the loop wrote into the checkpoint, without reading the tensors beside it."""
    try:
        found = torch.load(folder.checkpoint, map_location="cpu", weights_only=True, mmap=True)
        return {**found["callbacks"][STATE_KEY], "step": int(found["global_step"])}
    except UnpicklingError as error:
        # torch's message tells how to load it all the same, which runs what code is in it.
        raise RecipeError(
            f"{folder.checkpoint} cannot be read: it holds more than tensors and plain values, as "
            f"no training writes; remove the folder {folder.path} to begin the run anew"
        ) from error
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, EOFError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise RecipeError(
            f"{folder.checkpoint} cannot be read ({reason}): remove the folder {folder.path} to "
            f"begin the run anew"
        ) from error


def _result(run: Run, folder: RunFolder, length: RunLength, machine: Devices) -> FitResult:
    state = _read_state(folder)
    journal = Journal.restored(run.validate_, run.keep, state["journal"])
    best, last = journal.best, journal.last
    if best is None or last is None:
        raise RuntimeError("a training ended without a validation")
    files = WeightFiles(folder.weights)

    def kept(entry: Entry, name: str | None = None) -> Any:
        return files.kept(entry, name)

    return FitResult(
        best=kept(best, BEST),
        last=kept(last, LAST),
        kept=tuple(kept(entry) for entry in journal.kept),
        steps=last.step,
        epochs=-(-last.step // length.steps_per_epoch),
        images=int(state["meter"]["images"]) * machine.count,
        seconds=float(state["meter"]["seconds"]),
        stopped_early=bool(state["stopped"]) and last.step < length.steps,
    )
