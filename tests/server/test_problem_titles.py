from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from findalike import server
from findalike.server.problem_titles import TITLES
from findalike.server.problems import Problem


def test_titles_are_short_and_tell_the_kinds_apart():
    assert [kind for kind, title in TITLES.items() if not 0 < len(title) < 50] == []
    assert [title for title, count in Counter(TITLES.values()).items() if count > 1] == []


def test_every_title_belongs_to_a_kind_that_is_raised():
    source = "".join(p.read_text() for p in Path(server.__file__).parent.rglob("*.py"))
    for kind in TITLES:
        assert len(re.findall(f'"{kind}"', source)) > 1, kind


def test_a_problem_has_the_title_of_its_kind_unless_it_brings_one():
    assert Problem(422, "box", "x", next_step="y").title == "The box cannot be used"
    assert Problem(422, "box", "x", next_step="y", title="Own").title == "Own"
    assert Problem(422, "new", "x", next_step="y").title == "Unprocessable Entity"
