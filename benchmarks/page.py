"""What the page costs a browser, by Chromium's own observers.

    python benchmarks/page.py http://127.0.0.1:8000/ --photo PHOTO.jpg [--runs 5] [--json]

Of a page that is loaded with an empty cache: first contentful paint, bytes over the network before
any picture, requests, and how long scripts held the main thread. Of a search with a photo on it:
how far things moved when the products came (cumulative layout shift; good is below 0.1), tasks of
50 ms and more, and the time until the products are there. ``--slow`` is a phone on a slow network:
150 ms, 1.6 Mbit/s down, 750 kbit/s up, a processor at a quarter of its speed.

Shown is the median of the runs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

OBSERVE = """
window.seen = { shift: 0, long: [], paint: 0 };
new PerformanceObserver((list) => list.getEntries().forEach((e) => { seen.shift += e.value; }))
  .observe({ type: "layout-shift", buffered: true });
new PerformanceObserver((list) => list.getEntries().forEach((e) => { seen.long.push(e.duration); }))
  .observe({ type: "longtask", buffered: true });
new PerformanceObserver((list) => list.getEntries().forEach((e) => {
  if (e.name === "first-contentful-paint") seen.paint = e.startTime;
})).observe({ type: "paint", buffered: true });
"""
SLOW = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 200_000,
    "uploadThroughput": 94_000,
}
SCREENS = {
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
    "desktop": {"viewport": {"width": 1440, "height": 900}},
}


def measure(browser: Browser, url: str, photo: str, screen: str, *, slow: bool) -> dict[str, float]:
    """Load the page once and search once."""
    context = browser.new_context(**SCREENS[screen])
    page = context.new_page()
    page.add_init_script(OBSERVE)
    loaded = Loaded(page, slow=slow)
    page.goto(url, wait_until="load")
    page.wait_for_selector("findalike-search input[type=file]", state="attached")
    page.wait_for_timeout(1500)
    before: dict[str, Any] = page.evaluate("structuredClone(seen)")
    figures = {
        "first contentful paint, ms": before["paint"],
        "bytes before pictures": loaded.bytes,
        "requests before pictures": loaded.requests,
        "layout shift while loading": before["shift"],
        "longest task while loading, ms": max(before["long"], default=0),
    }
    page.evaluate("seen.shift = 0; seen.long = []; seen.from = performance.now()")
    page.locator("findalike-search input[type=file]").first.set_input_files(photo)
    page.wait_for_selector("findalike-search .card:not(.ghost)", timeout=60_000)
    until = page.evaluate("performance.now() - seen.from")
    page.wait_for_timeout(2000)
    after: dict[str, Any] = page.evaluate("seen")
    context.close()
    return figures | {
        "photo chosen to products, ms": until,
        "layout shift of the search": after["shift"],
        "longest task of the search, ms": max(after["long"], default=0),
    }


class Loaded:
    """Counts what comes over the network, headers and compression as they are."""

    def __init__(self, page: Page, *, slow: bool) -> None:
        self.bytes = 0
        self.requests = 0
        self._pictures: set[str] = set()
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        if slow:
            session.send("Network.emulateNetworkConditions", SLOW)
            session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        session.on("Network.responseReceived", self._received)
        session.on("Network.loadingFinished", self._finished)

    def _received(self, event: dict[str, Any]) -> None:
        picture = event["type"] == "Image" and "/widget/" not in event["response"]["url"]
        if picture:
            self._pictures.add(event["requestId"])

    def _finished(self, event: dict[str, Any]) -> None:
        if event["requestId"] not in self._pictures:
            self.bytes += event["encodedDataLength"]
            self.requests += 1


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("--photo", required=True)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--slow", action="store_true", help="a phone on a slow network")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    table: dict[str, dict[str, float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("FINDALIKE_CHROMIUM") or shutil.which("chromium"),
            args=["--no-sandbox"],
        )
        for screen in SCREENS:
            runs = [
                measure(browser, options.url, options.photo, screen, slow=options.slow)
                for _ in range(options.runs)
            ]
            table[screen] = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        browser.close()
    if options.json:
        print(json.dumps(table, indent=1))
        return
    print(f"| median of {options.runs} runs | {' | '.join(SCREENS)} |")
    print("|---|" + "---:|" * len(SCREENS))
    for name in table["phone"]:
        print(f"| {name} | {' | '.join(f'{table[screen][name]:,.4g}' for screen in SCREENS)} |")


if __name__ == "__main__":
    main()
