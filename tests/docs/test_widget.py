"""What docs/widget.md names is what the widget has, and all of it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "src" / "findalike" / "server" / "web"
TEXT = (ROOT / "docs" / "widget.md").read_text(encoding="utf-8")
SOURCES = "\n".join(
    path.read_text(encoding="utf-8")
    for path in sorted(WEB.glob("*.js"))
    if not path.name.startswith("admin")
)
ELEMENT = (WEB / "element.js").read_text(encoding="utf-8")


def section(title: str) -> str:
    return TEXT.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def first_column(title: str) -> set[str]:
    cells = re.findall(r"^\| (`[^|]+) \|", section(title), re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([\w-]+)", cell)}


def test_attributes():
    used = set(re.findall(r'this\.(?:get|has)Attribute\("([\w-]+)"\)', ELEMENT))
    assert first_column("Attributes") == used | {"lang"}


def test_events():
    assert SOURCES.count("new CustomEvent(name") == SOURCES.count("CustomEvent(") == 1
    sent = set(re.findall(r'\.#?t(?:ell|old)\("(\w+)", ', SOURCES))
    assert first_column("Events") == sent


def test_methods():
    called = re.findall(r"^  (?:async )?([a-z]\w+)\(", ELEMENT, re.MULTILINE)
    callbacks = {"constructor", "connectedCallback", "disconnectedCallback"}
    assert first_column("Methods") == {*called} - callbacks - {"attributeChangedCallback"}


def test_slots():
    named = set(re.findall(r'name: "(\w+)" }', SOURCES) + re.findall(r'slot: "(\w+)"', SOURCES))
    assert first_column("Slots") == named


def test_parts():
    groups = re.findall(r'part: (?:primary \? )?"([\w ]+)"(?: : "(\w+)")?', SOURCES)
    groups += re.findall(r'h\("div", \{ class: kind, part: "(\w+)"()', SOURCES)
    made = {name for group in groups for text in group for name in text.split()}
    listed = section("Looks").split("And these parts:")[1].split("\n\n", 1)[0]
    assert set(re.findall(r"`(\w+)`", listed)) == made


def test_properties():
    used = set(re.findall(r"var\((--findalike-[\w-]+)", SOURCES))
    assert set(re.findall(r"`(--findalike-[\w-]+)`", section("Looks"))) == used


def test_words_of_the_example_are_words_of_the_widget():
    words = (WEB / "words.js").read_text(encoding="utf-8")
    example = section("Words").split("search.words = {", 1)[1].split("};", 1)[0]
    named = re.findall(r"^  (\w+):", example, re.MULTILINE)
    assert len(named) == 3
    assert all(re.search(rf"^  {name}:", words, re.MULTILINE) for name in named)


def test_every_word_that_is_said_is_in_the_table():
    words = (WEB / "words.js").read_text(encoding="utf-8")
    table = words.split("export const ENGLISH", 1)[1].split("\n};", 1)[0]
    known = {a or b for a, b in re.findall(r'^  (?:(\w+)|"([\w -]+)"):', table, re.MULTILINE)}
    said = set(re.findall(r'\.say\("([\w -]+)"', SOURCES)) | set(
        re.findall(r'\bsay\("(\w+)"\)', SOURCES)
    )
    assert said - known == set()
