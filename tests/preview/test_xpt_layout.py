"""Where the values of transport files lie and where their rows end, in files of SAS's macro and of other writers."""

from __future__ import annotations

import random
from pathlib import Path

import pandas
import pyreadstat
import pytest

from flowtui.preview.limits import Limits
from flowtui.preview.registry import preview
from flowtui.preview.special_missing import SpecialMissing
from flowtui.preview.xpt_layout import BOTH_POSSIBLE, POSITIONS_TAKEN
from flowtui.storage import Storage
from tests.preview.look import look, texts_of, values_of
from tests.preview.xpt_file import Column, header, member_of, record, transport_file
from tests.storage.store import Store
from tests.trusting import TrustsAll

ROWS = [("S1-01", 47.0, "ALT", 1.5), ("S1-02", ".", "AST", -0.25), ("S1-03", 61.0, "BILI", 12345.678)]
EXPECTED = (("S1-01", 47, "ALT", 1.5), ("S1-02", None, "AST", -0.25), ("S1-03", 61, "BILI", 12345.678))


def columns(*positions: int | None) -> list[Column]:
    return [
        Column("USUBJID", 5, False, position=positions[0]), Column("AGE", position=positions[1]),
        Column("LBTESTCD", 4, False, position=positions[2]), Column("LBSTRESN", position=positions[3]),
    ]  # fmt: skip


NUMBERS_FIRST = (16, 0, 21, 8)
"""Positions of the dataset that SAS's macro made the file from, where rows lie in the order of the variables."""


@pytest.mark.parametrize("version", [5, 8])
async def test_positions_of_another_dataset_are_not_those_of_the_rows(version: int, tmp_path: Path) -> None:
    content = transport_file(member_of("LB", columns(*NUMBERS_FIRST), ROWS, version=version), version=version)
    found = await look(content, "lb.xpt")
    assert (values_of(found), found.total_rows, found.notices) == (EXPECTED, 3, ())
    path = tmp_path / "lb.xpt"
    path.write_bytes(content)
    frame, _ = pyreadstat.read_xport(str(path))
    assert values_of(found) == tuple(
        tuple(None if isinstance(one, float) and one != one else one for one in row)
        for row in frame.itertuples(index=False)
    )


@pytest.mark.parametrize("version", [5, 8])
async def test_values_that_lie_where_the_header_says_are_read_there(version: int) -> None:
    content = transport_file(
        member_of("LB", columns(None, None, None, None), ROWS, version=version, order=[1, 3, 0, 2]), version=version
    )
    found = await look(content, "lb.xpt")
    assert (values_of(found), found.total_rows, found.notices) == (EXPECTED, 3, (POSITIONS_TAKEN,))


@pytest.mark.parametrize("positions", [(0, 0, 0, 0), (1, 6, 14, 18), (0, 4, 13, 17), (0, 1 << 30, 13, 17)])
async def test_positions_that_make_no_sense_are_not_looked_at(positions: tuple[int, ...]) -> None:
    found = await look(transport_file(member_of("LB", columns(*positions), ROWS)), "lb.xpt")
    assert (values_of(found), found.total_rows, found.notices) == (EXPECTED, 3, ())


async def test_where_both_ways_make_sense_lengths_are_added_up_and_that_is_said() -> None:
    both = [Column("A", position=8), Column("B", position=0)]
    found = await look(transport_file(member_of("N", both, [(1.0, 2.0), (3.0, 4.0)])), "n.xpt")
    assert (values_of(found), found.notices) == (((1, 2), (3, 4)), (BOTH_POSSIBLE,))
    empty = await look(transport_file(member_of("N", both, [])), "n.xpt")
    assert (empty.rows, empty.total_rows, empty.notices) == ((), 0, ())


def any_value(column: Column, chance: random.Random) -> float | str:
    if column.is_number:
        return float(chance.randint(-900, 900)) / 4
    return "".join(chance.choices("abcXYZ-7", k=column.length))


async def test_the_place_of_every_value_is_found_for_any_order() -> None:
    """Numbers of 3 to 8 bytes and texts, their positions as told and as another dataset's."""
    chance = random.Random(5)
    sure = 0
    for _ in range(60):
        lengths = [chance.choice((3, 4, 8)) if at % 2 else chance.randint(1, 9) for at in range(5)]
        kinds = [Column(f"V{at}", length, bool(at % 2)) for at, length in enumerate(lengths)]
        rows = [tuple(any_value(one, chance) for one in kinds) for _ in range(6)]
        order = list(range(5))
        chance.shuffle(order)
        starts = dict(zip(order, (sum(kinds[at].length for at in order[:place]) for place in range(5)), strict=True))
        elsewhere = [Column(one.name, one.length, one.is_number, position=starts[at]) for at, one in enumerate(kinds)]
        for made in (member_of("T", kinds, rows, order=order), member_of("T", elsewhere, rows)):
            found = await look(transport_file(made), "t.xpt")
            sure += BOTH_POSSIBLE not in found.notices
            assert values_of(found) == tuple(rows) or BOTH_POSSIBLE in found.notices
    assert sure > 90


@pytest.mark.parametrize("version", [5, 8])
@pytest.mark.parametrize("rows", [0, 1, 2, 3, 8, 9])
async def test_nul_bytes_after_the_last_row_are_no_rows(rows: int, version: int) -> None:
    kinds = [Column("A", 1, False), Column("N")]
    made = [("xyz"[at % 3], float(at)) for at in range(rows)]
    content = transport_file(member_of("T", kinds, made, version=version, filler=b"\0"), version=version)
    for more in (b"", bytes(80), bytes(4000)):
        found = await look(content + more, "t.xpt")
        assert (found.total_rows, found.rows, found.notices) == (rows, tuple(made), ())


