"""The stages of a backbone from input to output, for rates by layer and for freezing."""

from __future__ import annotations

import re
from typing import Any, cast

from timm.models import group_parameters
from torch import nn

# The towers that open_clip builds itself have no matcher of their own. What no pattern fits comes
# after all that one does.
_TOWERS = {
    "VisionTransformer": {
        "stem": r"^(?:conv1|class_embedding|positional_embedding|ln_pre)",
        "blocks": r"^transformer\.resblocks\.(\d+)",
    },
    "ModifiedResNet": {"stem": r"^(?:conv|bn)\d", "blocks": r"^layer(\d+)"},
}


def stage_names(backbone: nn.Module) -> list[list[str]]:
    """Names of the backbone's parameters, grouped from input to output.

    timm's models say themselves what belongs together (``group_matcher``): the stem, then one stage
    a resolution for a convolutional network and one a block for a transformer. What follows the
    last of them, such as a final normalisation or the projection of a CLIP tower, counts to it. A
    backbone of unknown layout is a single stage.

    Args:
        backbone: a model of timm or an image tower of open_clip.
    """
    trunk = getattr(backbone, "trunk", None)
    inner, prefix = (trunk, "trunk.") if isinstance(trunk, nn.Module) else (backbone, "")
    # By name and not by type: timm has a VisionTransformer too, and open_clip's is no public one.
    matcher: Any = None
    if type(inner).__module__.startswith("open_clip."):
        matcher = _TOWERS.get(type(inner).__name__)
    elif hasattr(inner, "group_matcher"):
        matcher = cast(Any, inner).group_matcher(coarse=True)
    everything = [name for name, _ in backbone.named_parameters()]
    if matcher is None:
        return [everything]
    grouped: dict[int, list[str]] = group_parameters(inner, matcher)
    ordered = [[f"{prefix}{name}" for name in grouped[key]] for key in sorted(grouped)]
    after = _unmatched(inner, matcher)
    if after and len(ordered) > 1:
        last = ordered.pop()
        ordered[-1].extend(last)
    known = {name for stage in ordered for name in stage}
    ordered[-1].extend(name for name in everything if name not in known)
    return ordered


def _unmatched(model: nn.Module, matcher: object) -> list[str]:
    patterns: list[str] = []
    for pattern in matcher.values() if isinstance(matcher, dict) else ():
        entries = pattern if isinstance(pattern, list | tuple) else [pattern]
        patterns += [entry if isinstance(entry, str) else entry[0] for entry in entries if entry]
    names = [name for name, _ in model.named_parameters()]
    return [name for name in names if not any(re.match(pattern, name) for pattern in patterns)]
