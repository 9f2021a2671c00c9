from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.errors import PreviewError
from flowtui.preview.delimited_dialect import sniff_dialect
from flowtui.preview.limits import DEFAULT, Limits
from flowtui.preview.result import Cell, Column
from flowtui.preview.values import has_header, type_of, type_of_all
from tests.preview.look import look

ADSL = b"""USUBJID,AGE,SEX,TRTSDT,WEIGHT,SAFFL
01-701-1015,63,F,2014-01-02,54.4,Y
01-701-1023,64,M,2012-08-05,80.3,Y
01-701-1028,,M,2013-07-19,99,
"""


async def test_a_csv_is_a_table_with_typed_columns() -> None:
    found = await look(ADSL, "adsl.csv")
    assert (found.kind, found.format, found.total_rows, found.more, found.notices) == ("table", "csv", 3, False, ())
    assert found.columns == (
        Column("USUBJID", "text"),
        Column("AGE", "integer"),
        Column("SEX", "text"),
        Column("TRTSDT", "date"),
        Column("WEIGHT", "number"),
        Column("SAFFL", "text"),
    )
    assert found.rows[2] == ("01-701-1028", "", "M", "2013-07-19", "99", "")


@pytest.mark.parametrize(("name", "format_"), [("adae dataset", "csv"), ("adae", "CSV"), ("x.tsv", ""), ("a.CSV", "")])
async def test_the_format_or_the_name_says_it(name: str, format_: str) -> None:
    found = await look(b"a\tb\n1\t2\n", name, format_)
    assert (found.kind, found.format, found.rows) == ("table", "tsv", (("1", "2"),))


async def test_values_stay_as_they_stand() -> None:
    found = await look(b"id,v\n001,1.50\n002,NA\n", "x.csv")
    assert found.rows == (("001", "1.50"), ("002", "NA"))
    assert [column.type for column in found.columns] == ["text", "number"]


async def test_quoted_fields_hold_delimiters_and_line_breaks() -> None:
    found = await look(b'a;b\r\n"x;\ny";"say ""hi"""\r\n', "x.csv")
    assert found.rows == (("x; y", 'say "hi"'),)


async def test_only_the_first_rows_are_shown_and_more_shows_more() -> None:
    content = b"a,b\n" + b"1,2\n" * 250
    found = await look(content, "x.csv")
    assert (len(found.rows), found.total_rows, found.more) == (100, 250, True)
    assert found.notices == ("first 100 of 250 rows",)
    found = await look(content, "x.csv", limits=Limits().more())
    assert (len(found.rows), found.more, found.notices) == (250, False, ())


async def test_a_large_file_is_read_at_its_head() -> None:
    content = b"a,b\n" + b"123456789,2\n" * 1_000_000
    found = await look(content, "x.csv")
    assert (len(found.rows), found.total_rows, found.more) == (100, None, True)
    assert found.notices == ("first 100 rows", "262 KB of 12.0 MB read")
    assert set(found.rows) == {("123456789", "2")}


async def test_as_many_rows_as_asked_for() -> None:
    content = b"a,b\n" + b"1" * 500 + b",2\n"
    found = await look(content + (b"1" * 500 + b",2\n") * 9_000, "x.csv", limits=Limits().for_rows(5_000))
    assert (len(found.rows), found.more) == (5_000, True)
    assert len((await look(b"a\n" * 5, "x.log", limits=Limits().for_rows(2))).lines) == 2


async def test_a_row_cut_by_the_end_of_the_head_is_left_out() -> None:
    content = b"a,b\n" + b"123456789,2\n" * 100
    found = await look(content, "x.csv", limits=Limits(head=30, whole=30))
    assert found.rows == (("123456789", "2"),) * 2


async def test_long_cells_and_many_columns_are_cut() -> None:
    content = b",".join(b"c%d" % index for index in range(1_000_000)) + b"\n" + b"1," * 999_999 + b"1\n"
    found = await look(content, "wide.csv")
    assert len(found.columns) == 500
    found = await look(b"a,b\n" + b"x" * 5000 + b",1\n", "long.csv")
    assert len(str(found.rows[0][0])) == 500
    assert found.notices == ("1 cell is longer than 500 characters",)


