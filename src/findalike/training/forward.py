"""The way of a batch through the network that learns, and through what it is held to."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from findalike.config import Run
from findalike.errors import RecipeError
from findalike.models.feature_graph import FeatureGraph
from findalike.models.network import EmbeddingNetwork
from findalike.training.contracts import NetworkTeacher, Teacher
from findalike.training.shards import is_cut


@dataclass(frozen=True, slots=True)
class Embedded:
    """What became of a batch.

    Attributes:
        embeddings: (n, d).
        compared: with the teacher: the features, or the embeddings.
        taught: what the teacher says; None without one.
    """

    embeddings: Tensor
    compared: Tensor
    taught: Tensor | None


class Forward:
    """Embeds batches, sparing what frozen layers make needless; see `FeatureGraph`.

    Where the teacher is the start of the run, the stages that both have in common are computed once
    a batch, provided both compute them in the same precision. A backbone of which there is no graph
    is gone through as it is, and so is one that torch compiles, which finds a graph of its own.

    It is no module, so nothing of it is in the state of the one that holds it.
    """

    def __init__(self, run: Run, network: EmbeddingNetwork, teacher: Teacher | None) -> None:
        if isinstance(teacher, nn.Module):
            teacher.eval().requires_grad_(False)
        self._run = run
        self._network = network
        self._teacher = teacher
        self._sought = run.train.compile
        self._graph: FeatureGraph | None = None
        self._twin: FeatureGraph | None = None

    def __call__(self, pixels: Tensor) -> Embedded:
        """Embed pictures (n, 3, s, s) uint8."""
        distillation = self._run.distillation
        by_features = distillation is not None and distillation.kind == "features"
        if not (self._sought or self._network.resting):
            self._seek(pixels.device)
        if self._graph is not None and not self._network.resting:
            return self._through(self._graph, pixels, by_features=by_features)
        network = self._network
        if by_features:
            compared = network.features(network.normalised(pixels))
            embeddings = network.head(compared)
        else:
            compared = embeddings = network(pixels)
        return Embedded(embeddings, compared, self._ask(pixels))

    def _through(self, graph: FeatureGraph, pixels: Tensor, *, by_features: bool) -> Embedded:
        network = self._network
        found = graph.first(network.normalised(pixels))
        before = [tensor._version for tensor in found]
        features = graph.second(found)
        embeddings = network.head(features)
        compared = features if by_features else embeddings
        # A layer that works in place would spoil what the teacher is to be given.
        untouched = before == [tensor._version for tensor in found]
        mixed = torch.is_autocast_enabled(pixels.device.type)
        teacher, twin = self._teacher, self._twin
        if isinstance(teacher, NetworkTeacher) and twin is not None and untouched and not mixed:
            with torch.no_grad():
                taught = teacher.from_features(twin.second(found)).float()
            return Embedded(embeddings, compared, taught)
        return Embedded(embeddings, compared, self._ask(pixels))

    def _ask(self, pixels: Tensor) -> Tensor | None:
        teacher = self._teacher
        if self._run.distillation is None:
            return None
        if teacher is None:
            raise RecipeError("distillation is set, and no teacher was given")
        if isinstance(teacher, nn.Module):
            teacher.to(pixels.device)
        with torch.no_grad(), torch.autocast(pixels.device.type, enabled=False):
            return teacher(pixels).to(pixels.device).float()

    def _seek(self, device: torch.device) -> None:
        """Make the graph, as late as the first batch: weights of a checkpoint are there by then."""
        self._sought = True
        if is_cut(self._network):
            # Weights come together as layers are called, which a graph goes past.
            return
        self._graph = FeatureGraph.of(self._network)
        if self._graph is not None and isinstance(self._teacher, NetworkTeacher):
            self._twin = self._graph.twin(self._teacher.network.to(device))
