"""Losses and miners of pytorch-metric-learning by name."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor, nn

from findalike.errors import MissingExtraError, SettingError
from findalike.losses.gather import gather_rows
from findalike.losses.precision import widened, without_autocast

METRIC_LOSSES = {
    "multi-similarity": "MultiSimilarityLoss",
    "proxy-anchor": "ProxyAnchorLoss",
    "soft-triple": "SoftTripleLoss",
    "triplet": "TripletMarginLoss",
}
"""Name of each loss, and its class in pytorch-metric-learning, which cites the papers."""

METRIC_MINERS = {
    "batch-hard": "BatchHardMiner",
    "multi-similarity": "MultiSimilarityMiner",
    "triplet-margin": "TripletMarginMiner",
}
"""Name of each miner, and its class in pytorch-metric-learning."""

Option = float | str

# Given by the model and the data, not by a recipe.
_SIZES = ("num_classes", "embedding_size")


class MetricLearningLoss(nn.Module):
    """A loss of pytorch-metric-learning, as it is there, on the batch without repeated images.

    Of rows with one image id the first is kept, so that an image is never its own positive. Under
    DDP the batch is that of all ranks (`gather_rows`), but not in evaluation mode. Computed in
    float32 (float64 for float64 embeddings), also under autocast. Without any pair or triplet: 0,
    and zero gradients. Smaller is better.

    Attributes:
        loss: the wrapped loss, with its proxies if it has any.
        miner: the wrapped miner, or None.
    """

    def __init__(
        self,
        name: str,
        classes: int,
        dimension: int,
        *,
        options: Mapping[str, Option] | None = None,
        miner: str | None = None,
        miner_options: Mapping[str, Option] | None = None,
    ) -> None:
        """Make the loss.

        Args:
            name: one of `METRIC_LOSSES`.
            classes: number of classes, for the losses with proxies.
            dimension: of the embeddings, for the losses with proxies.
            options: arguments of the loss's class there, without its sizes.
            miner: one of `METRIC_MINERS`, which chooses the pairs or triplets; None for all of
                them. For a loss with proxies, how often an image is chosen is its weight.
            miner_options: arguments of the miner's class there.

        Raises:
            SettingError: if there is no such loss, miner or option.
            MissingExtraError: if pytorch-metric-learning is not installed.
        """
        super().__init__()
        if miner is None and miner_options:
            raise SettingError(
                f"options of a miner ({', '.join(miner_options)}) without a miner: name one of "
                f"{', '.join(METRIC_MINERS)}"
            )
        sizes = {"num_classes": classes, "embedding_size": dimension}
        self.loss = _make("losses", METRIC_LOSSES, name, options or {}, sizes)
        self.miner = (
            None
            if miner is None
            else _make("miners", METRIC_MINERS, miner, miner_options or {}, sizes)
        )

    def forward(self, embeddings: Tensor, labels: Tensor, image_ids: Tensor) -> Tensor:
        """Loss, a scalar, of embeddings (n, d), labels (n,) int64 and image ids (n,) int64."""
        with without_autocast(embeddings):
            rows: tuple[Tensor, ...] = (widened(embeddings), labels, image_ids)
            wide, labels, image_ids = gather_rows(*rows) if self.training else rows
            kept = first_of_each(image_ids)
            wide, labels = wide[kept], labels[kept]
            chosen = None if self.miner is None else self.miner(wide, labels)
            if chosen is not None and not any(len(part) for part in chosen):
                # Losses with proxies take an empty choice for no choice, and count every image.
                return wide.sum() * 0.0
            loss: Tensor = self.loss(wide, labels, chosen)
            return loss


def first_of_each(image_ids: Tensor) -> Tensor:
    """Rows at which an image id is met for the first time, ascending: (n,) to (k,), int64."""
    found, inverse = torch.unique(image_ids, return_inverse=True)
    rows = torch.arange(len(image_ids), device=image_ids.device)
    first = torch.full_like(found, len(image_ids))
    return first.scatter_reduce(0, inverse, rows, reduce="amin").sort().values


def _make(
    kind: str,
    names: Mapping[str, str],
    name: str,
    options: Mapping[str, Option],
    sizes: Mapping[str, int],
) -> nn.Module:
    if name not in names:
        raise SettingError(
            f"no {name!r} among the {kind} of pytorch-metric-learning that are offered: choose "
            f"one of {', '.join(sorted(names))}"
        )
    try:
        from pytorch_metric_learning import losses, miners  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError(f"{name!r}, one of the {kind}", extra="train") from error
    made: Any = getattr({"losses": losses, "miners": miners}[kind], names[name])
    allowed = _arguments(made)
    for option in options:
        if option not in allowed or option in _SIZES:
            offered = sorted(set(allowed) - set(_SIZES))
            near = get_close_matches(option, offered, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise SettingError(
                f"{name!r} has no option {option!r}: {hint}It has {', '.join(offered) or 'none'}"
            )
    arguments = {option: _as_default(value, allowed[option]) for option, value in options.items()}
    given = {size: value for size, value in sizes.items() if size in allowed}
    try:
        module: nn.Module = made(**given, **arguments)
    except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
        raise SettingError(f"{name!r} cannot be made with {dict(options)}: {error}") from error
    return module


def _arguments(made: Any) -> dict[str, Any]:
    """Name and default of the arguments that the class itself declares."""
    return {
        name: parameter.default
        for name, parameter in inspect.signature(made).parameters.items()
        if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    }


def _as_default(value: Option, default: object) -> Option:
    """A number from YAML as the whole number or truth value that the class counts with."""
    if isinstance(default, bool) and value in (0, 1):
        return bool(value)
    if isinstance(default, int) and isinstance(value, float) and value.is_integer():
        return int(value)
    return value
