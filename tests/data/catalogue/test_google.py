import pytest
from reading import read, write

from findalike.errors import CatalogueError

RSS = """<?xml version="1.0"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0">
  <channel>
    <title>A shop</title>
    <link>https://shop.example</link>
    {items}
  </channel>
</rss>
"""
ITEM = """<item>
      <g:id>TV_1</g:id>
      <title>Plain title</title>
      <g:title>TV &amp; remote</g:title>
      <g:description><![CDATA[<p>Big <b>screen</b></p>]]></g:description>
      <g:link>https://shop.example/tv</g:link>
      <g:image_link>https://shop.example/tv.jpg</g:image_link>
      <g:additional_image_link>https://shop.example/tv2.jpg</g:additional_image_link>
      <g:additional_image_link>https://shop.example/tv3.jpg,https://shop.example/tv4.jpg</g:additional_image_link>
      <g:price>1,015.00 USD</g:price>
      <g:sale_price>900.00 USD</g:sale_price>
      <g:item_group_id>TV</g:item_group_id>
      <g:product_type>Home &gt; Electronics &gt; TV/Video</g:product_type>
      <g:google_product_category>404</g:google_product_category>
      <g:availability>in stock</g:availability>
      <g:brand>Acme</g:brand>
      <g:gtin>04006381333931</g:gtin>
      <g:size>55</g:size>
      <g:product_highlight>Large</g:product_highlight>
      <g:product_highlight>Flat</g:product_highlight>
      <g:identifier_exists>yes</g:identifier_exists>
      <g:shipping><g:country>US</g:country><g:price>6.49 USD</g:price></g:shipping>
    </item>"""


