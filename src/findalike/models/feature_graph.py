"""The features of a network that is being trained, without work that leads to nothing new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeAlias, cast

import torch
from torch import Tensor, fx, nn
from torch.nn.modules.batchnorm import _BatchNorm

from findalike.models.folding import FoldedConvolution, can_fold
from findalike.models.network import EmbeddingNetwork

_WITH_PARTS = ("call_module", "get_attr")

_Folded: TypeAlias = Mapping[str, tuple[str, str]]
"""Name of a folded convolution → names of the convolution and the normalisation."""

# These compute in training what they compute in evaluation. Of others it is not known.
_SAME_IN_TRAINING = (
    nn.Conv2d,
    nn.Linear,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.Identity,
    nn.Flatten,
    nn.ReLU,
    nn.ReLU6,
    nn.SiLU,
    nn.GELU,
    nn.Hardswish,
    nn.Hardsigmoid,
    nn.Sigmoid,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    FoldedConvolution,
)


class FeatureGraph:
    """`EmbeddingNetwork.features` as a graph of operations (`torch.fx`), in two halves.

    The first half is all that follows from the picture and from frozen weights alone. It is
    computed without gradients, and a network that was copied from this one need not compute it
    again: see `twin`. The second half is the rest. In both, batch normalisation that rests is
    folded into the convolution before it: see `FoldedConvolution`.

    The layers are the network's own, so it learns through the graph as without it, and its state
    has the same names. A graph holds for as long as the same parts are frozen. It is no module of
    the network, and is neither copied nor saved with it.
    """

    def __init__(
        self,
        network: EmbeddingNetwork,
        graph: fx.Graph,
        folded: _Folded,
        frozen: frozenset[fx.Node] | None = None,
    ) -> None:
        self._levels = network.levels
        self._graph = graph
        self._folded = folded
        self._parts = _parts(_Traced(network), graph, folded)
        self._frozen = _frozen(graph, self._parts) if frozen is None else frozen
        self._halves = _halves(graph, self._parts, self._frozen)

    @classmethod
    def of(cls, network: EmbeddingNetwork) -> FeatureGraph | None:
        """The graph of a network as it is frozen now; None if that would spare nothing.

        Nor is there one where operations depend on what is computed, or on the mode, where the
        graph does not give the features that the network gives, or where layers are called with
        hooks before them, which it would pass by: so it is with weights that are shared out.

        Args:
            network: in training mode, on the device and in the precision it is trained in.
        """
        root, training = _Traced(network), network.training
        if any(module._forward_pre_hooks for module in root.modules()):
            return None
        try:
            graph = _trace(root)
            same = str(_trace(root.eval())) == str(graph)
        except Exception:  # what tracing trips over has no class of its own
            return None
        finally:
            network.train(training)
        if not same:
            return None
        made = cls(network, graph, _fold(graph, root))
        spares = made._folded or any(node.op == "call_module" for node in made._frozen)
        return made if spares and made._agrees(network) else None

    def first(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """Normalised pictures (n, 3, s, s) → what the second half is given, without gradients."""
        with torch.no_grad():
            found: tuple[Tensor, ...] = self._halves[0](pictures)
        return found

    def second(self, found: Sequence[Tensor]) -> Tensor:
        """What `first` gave → features (n, f), as `EmbeddingNetwork.features` gives them."""
        features, maps = self._halves[1](*found)
        return self._levels.join(features, maps)

    def twin(self, copy: EmbeddingNetwork) -> FeatureGraph | None:
        """The graph of a copy, whose second half takes what the first half of this one gives.

        Args:
            copy: of the network, in evaluation mode and without gradients, on the same device.

        Returns:
            None if what is frozen here is not the same there, to the bit.
        """
        twin = FeatureGraph(copy, self._graph, self._folded, self._frozen)
        names = {str(node.target) for node in self._frozen if node.op in _WITH_PARTS}
        equal = all(_equal(self._parts[name], twin._parts[name]) for name in names)
        return twin if equal else None

    @torch.no_grad()
    def _agrees(self, network: EmbeddingNetwork) -> bool:
        training = network.training
        noise = torch.rand((2, 3, network.size, network.size), generator=torch.Generator())
        device = network.mean.device.type
        try:
            network.eval()
            with torch.autocast(device, enabled=False):
                pictures = network.normalised(255.0 * noise.to(network.mean.device))
                expected = network.features(pictures)
                gap = self.second(self.first(pictures)) - expected
        finally:
            network.train(training)
        allowed = torch.finfo(expected.dtype).eps ** 0.5
        return bool(gap.norm() <= allowed * expected.norm())


class _Traced(nn.Module):
    """Pictures → features at the end and the maps of the levels."""

    def __init__(self, network: EmbeddingNetwork) -> None:
        super().__init__()
        self.backbone = network.backbone
        self.levels = network.levels

    def forward(self, pictures: Tensor) -> tuple[Tensor, list[Tensor]]:
        return self.backbone(pictures), self.levels.taken()


class _Tracer(fx.Tracer):
    """Looks into modules that are made of others; the others may depend on their mode inside."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return (
            isinstance(m, _BatchNorm)
            or next(m.children(), None) is None
            or super().is_leaf_module(m, module_qualified_name)
        )


