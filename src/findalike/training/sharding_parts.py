"""Where a network is cut to be shared out among devices."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from findalike.errors import RecipeError
from findalike.models.network import EmbeddingNetwork

# A part of the backbone is put together while it computes. The smaller the parts, the less memory
# that takes, and the more often the devices wait for each other.
_LEAST_SHARE = 1 / 64


def sharding_parts(network: EmbeddingNetwork, others: Sequence[nn.Module]) -> list[nn.Module]:
    """The modules that are cut, those inside others before these.

    Of the backbone they are the elements of its lists of layers, which are what repeats, with a
    share of at least a 64th of its numbers each, and then what is left of it. Such elements are
    called as they are; what is inside of another kind of module may lend it no more than its
    weights, and would not know when to put them together.

    Args:
        network: its head is one part.
        others: what else is learnt, such as losses, one part each.
    """
    parts = [*_layers(network.backbone), network.backbone, network.head, *others]
    return [part for part in parts if _numbers(part)]


def largest_part(network: EmbeddingNetwork, others: Sequence[nn.Module]) -> int:
    """How many numbers are put together at once: those of the largest part."""
    parts = sharding_parts(network, others)
    sizes = []
    seen: set[int] = set()
    for part in parts:
        fresh = [p for p in part.parameters() if id(p) not in seen]
        seen |= {id(p) for p in fresh}
        sizes.append(sum(p.numel() for p in fresh))
    return max(sizes, default=0)


def require_shardable(network: nn.Module, losses: nn.Module) -> None:
    """Refuse weights that cannot be shared out.

    Raises:
        RecipeError: if one is a single number without a dimension to cut it along.
    """
    for what, module in (("model.backbone", network), ("losses", losses)):
        for name, parameter in module.named_parameters():
            if parameter.ndim == 0:
                raise RecipeError(
                    f"train.strategy is fsdp, and the weight {name} of {what} is a single number, "
                    f"which cannot be shared out: set train.strategy to ddp"
                )


def _layers(backbone: nn.Module) -> list[nn.Module]:
    least = _LEAST_SHARE * _numbers(backbone)
    parts: list[nn.Module] = []

    def visit(module: nn.Module) -> int:
        """Numbers that are in no part yet."""
        left = sum(p.numel() for p in module.parameters(recurse=False))
        for child in module.children():
            inside = visit(child)
            listed = isinstance(module, nn.ModuleList | nn.Sequential)
            if listed and inside and inside >= least and not _is_list(child):
                parts.append(child)
                inside = 0
            left += inside
        return left

    visit(backbone)
    return parts


def _numbers(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _is_list(module: nn.Module) -> bool:
    """Whether it has no code of its own that would be called."""
    return isinstance(module, nn.ModuleList | nn.ModuleDict | nn.ParameterList | nn.ParameterDict)
