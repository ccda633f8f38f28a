"""Imports as jobs: told of as they run, beside single changes, cancelled, refused."""

from __future__ import annotations

import asyncio
import csv
import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from findalike.server.app import create_app
from findalike.server.feed_upload import FeedUpload, safe_name
from findalike.server.job_record import ImportRequest, ImportState, JobRecord, all_records
from findalike.server.keys import KeyStore
from findalike.server.settings import ServerSettings
from findalike.shop.shop import Shop

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def shop(make_shop) -> Path:
    return make_shop()


@pytest.fixture(scope="module")
def client(shop: Path) -> Iterator[TestClient]:
    _, key = KeyStore(shop).create("catalogue")
    settings = ServerSettings(shop=shop, open_search=True, address_rate=0, key_rate=0)
    with TestClient(create_app(settings)) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        yield client


def feed_of(rows: int, *, first: int = 0, more: str = "") -> bytes:
    lines = ["product_id,image,title,price"]
    lines += [f"f{n},{n % 24}.jpg,Feed {n},{n}.5" for n in range(first, first + rows)]
    return "\n".join([*lines, more]).encode()


def send(
    client: TestClient, feed: bytes, name: str = "feed.csv", **options: str
) -> dict[str, object]:
    answer = client.post("/v1/imports", data=options, files={"file": (name, feed)})
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/imports/{answer.json()['job_id']}"
    return answer.json()


def wait_for(client: TestClient, job: dict[str, object], *states: str) -> dict[str, object]:
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline:
        state: dict[str, object] = client.get(f"/v1/imports/{job['job_id']}").json()
        if state["state"] in states:
            return state
        time.sleep(0.1)
    raise AssertionError(state)


def test_a_dry_run_writes_nothing(client):
    state = wait_for(client, send(client, feed_of(40), dry_run="true"), "done", "failed")
    assert (state["state"], state["rows"], state["added"]) == ("done", 40, 40), state
    assert client.get("/v1/products/f1").status_code == 404


def test_a_feed_names_no_file_outside_the_folders_of_images(client, shop, server_photos):
    outside = "f90,../../etc/passwd,Out,1\nf91,/etc/passwd,Out,1\n"
    outside += "f92,http://127.0.0.1:9/a.jpg,Out,1\nf93,file:///etc/passwd,Out,1\n"
    job = send(client, feed_of(2, more=outside), "../../evil name.csv")
    assert job["name"] == "evil_name.csv"
    state = wait_for(client, job, "done", "failed")
    assert (state["state"], state["added"], state["refused"]) == ("done", 2, 4), state
    report = client.get(str(job["report_url"]))
    rows = list(csv.DictReader(io.StringIO(report.text)))
    assert [row["outcome"] for row in rows].count("refused") == 4
    assert str(shop.parent) not in report.text
    assert str(server_photos) not in report.text
    told = client.get(str(job["report_url"]), params={"format": "json"}).json()
    assert len(told["refusals"]) == 4
    assert client.get("/v1/products/f1").json()["title"] == "Feed 1"
    feed = shop / "imports" / str(job["job_id"]) / "feed"
    deadline = time.monotonic() + 20
    while feed.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not feed.exists()


def test_changes_go_on_beside_an_import_that_is_cancelled(client, shop):
    before = client.get("/v1/shop").json()["images"]
    job = send(client, feed_of(30_000, first=1000))
    second = send(client, feed_of(2, first=500))
    while not wait_for(client, job, "running", "done")["rows"]:
        time.sleep(0.1)
    for number in range(10):
        body = {"title": "Beside", "images": [{"location": f"{number}.jpg"}]}
        assert client.put(f"/v1/products/beside{number}", json=body).status_code == 201
    assert wait_for(client, second, "queued")["rows_done"] == 0
    answer = client.delete(f"/v1/imports/{job['job_id']}")
    assert answer.status_code == 202
    state = wait_for(client, job, "cancelled", "done", "failed")
    assert state["state"] == "cancelled", state
    assert "stay" in str(state["detail"])
    assert client.delete(f"/v1/imports/{job['job_id']}").status_code == 409
    assert wait_for(client, second, "done", "failed")["state"] == "done"
    time.sleep(1.1)  # counts are told a second late
    after = client.get("/v1/shop").json()["images"]
    assert after == before + 10 + 2 + int(str(state["added"]))
    assert Shop.open(shop).verify() == []


def test_a_strict_import_is_all_or_nothing(client):
    feed = feed_of(3, first=70_000, more="bad,nowhere.jpg,x,1")
    state = wait_for(client, send(client, feed, strict="true"), "done", "failed")
    assert state["state"] == "failed"
    assert "nowhere.jpg" in str(state["detail"])
    assert client.get("/v1/products/f70001").status_code == 404


