import pytest
from reading import read, write

from findalike.errors import CatalogueError
from findalike.types import Box


def test_a_plain_table(tmp_path):
    path = write(
        tmp_path / "shop.csv",
        "sku,Name,Image URL,Price,Category,parent_sku,Link,Colour,Score,In Stock,Sizes",
        '007,"Shirt, red",https://x/a.jpg,"12,50 €",Men > Tops,P1,https://x/p/7,red,4.5,yes,"[""S""]"',
        '8,Trousers,"b.jpg|c.jpg",9,Men,8,,blue,3,no,"[""S"", ""M""]"',
    )
    found = read(path)
    assert found.catalogue.format == "table"
    assert found.catalogue.row_count == 2
    assert found.catalogue.default_root == tmp_path
    assert dict(found.catalogue.fields) == {
        "colour": "text",
        "score_value": "number",
        "in_stock": "boolean",
        "sizes": "list",
    }
    shirt, trousers = found.rows
    assert shirt.product.product_id == "007"
    assert shirt.product.title == "Shirt, red"
    assert shirt.product.category == "Men/Tops"
    assert shirt.product.variant_of == "P1"
    assert (shirt.product.price, shirt.product.currency) == (12.5, "€")
    assert shirt.product.url == "https://x/p/7"
    assert shirt.product.attributes == {
        "colour": "red",
        "score_value": 4.5,
        "in_stock": True,
        "sizes": ("S",),
    }
    assert (shirt.file, shirt.row) == (str(path), 2)
    assert [i.image_id for i in shirt.images] == ["007/https://x/a.jpg"]
    assert trousers.product.variant_of is None, "a product is no variant of itself"
    assert [i.image_id for i in trousers.images] == ["8/b.jpg", "8/c.jpg"]
    assert found.refusals == []
    notes = " ".join(found.catalogue.notes)
    assert "product_id ← sku" in notes
    assert "'Score' → score_value" in notes


def test_columns_can_be_told(tmp_path):
    path = write(tmp_path / "shop.csv", "Artikelnummer,Titel,Foto,title", "1,Hemd,a.jpg,x")
    told = {"product_id": "Artikelnummer", "title": "Titel", "image": "foto"}
    found = read(path, columns=told)
    assert found.product("1").product.title == "Hemd"
    assert found.product("1").product.attributes == {"title_value": "x"}
    with pytest.raises(CatalogueError, match=r"'Titl'.*did you mean 'Titel'"):
        read(path, columns={**told, "title": "Titl"})


def test_types_can_be_told(tmp_path):
    path = write(
        tmp_path / "shop.csv",
        "id,image,size,sold,tags,Amount Left",
        "1,a.jpg,38,0,a;b,3",
        "2,b.jpg,40,1,c,x",
    )
    types = {"size": "text", "sold": "boolean", "tags": "list", "Amount Left": "number"}
    found = read(path, types=types)
    assert dict(found.catalogue.fields) == {
        "size": "text",
        "sold": "boolean",
        "tags": "list",
        "amount_left": "number",
    }
    assert found.product("1").product.attributes == {
        "size": "38",
        "sold": False,
        "tags": ("a", "b"),
        "amount_left": 3.0,
    }
    assert [(r.row, r.column, r.value) for r in found.refusals] == [(3, "Amount Left", "x")]


def test_a_type_that_is_none_is_an_error_and_a_misspelt_attribute_a_note(tmp_path):
    path = write(tmp_path / "shop.csv", "id,image,colour", "1,a.jpg,red")
    with pytest.raises(CatalogueError, match=r"'float'.*text, number, boolean, list"):
        read(path, types={"colour": "float"})
    found = read(path, types={"color": "list", "width": "number"})
    assert dict(found.catalogue.fields) == {"colour": "text"}
    assert "'color'" in " ".join(found.catalogue.notes)
    assert "width" not in " ".join(found.catalogue.notes)


def test_rows_of_one_product_share_what_the_first_says(tmp_path):
    path = write(
        tmp_path / "shop.csv",
        "id,title,price,image,view",
        "1,Shirt,12 EUR,a.jpg,front",
        "1,,,b.jpg,back",
        "1,,,c.jpg,",
        "2,,,d.jpg,front",
    )
    found = read(path)
    assert [(r.product.title, r.product.price) for r in found.rows] == [
        *[("Shirt", 12.0)] * 3,
        (None, None),
    ]
    assert [r.product.attributes.get("view") for r in found.rows] == [
        "front",
        "back",
        None,
        "front",
    ]


def test_a_refused_row_lends_nothing_to_the_next(tmp_path):
    path = write(tmp_path / "shop.csv", "id,price,image", "1,free,a.jpg", "1,,b.jpg")
    found = read(path)
    assert found.locations == [["b.jpg"]]
    assert len(found.refusals) == 1


def test_without_ids_each_image_is_a_product(tmp_path):
    found = read(write(tmp_path / "shop.csv", "image,label", "a/b.jpg,x", "c.jpg,y"))
    assert found.ids == ["a/b.jpg", "c.jpg"]
    assert [i.image_id for r in found.rows for i in r.images] == ["a/b.jpg", "c.jpg"]
    assert "no column of product ids" in " ".join(found.catalogue.notes)


