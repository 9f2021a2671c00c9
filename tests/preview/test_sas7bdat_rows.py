"""Rows of SAS datasets that pandas or ReadStat show wrongly: deleted in place, without padding, with special values."""

from __future__ import annotations

import itertools
import math
import struct
from typing import Any

import pyreadstat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowtui.preview.comparison.tables import table_difference
from flowtui.preview.limits import Limits
from flowtui.preview.registry import preview
from flowtui.preview.sas7bdat_compression import DamagedRowError, ross, run_lengths
from flowtui.preview.sas7bdat_header import header_of
from flowtui.preview.sas7bdat_page import Page
from flowtui.preview.special_missing import SpecialMissing
from flowtui.storage import Storage
from tests.preview.look import look
from tests.preview.sas7bdat_file import SasFile, Value, Variable, missing, rdc, rle
from tests.storage.store import Store
from tests.trusting import TrustsAll

LAYOUTS = [
    dict(zip(("is_little", "is_wide"), flags, strict=True)) for flags in itertools.product((True, False), repeat=2)
]
PLACES: list[dict[str, Any]] = [{}, {"is_mixed": True}, {"compression": "rle"}, {"compression": "rdc"}]
NUMBERS = [Variable("N"), Variable("TEXT", False, 20)]


@pytest.mark.parametrize("place", PLACES, ids=["data", "mix", "rle", "rdc"])
@pytest.mark.parametrize("layout", LAYOUTS, ids=["64le", "32le", "64be", "32be"])
async def test_rows_that_were_deleted_in_place_are_not_shown(layout: dict[str, bool], place: dict[str, Any]) -> None:
    deleted = {0, 7, 8, 14, 15, 16, 30, 99}
    rows: list[list[Value]] = [[float(number), f"row {number}"] for number in range(100)]
    size = 8192 if "is_mixed" in place else 2048
    content = SasFile(NUMBERS, rows, deleted=deleted, page_size=size, **layout, **place).content
    found = await look(content, "f.sas7bdat")
    assert found.rows == tuple((number, f"row {number}") for number in range(100) if number not in deleted)
    assert (found.total_rows, found.more) == (92, False)
    assert found.notices == ("8 rows were deleted in place, and not shown",)
    assert dict(found.facts)["deleted rows"] == "8"
    found = await look(content, "f.sas7bdat", limits=Limits(rows=10))
    assert [row[0] for row in found.rows] == [1, 2, 3, 4, 5, 6, 9, 10, 11, 12]
    assert found.notices[0] == "first 10 of 92 rows"
    assert found.more


async def test_a_dataset_all_of_whose_rows_were_deleted_has_none() -> None:
    found = await look(SasFile(NUMBERS, [[1.0, "a"], [2.0, "b"]], deleted={0, 1}).content, "f.sas7bdat")
    assert (found.rows, found.total_rows, found.more) == ((), 0, False)


async def test_a_row_that_is_deleted_and_does_not_compress_is_not_shown() -> None:
    rows: list[list[Value]] = [
        [math.pi * number, "".join(map(chr, range(40 + number, 60 + number)))] for number in range(1, 4)
    ]
    found = await look(SasFile(NUMBERS, rows, deleted={1}, compression="rle").content, "f.sas7bdat")
    assert [row[0] for row in found.rows] == [math.pi, 3 * math.pi]


@pytest.mark.parametrize("first", [2.0, 0.0, 1.5, 1e-3, 123_456.0])
@pytest.mark.parametrize("is_unaligned", [True, False])
@pytest.mark.parametrize("extra", [0, 1])
async def test_rows_behind_pointers_begin_where_their_values_make_sense(
    first: float, is_unaligned: bool, extra: int
) -> None:
    """Of two layouts one has pointers that end at a multiple of 8 bytes, so that there is nothing to tell."""
    variables = [Variable(name) for name in ("A", "B", "C", "D")[: 3 + extra]] + [Variable("T", False, 2)]
    rows: list[list[Value]] = [[*(first + n, n * 0.25, float(n), 7.0)[: 3 + extra], "x"] for n in range(3)]
    content = SasFile(variables, rows, is_wide=False, is_mixed=True, is_unaligned=is_unaligned).content
    found = await look(content, "f.sas7bdat")
    assert [row[:3] for row in found.rows] == [(first + n, n * 0.25, n) for n in range(3)]


async def test_special_missing_values_are_shown_counted_and_told_apart() -> None:
    variables = [Variable("N"), *(Variable(f"S{length}", length=length) for length in (3, 5, 7))]
    letters = ["A", "Z", "_", ".", "M"]
    rows: list[list[Value]] = [[missing(letter)] * 4 for letter in letters]
    found = await look(SasFile(variables, rows).content, "f.sas7bdat")
    shown = [SpecialMissing(letter) if letter != "." else None for letter in letters]
    assert found.rows == tuple((one,) * 4 for one in shown)
    assert found.notices == ("special missing values in these rows: 4 ._, 4 .A, 4 .M, 4 .Z",)
    rows[0] = [missing("B"), *rows[0][1:]]
    difference = table_difference(found, await look(SasFile(variables, rows).content, "f.sas7bdat"))
    assert not difference.equal
    assert [column.cells for column in difference.columns if column.cells] == [1]