def test_a_feed_is_not_fetched_from_this_machine(client):
    answer = client.post("/v1/imports", json={"url": "http://169.254.169.254/feed.csv"})
    state = wait_for(client, answer.json(), "done", "failed")
    assert state["state"] == "failed"
    assert "public" in str(state["detail"])


def test_what_is_no_import_is_refused(client, shop):
    before = len(all_records(shop))
    for wrong in ({"url": "file:///etc/passwd"}, {"url": 3}, {}, {"url": "http://a.b", "x": 1}):
        assert client.post("/v1/imports", json=wrong).status_code == 422, wrong
    feed = {"file": ("f.csv", b"a")}
    for options in (
        {"format": "folder"},
        {"dry_run": "perhaps"},
        {"columns": "[1]"},
        {"root": "/"},
    ):
        assert client.post("/v1/imports", data=options, files=feed).status_code == 422, options
    assert client.post("/v1/imports", files={"other": ("f.csv", b"a")}).status_code == 400
    assert client.post("/v1/imports", data={"dry_run": "true"}, files=[]).status_code in (415, 422)
    half = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert client.post("/v1/imports", content=half, headers=headers).status_code == 400
    assert len(all_records(shop)) == before
    assert len(list((shop / "imports").glob("2*"))) == before  # no feed is left behind
    for job in ("..%2F..", "20260101T000000-00000000", "x"):
        assert client.get(f"/v1/imports/{job}").status_code == 404


def test_a_record_nobody_carries_on_was_interrupted(tmp_path):
    from datetime import UTC, datetime

    record = JobRecord.create(tmp_path)
    asked = ImportRequest(name="f.csv", created_at=datetime.now(UTC), max_feed_bytes=1)
    with record.alive:
        record.begin(asked)
        record.put(ImportState(state="running", rows_done=7, added=5))
        assert record.state().state == "running"
    state = record.state()
    assert state.state == "interrupted"
    assert "5 images were added" in str(state.detail)
    assert "again" in str(state.next_step)
    assert [r.job_id for r in all_records(tmp_path)] == [record.job_id]


@pytest.mark.parametrize("name", ["state.json", "request.json"])
@pytest.mark.parametrize("text", ["", "{", '{"state": 7, "name": 7}', None])
def test_a_damaged_record_is_told_of_and_stops_nothing(client, shop, name, text):
    job = send(client, feed_of(1, first=90_000), dry_run="true")
    wait_for(client, job, "done")
    path = shop / "imports" / str(job["job_id"]) / name
    while (path.parent / "feed").exists():  # until nobody carries it on
        time.sleep(0.05)
    if text is not None:
        path.write_text(text)
    elif name == "state.json":
        path.unlink()
    else:
        path.write_text(path.read_text().replace("{", '{"of_a_later_version": [1],', 1))
    listed = client.get("/v1/imports").json()["imports"]
    (told,) = [one for one in listed if one["job_id"] == job["job_id"]]
    if name == "state.json":
        assert told["state"] == "interrupted"
        assert "damaged" in told["detail"]
    else:
        assert told["state"] == "done"
        assert told["name"] == ("feed.csv" if text is None else "unknown")
    assert client.get(f"/v1/imports/{job['job_id']}").json() == told
    wait_for(client, send(client, feed_of(1, first=90_001), dry_run="true"), "done")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("a.csv", "a.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\b.tsv", "b.tsv"),
        (".hidden", "hidden"),
        ("..", "feed"),
        ("", "feed"),
        ("x" * 300 + ".csv", "x" * 76 + ".csv"),
        ("a\0b/\n.csv", "csv"),
    ],
)
def test_names_of_feeds_are_harmless(given, name):
    assert safe_name(given) == name


def test_a_report_that_grows_is_sent_as_long_as_it_was(client: TestClient, shop: Path) -> None:
    job = wait_for(client, send(client, feed_of(2)), "done")
    report = JobRecord(shop / "imports" / str(job["job_id"])).report
    before = report.read_bytes()
    address = f"/v1/imports/{job['job_id']}/report"
    with client.stream("GET", address, headers={"Range": "bytes=5-1"}) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-length"] == str(len(before))
        assert answer.headers["content-disposition"].endswith('.csv"')
        with report.open("ab") as file:
            file.write(b"more")
        assert answer.read() == before
    assert client.get(address).content == before + b"more"


def test_a_feed_is_written_beside_the_event_loop(tmp_path, monkeypatch):
    threads = []
    take = FeedUpload._part_data

    def noted(upload, data, start, end):
        threads.append(threading.current_thread())
        take(upload, data, start, end)

    monkeypatch.setattr(FeedUpload, "_part_data", noted)

    async def chunks():
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nab'
        yield b"c\r\n--b--\r\n"

    upload = FeedUpload(tmp_path)
    asyncio.run(upload.read(chunks(), "multipart/form-data; boundary=b"))
    assert (tmp_path / "a.csv").read_bytes() == b"abc"
    assert threads
    assert threading.main_thread() not in threads
