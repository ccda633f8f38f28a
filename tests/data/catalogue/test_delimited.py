import csv
import gzip
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findalike.data.catalogue.delimited import DelimitedFile
from findalike.data.catalogue.rows import Record
from findalike.data.catalogue.text_file import MAX_LINE_CHARACTERS, TextFile
from findalike.errors import CatalogueError
from findalike.types import Refusal


def read(path):
    table = DelimitedFile(TextFile(path))
    items = list(table.records())
    return (
        table,
        [(item.row, list(item.cells)) for item in items if isinstance(item, Record)],
        [item for item in items if isinstance(item, Refusal)],
    )


def written(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_the_delimiter_is_found(tmp_path, delimiter):
    name = "name" if delimiter == "," else "a name, or two"
    path = written(tmp_path, f"id{delimiter}{name}\n1{delimiter}x\n2{delimiter}y\n")
    table, rows, refusals = read(path)
    assert table.columns == ("id", name)
    assert [cells for _, cells in rows] == [["1", "x"], ["2", "y"]]
    assert refusals == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_have_the_numbers_an_editor_shows(tmp_path, end):
    text = end.join(["id,text", '1,"two', 'lines"', "", "2,x", '3,"y"'])
    _, rows, refusals = read(written(tmp_path, text))
    assert [row for row, _ in rows] == [2, 5, 6]
    assert rows[0][1] == ["1", f"two{end}lines"]
    assert refusals == []


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8", ""),
        ("utf-8-sig", ""),
        ("utf-16", ""),
        ("utf-32", ""),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("cp1252", "cp1252"),
    ],
)
def test_encodings_are_found_and_guesses_said(tmp_path, encoding, note):
    path = written(tmp_path, "id,näme\n1,größe €\n2,ñandú\n", encoding)
    table, rows, refusals = read(path)
    assert table.columns == ("id", "näme")
    assert [cells for _, cells in rows] == [["1", "größe €"], ["2", "ñandú"]]
    assert refusals == []
    assert note in " ".join(table.notes)
    assert bool(table.notes) == bool(note)


def test_a_damaged_line_of_utf8_is_refused_alone(tmp_path):
    data = "id,name\n1,größe\n2,".encode() + b"\xff\xfe" + "\n3,ñandú\n4,äöü\n".encode()
    _, rows, refusals = read(written(tmp_path, data))
    assert [cells[0] for _, cells in rows] == ["1", "3", "4"]
    assert [(r.row, r.reason) for r in refusals] == [(3, "byte 0xFF that are no text in utf-8")]


def test_nul_bytes_are_refused(tmp_path):
    _, rows, refusals = read(written(tmp_path, b"id,name\n1,a\x00b\n2,c\n"))
    assert [cells for _, cells in rows] == [["2", "c"]]
    assert (refusals[0].row, refusals[0].reason) == (2, "NUL byte")


def test_too_few_and_too_many_cells_are_refused_and_empty_ones_at_the_end_are_not(tmp_path):
    _, rows, refusals = read(written(tmp_path, "id,name\n1\n2,b\n3,c,d\n4,e,,\n"))
    assert [cells for _, cells in rows] == [["2", "b"], ["4", "e"]]
    assert [r.row for r in refusals] == [2, 4]
    assert "1 cells in a table of 2 columns" in refusals[0].reason
    assert refusals[1].value == "3,c,d"


def test_an_open_quote_costs_its_own_row_only(tmp_path):
    lines = ["id,name,image", '1,"open,a.jpg', "2,b,b.jpg", '3,"c ""x""",c.jpg', "4,d,d.jpg"]
    _, rows, refusals = read(written(tmp_path, "\n".join(lines)))
    assert [cells[0] for _, cells in rows] == ["2", "3", "4"]
    assert [r.row for r in refusals] == [2]
    assert "not closed" in refusals[0].reason


def test_an_open_quote_never_joins_two_products(tmp_path):
    # Read leniently these two rows are one of three cells: product 1 with the image of product 2.
    lines = ["id,name,image", '1,"Round table,1.jpg', '2,"Square table",2.jpg', "3,Chair,3.jpg"]
    _, rows, refusals = read(written(tmp_path, "\n".join(lines)))
    assert [(cells[0], cells[2]) for _, cells in rows] == [("2", "2.jpg"), ("3", "3.jpg")]
    assert [r.row for r in refusals] == [2]


def test_two_stray_quotes_do_not_swallow_the_rows_between(tmp_path):
    # Both quotes together make one well-formed cell of all the lines between them.
    rows = [f"{n},{n}.jpg,Chair" for n in range(3, 200)]
    lines = ["id,image,name", '2,2.jpg,"Screen', *rows, '200,200.jpg,5"', "201,201.jpg,Chair"]
    _, found, refusals = read(written(tmp_path, "\n".join(lines)))
    assert [row for row, _ in found] == [*range(3, 202)]
    assert [r.row for r in refusals] == [2]
    assert found[-2][1] == ["200", "200.jpg", '5"']


