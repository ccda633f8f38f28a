"""Lightning's way to share a network out among devices, in processes it starts itself."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.strategies import ModelParallelStrategy
from lightning.pytorch.strategies.launchers import _MultiProcessingLauncher
from lightning.pytorch.strategies.launchers.multiprocessing import _WorkerOutput
from lightning.pytorch.strategies.strategy import Strategy
from torch import Tensor
from torch.optim import Optimizer

from findalike.training.shards import cut_like, whole, whole_state


class ShardedStrategy(ModelParallelStrategy):  # type: ignore[misc]  # lightning is not followed
    """Fully sharded data parallelism (FSDP2, arXiv:2304.11277), on GPUs as on the CPU.

    What is shared out, and along which modules, is the module's ``configure_model``. Lightning's
    older ``FSDPStrategy`` wraps torch's older FSDP, and refuses the CPU.

    Deviations from Lightning's: processes are spawned, as those of DDP are here, where it would run
    the calling program once more for each device; and checkpoints are those of a training that is
    not shared out, tensor for tensor and read without running code, so that a run can be gone on
    with on other devices.
    """

    def __init__(self, devices: int, *, backend: str | None, timeout: datetime.timedelta) -> None:
        super().__init__(
            data_parallel_size=devices,
            tensor_parallel_size=1,
            save_distributed_checkpoint=False,
            process_group_backend=backend,
            timeout=timeout,
        )

    @property
    def lightning_restore_optimizer(self) -> bool:
        """See Lightning: `load_optimizer_state_dict` is to be called."""
        return True

    def _configure_launcher(self) -> None:
        self._launcher = _Launcher(self, start_method="spawn")

    def lightning_module_state_dict(self) -> dict[str, Any]:
        """Whole tensors, on the first device alone."""
        return whole_state(self.lightning_module.state_dict(), kept=self.is_global_zero)

    def optimizer_state(self, optimizer: Optimizer) -> dict[str, Any]:
        """Whole tensors, on the first device alone."""
        state = getattr(optimizer, "_optimizer", optimizer).state_dict()
        gathered = {}
        for place, values in state["state"].items():
            gathered[place] = {
                name: whole(value).cpu() if isinstance(value, Tensor) else value
                for name, value in values.items()
            }
        return {**state, "state": gathered} if self.is_global_zero else {}

    def load_checkpoint(
        self, checkpoint_path: str | Path, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a checkpoint; never what would run code, whatever Lightning asks for."""
        del weights_only
        # Past the strategy in between, which would put it into modules and optimizers right away.
        found: dict[str, Any] = Strategy.load_checkpoint(self, checkpoint_path, weights_only=True)
        return found

    def load_model_state_dict(self, checkpoint: Mapping[str, Any], strict: bool = True) -> None:
        """Give each device its part."""
        patterns = self.lightning_module.state_dict()
        state = {
            name: cut_like(tensor, patterns[name]) if name in patterns else tensor
            for name, tensor in checkpoint["state_dict"].items()
        }
        self.lightning_module.load_state_dict(state, strict=strict)

    def load_optimizer_state_dict(self, checkpoint: Mapping[str, Any]) -> None:
        """Give each device its part."""
        for optimizer, state in zip(self.optimizers, checkpoint["optimizer_states"], strict=True):
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            parts = {
                place: {
                    name: cut_like(value, parameters[place])
                    if isinstance(value, Tensor) and value.shape == parameters[place].shape
                    else value
                    for name, value in values.items()
                }
                for place, values in state["state"].items()
            }
            optimizer.load_state_dict({**state, "state": parts})


class _Launcher(_MultiProcessingLauncher):  # type: ignore[misc]  # lightning is not followed
    """Sends no weights back: they are in the run folder, and here each device has a part only."""

    def _collect_rank_zero_results(self, trainer: Any, results: Any) -> Any:
        if self._strategy.local_rank != 0:
            return None
        extra = self.get_extra_results(trainer)
        return _WorkerOutput(None, None, trainer.state, results, extra)
