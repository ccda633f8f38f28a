from reading import read, write

from findalike.types import Box


def test_a_gallery_without_products(tmp_path):
    path = write(tmp_path / "gallery.csv", "seller_img_id,img_path", "7,a.jpg", "x9,b.jpg")
    found = read(path)
    assert found.catalogue.format == "challenge"
    assert found.ids == ["7", "x9"]
    assert [row.images[0].image_id for row in found.rows] == ["7", "x9"]


def test_a_gallery_with_products_and_boxes(tmp_path):
    path = write(
        tmp_path / "gallery.csv",
        "seller_img_id,img_path,product_id,bbox_x,bbox_y,bbox_w,bbox_h",
        "1,a.jpg,10,1,2,30,40",
        "2,b.jpg,10,,,,",
        "3,c.jpg,11,1,2,,",
        "1,d.jpg,12,,,,",
    )
    found = read(path)
    assert found.ids == ["10", "10"]
    assert [row.images[0].box for row in found.rows] == [Box(1, 2, 30, 40), None]
    assert [(r.row, r.reason[:10]) for r in found.refusals] == [
        (4, "half a box"),
        (5, "an earlier"),
    ]


def test_products_beside_it_are_joined(tmp_path):
    write(
        tmp_path / "products.csv",
        "product_id,title,category,price,colour,weight,image",
        "10,Apple,Fruit/Apple,1.5,red,0.2,main.jpg",
        "11,Milk,Dairy,-1,white,1,m.jpg",
        "12,Pear,Fruit,2,green,0.3,p.jpg",
        "12,Pear again,Fruit,2,green,0.3,p.jpg",
        "13,too few cells",
    )
    path = write(
        tmp_path / "gallery.csv",
        "seller_img_id,img_path,product_id,colour",
        "1,a.jpg,10,green",
        "2,b.jpg,10,",
        "3,c.jpg,11,",
        "4,d.jpg,12,",
        "5,e.jpg,99,",
    )
    found = read(path)
    fields = {"colour": "text", "weight": "number", "image_value": "text"}
    assert dict(found.catalogue.fields) == fields
    assert found.catalogue.row_count == 5
    first, second, third, fourth, fifth = [row.product for row in found.rows]
    assert (first.title, first.category, first.price) == ("Apple", "Fruit/Apple", 1.5)
    assert first.attributes["colour"] == "green", "the gallery's own value counts"
    assert second.attributes == {"colour": "red", "weight": 0.2, "image_value": "main.jpg"}
    assert (third.title, fifth.title) == (None, None)
    assert fourth.title == "Pear"
    beside = str(tmp_path / "products.csv")
    assert sorted((r.file, r.row, r.value) for r in found.refusals) == [
        (beside, 3, "-1"),
        (beside, 5, "12"),
        (beside, 6, "13,too few cells"),
    ]
    assert list(found.catalogue.rows()) == list(found.catalogue.rows())


def test_a_table_of_something_else_beside_it_is_left_alone(tmp_path):
    write(tmp_path / "products.csv", "name,stock", "x,1")
    path = write(tmp_path / "gallery.csv", "seller_img_id,img_path,product_id", "1,a.jpg,10")
    found = read(path)
    assert found.ids == ["10"]
    assert "is not joined" in " ".join(found.catalogue.notes)


def test_the_grocery_gallery(shared_data):
    for source in (shared_data / "grocery", shared_data / "grocery" / "gallery.csv"):
        found = read(source)
        assert found.catalogue.format == "challenge"
        assert found.catalogue.default_root == shared_data / "grocery"
        assert (len(found.rows), len(set(found.ids)), found.refusals) == (60, 60, [])
        assert dict(found.catalogue.fields) == {"split": "text", "description": "text"}
        row = found.product("0")
        assert row.product.title == "Golden Delicious"
        assert row.product.category == "Fruit/Apple"
        assert row.product.variant_of == "Apple"
        assert row.product.attributes["split"] == "seen"
        assert row.images[0].image_id == "0"
        assert all((shared_data / "grocery" / r.images[0].location).is_file() for r in found.rows)
