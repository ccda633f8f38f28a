from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from findalike.server.app import create_app
from findalike.server.keys import KeyStore
from findalike.server.metrics import Metrics
from findalike.server.recall_sample import RecallSample
from findalike.server.settings import ServerSettings
from server.guarded_app import bearer

ROOT = Path(__file__).resolve().parents[2]


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(text: str, name: str, **labels: str) -> float:
    return samples(text)[name, tuple(sorted(labels.items()))]


@pytest.fixture(scope="module")
def shop(make_shop):
    return make_shop()


@pytest.fixture
def client(shop):
    settings = ServerSettings(
        shop=shop, open_search=True, recall_every=2, metrics_networks=("203.0.113.0/24",)
    )
    with TestClient(create_app(settings), client=("203.0.113.7", 1)) as client:
        yield client


def test_searches_are_measured_by_stage_and_route(client, server_photos):
    photo = (server_photos / "3.jpg").read_bytes()
    began = time.perf_counter()
    for number in range(4):
        answer = client.post("/v1/search", files={"image": photo})
        assert answer.status_code == 200
        if number % 2:  # every second search is a sample, and one is judged at a time
            wait_for(client, "findalike_recall_at_10_count", number // 2 + 1)
    took = time.perf_counter() - began
    client.post("/v1/search", files={"image": b"no image"})
    client.get("/v1/images-that-are-not-there/1")
    client.request("BREW", "/v1/search")
    text = client.get("/metrics").text
    found = {"method": "POST", "route": "/v1/search", "status": "200"}
    assert value(text, "findalike_request_seconds_count", **found) == 4
    assert value(text, "findalike_request_seconds_count", **found | {"status": "415"}) == 1
    assert value(text, "findalike_problems_total", kind="not-an-image") == 1
    assert value(text, "findalike_problems_total", kind="not-found") == 1
    for stage in ("prepare", "embed", "search"):
        assert value(text, "findalike_stage_seconds_count", stage=stage) == 4
        assert 0 < value(text, "findalike_stage_seconds_sum", stage=stage) < took
    assert value(text, "findalike_batch_photos_count") == 4
    assert value(text, "findalike_batch_photos_sum") == 4
    assert value(text, "findalike_recall_at_10_count") == 2
    assert value(text, "findalike_recall_at_10_sum") == 2
    assert value(text, "findalike_shop_images") == 24
    assert value(text, "findalike_shop_version") >= 1
    assert 0 <= value(text, "findalike_shop_age_seconds") < 600
    assert value(text, "findalike_requests_underway") == 1  # this one
    assert value(text, "findalike_queue_searches") == 0
    assert value(text, "findalike_upload_bytes") == 0
    assert value(text, "findalike_workers") == 1
    assert value(text, "findalike_memory_bytes") > 10_000_000
    assert value(text, "findalike_cpu_seconds") > 0
    assert value(text, "findalike_open_files") > 3


def wait_for(client, name, wanted):
    deadline = time.monotonic() + 30
    while samples(client.get("/metrics").text).get((name, ())) != wanted:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_clients_cannot_make_up_labels(client):
    before = len(samples(client.get("/metrics").text))
    for number in range(50):
        client.get(f"/made/up/{number}")
        client.request(f"METHOD{number}", "/")
        client.get("/v1/search", headers={"X-Request-ID": f"made-up-{number}"})
    after = samples(client.get("/metrics").text)
    assert len(after) < before + 120
    assert not any("made" in label for _, labels in after for _, label in labels)


def test_metrics_are_for_named_networks_and_admins(shop):
    _, admin = KeyStore(shop).create("admin")
    _, other = KeyStore(shop).create("catalogue")
    app = create_app(ServerSettings(shop=shop, open_search=True))
    with TestClient(app, client=("127.0.0.1", 1)) as client:
        assert client.get("/metrics").status_code == 401
        assert client.get("/metrics", headers=bearer(other)).status_code == 403
        allowed = client.get("/metrics", headers=bearer(admin))
        assert allowed.status_code == 200
        assert allowed.headers["content-type"].startswith("text/plain; version=")
        # Nobody is let in for what they say of themselves.
        headers = {"X-Forwarded-For": "127.0.0.1"}
        assert client.get("/metrics", headers=headers).status_code == 401


def test_several_workers_are_added_up(tmp_path):
    """Two processes that count, and a third that is asked."""
    code = """
import sys
from findalike.server.metrics import Metrics
metrics = Metrics()
if sys.argv[1] == "count":
    metrics.request_began()
    metrics.request_ended(method="POST", route="/v1/search", status=200, seconds=0.2,
                          stages_ms={"embed": 30.0}, problem="busy")
    metrics.batch(8)
    metrics.measured({"workers": 1.0, "shop_images": float(sys.argv[2])})
    print("counted", flush=True)
    sys.stdin.read()
else:
    print(metrics.text().decode())
"""
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(ROOT / "src")}
    run = [sys.executable, "-c", code]
    counting = [
        subprocess.Popen(
            [*run, "count", images],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for images in ("24", "25")
    ]
    try:
        for process in counting:
            assert process.stdout.readline() == b"counted\n"
        text = subprocess.check_output([*run, "ask"], env=environment, text=True)
    finally:
        for process in counting:
            process.communicate()
    found = {"method": "POST", "route": "/v1/search", "status": "200"}
    assert value(text, "findalike_request_seconds_count", **found) == 2
    assert value(text, "findalike_stage_seconds_sum", stage="embed") == pytest.approx(0.06)
    assert value(text, "findalike_problems_total", kind="busy") == 2
    assert value(text, "findalike_batch_photos_sum") == 16
    assert value(text, "findalike_workers") == 2
    assert value(text, "findalike_shop_images") == 25


def test_every_nth_search_is_a_sample_and_one_runs_at_a_time():
    judged, told = [], []

    def judge(embedding):
        judged.append(embedding[0])
        time.sleep(0.1)
        return None if embedding[0] == 5 else 0.9

    async def search():
        recall = RecallSample(judge, told.append, every=3)
        for number in range(6):
            recall.offer(np.array([number], np.float32))
        await recall.stop()
        recall.offer(np.array([7], np.float32))
        await recall.stop()
        off = RecallSample(judge, told.append, every=0)
        off.offer(np.array([9], np.float32))
        await off.stop()

    asyncio.run(search())
    # The sixth came while the third was judged, so the next one was taken in its stead.
    assert judged == [2, 7]
    assert told == [0.9, 0.9]


def test_a_sample_that_fails_fails_no_search(caplog):
    def judge(embedding):
        raise RuntimeError("no index")

    async def search():
        recall = RecallSample(judge, lambda share: None, every=1)
        recall.offer(np.zeros(1, np.float32))
        await recall.stop()

    asyncio.run(search())
    assert "recall could not be measured" in caplog.text


def test_the_dashboard_asks_for_metrics_that_exist():
    dashboard = json.loads((ROOT / "deploy" / "grafana" / "findalike.json").read_text())
    queries = [
        target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])
    ]
    assert len(queries) >= 12
    metrics = Metrics()
    metrics.request_began()
    metrics.request_ended(
        method="GET", route="/", status=200, seconds=1, stages_ms={"embed": 1}, problem="busy"
    )
    known = {name for name, _ in samples(metrics.text().decode()) if "_created" not in name}
    used = {name for query in queries for name in re.findall(r"findalike_\w+", query)}
    assert used <= known
    # Every metric is on the dashboard; of a histogram one of its parts.
    stems = {re.sub(r"_(bucket|count|sum)$", "", name) for name in known}
    assert {re.sub(r"_(bucket|count|sum)$", "", name) for name in used} == stems
    labels = {label for _, pairs in samples(metrics.text().decode()) for label, _ in pairs}
    for query in queries:
        for group in re.findall(r"by \(([^)]*)\)", query):
            assert {name.strip() for name in group.split(",")} <= labels
        assert query.count("(") == query.count(")")