async def test_a_field_longer_than_the_readers_own_limit_is_no_error() -> None:
    found = await look(b'a,b\n"' + b"x" * 200_000 + b'",1\n', "x.csv")
    assert (found.kind, found.total_rows) == ("table", 1)


async def test_short_and_long_rows_are_filled_and_told() -> None:
    found = await look(b"a,b,c\n1\n1,2,3\n", "x.csv")
    assert found.rows == (("1", None, None), ("1", "2", "3"))
    assert found.notices == ("1 of these rows has fewer fields than others",)
    found = await look(b"a,b\n1,2,3\n", "x.csv")
    assert [column.name for column in found.columns] == ["a", "b", "column 3"]


async def test_an_open_quotation_mark_does_not_swallow_the_file() -> None:
    found = await look(b'size,name\n5,"inch\n' + b"6,foot\n" * 300, "x.csv")
    assert found.total_rows == 301
    assert found.rows[0] == ("5", '"inch')
    assert "quotation mark is never closed" in found.notices[0]


async def test_excel_names_its_separator() -> None:
    found = await look(b"sep=|\r\na,b|c\r\n1,0|2\r\n", "x.csv")
    assert found.rows == (("1,0", "2"),)


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"1,2\n3,4\n", ["column 1", "column 2"]),
        (b"x,y\n", ["x", "y"]),
        (b",name\n0,a\n", ["column 1", "name"]),
        (b"M,M\nF,M\n", ["column 1", "column 2"]),
        (b"sex,arm\nF,A\nM,B\n", ["sex", "arm"]),
        (b"F,A\nF,B\n", ["column 1", "column 2"]),
    ],
)
async def test_headers_are_told_from_values(content: bytes, names: list[str]) -> None:
    assert [column.name for column in (await look(content, "x.csv")).columns] == names


@pytest.mark.parametrize(
    ("encoding", "notices"),
    [
        ("utf-8", ()),
        ("utf-8-sig", ()),
        ("utf-16", ()),
        ("utf-32", ()),
        ("latin-1", ("not UTF-8: read as Windows-1252",)),
    ],
)
async def test_encodings(encoding: str, notices: tuple[str, ...]) -> None:
    found = await look("naïve,x\nÅse,1\nZoë,2\n".encode(encoding), "x.csv")
    assert [column.name for column in found.columns] == ["naïve", "x"]
    assert found.rows == (("Åse", "1"), ("Zoë", "2"))
    assert found.notices == notices


async def test_what_is_no_table_is_shown_as_text_or_bytes() -> None:
    found = await look(b"\n\n\n", "x.csv")
    assert (found.kind, found.notices) == ("text", ("only blank lines",))
    found = await look(bytes(range(256)) * 4, "x.csv")
    assert (found.kind, found.format) == ("hex", "binary")
    found = await look(b"%PDF-1.7\nsome text", "x.csv")
    assert (found.kind, found.notices[-1]) == ("hex", "called csv, looks like pdf; shown as bytes")


def _delimiter(text: str) -> str:
    return sniff_dialect(text).delimiter


def test_delimiters() -> None:
    assert _delimiter("a|b|c\n1|2|3\n") == "|"
    assert _delimiter("one column\nof words, sometimes\n") == ","
    assert _delimiter("1,5;2,5\n3,5;4,5\n1;2\n") == ";"
    assert _delimiter("") == ","
    assert has_header([["a", "b"], ["1", "2"]])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("12", "integer"),
        (" -1,234 ", "integer"),
        ("012", "text"),
        ("0", "integer"),
        ("1.5e-3", "number"),
        (".5", "number"),
        ("1.", "number"),
        (".", ""),
        ("", ""),
        ("2014-01-02", "date"),
        ("02JAN2014", "date"),
        ("2014-01-02T09:00:00Z", "datetime"),
        ("09:30", "time"),
        ("TRUE", "boolean"),
        ("١٢", "text"),
        ("9" * 1000, "text"),
        ("abc", "text"),
    ],
)
def test_types_of_values(value: str, expected: str) -> None:
    assert type_of(value) == expected


