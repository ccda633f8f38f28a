"""Searching over HTTP."""

from __future__ import annotations

from pathlib import Path

from fastapi.testclient import TestClient


def test_multipart(client: TestClient, server_photos: Path) -> None:
    photo = (server_photos / "6.jpg").read_bytes()
    answer = client.post("/v1/search", files={"image": ("a.jpg", photo)}, data={"k": "3"})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert [row["rank"] for row in body["products"]] == [1, 2, 3]
    assert body["products"][0]["product_id"] == "p03"
    assert body["image"] == {"width": 96, "height": 64}
    assert body["box"] == [0, 0, 96, 64]
    assert body["box_source"] == "whole"


def test_live(live_server, server_photos: Path) -> None:
    with live_server.client() as client:
        photo = (server_photos / "6.jpg").read_bytes()
        answer = client.post("/v1/search", files={"image": ("a.jpg", photo)})
        assert answer.json()["products"][0]["product_id"] == "p03"
