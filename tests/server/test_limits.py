"""Limits that have no option: read from a file, each with its effect.

``recall_every`` is seen at work in `test_metrics`, ``body_patience`` in `test_connections`.
"""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi.testclient import TestClient
from PIL import Image
from typer.testing import CliRunner

from findalike.cli.main import app as commands
from findalike.errors import SettingError
from findalike.server import running
from findalike.server.app import create_app
from findalike.server.body_limits import BodyLimits
from findalike.server.keys import KeyStore
from findalike.server.limits import SILENCE_SECONDS, Limits, check_limits, read_limits
from findalike.server.protection import check_protection
from findalike.server.settings import ServerSettings
from server.guarded_app import bearer, guarded, guarded_app

OTHERS = {
    "upload_bytes": 300_000_000,
    "max_body_bytes": 30_000_000,
    "max_feed_bytes": 400_000_000,
    "max_image_bytes": 20_000_000,
    "max_image_pixels": 30_000_000,
    "max_image_side": 13_000,
    "fetch_seconds": 4.5,
    "body_patience": 20,
    "stop_seconds": 40,
    "max_connections": 2000,
    "recall_every": 100,
}


@pytest.fixture
def written(tmp_path):
    def write(text: str) -> Limits:
        path = tmp_path / "limits.yml"
        path.write_text(text)
        return read_limits(path)

    return write


def photo(width: int, height: int) -> bytes:
    packed = io.BytesIO()
    Image.new("RGB", (width, height), (9, 99, 200)).save(packed, "PNG")
    return packed.getvalue()


def test_every_limit_can_be_set(written):
    usual = Limits().model_dump()
    assert usual.keys() == OTHERS.keys()
    assert all(usual[name] != value for name, value in OTHERS.items())
    found = written("".join(f"{name}: {value}\n" for name, value in OTHERS.items()))
    assert found.model_dump() == OTHERS
    check_limits(found)


def test_what_is_not_named_is_as_usual(written):
    assert written("") == written("# nothing\n") == written("{}") == Limits()
    assert written("recall_every: 5") == Limits(recall_every=5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("max_feed_byte: 5", "unknown key 'max_feed_byte', did you mean 'max_feed_bytes'?"),
        ("open_search: true", "unknown key 'open_search', allowed are body_patience, "),
        ("max_body_bytes: 0", "max_body_bytes: Input should be greater than or equal to 1, not 0"),
        ("max_body_bytes: 1.5", "max_body_bytes: "),
        ("max_body_bytes: '24'", "max_body_bytes: Input should be a valid integer, not '24'"),
        ("max_body_bytes: yes", "max_body_bytes: "),
        ("fetch_seconds: .inf", "fetch_seconds: "),
        ("fetch_seconds: .nan", "fetch_seconds: "),
        ("body_patience: 61", "body_patience: Input should be less than or equal to 60"),
        ("recall_every: -1", "recall_every: "),
        ("recall_every: 1\nrecall_every: 2", "is not YAML: the key 'recall_every' is given twice"),
        ("a: &x 1\nb: *x", "is not YAML: aliases are not allowed: write out what they stand for"),
        ("recall_every: [", "is not YAML: "),
        ("- 5", "holds no limits"),
        ("# " + "x" * 200_000, "is larger than 100,000 bytes"),
    ],
)
def test_what_cannot_be_read_is_said(written, text, said):
    with pytest.raises(SettingError) as refused:
        written(text)
    assert said in str(refused.value)
    assert "limits.yml" in str(refused.value)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(SettingError, match=r"cannot read .*none\.yml"):
        read_limits(tmp_path / "none.yml")


@pytest.mark.parametrize(
    ("limits", "both"),
    [
        ({"upload_bytes": 1_000_000}, ("upload_bytes", "max_body_bytes")),
        ({"max_image_bytes": 25_000_000}, ("max_image_bytes", "max_body_bytes")),
    ],
)
def test_limits_that_make_each_other_useless_are_refused_before_the_start(tmp_path, limits, both):
    settings = ServerSettings(shop=tmp_path, open_search=True, **limits)
    with pytest.raises(SettingError) as refused:
        check_protection(settings)
    assert all(name in str(refused.value) for name in both)