def _trace(root: _Traced) -> fx.Graph:
    return _Tracer().trace(root)


def _fold(graph: fx.Graph, root: nn.Module) -> _Folded:
    """Put one node in place of a convolution and the resting normalisation that alone uses it."""
    called = [node for node in graph.nodes if node.op == "call_module"]
    times = Counter(node.target for node in called)
    folded: dict[str, tuple[str, str]] = {}
    for norm in called:
        conv = norm.args[0] if norm.args else None
        if not isinstance(conv, fx.Node) or conv.op != "call_module" or len(conv.users) > 1:
            continue
        names = str(conv.target), str(norm.target)
        once = times[conv.target] == times[norm.target] == 1
        if not once or not can_fold(*(root.get_submodule(name) for name in names)):
            continue
        target = f"folded_{len(folded)}"
        folded[target] = names
        with graph.inserting_before(norm):
            single = graph.call_module(target, conv.args, conv.kwargs)
        norm.replace_all_uses_with(single)
        graph.erase_node(norm)
        graph.erase_node(conv)
    return folded


def _parts(root: nn.Module, graph: fx.Graph, folded: _Folded) -> dict[str, Any]:
    """The modules and tensors that the graph names."""
    parts: dict[str, Any] = {}
    for node in graph.nodes:
        name = str(node.target)
        if name in folded:
            conv, norm = (cast(Any, root.get_submodule(part)) for part in folded[name])
            parts[name] = FoldedConvolution(conv, norm)
        elif node.op in _WITH_PARTS:
            parts[name] = attrgetter(name)(root)
    return parts


def _frozen(graph: fx.Graph, parts: Mapping[str, Any]) -> frozenset[fx.Node]:
    """The nodes that follow from the picture and from frozen weights alone, alike in each mode."""
    frozen: set[fx.Node] = set()
    for node in graph.nodes:
        part = parts.get(str(node.target)) if node.op in _WITH_PARTS else None
        if (
            node.op != "output"
            and (part is None or _rests(part))
            and all(source in frozen for source in node.all_input_nodes)
        ):
            frozen.add(node)
    return frozenset(frozen)


def _rests(part: nn.Module | Tensor) -> bool:
    if isinstance(part, Tensor):
        return not part.requires_grad
    learns = any(parameter.requires_grad for parameter in part.parameters())
    return not learns and (not part.training or isinstance(part, _SAME_IN_TRAINING))


def _halves(
    graph: fx.Graph, parts: dict[str, Any], frozen: frozenset[fx.Node]
) -> tuple[fx.GraphModule, fx.GraphModule]:
    """The frozen nodes, and the others, which take from the first what they use."""
    nodes = list(graph.nodes)
    crossing = [
        node for node in nodes if node in frozen and any(user not in frozen for user in node.users)
    ]
    first, second = fx.Graph(), fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    for node in nodes:
        if node in frozen:
            copies[node] = first.node_copy(node, copies.__getitem__)
    first.output(tuple(copies[node] for node in crossing))
    copies = {node: second.placeholder(node.name) for node in crossing}
    for node in nodes:
        if node not in frozen:
            copies[node] = second.node_copy(node, copies.__getitem__)
    return fx.GraphModule(parts, first), fx.GraphModule(parts, second)


def _equal(mine: nn.Module | Tensor, its: nn.Module | Tensor) -> bool:
    left = mine.state_dict() if isinstance(mine, nn.Module) else {"": mine}
    right = its.state_dict() if isinstance(its, nn.Module) else {"": its}
    return left.keys() == right.keys() and all(
        tensor.dtype == right[name].dtype and torch.equal(tensor, right[name])
        for name, tensor in left.items()
    )
