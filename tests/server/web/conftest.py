"""The page in a real browser."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from page_stand_ins import DESKTOP, PHONE, FakeService, Widget

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = os.environ.get("FINDALIKE_CHROMIUM") or shutil.which("chromium") or ""
AXE_VERSION = "4.14.1"
AXE = Path(sys.prefix) / "axe" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for all tests of the page."""
    if not CHROMIUM:
        pytest.skip("no Chromium here: install it, or name it in FINDALIKE_CHROMIUM")
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                # Pages that Playwright answers count as public ones, and the service is local.
                "--disable-features=LocalNetworkAccessChecks",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe_source() -> str:
    """The accessibility checker axe-core."""
    if not AXE.is_file():
        pytest.skip(
            f"axe-core is missing: npm install --prefix {sys.prefix}/axe axe-core@{AXE_VERSION}"
        )
    return AXE.read_text()


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def open_page(
    chromium: Any, live_server: Any, service: FakeService
) -> Iterator[Callable[..., Widget]]:
    """Opens the page on a screen of one's choice; fails the test on any error of the scripts."""
    contexts = []
    errors: list[str] = []

    def make(path: str = "/", **options: Any) -> Widget:
        context = chromium.new_context(**{**DESKTOP, "reduced_motion": "reduce", **options})
        contexts.append(context)
        context.route("**/v1/**", service.handle)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(m.text) if _bad(m) else None)
        return Widget(page, live_server.url, service).open(path)

    yield make
    for context in contexts:
        context.close()
    assert errors == []


def _bad(message: Any) -> bool:
    # That a request failed is what some tests are about; what a policy refused never is.
    return message.type == "error" and "Failed to load resource" not in message.text


@pytest.fixture
def widget(open_page: Callable[..., Widget]) -> Widget:
    """The page on a desktop."""
    return open_page()


@pytest.fixture
def phone(open_page: Callable[..., Widget]) -> Widget:
    """The page on a phone."""
    return open_page(**PHONE)
