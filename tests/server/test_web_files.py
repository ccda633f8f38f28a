"""The files of the page and the widget, as they are read."""

from __future__ import annotations

import gzip

from findalike.server.shop_page import ShopPage
from findalike.server.web_files import web_files


def test_every_file_stands_in_its_version_and_is_compressed_whole():
    files = web_files(ShopPage())
    assert {"element.js", "words.js", "page.css", "icon.svg"} <= set(files.parts)
    assert all(gzip.decompress(file.zipped) == file.body for file in files.parts.values())
    assert len({file.etag for file in files.parts.values()}) == len(files.parts)


def test_page_and_entry_name_the_version():
    files = web_files(ShopPage())
    pages = [*files.pages.values(), files.admin]
    assert all(files.digest.encode() in page.body for page in pages)
    assert not any(b"{{" in page.body or b"{%" in page.body for page in pages)
    assert files.digest.encode() in files.widget.body


def test_reading_again_gives_the_same_version():
    assert web_files(ShopPage()).digest == web_files(ShopPage()).digest