async def test_missing_values_of_other_writers_have_the_letter_itself() -> None:
    bits = {"A": 0x41, "_": 0x5F, ".": 0x2E}
    rows: list[list[Value]] = [[b"\xff\xff" + bytes([0xFF - code]) + bytes(5)] for code in bits.values()]
    found = await look(SasFile([Variable("N")], rows).content, "f.sas7bdat")
    assert found.rows == ((SpecialMissing("A"),), (SpecialMissing("_"),), (None,))


async def test_a_row_that_begins_like_a_description_is_a_row() -> None:
    """.B of a big-endian file of 32 bits has the signature of the subheader of counts: ReadStat has no such row."""
    variables = [Variable("N"), Variable("T", False, 12)]
    rows: list[list[Value]] = [[missing("B"), "qwertzuiopas"], [1.0, "b"]]
    content = SasFile(variables, rows, compression="rle", is_little=False, is_wide=False).content
    found = await look(content, "f.sas7bdat")
    assert found.rows == ((SpecialMissing("B"), "qwertzuiopas"), (1, "b"))


RUNS = [
    (b"\x00\x01" + bytes(range(65)), bytes(range(65))),
    (b"\x01\x00" + bytes(320), bytes(320)),
    (b"\x10\x02" + b"x" * 4162, b"x" * 4162),
    (b"\x21" + b"y" * 97, b"y" * 97),
    (b"\x41\x02z", b"z" * 276),
    (b"\x50\x03", b"@" * 20),
    (b"\x61\x00", b" " * 273),
    (b"\x70\xff", bytes(272)),
    (b"\x82abc", b"abc"),
    (b"\x90" + b"a" * 17, b"a" * 17),
    (b"\xa0" + b"a" * 33, b"a" * 33),
    (b"\xb0" + b"a" * 49, b"a" * 49),
    (b"\xc2q", b"qqqqq"),
    (b"\xd0", b"@@"),
    (b"\xe1", b"   "),
    (b"\xff", bytes(17)),
]


@pytest.mark.parametrize(("stored", "row"), RUNS)
def test_every_command_of_run_lengths(stored: bytes, row: bytes) -> None:
    assert run_lengths(b"\x82abc" + stored + b"\x80d", len(row) + 4) == b"abc" + row + b"d"


@pytest.mark.parametrize(
    ("stored", "row"),
    [
        (b"\x00\x00abc", b"abc"),
        (b"\x20\x00ab\x02c", b"abccccc"),
        (b"\x20\x00ab\x12\x01c", b"ab" + b"c" * 37),
        (b"\x08\x00abcd\x31\x00e", b"abcdabce"),
        (b"\x10\x00abc\x60\x00", b"abcabcabc"),
        (b"\x40\x00a\x1f\x01z" + b"bcd", b"a" + b"z" * 50 + b"bcd"),
        (b"\x40\x00a\x11\x01z" + b"b", b"a" + b"z" * 36 + b"b"),
        (b"\x60\x00a\x0fz\x2f\x00\x02", b"a" + b"z" * 18 + b"z" * 18),
    ],
)
def test_every_command_of_ross(stored: bytes, row: bytes) -> None:
    assert ross(stored, len(row)) == row


@pytest.mark.parametrize("stored", [b"", b"\x82ab", b"\x86abcdefg", b"\x30", b"\xc2", b"\x41", b"\x00"])
def test_run_lengths_that_do_not_make_the_row_are_damage(stored: bytes) -> None:
    with pytest.raises(DamagedRowError):
        run_lengths(stored, 3)


@pytest.mark.parametrize(
    "stored", [b"", b"\x00\x00ab", b"\x00\x00abcdefg", b"\x80\x00\x50\x00", b"\x80\x00\x10", b"\x80\x00"]
)
def test_ross_that_does_not_make_the_row_is_damage(stored: bytes) -> None:
    with pytest.raises(DamagedRowError):
        ross(stored, 3)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 400))
def test_no_bytes_make_a_decompressor_fail_otherwise_or_write_too_much(data: bytes, length: int) -> None:
    for decompress in (run_lengths, ross):
        try:
            assert len(decompress(data, length)) == length
        except DamagedRowError:
            continue


@given(
    st.lists(st.sampled_from([b"\0", b" ", b"@", b"a", b"xy", b"\0\0\0", b"  ", b"zzzzzz"]), max_size=200).map(b"".join)
)
def test_what_the_writer_compresses_is_read(row: bytes) -> None:
    assert run_lengths(rle(row), len(row)) == row
    assert ross(rdc(row), len(row)) == row


async def test_a_row_that_is_shorter_than_a_signature_is_a_row() -> None:
    found = await look(SasFile([Variable("A", length=3)], [[1.0], [None]], compression="rle").content, "f.sas7bdat")
    assert found.rows == ((1,), (None,))