MEASURE = """
import os, sys
from findalike.server.metrics import Metrics
metrics = Metrics()
metrics.measured({"workers": 1.0, "memory_bytes": 1e9})
metrics.batch(3)
sys.stdout.write(metrics.text().decode())
sys.stdout.flush()
os._exit(9)
"""


def test_a_worker_that_died_is_no_longer_measured(tmp_path):
    def work() -> str:
        environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
        told = subprocess.run(
            [sys.executable, "-c", MEASURE],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.returncode == 9, told.stderr
        return told.stdout

    for number in (1, 2):
        text = work()
        assert value(text, "findalike_workers") == 1
        assert value(text, "findalike_memory_bytes") == 1e9
        assert value(text, "findalike_batch_photos_count") == number  # what it counted stays


def test_each_search_of_a_batch_is_measured(client, server_photos):
    photo = (server_photos / "3.jpg").read_bytes()
    before = samples(client.get("/metrics").text)
    files = [("image", ("a.jpg", photo))] * 2 + [("image", ("b.jpg", b"no image"))]
    answer = client.post("/v1/search:batch", files=files, data={"box": "auto"})
    assert answer.status_code == 200
    after = samples(client.get("/metrics").text)
    for stage in ("prepare", "propose", "embed", "search"):
        count = ("findalike_stage_seconds_count", (("stage", stage),))
        assert after[count] - before.get(count, 0) == 2
    kind = ("findalike_problems_total", (("kind", "not-an-image"),))
    assert after[kind] - before.get(kind, 0) == 1
