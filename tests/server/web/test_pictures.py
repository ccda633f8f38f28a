"""The screenshots in ``docs/``, taken of the demo shop: `make pictures`."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from page_stand_ins import DESKTOP, PHONE, FakeService, Widget

PICTURES = Path(__file__).resolve().parents[3] / "docs" / "pictures"
DEMO = os.environ.get("FINDALIKE_PICTURES", "")
PRODUCT = "p000069"


@pytest.mark.skipif(not DEMO, reason="set FINDALIKE_PICTURES to the folder of `make demo`")
@pytest.mark.parametrize(("name", "screen"), [("phone", PHONE), ("desktop", DESKTOP)])
def test_take_picture(chromium: Any, serve: Callable[..., Any], name: str, screen: dict):
    photos = Path(DEMO) / "photos"
    with (photos / "queries.csv").open(newline="", encoding="utf-8") as file:
        query = next(row for row in csv.DictReader(file) if row["product_id"] == PRODUCT)
    box = [float(query[f"bbox_{side}"]) for side in "xywh"]
    with serve(Path(DEMO) / "shop", "--open-search") as server:
        context = chromium.new_context(**screen, reduced_motion="reduce", color_scheme="light")
        page = context.new_page()
        widget = Widget(page, server.url, FakeService()).open()
        photo = (photos / query["img_path"]).read_bytes()
        page.evaluate(
            """([bytes, box]) => document.querySelector("findalike-search").searchPhoto(
            new Blob([Uint8Array.from(bytes)], { type: "image/jpeg" }), { box })""",
            [list(photo), box],
        )
        widget.cards.first.wait_for()
        page.locator("findalike-search .found[aria-busy=false]").wait_for()
        for picture in page.locator("findalike-search .card > .picture > img").all()[:12]:
            if picture.bounding_box()["y"] < page.viewport_size["height"]:
                widget.until(lambda one=picture: one.evaluate("e => e.naturalWidth > 0"))
        shot = Image.open(io.BytesIO(page.screenshot()))
        # With a palette it is less than half as large, and looks the same.
        shot.convert("RGB").quantize(256).save(PICTURES / f"page-{name}.png", optimize=True)
        assert len(widget.titles()) > 3
        context.close()