def test_types_of_columns() -> None:
    assert type_of_all(["1", "", "2.5"]) == "number"
    assert type_of_all(["2014-01-02", "2014-01-02 10:00"]) == "datetime"
    assert type_of_all(["1", "x"]) == "text"
    assert type_of_all(["", "NA"]) == ""


async def test_a_first_row_that_is_not_read_to_its_end_has_more_columns_than_are_known() -> None:
    content = ",".join(f"c{index}" for index in range(1_000_000)).encode() + b"\n"
    found = await look(content, "wide.csv")
    assert len(found.columns) == 500
    assert found.columns[499].name == "c499"
    assert any(notice.startswith("first 500 of more than 3") for notice in found.notices), found.notices


async def test_decimal_commas_are_numbers_where_semicolons_part_the_fields() -> None:
    found = await look(b"name;weight;code\na;20,5;1,2\nb;-,25;x\nc;3;1\n", "f.csv")
    assert [column.type for column in found.columns] == ["text", "number", "text"]
    assert [row[1] for row in found.rows] == ["20,5", "-,25", "3"]
    found = await look(b'name,weight\na,"20,5"\n', "f.csv")
    assert found.columns[1].type == "text"


async def _table(
    content: str, name: str = "x.csv", limits: Limits = DEFAULT
) -> tuple[list[str], list[tuple[Cell, ...]]]:
    found = await look(content.encode(), name, limits=limits)
    assert found.kind == "table"
    return [column.name for column in found.columns], list(found.rows)


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("# made by lab X\n# 2024\n", "2 lines before the header"),
        ("# a, b, c\n", "1 line before the header"),
        ("Listing 16.2.7\n", "1 line before the header"),
        ("Listing 16.2.7, final\r\n\r\n", "2 lines before the header"),
        ("Study:,S1\nDate:,2024-01-02\n\n", "3 lines before the header"),
        ("Table 1,,\n,,\n", "2 lines before the header"),
    ],
)
async def test_lines_before_the_header_are_left_out_and_said(before: str, said: str) -> None:
    content = before + "USUBJID,LBTEST,VAL\nS1,ALT,3\nS2,AST,4\nS3,ALT,5\n"
    found = await look(content.encode(), "x.csv")
    assert [column.name for column in found.columns] == ["USUBJID", "LBTEST", "VAL"]
    assert (len(found.rows), found.total_rows) == (3, 3)
    assert said in found.notices
    assert dict(found.facts)["before the table"].startswith(before.split("\n")[0].strip())


@pytest.mark.parametrize(
    ("content", "names", "count"),
    [
        ("#CHROM\tPOS\tID\n1\t100\trs1\n1\t200\trs2\n", ["#CHROM", "POS", "ID"], 2),
        ("##fileformat=VCFv4.2\n##source=x\n#CHROM\tPOS\tID\n1\t100\trs1\n1\t200\trs2\n", ["#CHROM", "POS", "ID"], 2),
        ("name\nDoe, John\nRoe, Jane\nPoe, Ann\n", ["name", "column 2"], 3),
        ("a,b,c\n1\n1,2,3\n4\n5,6,7\n", ["a", "b", "c"], 4),
        ("x,y\n1,2,3\n4,5,6\n7,8,9\n", ["column 1", "x", "y"], 3),
        ("x,y\n1,2,\n4,5,\n7,8,\n", ["x", "y", "column 3"], 3),
    ],
)
async def test_a_header_is_not_taken_for_a_title(content: str, names: list[str], count: int) -> None:
    found_names, rows = await _table(content)
    assert (found_names, len(rows)) == (names, count)


async def test_names_that_r_writes_without_one_for_the_row_names() -> None:
    found = await look(b'"mpg","cyl"\n"Mazda RX4",21,6\n"Datsun 710",22.8,4\n', "x.csv")
    assert [(column.name, column.type) for column in found.columns] == [
        ("column 1", "text"), ("mpg", "number"), ("cyl", "integer"),
    ]  # fmt: skip
    assert found.notices == ("the header has no name for the first column, as R writes row names",)