async def test_a_damaged_row_ends_the_rows_and_is_said() -> None:
    rows: list[list[Value]] = [[float(number), f"row {number}"] for number in range(5)]
    content = bytearray(SasFile(NUMBERS, rows, compression="rle").content)
    # The blanks that follow become a command that there is none of.
    content[content.index(b"row 3") + 5] = 0x30
    found = await look(bytes(content), "f.sas7bdat")
    assert found.rows == tuple((number, f"row {number}") for number in range(3))
    assert found.notices == ("first 3 of 5 rows", "row 4 is damaged: no row from there on can be shown")


async def test_a_dataset_without_variables_is_a_table_of_none() -> None:
    found = await look(SasFile([], [[], []]).content, "f.sas7bdat")
    assert (found.kind, found.columns, found.rows, found.total_rows) == ("table", (), (), 2)
    assert found.notices == ("a dataset without variables, of 2 rows",)
    assert not found.more


async def test_labels_in_a_block_of_text_behind_the_rows_cost_a_page_more() -> None:
    variables = [Variable("A", label="the first label"), Variable("B", label="Überschrift"), Variable("C")]
    rows: list[list[Value]] = [[1.0, 2.0, 3.0]] * 40_000
    for layout in LAYOUTS:
        content = SasFile(variables, rows, page_size=4096, later_labels=True, **layout).content
        store = Store({"bucket/f.sas7bdat": content})
        async with (
            Storage(TrustsAll(), transport=store.transport) as storage,
            storage.open("http://store/bucket/f.sas7bdat") as reader,
        ):
            found = await preview(reader, name="f.sas7bdat")
            assert [column.label for column in found.columns] == ["the first label", "Überschrift", ""]
            assert (len(found.rows), found.total_rows) == (100, 40_000)
            assert reader.requests == 2
            assert reader.bytes_read <= 2 * 256 * 1024


async def test_labels_in_a_page_that_is_cut_off_are_said_to_be_unknown() -> None:
    content = SasFile([Variable("A", label="label")], [[1.0]], page_size=4096, later_labels=True).content
    found = await look(content[:-4096], "f.sas7bdat")
    assert found.columns[0].label == ""
    assert found.notices == (
        f"the file is cut off: it has {len(content) - 4096:,} of {len(content):,} bytes",
        "some names, labels or formats are not known: they lie in pages that were not read",
    )


@pytest.mark.parametrize("layout", LAYOUTS, ids=["64le", "32le", "64be", "32be"])
async def test_pointers_that_all_point_at_one_part_take_no_more_memory_than_the_page(layout: dict[str, bool]) -> None:
    """A page of 1 MB has room for 40,000 pointers; each at the whole page they would be 40 GB."""
    file = SasFile(NUMBERS, [[1.0, "a"]], page_size=1 << 20, **layout)
    header = header_of(file.content)
    start = header.header_size
    page = bytearray(file.content[start : start + header.page_size])
    most = (header.page_size // 2 - header.page_header) // file.pointer
    half = header.page_size // 2
    page[half : half + header.word] = file._signature(0xFFFFFFFD)
    pointer = struct.pack(f"{header.order}2{header.word_code}2B{header.word - 2}x", half, half, 0, 1)
    page[header.page_header : header.page_header + most * file.pointer] = pointer * most
    page[header.page_header - 4 : header.page_header - 2] = struct.pack(f"{header.order}H", min(most, 0xFFFF))
    assert len(list(Page(bytes(page), header).subheaders())) == 2


_TEXTS = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_categories=("C", "Z")), max_size=4)
_NUMBERS = st.one_of(
    st.none(),
    st.floats(-1e30, 1e30).filter(lambda value: not value or abs(value) > 1e-30),
    st.integers(-99, 99).map(float),
)


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_random_tables_are_what_readstat_reads(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    import asyncio

    # ReadStat reads no row that is shorter than a signature.
    kinds = [8, *data.draw(st.lists(st.sampled_from([3, 4, 5, 6, 7, 8, -16]), max_size=6))]
    variables = [Variable(f"V{index}", kind > 0, abs(kind)) for index, kind in enumerate(kinds)]
    row = st.tuples(*(_NUMBERS if kind > 0 else _TEXTS for kind in kinds)).map(list)
    rows = data.draw(st.lists(row, min_size=1, max_size=30))
    layout = data.draw(st.sampled_from(LAYOUTS)) | data.draw(st.sampled_from(PLACES))
    content = SasFile(variables, rows, **layout).content
    path = tmp_path_factory.mktemp("random") / "f.sas7bdat"
    path.write_bytes(content)
    table, _ = pyreadstat.read_sas7bdat(str(path), output_format="dict")
    found = asyncio.run(look(content, "f.sas7bdat"))
    for index, variable in enumerate(variables):
        theirs = [None if one != one or one == "" else one for one in table[variable.name]]
        assert [row[index] for row in found.rows] == theirs
