import pytest
from reading import read

from findalike.errors import CatalogueError


@pytest.fixture
def folder(tmp_path):
    def make(*names):
        for name in names:
            path = tmp_path / "shop" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
        return tmp_path / "shop"

    return make


def test_one_folder_a_product(folder):
    found = read(folder("b/2.jpg", "b/1.PNG", "a/front.webp"))
    assert found.catalogue.format == "folder"
    assert found.ids == ["a", "b"]
    assert found.locations == [["a/front.webp"], ["b/1.PNG", "b/2.jpg"]]
    assert [i.image_id for i in found.rows[1].images] == ["b/b/1.PNG", "b/b/2.jpg"]
    assert [row.row for row in found.rows] == [1, 2]
    assert found.catalogue.default_root.name == "shop"
    assert (found.catalogue.row_count, dict(found.catalogue.fields)) == (2, {})


def test_one_file_a_product(folder):
    found = read(folder("shoe.jpg", "shoe.png", "hat.v2.jpg", "hat.jpeg"))
    assert dict(zip(found.ids, found.locations, strict=True)) == {
        "hat": ["hat.jpeg"],
        "hat.v2": ["hat.v2.jpg"],
        "shoe": ["shoe.jpg", "shoe.png"],
    }


def test_folders_between_are_the_category(folder):
    found = read(folder("Men/Tops/hoodie/a.jpg", "Men/cap/b.jpg", "mug.jpg", "bag/c.jpg"))
    assert {r.product.product_id: r.product.category for r in found.rows} == {
        "mug": None,
        "hoodie": "Men/Tops",
        "cap": "Men",
        "bag": None,
    }


def test_a_name_used_twice_is_refused_the_second_time(folder):
    found = read(folder("Men/basic/a.jpg", "Women/basic/b.jpg"))
    assert found.locations == [["Men/basic/a.jpg"]]
    assert [(r.item, r.column) for r in found.refusals] == [("Women/basic/", "file")]


def test_other_files_are_passed_over_and_said(folder, tmp_path):
    shop = folder(
        "a/1.jpg",
        "a/notes.txt",
        "a/.DS_Store",
        "a/._1.jpg",
        "a/photo.heic",
        ".hidden/x.jpg",
        "__MACOSX/a/1.jpg",
        "empty/readme.md",
    )
    (shop / "link").symlink_to(tmp_path)
    (shop / "a" / "broken.jpg").symlink_to(tmp_path / "nowhere")
    found = read(shop)
    assert found.locations == [["a/1.jpg"]]
    assert [(r.value, r.reason) for r in found.refusals] == [
        ("a/photo.heic", ".heic is no kind of image that is read")
    ]
    note = " ".join(found.catalogue.notes)
    assert "1 .txt" in note
    assert "1 .md" in note
    assert "2 links" in note


def test_locations_are_relative_to_a_root_above(folder, tmp_path):
    shop = folder("a/1.jpg")
    assert read(shop, root=tmp_path).locations == [["shop/a/1.jpg"]]
    with pytest.raises(CatalogueError, match="does not lie in the root"):
        read(shop, root=tmp_path / "elsewhere")


def test_a_product_of_many_images_comes_in_several_rows(folder):
    found = read(folder(*(f"a/{n:04}.jpg" for n in range(1100))))
    assert [len(places) for places in found.locations] == [500, 500, 100]
    assert {(row.product.product_id, row.row) for row in found.rows} == {("a", 1)}


def test_file_names_that_are_no_text_are_refused(folder):
    shop = folder("a/1.jpg")
    try:
        (shop / "a" / "\udcff.jpg").write_bytes(b"x")
    except (OSError, UnicodeError):
        pytest.skip("the file system takes no such names")
    found = read(shop)
    assert found.locations == [["a/1.jpg"]]
    assert found.refusals[0].reason == "file name is not valid text"
    found.refusals[0].value.encode("utf-8")


def test_a_folder_without_images_is_an_error_that_names_its_tables(folder):
    with pytest.raises(CatalogueError, match=r"products\.csv: give that file"):
        read(folder("products.csv", "feed.xml", "sub/readme.txt"))
    with pytest.raises(CatalogueError, match="has no images"):
        read(folder("x").parent / "shop" / "sub")


def test_the_apparel_folder(shared_data):
    found = read(shared_data / "apparel" / "seller")
    assert (len(found.rows), found.refusals) == (321, [])
    assert found.ids[0] == "mh01-black_main"
