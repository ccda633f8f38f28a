"""Averages of weights: soups of several checkpoints, and steps back towards the start.

All functions take and give state dicts. Floating-point tensors are averaged in float32, running
statistics of batch normalisation among them; other tensors are those of the first state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

State = Mapping[str, Tensor]

Judge = Callable[[State], float]
"""How good weights are; larger is better."""


@dataclass(frozen=True, slots=True)
class Soup:
    """Averaged weights.

    Attributes:
        state: the weights.
        members: positions of the states in it, in the order they were taken.
        score: what the judge said of it; None if nobody was asked.
    """

    state: State
    members: tuple[int, ...]
    score: float | None


def mean_state(states: Sequence[State]) -> dict[str, Tensor]:
    """The mean of each tensor over the states, which must have the same names and shapes.

    Raises:
        ValueError: if there is no state, or they differ in names or shapes.
    """
    if not states:
        raise ValueError("there is nothing to average")
    first = states[0]
    for state in states[1:]:
        if state.keys() != first.keys():
            raise ValueError("the states have different tensors")
    mean: dict[str, Tensor] = {}
    for name, tensor in first.items():
        if not tensor.is_floating_point():
            mean[name] = tensor.clone()
            continue
        total = tensor.to(torch.float32, copy=True)
        for state in states[1:]:
            if state[name].shape != tensor.shape:
                raise ValueError(f"the states have different shapes at {name}")
            total += state[name].to(torch.float32)
        mean[name] = (total / len(states)).to(tensor.dtype)
    return mean


def greedy_soup(states: Sequence[State], judge: Judge) -> Soup:
    """Average the states one after the other, keeping each that makes the average no worse.

    The greedy soup of Wortsman et al. (arXiv:2203.05482, recipe 1).

    Args:
        states: from the best to the worst.
        judge: asked once for each state.
    """
    members = [0]
    best: State = states[0]
    score = judge(best)
    for position in range(1, len(states)):
        tried = mean_state([states[member] for member in [*members, position]])
        found = judge(tried)
        if found >= score:
            members.append(position)
            best, score = tried, found
    return Soup(best, tuple(members), score)


def interpolate(start: State, end: State, share: float) -> dict[str, Tensor]:
    """``start + share × (end - start)`` for every tensor that both have in the same shape.

    Weight-space ensembling of a fine-tuned network with what it started from (Wortsman et al.,
    arXiv:2109.01903). What the start did not have, such as a new head, stays as it is in ``end``.

    Args:
        share: 0 gives the start, 1 the end.
    """
    mixed: dict[str, Tensor] = {}
    for name, tensor in end.items():
        old = start.get(name)
        if old is None or old.shape != tensor.shape or not tensor.is_floating_point():
            mixed[name] = tensor.clone()
        else:
            low = old.to(torch.float32)
            mixed[name] = torch.lerp(low, tensor.to(torch.float32), share).to(tensor.dtype)
    return mixed
