"""The text of descriptions that shops keep as HTML."""

from __future__ import annotations

import html
import re

_TAG_START = re.compile(r"<(?=[A-Za-z/!?])")
_BLOCK = re.compile(r"/?(?:p|br|div|li|ul|ol|tr|td|th|h[1-6]|table)\b", re.IGNORECASE)
_UNSHOWN = ("script", "style")


def plain_text(source: str) -> str:
    """Text without tags, comments, scripts and styles, entities resolved, white space collapsed.

    One pass over the text, so that no input takes more than linear time.

    >>> plain_text("<p>Soft &amp; warm</p><ul><li>5 < 6</li></ul>")
    'Soft & warm 5 < 6'
    """
    if "<" not in source and "&" not in source:
        return " ".join(source.split())
    first, *rest = _TAG_START.split(source)
    kept = [first]
    until = ""
    for piece in rest:
        if until:
            ended = until in piece if until == "-->" else piece.lower().startswith(until)
            if not ended:
                continue
            closing, until = until, ""
            kept.append(piece.partition("-->" if closing == "-->" else ">")[2])
            continue
        if piece.startswith("!--"):
            _, mark, after = piece.partition("-->")
            until = "" if mark else "-->"
            kept.append(after)
            continue
        tag, closed, after = piece.partition(">")
        if not closed:
            kept.append(f"<{piece}")
            continue
        name = tag.split(None, 1)[0].lower() if tag.strip() else ""
        if name in _UNSHOWN:
            until = f"/{name}"
            continue
        kept.append(f" {after}" if _BLOCK.match(tag) else after)
    return " ".join(html.unescape("".join(kept)).split())