def test_text_of_many_lines_with_commas_stays_one_cell(tmp_path):
    text = "Soft, warm\nS, M, L\n100 % wool\nWash cold, dry flat, iron\nMade in Peru"
    _, found, refusals = read(written(tmp_path, f'id,image,name\n1,a.jpg,"{text}"\n'))
    assert [cells for _, cells in found] == [["1", "a.jpg", text]]
    assert refusals == []


def test_a_long_cell_of_text_without_rows_is_one_refusal(tmp_path):
    text = 'id,name\n1,"several\nlines\nof text",x\n2,b\n'
    _, rows, refusals = read(written(tmp_path, text))
    assert [cells for _, cells in rows] == [["2", "b"]]
    assert [r.row for r in refusals] == [2]


def test_inch_marks_in_tab_separated_files_are_text(tmp_path):
    text = (
        'id\tname\timage\n1\t"Best" tv\ta.jpg\n2\t5" screen\tb.jpg\n3\t"open\tc.jpg\n4\tx\td.jpg\n'
    )
    _, rows, refusals = read(written(tmp_path, text))
    assert [cells[1] for _, cells in rows] == ['"Best" tv', '5" screen', '"open', "x"]
    assert refusals == []


def test_endless_lines_and_cells_are_refused(tmp_path):
    text = f"id,name\n1,{'x' * (MAX_LINE_CHARACTERS * 2)}\n2,b\n3,{'y' * 200_000}\n4,d\n"
    _, rows, refusals = read(written(tmp_path, text))
    assert [cells[0] for _, cells in rows] == ["2", "4"]
    assert [r.row for r in refusals] == [2, 4]
    assert all(len(r.value) <= 80 for r in refusals)


def test_rows_after_an_endless_line_in_an_open_quote_are_kept(tmp_path):
    text = f'id,name\n1,"open\n2,b\n3,{"x" * (MAX_LINE_CHARACTERS + 5)}\n4,d\n'
    _, rows, refusals = read(written(tmp_path, text))
    assert [(row, cells[0]) for row, cells in rows] == [(3, "2"), (5, "4")]
    assert [r.row for r in refusals] == [2, 4]


def test_excels_separator_line_and_blank_lines_may_come_first(tmp_path):
    table, rows, _ = read(written(tmp_path, "\nsep=;\nid;a,b\n1;x\n"))
    assert table.columns == ("id", "a,b")
    assert rows == [(4, ["1", "x"])]


def test_a_header_of_several_lines(tmp_path):
    table, rows, _ = read(written(tmp_path, '"id","long\nname"\n1,x\n'))
    assert table.columns == ("id", "long\nname")
    assert rows == [(3, ["1", "x"])]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n\n", "is empty"),
        (",,,\n1,2,3,4\n", "names no columns"),
        (",".join("abc" * 1000) + "\n", "at most 2,000"),
        ('"open\n' * 3, "cannot be read"),
        (b"\x00\x01\x02\x03,\x00", "no text"),
    ],
)
def test_unusable_headers_are_errors(tmp_path, text, message):
    with pytest.raises(CatalogueError, match=message):
        DelimitedFile(TextFile(written(tmp_path, text)))


def test_gzipped_tables_are_read(tmp_path):
    path = written(tmp_path, gzip.compress("id,name\n1,größe\n".encode()))
    _, rows, _ = read(path)
    assert rows == [(2, ["1", "größe"])]


def test_damaged_gzip_is_an_error(tmp_path):
    data = gzip.compress(b"id,name\n" + b"1,some text\n" * 5000)
    with pytest.raises(CatalogueError, match="cannot read"):
        TextFile(written(tmp_path, data[: len(data) // 2]))


def test_gzip_bombs_are_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("findalike.data.catalogue.text_file._GZIP_FREE_BYTES", 1 << 20)
    path = written(tmp_path, gzip.compress(b"\n" * (4 << 20)))
    with pytest.raises(CatalogueError, match="bomb"):
        TextFile(path)


CELLS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=8), data=st.data())
def test_what_a_csv_writer_writes_is_read_back(tmp_path_factory, rows, data):
    delimiter = data.draw(st.sampled_from(",;\t|"))
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(["one", "two", "three"])
    writer.writerows(rows)
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    path.write_bytes(buffer.getvalue().encode("utf-8-sig"))
    _, found, refusals = read(path)
    assert [cells for _, cells in found] == [list(row) for row in rows]
    assert refusals == []
