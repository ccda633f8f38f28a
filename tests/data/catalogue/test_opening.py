import gzip
import io
import subprocess
import sys
import zipfile

import pytest
from reading import read, write

from findalike.data.catalogue import FORMATS, open_catalogue
from findalike.errors import CatalogueError

HEADERS = {
    "table": "id,image,title",
    "challenge": "seller_img_id,img_path",
    "magento": "sku,product_type,base_image,name",
    "shopify": "Handle,Title,Image Src",
    "google": "id,image_link,availability",
}


@pytest.mark.parametrize("name", HEADERS)
def test_the_format_is_found_by_the_header(tmp_path, name):
    cells = ",".join(["a.jpg"] * (HEADERS[name].count(",") + 1))
    found = read(write(tmp_path / "export.csv", HEADERS[name], cells))
    assert found.catalogue.format == name
    assert len(found.rows) == 1


def test_every_format_has_a_test_of_its_detection():
    assert {*HEADERS, "folder"} == set(FORMATS)


@pytest.mark.parametrize("name", HEADERS)
def test_a_format_can_be_told(tmp_path, name):
    path = write(tmp_path / "export.csv", HEADERS[name], "")
    assert open_catalogue(path, format=name).format == name


def test_a_shop_export_can_be_read_as_a_plain_table(tmp_path):
    path = write(tmp_path / "export.csv", HEADERS["magento"], "A,simple,/a.jpg,Shirt")
    found = read(path, format="table")
    assert (found.ids, found.locations) == (["A"], [["/a.jpg"]])


@pytest.mark.parametrize("name", ["challenge", "magento", "shopify", "google"])
def test_a_told_format_the_file_does_not_have_says_what_is_missing(tmp_path, name):
    path = write(tmp_path / "export.csv", "Identifier,Picture,Colour", "1,a.jpg,red")
    with pytest.raises(CatalogueError) as error:
        read(path, format=name)
    assert name in str(error.value)
    assert "'Identifier', 'Picture', 'Colour'" in str(error.value)
    assert "lacks" in str(error.value)


def test_unknown_formats_list_the_known_ones(tmp_path):
    path = write(tmp_path / "export.csv", "id,image", "1,a.jpg")
    with pytest.raises(CatalogueError) as error:
        read(path, format="shopfy")
    assert "did you mean 'shopify'" in str(error.value)
    assert all(name in str(error.value) for name in FORMATS)


def test_a_header_nobody_knows_lists_formats_and_columns(tmp_path):
    with pytest.raises(CatalogueError) as error:
        read(write(tmp_path / "export.csv", "a,b", "1,2"))
    assert all(name in str(error.value) for name in FORMATS)
    assert "'a', 'b'" in str(error.value)


def test_columns_are_for_tables_only(tmp_path):
    path = write(tmp_path / "export.csv", HEADERS["shopify"], "tee,Tee,a.jpg")
    with pytest.raises(CatalogueError, match="'table' only"):
        read(path, format="shopify", columns={"title": "Title"})
    assert read(path, columns={"title": "Title"}).catalogue.format == "table"


def test_a_folder_with_a_gallery_is_a_challenge_unless_told(tmp_path):
    write(tmp_path / "gallery.csv", HEADERS["challenge"], "1,a.jpg")
    (tmp_path / "a.jpg").write_bytes(b"x")
    assert read(tmp_path).catalogue.format == "challenge"
    assert read(tmp_path, format="folder").catalogue.format == "folder"
    with pytest.raises(CatalogueError, match="is a folder"):
        read(tmp_path, format="shopify")
    with pytest.raises(CatalogueError, match="is a file"):
        read(tmp_path / "gallery.csv", format="folder")


def test_queries_are_no_catalogue_unless_told(tmp_path):
    path = write(tmp_path / "queries.csv", "user_img_id,img_path,product_id", "1,a.jpg,2")
    with pytest.raises(CatalogueError, match="shoppers' photos"):
        read(path)
    assert read(path, format="table").ids == ["2"]


def zipped():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("shop.xlsx", zipped(), "save the sheet as CSV"),
        ("shop.json", b'[{"id": 1}]', "JSON"),
        ("shop.db", b"SQLite format 3\x00", "SQLite"),
        ("shop.csv.zst", b"\x28\xb5\x2f\xfd", "unpack it"),
        ("photo.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF", "is an image"),
        ("shop.csv", b"", "is empty"),
        ("shop.csv", b"\n \n", "is empty"),
        ("shop.bin", bytes(range(256)) * 10, "no text|no column|NUL"),
        ("shop.gz", b"\x1f\x8b\x08\x00broken", "cannot read"),
    ],
)
def test_files_of_another_kind_say_what_to_do(tmp_path, name, data, words):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(CatalogueError, match=words):
        read(path)


def test_missing_sources_are_errors(tmp_path):
    with pytest.raises(CatalogueError, match="does not exist"):
        read(tmp_path / "nothing.csv")


@pytest.mark.parametrize("name", ["shop.csv.gz", "shop.csv", "feed.xml.gz"])
def test_gzipped_text_is_read_whatever_its_name(tmp_path, name):
    text = "id,image\n1,a.jpg\n"
    if "xml" in name:
        space = 'xmlns:g="http://base.google.com/ns/1.0"'
        item = "<item><g:id>1</g:id><g:image_link>a.jpg</g:image_link></item>"
        text = f"<rss {space}><channel>{item}</channel></rss>"
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()))
    assert read(path).ids == ["1"]


def test_importing_the_readers_is_light():
    heavy = "{'torch', 'pyarrow', 'cv2', 'lancedb', 'onnxruntime'}"
    code = f"import sys, findalike.data.catalogue; assert not {heavy} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)
