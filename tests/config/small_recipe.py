"""A recipe of one run, to which tests add others."""

from __future__ import annotations

from textwrap import dedent, indent

FIRST = """\
name: small
runs:
  - name: first
    start: pretrained
    model: {backbone: resnet18, embedding_size: 64}
    data:
      train: [{name: photos, path: train.csv}]
      validation: [{name: shop, gallery: gallery.csv, queries: queries.csv}]
    losses: [{name: arcface, scale: 20.0}]
    train: {epochs: 2}
"""


def with_runs(*runs: str) -> str:
    """The recipe with more runs, each the YAML of its mapping."""
    return FIRST + "".join(
        "  -\n" + indent(dedent(run).strip("\n"), "    ").rstrip() + "\n" for run in runs
    )
