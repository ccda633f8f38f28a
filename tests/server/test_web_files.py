"""The files of the page and the widget, as they are read."""

from __future__ import annotations

import gzip

from findalike.server.web_files import web_files


def test_every_file_stands_in_its_version_and_is_compressed_whole():
    files = web_files()
    assert {"element.js", "words.js", "page.css", "icon.svg"} <= set(files.parts)
    assert all(gzip.decompress(file.zipped) == file.body for file in files.parts.values())
    assert len({file.etag for file in files.parts.values()}) == len(files.parts)


def test_page_and_entry_name_the_version():
    files = web_files()
    assert files.digest.encode() in files.pages["index.html"].body
    assert b"{{" not in files.pages["index.html"].body
    assert files.digest.encode() in files.pages["findalike-search.js"].body


def test_reading_again_gives_the_same_version():
    assert web_files.__wrapped__().digest == web_files().digest