def test_boxes_ids_and_domains_of_images(tmp_path):
    path = write(
        tmp_path / "shop.csv",
        "product_id,image_id,image,bbox_x,bbox_y,bbox_w,bbox_h,domain",
        "p,i1,a.jpg,1,2,3,4,seller",
        "p,i2,b.jpg,,,,,User",
        "p,i3,c.jpg,1,2,,4,",
        "p,i4,d.jpg,1,2,0,4,",
        "p,i5,e.jpg,1,2,x,4,",
        "p,i6,f.jpg,,,,,buyer",
        "p,i7,g.jpg|h.jpg,,,,,",
        "p,i1,z.jpg,,,,,",
    )
    found = read(path)
    images = [image for row in found.rows for image in row.images]
    assert [(i.image_id, i.box, i.domain) for i in images] == [
        ("i1", Box(1, 2, 3, 4), "seller"),
        ("i2", None, "user"),
    ]
    assert [(r.row, r.column, r.reason.split(":")[0]) for r in found.refusals] == [
        (4, "bbox_x + bbox_y + bbox_w + bbox_h", "half a box"),
        (5, "bbox_x + bbox_y + bbox_w + bbox_h", "box 1,2,0,4 is empty"),
        (6, "bbox_x + bbox_y + bbox_w + bbox_h", "box is not four numbers"),
        (7, "domain", "unknown domain"),
        (8, "image", "one image id or box for 2 images"),
        (9, "image_id", "an earlier row has this image already; the first is kept"),
    ]


def test_every_bad_row_is_told_with_its_column_value_and_what_is_allowed(tmp_path):
    long_id = "x" * 600
    path = write(
        tmp_path / "shop.csv",
        "SKU,Picture,Cost Price,price",
        ",a.jpg,1,1",
        "1,,1,1",
        "2,ftp://x/a.jpg,1,1",
        "3,a.jpg,1,cheap",
        "4,a.jpg,1,-3",
        f"{long_id},a.jpg,1,1",
        "5,a.jpg,1",
        "6,a.jpg,1,1",
    )
    found = read(path)
    assert found.ids == ["6"]
    assert [(r.row, r.item, r.column, r.value) for r in found.refusals] == [
        (2, "", "SKU", ""),
        (3, "1", "Picture", ""),
        (4, "2", "Picture", "ftp://x/a.jpg"),
        (5, "3", "price", "cheap"),
        (6, "4", "price", "-3"),
        (7, "x" * 79 + "…", "SKU", "x" * 79 + "…"),
        (8, "", "", "5,a.jpg,1"),
    ]
    assert all(r.reason and r.allowed and r.file == str(path) for r in found.refusals)
    assert found.catalogue.row_count == 8


def test_one_bad_image_of_a_row_does_not_cost_the_others(tmp_path):
    found = read(write(tmp_path / "shop.csv", "id,images", '1,"a.jpg|ftp://x/b.jpg|c.jpg|a.jpg"'))
    assert found.locations == [["a.jpg", "c.jpg"]]
    assert [(r.item, r.value) for r in found.refusals] == [("1", "ftp://x/b.jpg")]


def test_an_image_in_two_rows_is_kept_once(tmp_path):
    path = write(tmp_path / "shop.csv", "id,image", "1,a.jpg", "2,a.jpg", "1,./a.jpg", "1,b.jpg")
    found = read(path)
    assert found.locations == [["a.jpg"], ["a.jpg"], ["b.jpg"]]
    assert [(r.row, r.value) for r in found.refusals] == [(4, "1/a.jpg")]


def test_a_column_of_prices_with_decimal_commas(tmp_path):
    path = write(tmp_path / "shop.csv", "id;image;price", "1;a.jpg;1.250", "2;b.jpg;12,50")
    assert [row.product.price for row in read(path).rows] == [1250.0, 12.5]


def test_a_currency_column_counts_where_the_price_names_none(tmp_path):
    path = write(
        tmp_path / "shop.csv",
        "id,image,price,currency",
        "1,a.jpg,12,EUR",
        "2,b.jpg,$12,EUR",
        "3,c.jpg,,EUR",
    )
    assert [row.product.currency for row in read(path).rows] == ["EUR", "$", None]


def test_the_rows_can_be_read_again(tmp_path):
    path = write(tmp_path / "shop.csv", "id,image", "1,a.jpg", "2,")
    found = read(path)
    again = list(found.catalogue.rows())
    assert again == [*found.rows, *found.refusals]


def test_the_apparel_photos(shared_data):
    found = read(shared_data / "apparel" / "images.csv")
    assert found.catalogue.format == "table"
    assert (len(found.rows), len(set(found.ids)), found.refusals) == (321, 199, [])
    assert dict(found.catalogue.fields) == {"colour": "text", "view": "text"}
    row = found.rows[0]
    assert row.product.variant_of == "mh01"
    assert row.product.category == "Men/Tops/Hoodies & Sweatshirts"
    assert row.product.price == 52.0
    assert (shared_data / "apparel" / row.images[0].location).is_file()


def test_the_clothing_photos(shared_data):
    found = read(shared_data / "clothing" / "images.csv")
    assert (len(found.rows), len(set(found.ids)), found.refusals) == (2500, 2500, [])
    assert dict(found.catalogue.fields) == {
        "label": "text",
        "sender_id": "text",
        "kids": "boolean",
        "width": "number",
        "height": "number",
    }
    assert (found.catalogue.default_root / found.rows[0].images[0].location).is_file()
