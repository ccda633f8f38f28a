import csv

import pytest
from reading import read


def _names(text):
    return text.split(",")


CLASSIC = _names(
    "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,"
    "Option1 Value,Option2 Name,Option2 Value,Option3 Name,Option3 Value,Variant SKU,"
    "Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,"
    "Variant Fulfillment Service,Variant Price,Variant Compare At Price,"
    "Variant Requires Shipping,Variant Taxable,Variant Barcode,Image Src,Image Position,"
    "Image Alt Text,Gift Card,SEO Title,SEO Description,"
    "Google Shopping / Google Product Category,Color (product.metafields.shopify.color-"
    "pattern),Variant Image,Variant Weight Unit,Variant Tax Code,Cost per item,"
    "Included / International,Price / International,Compare At Price / International,Status"
)
NEW = _names(
    "Title,URL handle,Description,Vendor,Product category,Type,Tags,"
    "Published on online store,Status,SKU,Barcode,Option1 name,Option1 value,"
    "Option1 Linked To,Option2 name,Option2 value,Option2 Linked To,Option3 name,"
    "Option3 value,Option3 Linked To,Price,Compare-at price,Cost per item,Charge tax,"
    "Tax code,Unit price total measure,Inventory tracker,Inventory quantity,"
    "Continue selling when out of stock,Weight value (grams),Weight unit for display,"
    "Requires shipping,Fulfillment service,Product image URL,Image position,Image alt text,"
    "Variant image URL,Gift card,SEO title,SEO description,"
    "Color (product.metafields.shopify.color-pattern)"
)
NAMES = {
    "handle": ("Handle", "URL handle"),
    "title": ("Title", "Title"),
    "body": ("Body (HTML)", "Description"),
    "vendor": ("Vendor", "Vendor"),
    "category": ("Product Category", "Product category"),
    "type": ("Type", "Type"),
    "tags": ("Tags", "Tags"),
    "published": ("Published", "Published on online store"),
    "o1": ("Option1 Name", "Option1 name"),
    "v1": ("Option1 Value", "Option1 value"),
    "o2": ("Option2 Name", "Option2 name"),
    "v2": ("Option2 Value", "Option2 value"),
    "sku": ("Variant SKU", "SKU"),
    "barcode": ("Variant Barcode", "Barcode"),
    "price": ("Variant Price", "Price"),
    "was": ("Variant Compare At Price", "Compare-at price"),
    "stock": ("Variant Inventory Qty", "Inventory quantity"),
    "image": ("Image Src", "Product image URL"),
    "position": ("Image Position", "Image position"),
    "own": ("Variant Image", "Variant image URL"),
    "status": ("Status", "Status"),
    "metafield": ("Color (product.metafields.shopify.color-pattern)",) * 2,
}
CDN = "https://cdn.shopify.com/s/files/1"


@pytest.fixture(params=["classic", "new"])
def export(request, tmp_path):
    column = ["classic", "new"].index(request.param)

    def write(*rows):
        path = tmp_path / "products_export.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, (CLASSIC, NEW)[column], restval="")
            writer.writeheader()
            writer.writerows(
                [{NAMES[name][column]: cell for name, cell in row.items()} for row in rows]
            )
        return path

    return write


def tee(**cells):
    return {"handle": "tee", **cells}


