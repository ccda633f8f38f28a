import pytest

from findalike.data.catalogue.base import BadValue
from findalike.data.catalogue.locations import checked_location, split_images


@pytest.mark.parametrize(
    ("cell", "images"),
    [
        ("a.jpg", ["a.jpg"]),
        ("a.jpg|b.jpg", ["a.jpg", "b.jpg"]),
        ("a.jpg, b.PNG", ["a.jpg", "b.PNG"]),
        ("a.jpg;b.jpg;", ["a.jpg", "b.jpg"]),
        ("a.jpg\nb.jpg", ["a.jpg", "b.jpg"]),
        ('["a.jpg", "b.jpg"]', ["a.jpg", "b.jpg"]),
        (["a.jpg", "", "b.jpg"], ["a.jpg", "b.jpg"]),
        ("red, round.jpg", ["red, round.jpg"]),
        ("https://x/a.jpg,https://x/b", ["https://x/a.jpg", "https://x/b"]),
        ("https://x/w=300,h=200/a.jpg", ["https://x/w=300,h=200/a.jpg"]),
        ("https://x/a;v=1.jpg", ["https://x/a;v=1.jpg"]),
        ("noending", ["noending"]),
        ("", []),
        (" , ", []),
        (None, []),
        ("[]", []),
        ("[not json].jpg", ["[not json].jpg"]),
    ],
)
def test_one_or_several_images_in_a_cell(cell, images):
    assert split_images(cell) == images


@pytest.mark.parametrize(
    ("given", "used"),
    [
        (r"img\sub\a.jpg", "img/sub/a.jpg"),
        ("././a.jpg", "a.jpg"),
        ("//cdn.shop/a.jpg", "https://cdn.shop/a.jpg"),
        ("HTTP://x/a.jpg", "HTTP://x/a.jpg"),
        (" a b.jpg ", "a b.jpg"),
        ("../a.jpg", "../a.jpg"),  # left to the reader of images, who knows the root
        ("/etc/passwd", "/etc/passwd"),
    ],
)
def test_locations_are_tidied(given, used):
    assert checked_location(given) == used


@pytest.mark.parametrize(
    "location",
    ["", None, "ftp://x/a.jpg", "file:///a.jpg", "javascript://x", "data:image/png;base64,AAAA"],
)
def test_what_is_fetched_otherwise_is_refused(location):
    with pytest.raises(BadValue, match=r"fetched|no image") as refused:
        checked_location(location)
    assert "http" in refused.value.allowed


@pytest.mark.parametrize("location", ["a\tb.jpg", "a\x00.jpg", "\ud800.jpg", "x" * 2049])
def test_what_cannot_be_a_location_is_refused(location):
    with pytest.raises(BadValue) as refused:
        checked_location(location)
    assert refused.value.field_name == "image"
