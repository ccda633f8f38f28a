"""Bodies and forms: bounded, in memory, and nothing of them on the disk."""

from __future__ import annotations

import asyncio
import io
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from findalike.server.problems import Problem
from findalike.server.uploads import LARGE, LONGEST_FIELD, MOST_PARTS, Form, form_of, parse_form

KIND = 'multipart/form-data; boundary="b"'


def part(name: str, data: bytes, *, file: str | None = None) -> bytes:
    named = f'; filename="{file}"' if file is not None else ""
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
    return head.encode() + data + b"\r\n"


@given(st.binary(max_size=300).filter(lambda data: b"--b" not in data), st.text(max_size=50))
def test_what_goes_in_comes_out(data: bytes, text: str) -> None:
    if "--b" in text:
        return
    body = part("image", data, file="x.jpg") + part("where", text.encode()) + b"--b--\r\n"
    form = form_of(body, KIND)
    assert form.files == [("image", data)]
    assert form.texts == {"where": text}


@given(st.binary(max_size=200))
def test_anything_else_is_read_or_a_problem(data: bytes) -> None:
    for body in (data, b"--b\r\n" + data, part("image", data)[:-4] + data):
        with suppress(Problem):
            form_of(body, KIND)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (part("a", b"1") * 2 + b"--b--", "twice"),
        (part("a", b"\xff") + b"--b--", "UTF-8"),
        (part("a", b"x" * (LONGEST_FIELD + 1)) + b"--b--", "bytes"),
        (b"".join(part(f"a{n}", b"") for n in range(MOST_PARTS + 1)) + b"--b--", "parts"),
        (
            b"--b\r\nContent-Disposition: form-data; name=" + b"x" * 5000 + b"\r\n\r\n",
            "header size",
        ),
        (part("a", b"1"), "ends before"),
        (b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--", "no name"),
    ],
)
def test_forms_that_are_refused(body: bytes, says: str) -> None:
    with pytest.raises(Problem, match=says):
        form_of(body, KIND)


@pytest.mark.parametrize("kind", ["multipart/form-data", f"x; boundary={'b' * 71}"])
def test_boundaries_that_are_refused(kind: str) -> None:
    with pytest.raises(Problem, match="boundary"):
        form_of(b"", kind)


def test_no_upload_reaches_the_disk(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a temporary file was made")

    for name in ("TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    monkeypatch.setattr("starlette.formparsers.SpooledTemporaryFile", refuse)
    file = io.BytesIO()
    Image.effect_noise((1600, 1600), 90).convert("RGB").save(file, "PNG", compress_level=0)
    assert len(file.getvalue()) > 5_000_000
    answer = client.post("/v1/search", files={"image": ("a.png", file.getvalue())})
    assert answer.status_code == 200
    assert client.app.state.uploads.held == 0


def test_bodies_beyond_the_limit_are_refused(client: TestClient) -> None:
    most = client.app.state.settings.max_body_bytes
    said = client.post("/v1/search", content=b"x" * (most + 1), headers={"content-type": KIND})
    assert said.status_code == 413

    def chunks():
        for _ in range(most // 1_000_000 + 1):
            yield b"x" * 1_000_000

    unsaid = client.post("/v1/search", content=chunks(), headers={"content-type": KIND})
    assert unsaid.status_code == 413
    assert client.app.state.uploads.held == 0


def test_a_photo_beyond_the_limit_is_refused(client: TestClient) -> None:
    most = client.app.state.settings.max_image_bytes
    photo = b"\xff\xd8\xff\xe0" + bytes(most)
    answer = client.post("/v1/search", files={"image": photo})
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:findalike:problem:image-too-large"


@pytest.mark.parametrize(("size", "beside"), [(100, False), (LARGE, True)])
def test_large_forms_are_taken_apart_beside_the_event_loop(
    monkeypatch: pytest.MonkeyPatch, size: int, beside: bool
) -> None:
    threads = []

    def noted(body: bytes, kind: str) -> Form:
        threads.append(threading.current_thread())
        return form_of(body, kind)

    monkeypatch.setattr("findalike.server.uploads.form_of", noted)
    body = part("image", b"x" * size, file="x.jpg") + b"--b--\r\n"
    assert asyncio.run(parse_form(body, KIND)).files == [("image", b"x" * size)]
    assert (threads != [threading.main_thread()]) == beside