def test_bodies_and_feeds_are_as_large_as_they_may_be(tmp_path):
    client = guarded(tmp_path, open_search=True, max_body_bytes=2000, max_feed_bytes=9000)
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    _, key = KeyStore(tmp_path).create("catalogue")

    def status(path: str, size: int) -> int:
        return client.post(path, content=b"x" * size, headers=form | bearer(key)).status_code

    assert [status("/v1/search", size) for size in (2000, 2001)] == [200, 413]
    assert [status("/v1/imports", size) for size in (9000, 9001)] == [200, 413]


def test_photos_are_as_large_as_they_may_be(server_shop):
    small = photo(40, 30)
    for limits, taken, refused, status in [
        ({"max_image_side": 50}, photo(50, 10), photo(51, 10), 422),
        ({"max_image_pixels": 1200}, small, photo(40, 31), 422),
        ({"max_image_bytes": len(small)}, small, photo(300, 200), 413),
    ]:
        settings = ServerSettings(shop=server_shop, open_search=True, **limits)
        with TestClient(create_app(settings)) as client:
            statuses = [
                client.post("/v1/search", files={"image": one}).status_code
                for one in (taken, refused)
            ]
            assert statuses == [200, status], limits
            assert client.app.state.service.settings.image_limits == settings.image_limits


def test_the_others_reach_what_they_are_for(server_shop, monkeypatch):
    limits = Limits(**OTHERS)
    settings = ServerSettings(shop=server_shop, open_search=True, **limits.model_dump())
    given: list[BodyLimits] = []
    app = guarded_app(server_shop, open_search=True, **limits.model_dump())
    for layer in app.user_middleware:
        if "limits" in layer.kwargs:
            given.append(layer.kwargs["limits"])
    assert [(g.patience, g.seconds) for g in given] == [(20, SILENCE_SECONDS)]
    assert app.state.uploads.most == 300_000_000
    with TestClient(create_app(settings)) as client:
        service = client.app.state.service
        assert service.fetcher._timeout == service.photo_fetches.fetcher._timeout == 4.5

    configs: list[Any] = []

    def run(server: uvicorn.Server, sockets: Any) -> None:
        configs.append(server.config)
        for listening in sockets:
            listening.close()
        server.started = True

    monkeypatch.setattr(uvicorn.Server, "run", run)
    running.run_server(settings.model_copy(update={"port": 0}), started=lambda url: None)
    (config,) = configs
    assert config.timeout_graceful_shutdown == 40
    assert config.limits.connections == 2000


def test_the_command_takes_the_file(server_shop, tmp_path, monkeypatch):
    path = tmp_path / "limits.yml"
    path.write_text(json.dumps(OTHERS))
    served: list[ServerSettings] = []
    monkeypatch.setattr(running, "run_server", lambda settings, started: served.append(settings))
    command = ["serve", "--shop", str(server_shop), "--open-search"]
    assert CliRunner().invoke(commands, [*command, "--settings", str(path)]).exit_code == 0
    assert CliRunner().invoke(commands, command).exit_code == 0
    assert served[0].model_dump(include=set(OTHERS)) == OTHERS
    assert served[1].model_dump(include=set(OTHERS)) == Limits().model_dump()


def test_the_guide_names_every_limit_with_its_value():
    guide = (Path(__file__).parents[2] / "docs" / "shop-engineer.md").read_text()
    told: dict[str, str] = {}
    for row in guide.splitlines():
        if row.startswith("| `"):
            names, *_, usual = (cell.strip() for cell in row.strip("|").split("|"))
            values = usual.split(", ")
            found = re.findall(r"`(\w+)`", names)
            if len(found) == len(values):
                told |= dict(zip(found, values, strict=True))
    for name, value in Limits().model_dump().items():
        assert float(told[name]) == value, name
