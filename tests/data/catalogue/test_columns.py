import pytest

from findalike.data.catalogue.columns import map_columns
from findalike.data.catalogue.rows import RowSource
from findalike.errors import CatalogueError


class Header(RowSource):
    def __init__(self, *columns, path="shop.csv"):
        super().__init__(path)
        self.columns = columns

    def records(self):
        return iter(())


def found(*columns, **options):
    mapped = map_columns(Header(*columns), **options)
    fields = {name: columns[at] for name, at in mapped.fields.items()}
    fields["images"] = [columns[at] for at in mapped.images]
    if mapped.box:
        fields["box"] = [columns[at] for at in mapped.box]
    fields["attributes"] = [name for _, name in mapped.attributes]
    return fields


@pytest.mark.parametrize(
    "header",
    [
        ("product_id", "title", "image", "price", "category", "parent", "link"),
        ("Item ID", "Name", "Image URL", "List Price", "Product Type", "item_group_id", "URL"),
        ("SKU", "Product Name", "img_path", "Price", "Department", "Parent SKU", "permalink"),
        ("Handle", "displayName", "Picture", "Amount", "category-path", "variant_of", "HREF"),
    ],
)
def test_usual_names_are_known_in_many_spellings(header):
    columns = [c if c != "displayName" else "Display Name" for c in header]
    mapped = found(*columns)
    assert [mapped[f] for f in ("product_id", "title", "price", "category")] == [
        columns[at] for at in (0, 1, 3, 4)
    ]
    assert mapped["images"] == [columns[2]]
    assert (mapped["variant_of"], mapped["url"]) == (columns[5], columns[6])
    assert mapped["attributes"] == []


def test_the_surest_name_wins_and_the_others_are_attributes():
    mapped = found("id", "sku", "product_id", "image", "img_path")
    assert mapped["product_id"] == "product_id"
    assert mapped["images"] == ["image"]
    assert mapped["attributes"] == ["id", "sku", "img_path"]


def test_several_columns_of_images_in_the_order_of_the_table():
    mapped = found("id", "image_2", "Image", "additional_image_link", "image_width", "photo3")
    assert mapped["images"] == ["Image", "image_2", "additional_image_link", "photo3"]
    assert mapped["attributes"] == ["image_width"]
    assert found("id", "image", "image")["images"] == ["image", "image"]
    assert found("id", "image1", "image2")["images"] == ["image1", "image2"]


@pytest.mark.parametrize(
    "box",
    [
        ("bbox_x", "bbox_y", "bbox_w", "bbox_h"),
        ("Box X", "Box Y", "Box Width", "Box Height"),
        ("box_left", "box_top", "box_width", "box_height"),
        ("x", "y", "w", "h"),
        ("bbox",),
    ],
)
def test_columns_of_boxes(box):
    assert found("id", "image", *box)["box"] == list(box)


def test_the_size_of_an_image_is_no_box():
    mapped = found("id", "image", "width", "height", "x")
    assert "box" not in mapped
    assert mapped["attributes"] == ["width", "height", "x"]


def test_told_columns_win():
    told = {"title": "meta_title", "image": "Shot", "box_x": "l", "box_y": "t"}
    told |= {"box_w": "b", "box_h": "d", "price": ""}
    columns = ("id", "title", "meta_title", "Shot", "image", "price", "l", "t", "b", "d")
    mapped = found(*columns, told=told)
    assert mapped["title"] == "meta_title"
    assert mapped["images"] == ["Shot"]
    assert mapped["box"] == ["l", "t", "b", "d"]
    assert "price" not in mapped
    assert mapped["attributes"] == ["title", "image", "price"]


def test_a_column_told_in_another_case_is_found():
    assert found("id", "IMAGE", "Bezeichnung", told={"title": "bezeichnung"})["title"] == (
        "Bezeichnung"
    )


@pytest.mark.parametrize(
    ("columns", "told", "words"),
    [
        (("id", "Nmae", "image"), {"title": "Name"}, ["'Name'", "'Nmae'", "did you mean"]),
        (("id", "image"), {"titel": "id"}, ["'titel'", "'title'", "did you mean"]),
        (("id", "imge_url"), {}, ["'imge_url'", "columns={'image'", "header"]),
        (("1", "Shirt", "19.99"), {}, ["'Shirt'", "header"]),
        (("id", "image", "bbox_x", "bbox_y"), {}, ["part of a box", "box_w, box_h"]),
        (("id", "image", "l"), {"box_x": "l"}, ["part of a box", "box_y"]),
    ],
)
def test_errors_say_what_was_seen_and_what_to_do(columns, told, words):
    with pytest.raises(CatalogueError) as error:
        map_columns(Header(*columns), told=told)
    for word in words:
        assert word in str(error.value)


def test_columns_without_a_name_are_left_out_and_repeated_names_numbered():
    assert found("", "id", "image", "tag", "tag", "")["attributes"] == ["tag", "tag 2"]
