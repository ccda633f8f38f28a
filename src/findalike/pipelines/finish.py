"""After the last step: soups of the kept weights, and steps back towards the start."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from findalike.config import Run
from findalike.models.network import EmbeddingNetwork
from findalike.models.network_weights import read_weights, save_weights
from findalike.pipelines.validation import Validator
from findalike.training import FitResult
from findalike.training.soup import State, greedy_soup, interpolate, mean_state
from findalike.types import Embeddings, Pixels

PREFIX = "network."
LOSSES = "losses."
EMBED_BATCH = 64


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of the kept weights.

    Attributes:
        figures: of the final weights.
        said: what was done, in words; "" if the best weights were taken as they are.
        interpolated: share of the way from the start; None for the whole way.
    """

    figures: Mapping[str, float]
    said: str
    interpolated: float | None


def finish_run(
    run: Run,
    result: FitResult,
    *,
    network: EmbeddingNetwork,
    start: Path,
    validate: Validator,
    refit: Callable[[], None] | None,
    tell: Callable[[str], None],
) -> Finished:
    """Make the final weights by the section ``finish``, judge them, and write them.

    Without validation sets nothing can be chosen: the last weights, or the mean of the kept ones,
    are taken. What the losses learnt, such as class weights, goes the same way as the network: the
    mean of the same members, and as far back to the start where the run began with it. A run that
    starts from these weights gets a pair that belongs together.

    Args:
        result: what training left behind.
        network: of the run; holds the final weights afterwards.
        start: file of the weights the run began with, and of what its losses had learnt before;
            needed for ``interpolate``.
        validate: judges a network.
        refit: computes the head of the network anew from its other weights, its embeddings turned
            as before, so that class weights still fit; None where the head is trained.
        tell: is told what was made.
    """
    judge = _Judge(network, validate, criterion=_criterion(run), tell=tell)
    said: list[str] = []
    best = _read(result.best.path)
    state, learnt = best.network, best.losses
    kept = [_read(weights.path) for weights in result.kept]
    if run.finish.soup == "greedy" and len(kept) > 1 and validate.sets:
        tell(f"greedy soup of {len(kept)} weights")
        soup = greedy_soup([weights.network for weights in kept], judge)
        state = soup.state
        learnt = mean_state([kept[member].losses for member in soup.members])
        said.append(f"greedy soup of {len(soup.members)} of {len(kept)} weights")
    elif run.finish.soup != "none" and len(kept) > 1:
        state = mean_state([weights.network for weights in kept])
        learnt = mean_state([weights.losses for weights in kept])
        said.append(f"mean of {len(kept)} weights")
    taken: float | None = None
    if run.finish.interpolate:
        tell("steps from the start to the end")
        begun = _read(start)
        state, taken = _stepped(run, begun.network, state, judge, validate)
        learnt = interpolate(begun.losses, learnt, taken)
        said.append(f"{taken:g} of the way from the start")
    network.load_state_dict(dict(state))
    if refit is not None:
        refit()
        state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        said.append("the whitening computed anew")
    final = judge.figures(state)
    network.load_state_dict(dict(state))
    if not said and "val_loss" in result.best.figures:
        final = {**final, "val_loss": result.best.figures["val_loss"]}
    save_weights(
        result.best.path.with_name("final.safetensors"),
        network,
        # Nobody judges class weights, but the next run's begin with them.
        learnt,
        {
            "step": str(result.best.step),
            "epoch": str(result.best.epoch),
            "figures": json.dumps(final),
        },
    )
    return Finished(final, ", ".join(said), taken)


class _Judge:
    """Says how good weights are, and asks the validation sets once for each of them."""

    def __init__(
        self,
        network: EmbeddingNetwork,
        validate: Validator,
        *,
        criterion: str,
        tell: Callable[[str], None],
    ) -> None:
        self._network = network
        self._validate = validate
        self._criterion = criterion
        self._tell = tell
        self._known: list[tuple[State, Mapping[str, float]]] = []

    def __call__(self, state: State) -> float:
        return self.figures(state).get(self._criterion, 0.0)

    def figures(self, state: State) -> Mapping[str, float]:
        for known, figures in self._known:
            if known is state:
                return figures
        figures = judged(self._network, state, self._validate)
        self._known.append((state, figures))
        if figures:
            self._tell("  " + ", ".join(f"{name} {value:.4f}" for name, value in figures.items()))
        return figures


def judged(network: EmbeddingNetwork, state: State, validate: Validator) -> Mapping[str, float]:
    """The figures of a network with these weights; it holds them afterwards."""
    network.load_state_dict(dict(state))
    network.eval()
    device = network.mean.device

    @torch.inference_mode()
    def embed(pixels: Pixels) -> Embeddings:
        pictures = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        rows = [
            network(part.to(device)).float().cpu() for part in torch.split(pictures, EMBED_BATCH)
        ]
        embeddings: Embeddings = torch.nn.functional.normalize(torch.cat(rows)).numpy()
        return embeddings

    return validate(embed)


def _stepped(
    run: Run,
    start: State,
    end: State,
    judge: _Judge,
    validate: Validator,
) -> tuple[State, float]:
    shares = run.finish.interpolate
    states = {share: interpolate(start, end, share) for share in shares}
    if len(shares) == 1 or not validate.sets:
        share = shares[-1]
        return states[share], share
    best = max(shares, key=lambda share: judge(states[share]))
    return states[best], best


def _criterion(run: Run) -> str:
    """Averages are judged by mAP: the validation loss says little of weights nobody trained."""
    return "map" if run.validate_.criterion == "loss" else run.validate_.criterion


@dataclass(frozen=True, slots=True)
class _Weights:
    """What a file of weights holds of the network, and of its losses."""

    network: State
    losses: State


def _read(path: Path) -> _Weights:
    tensors = read_weights(path)
    return _Weights(_part(tensors, PREFIX), _part(tensors, LOSSES))


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
