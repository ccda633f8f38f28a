import pytest

from findalike.data.queries import Query, read_queries
from findalike.errors import CatalogueError
from findalike.types import Box


def written(tmp_path, *lines, name="queries.csv"):
    path = tmp_path / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_the_challenges_queries(tmp_path):
    path = written(
        tmp_path,
        "user_img_id,img_path,product_id,bbox_x,bbox_y,bbox_w,bbox_h,blur,Split Name",
        "7,user/a.jpg,12,1,2,30,40,0.5,seen",
        "8,user/b.jpg,,,,,,,",
    )
    queries, refusals = read_queries(path)
    assert queries == [
        Query("7", "user/a.jpg", "12", Box(1, 2, 30, 40), {"blur": "0.5", "split_name": "seen"}, 2),
        Query("8", "user/b.jpg", None, None, {}, 3),
    ]
    assert refusals == []


@pytest.mark.parametrize("image_id", ["user_img_id", "img_id", "id", "query_id", "Image ID"])
@pytest.mark.parametrize("image", ["img_path", "path", "image", "image_url"])
def test_columns_in_other_spellings(tmp_path, image_id, image):
    path = written(tmp_path, f"{image},{image_id}", "a.jpg,7")
    assert read_queries(path)[0] == [Query("7", "a.jpg", row=2)]


def test_without_ids_a_query_is_named_by_its_location(tmp_path):
    queries, _ = read_queries(written(tmp_path, "image", "a.jpg", "b.jpg"))
    assert [(q.image_id, q.product_id) for q in queries] == [("a.jpg", None), ("b.jpg", None)]


def test_bad_queries_are_refused_and_the_others_read(tmp_path):
    path = written(
        tmp_path,
        "user_img_id,img_path,bbox_x,bbox_y,bbox_w,bbox_h",
        "1,a.jpg,,,,",
        ",b.jpg,,,,",
        "3,,,,,",
        "4,d.jpg,1,2,3,",
        "1,e.jpg,,,,",
        "6,f.jpg",
        "7,g.jpg|h.jpg,,,,",
        "8,ftp://x/i.jpg,,,,",
    )
    queries, refusals = read_queries(path)
    assert [q.image_id for q in queries] == ["1"]
    assert [(r.row, r.column) for r in refusals] == [
        (3, "user_img_id"),
        (4, "img_path"),
        (5, "bbox_x + bbox_y + bbox_w + bbox_h"),
        (6, "user_img_id"),
        (7, ""),
        (8, "img_path"),
        (9, "img_path"),
    ]
    assert all(r.reason and r.allowed and r.file == str(path) for r in refusals)


def test_a_table_without_images_is_an_error(tmp_path):
    with pytest.raises(CatalogueError, match="no column that is known to hold images"):
        read_queries(written(tmp_path, "user_img_id,product_id", "1,2"))
    with pytest.raises(CatalogueError, match="is XML"):
        read_queries(written(tmp_path, "<rss/>"))


def test_the_grocery_queries(shared_data):
    queries, refusals = read_queries(shared_data / "grocery" / "queries.csv")
    assert (len(queries), refusals) == (2580, [])
    first = queries[0]
    assert (first.image_id, first.product_id, first.box) == ("45", "1", Box(0, 0, 348, 348))
    assert (shared_data / "grocery" / first.location).is_file()
