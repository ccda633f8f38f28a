"""`findalike doctor`: does this machine have what findalike needs?"""

from __future__ import annotations

import typer

from findalike.cli.options import AsJson


def doctor(as_json: AsJson = False) -> None:
    """Check the installation: packages, image formats, encoder, disk. Exit code 1 if it is broken.

    Example: `findalike doctor`
    """
    from rich.text import Text

    from findalike.cli.output import console, print_json
    from findalike.pipelines.doctor import examine

    marks = {"ok": ("ok   ", "green"), "note": ("note ", "yellow"), "wrong": ("WRONG", "bold red")}
    findings = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            mark, style = marks[finding.state]
            line = Text(f"{finding.what}: {finding.detail}")
            console.print(Text(mark, style=style), line, soft_wrap=True)
    healthy = all(finding.state != "wrong" for finding in findings)
    if as_json:
        print_json({"ok": healthy, "findings": findings})
    if not healthy:
        raise typer.Exit(1)
