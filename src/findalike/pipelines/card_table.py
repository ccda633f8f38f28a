"""A table of a model card."""

from __future__ import annotations

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""The table as Markdown.

    >>> print(table(("what", "count"), [["a|b", "3"]]))
    | what | count |
    | --- | --- |
    | a\|b | 3 |
    """
    lines = [header, ["---"] * len(header), *rows]
    cells = [[cell.replace("|", r"\|").replace("\n", " ") for cell in line] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)