def test_a_product_with_one_variant(export):
    path = export(
        tee(
            title="Plain Tee",
            body="<p>Soft &amp; warm</p>",
            vendor="Acme",
            category="Apparel & Accessories > Clothing > Shirts",
            type="Shirts",
            tags="cotton, summer",
            published="TRUE",
            o1="Title",
            v1="Default Title",
            sku="0012",
            price="19.99",
            was="25.00",
            stock="7",
            image=f"{CDN}/1.jpg",
            position="1",
            status="active",
            metafield="black; white",
        ),
        tee(image=f"{CDN}/3.jpg", position="3"),
        tee(image=f"{CDN}/2.jpg", position="2"),
    )
    found = read(path)
    assert found.catalogue.format == "shopify"
    (row,) = found.rows
    assert row.product.product_id == "tee"
    assert row.product.title == "Plain Tee"
    assert row.product.category == "Apparel & Accessories/Clothing/Shirts"
    assert (row.product.price, row.product.variant_of) == (19.99, None)
    assert row.product.attributes == {
        "description": "Soft & warm",
        "vendor": "Acme",
        "type": "Shirts",
        "published": True,
        "status": "active",
        "tags": ("cotton", "summer"),
        "sku": "0012",
        "compare_at_price": 25.0,
        "inventory_quantity": 7.0,
        "color_metafield": ("black", "white"),
    }
    assert found.locations == [[f"{CDN}/{n}.jpg" for n in (1, 2, 3)]]
    assert (row.row, found.refusals) == (2, [])


def test_variants_with_images_of_their_own_are_products(export):
    path = export(
        tee(title="Tee", vendor="Acme", o1="Color", v1="Red", o2="Size", v2="S", sku="R-S")
        | {"price": "20", "image": "red.jpg", "position": "1", "own": "red.jpg"},
        tee(v1="Red", v2="M", sku="R-M", price="21", image="blue.jpg", position="2", own="red.jpg"),
        tee(v1="Blue", v2="S", sku="B-S", price="19", own="blue.jpg"),
        tee(v1="Green", v2="S", sku="G-S", price="22"),
        {"handle": "mug", "title": "Mug", "price": "5", "image": "mug.jpg"},
    )
    found = read(path)
    assert found.ids == ["tee", "tee/Red-S", "tee/Red-M", "tee/Blue-S", "mug"]
    parent = found.product("tee")
    assert parent.product.price == 19.0
    assert [i.location for i in parent.images] == ["red.jpg", "blue.jpg"]
    assert parent.product.attributes["color"] == ("Red", "Blue", "Green")
    assert parent.product.attributes["size"] == ("S", "M")
    variant = found.product("tee/Red-M")
    assert variant.product.variant_of == "tee"
    assert variant.product.title == "Tee - Red / M"
    assert variant.product.price == 21.0
    assert variant.product.attributes["vendor"] == "Acme"
    assert variant.product.attributes["sku"] == ("R-M",)
    assert [i.location for i in variant.images] == ["red.jpg"]
    assert variant.row == 3
    assert found.catalogue.fields["size"] == "list"


def test_an_image_of_the_only_variant_is_the_products(export):
    found = read(export(tee(title="Tee", price="1", image="a.jpg", own="b.jpg")))
    assert found.ids == ["tee"]
    assert found.locations == [["a.jpg", "b.jpg"]]


def test_bad_rows_are_refused_where_they_stand(export):
    path = export(
        tee(title="Tee", price="1", image="a.jpg", position="1"),
        tee(v1="Red", price="cheap"),
        tee(image="ftp://x/b.jpg", position="2"),
        {"title": "No handle", "price": "1", "image": "c.jpg"},
        {"handle": "mug", "title": "No image", "price": "1"},
    )
    found = read(path)
    assert found.ids == ["tee"]
    assert [(r.row, r.item, r.value) for r in found.refusals] == [
        (3, "tee", "cheap"),
        (5, "", ""),
        (4, "tee", "ftp://x/b.jpg"),
        (6, "mug", ""),
    ]


def test_a_product_without_end_comes_in_several_rows(export, monkeypatch):
    monkeypatch.setattr("findalike.data.catalogue.shopify.MAX_GROUP_ROWS", 10)
    rows = [tee(title="Tee", price="1", image="0.jpg")]
    rows += [tee(image=f"{n}.jpg", position=str(n + 1)) for n in range(1, 25)]
    found = read(export(*rows))
    assert [len(places) for places in found.locations] == [10, 10, 5]
    assert {row.product.title for row in found.rows} == {"Tee"}