def feed(tmp_path, text, name="feed.xml", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def item(item_id, image="https://x/a.jpg", more=""):
    return f"<item><g:id>{item_id}</g:id><g:image_link>{image}</g:image_link>{more}</item>"


def test_an_rss_feed(tmp_path):
    found = read(feed(tmp_path, RSS.format(items=ITEM)))
    assert found.catalogue.format == "google"
    (row,) = found.rows
    assert row.row == 6, "the line on which the item starts"
    product = row.product
    assert (product.product_id, product.title) == ("TV_1", "TV & remote")
    assert product.category == "Home/Electronics/TV-Video"
    assert product.variant_of == "TV"
    assert (product.price, product.currency) == (1015.0, "USD")
    assert product.url == "https://shop.example/tv"
    assert product.attributes == {
        "description": "Big screen",
        "sale_price": 900.0,
        "google_product_category": "404",
        "availability": "in stock",
        "brand": "Acme",
        "gtin": "04006381333931",
        "size": "55",
        "product_highlight": ("Large", "Flat"),
        "identifier_exists": True,
    }
    names = ["tv", "tv2", "tv3", "tv4"]
    assert found.locations == [[f"https://shop.example/{name}.jpg" for name in names]]


def test_an_atom_feed(tmp_path):
    text = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0">
      <title>Shop</title><id>https://shop.example</id>
      <entry><id>tag:shop,1</id><g:id>7</g:id><title>Mug</title>
        <summary type="xhtml">A <b>white</b> mug</summary>
        <link rel="self" href="https://x/no"/><link href="https://x/mug"/>
        <g:image_link>mug.jpg</g:image_link><g:price>5 EUR</g:price></entry></feed>"""
    found = read(feed(tmp_path, text))
    product = found.rows[0].product
    assert (product.product_id, product.title, product.url) == ("7", "Mug", "https://x/mug")
    assert product.attributes == {"summary": "A white mug"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1"])
def test_xml_in_its_declared_encoding(tmp_path, encoding):
    declared = encoding.removesuffix("-sig")
    text = f'<?xml version="1.0" encoding="{declared}"?>' + RSS.partition("?>")[2]
    text = text.format(items=item("1", more="<g:color>größe</g:color>"))
    found = read(feed(tmp_path, text, encoding=encoding))
    assert found.rows[0].product.attributes == {"color": "größe"}


@pytest.mark.parametrize("delimiter", ["\t", ","])
@pytest.mark.parametrize("prefix", ["", "g:"])
def test_a_feed_as_a_table(tmp_path, delimiter, prefix):
    columns = ["id", "title", "description", "link", "image link", "additional image link"]
    columns += ["additional image link", "price", "availability", "product type", "size"]
    cells = ["1", "Mug", "<p>White</p>", "https://x/mug", "https://x/1.jpg"]
    cells += ['"https://x/2.jpg,https://x/3.jpg"', "https://x/4.jpg", "15.00 USD", "in_stock"]
    cells += ["Home > Kitchen", "8"]
    header = delimiter.join(f"{prefix}{column}" for column in columns)
    found = read(write(tmp_path / "feed.tsv", header, delimiter.join(cells)))
    assert found.catalogue.format == "google"
    product = found.rows[0].product
    assert (product.title, product.category) == ("Mug", "Home/Kitchen")
    assert (product.price, product.currency) == (15.0, "USD")
    assert product.attributes == {"description": "White", "availability": "in_stock", "size": "8"}
    assert found.locations == [[f"https://x/{n}.jpg" for n in (1, 2, 3, 4)]]


def test_a_path_of_googles_own_is_the_category_where_the_shop_has_none(tmp_path):
    more = "<g:google_product_category>Home &gt; Decor</g:google_product_category>"
    found = read(feed(tmp_path, RSS.format(items=item("1", more=more))))
    assert found.rows[0].product.category == "Home/Decor"


def test_bad_items_are_refused_with_the_line_they_start_on(tmp_path):
    items = [
        item("1"),
        item("", more="<g:title>x</g:title>"),
        item("2", image=""),
        item("3", more="<g:price>cheap</g:price>"),
        item("4", more="<g:sale_price>-1 USD</g:sale_price>"),
        item("1"),
        item("5", more="<g:x>y</g:x>" * 1001),
        item("6", more=f"<g:description>{'x' * (1 << 20)}</g:description>"),
        item("7", more=f"<g:color>{'x' * 200_000}</g:color>"),
        item("8"),
    ]
    found = read(feed(tmp_path, RSS.format(items="\n".join(items))))
    assert found.ids == ["1", "8"]
    assert [r.row - 6 for r in found.refusals] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [r.column for r in found.refusals] == [
        "id",
        "image_link",
        "price",
        "sale_price",
        "image_id",
        "item",
        "item",
        "color",
    ]
    assert all(r.reason and r.allowed for r in found.refusals)


BOMB = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
FILE = '<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("doctype", [BOMB, FILE])
def test_entities_and_external_files_are_refused(tmp_path, doctype):
    text = RSS.replace("<rss", f"{doctype}<rss").format(
        items=item("&b;" if "b" in doctype else "x")
    )
    with pytest.raises(CatalogueError, match="entities"):
        read(feed(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RSS.format(items=item("1") + "<item><g:id>2"), "not well-formed XML at line"),
        (RSS.format(items=item("a & b")), "not well-formed XML at line 6"),
        ("<html><body><p>Log in</body></html>", "<html> is no RSS"),
        ("<!DOCTYPE html><html><br></html>", "<html> is no RSS"),
        ("<products><product/></products>", "<products> is no RSS"),
        (RSS.format(items="<item>" + "<a>" * 100 + "</a>" * 100 + "</item>"), "deep"),
    ],
)
def test_what_is_no_feed_is_an_error(tmp_path, text, message):
    with pytest.raises(CatalogueError, match=message):
        read(feed(tmp_path, text))


def test_a_tag_without_end_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("findalike.data.catalogue.feed_xml._MAX_SILENCE", 1 << 18)
    text = RSS.format(items=f"<!-- {'x' * (1 << 20)} -->")
    with pytest.raises(CatalogueError, match="tag or comment"):
        read(feed(tmp_path, text))


def test_a_feed_without_items_has_no_rows(tmp_path):
    assert read(feed(tmp_path, RSS.format(items=""))).catalogue.row_count == 0
