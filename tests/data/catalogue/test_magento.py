import csv
from collections import Counter

import pytest
from reading import read

from findalike.data.catalogue.magento import pairs


def _names(text):
    return text.split(",")


HEADER = _names(
    "sku,store_view_code,attribute_set_code,product_type,categories,product_websites,"
    "name,description,short_description,weight,product_online,tax_class_name,visibility,"
    "price,special_price,url_key,base_image,base_image_label,small_image,thumbnail_image,"
    "created_at,updated_at,additional_attributes,qty,use_config_min_qty,is_in_stock,"
    "website_id,configurable_variations,configurable_variation_labels,associated_skus,"
    "bundle_values,additional_images,additional_image_labels"
)


@pytest.fixture
def export(tmp_path):
    def write(*rows):
        path = tmp_path / "export.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, HEADER, restval="")
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


def simple(sku, **cells):
    return {
        "sku": sku,
        "product_type": "simple",
        "name": f"Name of {sku}",
        "price": "12.5",
        "product_online": "1",
        "is_in_stock": "1",
        "base_image": f"/m/h/{sku.lower()}.jpg",
        **cells,
    }


def test_products_with_all_their_data(export):
    path = export(
        simple(
            "MH01-XS-Black",
            categories="Default Category,Default Category/Men/Tops/Hoodies,"
            "Default Category/Sale,Default Category/Men\\/Boys/x",
            description="<p>Soft &amp; warm</p>\n<ul><li>new</li></ul>",
            additional_attributes="has_options=0,size=XS,color=Black,climate=Cool|Indoor,"
            'note=wash, then dry,eco=Yes,quoted="3,5"',
            additional_images="/m/h/back.jpg,/m/h/mh01-xs-black.jpg",
            qty="100",
            use_config_min_qty="1",
            updated_at="1/1/20",
        )
    )
    found = read(path)
    assert found.catalogue.format == "magento"
    product = found.rows[0].product
    assert product.title == "Name of MH01-XS-Black"
    assert product.category == "Men/Tops/Hoodies"
    assert (product.price, product.url) == (12.5, None)
    assert product.attributes == {
        "product_type": "simple",
        "description": "Soft & warm new",
        "product_online": True,
        "is_in_stock": True,
        "qty": 100.0,
        "other_categories": ("Sale", "Men-Boys/x"),
        "size": "XS",
        "color": "Black",
        "climate": ("Cool", "Indoor"),
        "note": "wash, then dry",
        "eco": True,
        "quoted": "3,5",
    }
    assert found.locations == [["m/h/mh01-xs-black.jpg", "m/h/back.jpg"]]


def test_variants_know_their_configurable_wherever_it_stands(export):
    configurable = simple(
        "MH01",
        product_type="configurable",
        configurable_variations="sku=A,size=XS,color=Black|sku=C,size=S",
    )
    found = read(export(simple("A"), simple("B"), configurable, simple("C")))
    assert {r.product.product_id: r.product.variant_of for r in found.rows} == {
        "A": "MH01",
        "B": None,
        "MH01": None,
        "C": "MH01",
    }


def test_every_type_of_product_is_one(export):
    kinds = ["simple", "virtual", "downloadable", "grouped", "bundle", "giftcard"]
    rows = [simple(kind, product_type=kind, associated_skus="A=1.0") for kind in kinds]
    found = read(export(*rows))
    assert [r.product.attributes["product_type"] for r in found.rows] == kinds
    assert "associated_skus" not in found.catalogue.fields


def test_rows_of_store_views_are_passed_over_and_said(export):
    found = read(export(simple("A"), simple("A", store_view_code="de", base_image="")))
    assert found.ids == ["A"]
    assert (found.refusals, found.catalogue.row_count) == ([], 1)
    assert "1 rows of single store views" in " ".join(found.catalogue.notes)


