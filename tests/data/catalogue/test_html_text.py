import time

import pytest

from findalike.data.catalogue.html_text import plain_text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("plain  text\n here", "plain text here"),
        ("<p>Soft &amp; warm</p><p>&bull; new</p>", "Soft & warm • new"),
        ("a<br/>b<b>c</b>", "a bc"),
        ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
        ("x<!-- a > b --><i>y</i>", "xy"),
        ("x<script>if (a < b) alert('<p>')</script>y", "xy"),
        ("x<style>p > b {}</style>y", "xy"),
        ("x<!-- never closed <p>y</p>", "x"),
        ("x<unclosed", "x<unclosed"),
        ("x<script>never closed", "x"),
        ("", ""),
        ("<>", "<>"),
        ("&lt;b&gt;", "<b>"),
    ],
)
def test_html_becomes_text(source, text):
    assert plain_text(source) == text


@pytest.mark.parametrize("piece", ["<script", "<!--", "<", "<a ", "&", "</script"])
def test_time_stays_linear(piece):
    started = time.perf_counter()
    plain_text(piece * 200_000)
    assert time.perf_counter() - started < 5
