"""Every operation has an example of its request and its answer, and the service understands it."""

from __future__ import annotations

import copy
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from findalike.server.app import create_app
from findalike.server.connections import ConnectionLimits
from findalike.server.curl_lines import HOST, curl_lines
from findalike.server.examples import EXAMPLES
from findalike.server.keys import KeyStore
from findalike.server.routes.docs import docs_page
from findalike.server.settings import ServerSettings
from server.running import Running

jsonschema_rs = pytest.importorskip("jsonschema_rs")

APP = create_app(ServerSettings(shop=Path("none"), open_search=True))
API = APP.openapi()
OPERATIONS = {
    (method, path): operation
    for path, operations in API["paths"].items()
    for method, operation in operations.items()
}
LABELS = [f"{method.upper()} {path}" for method, path in OPERATIONS]


def closed(schema: Any) -> Any:
    """A schema whose objects have no other properties than it names."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: closed(part) for name, part in schema.items()}
    if isinstance(made.get("properties"), dict) and made.get("type") == "object":
        made.setdefault("additionalProperties", False)
    return made


def check(value: Any, schema: dict[str, Any]) -> None:
    whole = closed({**copy.deepcopy(schema), "components": API["components"]})
    jsonschema_rs.validator_for(whole).validate(value)


def test_no_example_is_of_an_operation_that_there_is_not():
    assert set(EXAMPLES) == set(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=LABELS)
def test_requests_and_answers_are_shown_as_they_are_described(operation):
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            assert "example" in parameter, parameter["name"]
        if "example" in parameter:
            check(parameter["example"], parameter["schema"])
    for kind, body in operation.get("requestBody", {}).get("content", {}).items():
        if kind == "application/json":
            check(body["example"], body["schema"])
        else:
            assert set(body["schema"].get("required", ())) <= set(body["example"])
            assert set(body["example"]) <= set(body["schema"]["properties"])
    answers = [
        answer["content"]["application/json"]
        for status, answer in operation["responses"].items()
        if int(status) < 300 and "application/json" in answer.get("content", {})
    ]
    for answer in answers:
        assert answer["example"] is not None
        if "schema" in answer:
            check(answer["example"], answer["schema"])


def test_the_check_finds_what_is_not_described():
    schema = {"$ref": "#/components/schemas/RollbackAnswer"}
    check({"version": 1, "rolled_back_to": 2}, schema)
    for wrong in ({"version": 1}, {"version": 1, "rolled_back_to": 2, "other": 3}):
        with pytest.raises(jsonschema_rs.ValidationError):
            check(wrong, schema)


def test_the_page_shows_commands_and_answers():
    page = unescape(docs_page(API))
    for (method, path), operation in OPERATIONS.items():
        for line in curl_lines(method, path, operation):
            assert f'<pre class="request">{line}</pre>' in page
    assert page.count('<pre class="answer">') >= sum(
        example.answer is not None for example in EXAMPLES.values()
    )
    assert '"rolled_back_to": 12' in page


@pytest.fixture(scope="module")
def service(make_shop, server_photos, tmp_path_factory):
    shop = make_shop()
    _, key = KeyStore(shop).create("admin")
    app = create_app(ServerSettings(shop=shop, key_rate=0, fetch_seconds=0.5))
    server = Running(app, ConnectionLimits())

    def unknown(host: str, port: int) -> list[str]:
        raise OSError(f"{host} is not known")

    app.state.service.fetcher._resolver = unknown
    app.state.service.photo_fetches.fetcher._resolver = unknown
    folder = tmp_path_factory.mktemp("sent")
    for name in ("photo.jpg", "second.jpg"):
        shutil.copy(server_photos / "3.jpg", folder / name)
    (folder / "products.csv").write_text("id,Name,image\n1,Mug,3.jpg\n")
    yield server.url, key, folder
    server.stop()


@pytest.mark.parametrize("label", list(OPERATIONS), ids=LABELS)
def test_the_service_understands_the_commands(service, label):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    url, key, folder = service
    for line in curl_lines(*label, OPERATIONS[label]):
        command = line.replace(HOST, url).replace(
            "curl ", "curl -s -o answer -w '%{http_code}' ", 1
        )
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=folder,
            env={"KEY": key, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
        )
        said = (folder / "answer").read_bytes()
        # What is right about each is that only what it names is not in this shop.
        understood = done.stdout.startswith("2") or any(
            f"urn:findalike:problem:{kind}".encode() in said
            for kind in (
                "image-url-failed", "no-such-product", "no-such-image", "no-such-example",
                "no-such-import", "product-changed", "product-refused", "unknown-query",
            )
        ) or (b"version" in said and label[1].endswith("rollback"))  # fmt: skip
        assert understood, (line, done.stdout, said)


def test_metrics_say_that_a_key_opens_them():
    assert OPERATIONS["get", "/metrics"]["security"] == [{"key": []}, {}]
    assert TestClient(APP).get("/openapi.json").json()["paths"]["/metrics"]