def test_rows_that_name_no_image_are_refused(export):
    found = read(
        export(
            simple("A", base_image="no_selection"),
            simple("B", base_image=""),
            simple("C", base_image="", small_image="/c.jpg"),
            simple("", base_image="/c.jpg"),
        )
    )
    assert found.locations == [["c.jpg"]]
    assert [(r.row, r.item, r.column) for r in found.refusals] == [
        (2, "A", "base_image"),
        (3, "B", "base_image"),
        (5, "", "sku"),
    ]


@pytest.mark.parametrize(
    ("stored", "named"),
    [
        ("m/h/a.jpg", "m/h/a.jpg"),
        ("a.jpg", "a.jpg"),
        ("catalog/product/m/h/a.jpg", "catalog/product/m/h/a.jpg"),
        ("pub/media/catalog/product/m/h/a.jpg", "pub/media/catalog/product/m/h/a.jpg"),
        ("elsewhere/a.jpg", "m/h/a.jpg"),
    ],
)
def test_media_are_found_dispersed_or_flat(export, tmp_path, stored, named):
    root = tmp_path / "media"
    (root / stored).parent.mkdir(parents=True)
    (root / stored).write_bytes(b"x")
    assert read(export(simple("A")), root=root).locations == [[named]]


def test_urls_and_paths_that_leave_the_root_stay_as_they_are(export, tmp_path):
    (tmp_path / "secret.jpg").write_bytes(b"x")
    rows = [
        simple("A", base_image="https://x/a.jpg"),
        simple("B", base_image="/../secret.jpg"),
    ]
    (tmp_path / "media").mkdir()
    found = read(export(*rows), root=tmp_path / "media")
    assert found.locations == [["https://x/a.jpg"], ["../secret.jpg"]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("size=XS,color=Black", {"size": "XS", "color": "Black"}),
        ("a=1,a=2", {"a": "1"}),
        ("note=x=y, z", {"note": "x=y, z"}),
        ('a="b=c,d=e",f=g', {"a": "b=c,d=e", "f": "g"}),
        ('a="say ""hi"", x",b=2', {"a": 'say "hi", x', "b": "2"}),
        ('a="",b=2', {"a": "", "b": "2"}),
        ("no pairs at all", {}),
        ("", {}),
        ("," * 1000, {}),
    ],
)
def test_pairs_of_additional_attributes(text, found):
    assert pairs(text) == found


def test_the_real_export(shared_data):
    folder = shared_data / "apparel"
    found = read(folder / "magento_export.csv", root=folder / "seller")
    assert found.catalogue.format == "magento"
    assert found.catalogue.row_count == 1994
    assert (len(found.rows), len(set(found.ids)), found.refusals) == (1994, 1994, [])
    kinds = Counter(row.product.attributes["product_type"] for row in found.rows)
    assert kinds == {"simple": 1847, "configurable": 147}
    assert sum(row.product.variant_of is not None for row in found.rows) == 1847
    assert len({row.product.variant_of for row in found.rows} - {None}) == 147
    there = [
        any((folder / "seller" / image.location).is_file() for image in row.images)
        for row in found.rows
    ]
    assert sum(there) == 982
    assert all(
        "/" not in i.location
        for r, has in zip(found.rows, there, strict=True)
        if has
        for i in r.images[:1]
    )
    fields = found.catalogue.fields
    assert fields["climate"] == fields["material"] == "list"
    assert fields["is_in_stock"] == fields["eco_collection"] == "boolean"
    assert fields["qty"] == "number"
    assert fields["size"] == fields["color"] == "text"
    assert not [name for name in fields if name.startswith(("use_config", "custom_"))]
    hoodie = found.product("MH01-XS-Gray")
    assert hoodie.row == 4
    assert hoodie.product.variant_of == "MH01"
    assert hoodie.product.category == "Men/Tops/Hoodies & Sweatshirts"
    assert hoodie.product.attributes["other_categories"] == ("Collections/Eco Friendly",)
    assert "<" not in str(hoodie.product.attributes["description"])
    assert [i.location for i in hoodie.images] == [
        "mh01-gray_main.jpg",
        "mh01-gray_alt1.jpg",
        "mh01-gray_back.jpg",
    ]
