"""What a query string sets and the path does not have is refused, not ignored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from findalike.server.app import create_app
from findalike.server.keys import KeyStore
from findalike.server.settings import ServerSettings


@pytest.fixture(scope="module")
def client(make_shop: Callable[..., Path]) -> Iterator[TestClient]:
    """A client with a key of the role admin."""
    shop = make_shop()
    _, key = KeyStore(shop).create("admin")
    with TestClient(create_app(ServerSettings(shop=shop))) as made:
        made.headers["Authorization"] = f"Bearer {key}"
        yield made


def refused(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()


@pytest.mark.parametrize("path", ["/v1/search", "/v1/search:batch", "/v1/boxes"])
def test_settings_of_a_search_belong_into_its_body(
    client: TestClient, server_photos: Path, path: str
) -> None:
    photo = {"image": (server_photos / "6.jpg").read_bytes()}
    problem = refused(client.post(f"{path}?k=2", files=photo))
    assert problem["detail"] == "there is no parameter 'k'"
    assert "in the body" in problem["next_step"]
    assert problem["errors"] == [
        {
            "where": "k",
            "problem": "no such parameter",
            "allowed": "none: the path has no parameters",
        }
    ]
    assert client.post(f"{path}?", files=photo).status_code == 200


def test_the_nearest_name_is_told(client: TestClient) -> None:
    problem = refused(client.get("/v1/products?limit=5&curser=a&b=1"))
    assert problem["detail"] == "there is no parameter 'curser' (and 1 more)"
    near, other = problem["errors"]
    assert near["allowed"] == "cursor"
    assert other["allowed"].startswith("cursor, limit")
    assert client.get("/v1/products?limit=5").status_code == 200


def test_parameters_that_only_the_description_has(client: TestClient) -> None:
    """`similar` reads its own query string: what it describes is let through."""
    assert client.get("/v1/products/p03/similar?k=2&sort=price").status_code == 200
    assert refused(client.get("/v1/products/p03/similar?kk=2"))["errors"][0]["where"] == "kk"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/products/p03"),
        ("PATCH", "/v1/products/p03"),
        ("DELETE", "/v1/products/p03"),
        ("POST", "/v1/imports"),
        ("POST", "/v1/feedback"),
        ("GET", "/v1/shop/versions"),
        ("POST", "/v1/shop:rollback"),
    ],
)
def test_everywhere_programs_call(client: TestClient, method: str, path: str) -> None:
    problem = refused(client.request(method, f"{path}?no_such=1"))
    assert problem["errors"][0]["where"] == "no_such"


def test_only_so_many_are_told(client: TestClient) -> None:
    problem = refused(client.get("/v1/products?" + "&".join(f"x{n}=1" for n in range(200))))
    assert problem["detail"].endswith("(and 199 more)")
    assert len(problem["errors"]) == 20


def test_pictures_may_carry_what_caches_add(client: TestClient, server_photos: Path) -> None:
    photo = {"image": (server_photos / "6.jpg").read_bytes()}
    url = client.post("/v1/search", files=photo).json()["products"][0]["image"]["url"]
    with_more = url + ("&" if "?" in url else "?") + "utm_source=mail"
    assert client.get(with_more).status_code == 200


def test_who_may_not_ask_learns_no_more(client: TestClient) -> None:
    answer = client.get("/v1/products?no_such=1", headers={"Authorization": "Bearer fa_wrong"})
    assert answer.status_code == 401
