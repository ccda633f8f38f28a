"""Boxes proposed over HTTP, the search that takes one, and what its scores mean in words."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from findalike.models.calibration import Calibration
from findalike.server.app import create_app
from findalike.server.likeness import Meaning
from findalike.server.routes.boxes import BoxesAnswer
from findalike.server.settings import ServerSettings
from findalike.shop.shop import Shop
from support import make_tiny_encoder, plain_rows, write_photos, write_table

CALIBRATION = Calibration(
    slope=10.0,
    offset=-2.0,
    same=0.6,
    very_similar=0.5,
    similar=0.4,
    false_alarms=0.05,
    caught=0.5,
    queries=10,
    fitted_on="photos",
    command="c",
)


@pytest.fixture(scope="module")
def thing() -> bytes:
    """A photo, 320 x 240, of a thing at 90,60 of 120 x 130."""
    picture = np.full((240, 320, 3), 215, np.uint8)
    picture[60:190, 90:210] = (160, 30, 30)
    picture[100:130, 90:210] = (20, 20, 90)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def test_a_box_is_proposed_and_can_be_searched_with(client: TestClient, thing: bytes) -> None:
    answer = client.post("/v1/boxes", files={"image": thing})
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["image"] == {"width": 320, "height": 240}
    best = said["boxes"][0]
    assert best["box"] == pytest.approx([90, 60, 120, 130], abs=25)
    assert 0 < best["score"] <= 1
    encoded = base64.b64encode(thing).decode()
    assert client.post("/v1/boxes", json={"image_base64": encoded}).json() == said

    found = client.post("/v1/search", files={"image": thing}, data={"box": "auto"}).json()
    assert found["box_source"] == "proposed"
    assert found["box"] == best["box"]
    assert found["warnings"] == []
    by_hand = ",".join(map(str, best["box"]))
    given = client.post("/v1/search", files={"image": thing}, data={"box": by_hand}).json()
    scores = [[row["score"] for row in said["products"]] for said in (found, given)]
    assert scores[0] == scores[1]


def test_where_nothing_stands_out_the_whole_photo_is_used(client: TestClient) -> None:
    file = io.BytesIO()
    Image.new("RGB", (60, 40), (90, 90, 90)).save(file, "PNG")
    boxes = client.post("/v1/boxes", files={"image": file.getvalue()}).json()["boxes"]
    assert boxes[0]["box"] == [0, 0, 60, 40]
    data = {"box": "auto"}
    found = client.post("/v1/search", files={"image": file.getvalue()}, data=data).json()
    assert found["box_source"] == "whole"
    assert found["box"] == [0, 0, 60, 40]


@pytest.mark.parametrize(
    ("files", "status"),
    [([("image", b"GIF89a")], 422), ([("image", b"plain text")], 415), ([], 422)],
)
def test_what_is_no_photo(client: TestClient, files: list[tuple[str, bytes]], status: int) -> None:
    answer = client.post("/v1/boxes", files=files or {"other": b"x"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["next_step"]


def test_one_photo_at_a_time(client: TestClient, thing: bytes) -> None:
    answer = client.post("/v1/boxes", files=[("image", thing), ("image", thing)])
    assert answer.status_code == 422
    assert "there are 2 images" in answer.text


def test_what_would_have_no_effect_is_refused(client: TestClient, thing: bytes) -> None:
    form = client.post("/v1/boxes", files={"image": thing}, data={"k": "3"})
    encoded = base64.b64encode(thing).decode()
    body = client.post("/v1/boxes", json={"image_base64": encoded, "k": 3})
    assert form.status_code == body.status_code == 422
    assert '"k"' in form.text
    assert '"k"' in body.text
    assert client.post("/v1/boxes", content=b"x").status_code == 415


def test_without_a_calibration_there_are_no_words(client: TestClient, thing: bytes) -> None:
    answer = client.post("/v1/search", files={"image": thing}).json()
    assert {row["likeness"] for row in answer["products"]} == {None}
    assert answer["nothing_like_it"] is False


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory, server_photos):
    folder = tmp_path_factory.mktemp("calibrated")
    encoder = make_tiny_encoder(folder / "tiny", name="tiny")
    path = encoder / "encoder.json"
    said = json.loads(path.read_text()) | {"calibration": CALIBRATION.model_dump()}
    path.write_text(json.dumps(said))
    shop = Shop.create(folder / "shop", encoder=encoder)
    shop.add(write_table(folder / "products.csv", plain_rows()), root=server_photos)
    with TestClient(create_app(ServerSettings(shop=folder / "shop", open_search=True))) as client:
        yield client, shop


def test_words_go_by_the_rise_over_the_typical_score(calibrated, server_photos) -> None:
    client, shop = calibrated
    photo = (server_photos / "0.jpg").read_bytes()
    answer = client.post("/v1/search", files={"image": photo}, data={"k": "12"}).json()
    # 24 pictures of 12 products: their mean cosine, from the shop's own search.
    from findalike.data.prepare import prepare

    prepared = prepare(photo, shop.encoder.input, name="photo")
    embedding = shop.encoder.embed(prepared.pixels[None])[0]
    hits = shop._index.snapshot().search(embedding[None], k=24)[0]
    typical = float(np.mean([hit.score for hit in hits]))
    words = [CALIBRATION.likeness_of(r["score"], typical=typical) for r in answer["products"]]
    assert [row["likeness"] for row in answer["products"]] == words
    assert words[0] == "same"
    assert len(set(words)) > 1
    assert answer["nothing_like_it"] is False


def test_nothing_like_it(calibrated, tmp_path) -> None:
    client, _ = calibrated
    write_photos(tmp_path, [999])
    answer = client.post("/v1/search", files={"image": (tmp_path / "999.jpg").read_bytes()}).json()
    assert answer["nothing_like_it"] is True
    assert {row["likeness"] for row in answer["products"]} == {"unlike"}


def test_products_like_one_of_the_shop_are_neither_the_same_nor_unlike(calibrated) -> None:
    client, shop = calibrated
    allowed = {"same": "very similar", "very similar": "very similar", "similar": "similar"}
    told: set[str | None] = set()
    for number in range(12):
        path = f"/v1/products/p{number:02d}/similar"
        answer = client.get(path, params={"k": 12}).json()
        images = shop.get(f"p{number:02d}").images
        vectors = shop.vectors([(image.sha256, image.box) for image in images]).values()
        typical = float(np.mean(shop.typical_scores(np.stack(list(vectors)))))
        words = [
            allowed.get(CALIBRATION.likeness_of(row["score"], typical=typical))
            for row in answer["products"]
        ]
        assert [row["likeness"] for row in answer["products"]] == words
        assert len(words) == 11
        assert answer["nothing_like_it"] is False
        told |= set(words)
    assert told == {"very similar", "similar", None}


@pytest.mark.parametrize(
    ("rise", "photo", "product"),
    [
        (0.7, "same", "very similar"),
        (0.55, "very similar", "very similar"),
        (0.45, "similar", "similar"),
        (0.1, "unlike", None),
    ],
)
def test_words_for_a_photo_and_for_a_product(rise: float, photo: str, product: str | None) -> None:
    for_photo = Meaning(CALIBRATION, 0.2)
    for_product = Meaning(CALIBRATION, 0.2, of_others=True)
    assert for_photo.likeness_of(0.2 + rise) == photo
    assert for_product.likeness_of(0.2 + rise) == product
    assert for_photo.nothing_like_it(0.2 + rise) is (photo == "unlike")
    assert for_product.nothing_like_it(0.2 + rise) is False


def test_the_description_shows_an_answer():
    app = create_app(ServerSettings(shop=Path("none"), open_search=True))
    operation = app.openapi()["paths"]["/v1/boxes"]["post"]
    example = operation["responses"]["200"]["content"]["application/json"]["example"]
    assert BoxesAnswer.model_validate(example).boxes[0].score == 0.81


@pytest.mark.parametrize("box", ["auto", "10,10,100,100", ""])
def test_boxes_come_with_the_answer_so_that_the_photo_is_sent_once(
    client: TestClient, thing: bytes, box: str
) -> None:
    boxes = client.post("/v1/boxes", files={"image": thing}).json()["boxes"]
    alone = client.post("/v1/search", files={"image": thing}, data={"box": box}).json()
    asked = {"box": box, "proposals": "5"}
    found = client.post("/v1/search", files={"image": thing}, data=asked).json()
    assert found["proposals"] == boxes
    assert alone["proposals"] is None
    for name in ("products", "box", "box_source"):
        assert found[name] == alone[name]
    encoded = {"image_base64": base64.b64encode(thing).decode(), "proposals": 1}
    assert client.post("/v1/search", json=encoded).json()["proposals"] == boxes[:1]
    batch = client.post("/v1/search:batch", json=[encoded, {**encoded, "proposals": 0}]).json()
    assert [one["proposals"] for one in batch["answers"]] == [boxes[:1], None]


@pytest.mark.parametrize("wrong", ["6", "-1", "many", "1.5"])
def test_as_many_boxes_as_there_can_be(client: TestClient, thing: bytes, wrong: str) -> None:
    answer = client.post("/v1/search", files={"image": thing}, data={"proposals": wrong})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "proposals"
