"""Learning rates over a run, step by step."""

from __future__ import annotations

import math

from findalike.config import SchedulerSection
from findalike.training.length import RunLength


def rate_factor(section: SchedulerSection, length: RunLength, step: int) -> float:
    """What share of its rate a parameter group has in a step.

    Rises linearly through the warm-up, whose last step has the whole rate; from then on, the rates
    follow the shape over the steps that are left (arXiv:1608.03983 for the cosine, without its
    restarts). The last step has nearly ``final``, which a step after it would have.

    Args:
        section: the shape.
        length: of the run.
        step: how many steps are done, 0 for the first one.

    Returns:
        0 to 1.
    """
    warm_up = section.warm_up_steps
    if step < warm_up:
        return (step + 1) / warm_up
    if section.name == "step":
        epoch = step // length.steps_per_epoch
        return float(section.gamma ** (epoch // section.step_epochs))
    if section.name == "constant":
        return 1.0
    gone = min((step - warm_up) / max(length.steps - warm_up, 1), 1.0)
    left = 0.5 * (1.0 + math.cos(math.pi * gone)) if section.name == "cosine" else 1.0 - gone
    return section.final + (1.0 - section.final) * left