@pytest.mark.parametrize(
    ("content", "row", "said"),
    [
        ('id,name,note\n1,"O\\"Neil, A",x\n2,"B, C",y\n', ("1", 'O"Neil, A', "x"), "a backslash stands before"),
        ('id,name,note\n1,"C:\\\\data\\"x",\\N\n2,"B, C",y\n', ("1", 'C:\\data"x', "\\N"), "a backslash stands before"),
        ("id,name\n1,'O''Neil, A'\n2,'B, C'\n", ("1", "O'Neil, A"), "single quotation marks"),
        ('id, name, note\n1, "O, A", x\n2, "B, C", y\n', ("1", "O, A", "x"), "blanks behind a delimiter"),
        ("id||name||n\n1||a|b||2\n2||c||3\n", ("1", "a|b", "2"), "the delimiter is `||`"),
        ("id~|~name~|~n\n1~|~a~|~2\n2~|~c~|~3\n", ("1", "a", "2"), "the delimiter is `~|~`"),
        ('id::name::n\n1::"a::b"::2\n2::c::3\n', ("1", "a::b", "2"), "the delimiter is `::`"),
        ("id^name^n\n1^a^2\n2^c^3\n", ("1", "a", "2"), "the delimiter is `^`"),
        ("id\x01name\x01n\n1\x01a\x012\n2\x01c\x013\n", ("1", "a", "2"), "the control code 1"),
        ('id,size\n1,5" pipe\n2,"x" and y\n', ("1", '5" pipe'), "shown as they stand"),
    ],
)
async def test_other_ways_of_quoting_and_parting(content: str, row: tuple[str, ...], said: str) -> None:
    found = await look(content.encode(), "x.csv")
    assert found.rows[0] == row
    assert found.columns[0].name == "id"
    assert len(found.columns) == len(row)
    assert any(said in notice for notice in found.notices), found.notices


@pytest.mark.parametrize(
    ("content", "row"),
    [
        ('path,n\n"C:\\dir\\",1\n"D:\\x\\",2\n', ("C:\\dir\\", "1")),
        ("a,b\nit's,'tis\no'clock,5'\n", ("it's", "'tis")),
        ('a,b\n"say ""hi""",1\n"x",2\n', ('say "hi"', "1")),
        ("a,b\n1, x\n2, y\n", ("1", " x")),
        ("a|b|c\n1||\n2||\n", ("1", "", "")),
    ],
)
async def test_what_looks_like_another_way_of_quoting_and_is_none(content: str, row: tuple[str, ...]) -> None:
    found = await look(content.encode(), "x.csv")
    assert (found.rows[0], found.notices) == (row, ())


async def test_what_the_person_says_of_the_layout_counts() -> None:
    content = "noise\nmore noise\na:b\n1:'2'\n3:'4:5'\n"
    names, rows = await _table(content, "x.txt", Limits(delimiter=":", quote="'", skip=2))
    assert (names, rows) == (["a", "b"], [("1", "2"), ("3", "4:5")])
    names, rows = await _table("a,b\n1,2\n3,4\n", "x.csv", Limits(skip=0, quote=""))
    assert (names, rows) == (["a", "b"], [("1", "2"), ("3", "4")])
    names, rows = await _table("a<=>b\n1<=>2\n", "x.log", Limits(delimiter="<=>"))
    assert (names, rows) == (["a", "b"], [("1", "2")])


@given(st.text(alphabet="ab1 ,;|\t\n\r\"'\\#~:", max_size=200), st.sampled_from([None, "", "'"]), st.integers(0, 5))
def test_any_text_has_a_dialect_that_reads_it(text: str, quote: str | None, skip: int) -> None:
    dialect = sniff_dialect(text, quote=quote, skip=skip or None)
    with contextlib.suppress(PreviewError):
        assert all(isinstance(row, list) for row in dialect.rows(text))