@pytest.mark.parametrize("more", [b" " * 800, bytes(800), b" " * 47 + bytes(753)])
async def test_whole_records_of_filling_are_no_rows(more: bytes) -> None:
    kinds = [Column("A", 4, False), Column("N")]
    made = [("abcd", 0.0), ("", 0.0), ("", 0.0)]
    found = await look(transport_file(member_of("T", kinds, made)) + more, "t.xpt")
    assert (found.total_rows, found.rows) == (3, (("abcd", 0), (None, 0), (None, 0)))


async def test_a_row_of_zeros_at_the_end_of_a_record_is_told_to_be_uncertain() -> None:
    told = "a row of zeros at the end would not be told from the filling of the last record"
    kinds = [Column("N")]
    full = await look(transport_file(member_of("T", kinds, [(float(at),) for at in range(9)] + [(0.0,)])), "t.xpt")
    assert (full.total_rows, full.notices) == (10, (told,))
    blank = await look(transport_file(member_of("T", kinds, [(1.0,), (0.0,)])), "t.xpt")
    assert (blank.total_rows, blank.notices) == (2, ())
    triple = [Column("A"), Column("B"), Column("C")]
    filled = await look(transport_file(member_of("T", triple, [(1.0, 2.0, 3.0)], filler=b"\0")), "t.xpt")
    assert (filled.total_rows, filled.rows, filled.notices) == (1, ((1, 2, 3),), (told,))


@pytest.mark.parametrize(("filling", "total"), [(400, 400_000), (60_000, 400_000), (3_000_000, None)])
async def test_the_end_of_the_rows_of_a_large_file_costs_two_reads(filling: int, total: int | None) -> None:
    kinds = [Column("ID", 4, False), Column("N")]
    one = transport_file(member_of("T", kinds, [("0001", 1.5)]))
    at = one.rindex(b"0001")
    content = one[:at] + one[at : at + 12] * 400_000 + bytes(filling)
    store = Store({"bucket/f.xpt": content})
    async with (
        Storage(TrustsAll(), transport=store.transport) as storage,
        storage.open("http://store/bucket/f.xpt") as reader,
    ):
        found = await preview(reader, name="f.xpt")
        assert (found.total_rows, len(found.rows), found.more) == (total, 100, True)
        assert reader.requests == 3


async def test_long_rows_of_filling_are_no_rows_where_they_are_read() -> None:
    kinds = [Column("S", 92, False), Column("N")]
    content = transport_file(member_of("T", kinds, [("x" * 92, float(at)) for at in range(3000)])) + bytes(2000)
    assert len(content) > 256 * 1024
    found = await look(content, "t.xpt", limits=Limits().for_rows(10_000))
    assert (found.total_rows, len(found.rows), found.rows[-1][1]) == (3000, 3000, 2999)


async def test_a_dataset_without_variables_is_one_without_rows() -> None:
    subjects = member_of("DM", [Column("USUBJID", 2, False), Column("AGE")], [("S1", 30.0), ("S2", "A")])
    content = transport_file(member_of("EMPTY", [], []), subjects, member_of("LAST", [], []))
    found = await look(content, "study.xpt")
    assert (found.page, found.pages, found.page_names) == (1, 3, ("EMPTY", "DM", "LAST"))
    assert (found.columns, found.rows, found.total_rows, found.more) == ((), (), 0, False)
    assert found.notices == ("a dataset without variables",)
    second = await look(content, "study.xpt", limits=Limits(page=2))
    assert (second.rows, second.total_rows) == ((("S1", 30), ("S2", SpecialMissing("A"))), 2)
    third = await look(content, "study.xpt", limits=Limits(page=3))
    assert (third.rows, third.total_rows) == ((), 0)


async def test_the_number_of_rows_that_version_8_tells_counts() -> None:
    kinds = [Column("A", 4, False)]
    made = [("abcd",), ("",), ("",)]
    found = await look(transport_file(member_of("T", kinds, made, version=8, count=True), version=8), "t.xpt")
    assert (found.total_rows, found.notices) == (3, ())


async def test_written_by_hand_is_read_as_by_pyreadstat(tmp_path: Path) -> None:
    """The writer of these tests beside that of ReadStat."""
    frame = pandas.DataFrame({"USUBJID": [str(row[0]) for row in ROWS], "AGE": [47.0, None, 61.0]})
    path = tmp_path / "a.xpt"
    pyreadstat.write_xport(frame, str(path), file_format_version=5)
    kinds = [Column("USUBJID", 5, False), Column("AGE")]
    made = await look(transport_file(member_of("LB", kinds, [row[:2] for row in ROWS])), "a.xpt")
    assert made.rows == (await look(path.read_bytes(), "a.xpt")).rows
    assert len(header("OBS     ")) == len(record(b"")) == 80


async def test_words_of_a_language_are_said_to_be_english() -> None:
    kinds = [Column("D", format="NLDATE", width=20), Column("N", format="DATE", width=9)]
    found = await look(transport_file(member_of("T", kinds, [(15_760.0, 15_760.0)])), "t.xpt")
    assert texts_of(found) == (("February 24, 2003", "24FEB2003"),)
    assert found.notices == ("NLDATE20. prints in the language of who reads it: here it is English",)
