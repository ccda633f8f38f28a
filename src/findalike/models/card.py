"""The model card that a pulled encoder starts with."""

from __future__ import annotations

from findalike.models.manifest import Manifest

_CARD = """\
# {name}

| | |
|---|---|
| backbone | `{backbone}` |
| weights | {weights} |
| trained on | {trained_on} |
| licence of the weights | {licence} |
| input | {size} x {size} pixels, {resize}, context margin {context:g} |
| in the graph | mean {mean}, std {std}; unit length |
| embedding | {dimension} numbers |
| made by | {made_by} |

The graph takes `pixels`, uint8 RGB of shape (n, {size}, {size}, 3), and gives `embedding`,
float32 of shape (n, {dimension}). It was compared with torch when it was made.
No figures were measured yet: `findalike evaluate --encoder {name}` measures them.
"""


def model_card(manifest: Manifest) -> str:
    """The card as Markdown; notes may be added to it, for no hash covers it."""
    return _CARD.format(
        name=manifest.name,
        backbone=manifest.source.backbone,
        weights=manifest.source.weights,
        trained_on=manifest.trained_on,
        licence=manifest.licence,
        size=manifest.input.size,
        resize=manifest.input.resize,
        context=manifest.input.context,
        mean=", ".join(f"{value:g}" for value in manifest.mean),
        std=", ".join(f"{value:g}" for value in manifest.std),
        dimension=manifest.embedding_size,
        made_by=manifest.source.made_by,
    )
