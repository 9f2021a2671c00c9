"""Dates that their program prints in its own way: sorted, compared, passed through a pipe and given to scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas
import pyreadstat
import pytest

from flowtui.headless.json import cell_value
from flowtui.preview.comparison.cells import Values, number_of
from flowtui.preview.comparison.files import compare
from flowtui.preview.comparison.looks import Options, Version
from flowtui.preview.comparison.report import report
from flowtui.preview.comparison.result import Comparison
from flowtui.preview.formatted_value import FormattedValue
from flowtui.preview.limits import DEFAULT
from flowtui.preview.result import Column, Preview
from flowtui.preview.sas_values import number_cell
from flowtui.preview.spss_formats import formatted as of_spss
from flowtui.preview.stata_formats import formatted as of_stata
from flowtui.preview.wire import MalformedPreviewError, pack, unpack
from flowtui.storage import Storage
from flowtui.tui.sorting import sorted_order
from tests.preview.xpt_file import Column as Variable
from tests.preview.xpt_file import member_of, transport_file
from tests.trusting import TrustsAll

DAY = 18_000
"""13 April 2009, counted by SAS and Stata."""


def sas(number: float, format_: str) -> FormattedValue:
    found = number_cell(number, format_)
    assert isinstance(found, FormattedValue)
    return found


def test_they_are_sorted_by_what_they_count_and_not_by_what_is_printed() -> None:
    dates = [sas(float(day), "DATE9.") for day in (20_000, 100, 19_999, -5)]
    assert sorted_order(dates, "date") == [3, 1, 2, 0]
    times = [sas(seconds, "TIME8.") for seconds in (360_000.0, 90_061.0, -3661.0)]
    assert sorted_order(times, "time") == [2, 1, 0]
    weeks = [of_stata(float(week), "%tw") for week in (2610, 2601)]
    assert [str(one) for one in weeks] == ["2010w11", "2010w2"]
    assert sorted_order([*weeks, None], "date") == [1, 0, 2]


def test_one_date_is_the_same_whatever_prints_it() -> None:
    values = Values("date", "date")
    spss = of_spss(float((DAY + 137_775) * 86_400), "ADATE10")
    one = sas(float(DAY), "DATE9.")
    for other in (sas(float(DAY), "MONYY7."), of_stata(float(DAY), "%tdD_m_Y"), spss, "2009-04-13", "13APR2009"):
        assert values.same(one, other)
        assert values.identity(one) == values.identity(other)
    for other in (sas(DAY + 1.0, "MONYY7."), sas(DAY + 0.5, "DATE9."), "14APR2009", None, "2009-04-14"):
        assert not values.same(one, other)
    assert number_of(one) is None


def test_datetimes_of_programs_that_count_from_other_days_are_the_same() -> None:
    moment = 1_555_243_507.123
    values = Values("datetime", "datetime")
    assert values.same(sas(moment, "DATETIME22.3"), of_spss(moment + 137_775 * 86_400.0, "DATETIME23.2"))
    assert values.same(sas(moment, "DATETIME22.3"), of_stata(moment * 1000, "%tc"))
    assert not values.same(sas(moment, "DATETIME22.3"), of_spss(moment + 137_775 * 86_400.0 + 0.01, "DATETIME23.2"))


def test_they_pass_the_pipe_of_a_worker() -> None:
    found = Preview("table", (Column("D", "date"),), ((sas(float(DAY), "DATE9."),), (None,)), total_rows=2)
    assert unpack(pack(found), DEFAULT) == found


@pytest.mark.parametrize(
    "cell",
    [[], ["a", "b"], [1, "b", 1.0], ["a", "b", "1"], ["a", "b", True], ["a", None, 1.0], ["a", "b", 1.0, 2],
     [["a"], "b", 1.0]],
)  # fmt: skip
def test_what_is_none_does_not_pass_the_pipe(cell: Any) -> None:
    shape = pack(Preview("table", (Column("A"),), ((None,),)))
    shape["rows"] = [[cell]]
    with pytest.raises(MalformedPreviewError):
        unpack(shape, DEFAULT)


def test_control_codes_do_not_pass_the_pipe() -> None:
    shape = pack(Preview("table", (Column("A"),), ((None,),)))
    shape["rows"] = [[["a\x1b[31m", "b\x07", 1.0]]]
    cell = unpack(shape, DEFAULT).rows[0][0]
    assert (str(cell), cell_value(cell)) == ("b", "a")


async def compared(*paths: Path) -> Comparison:
    async with Storage(TrustsAll()) as storage:
        return await compare(storage, *[Version(path.name, (str(path),)) for path in paths], options=Options())  # type: ignore[call-arg]


async def test_files_of_two_programs_have_the_same_dates(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"ID": ["a", "b"], "D": [float(DAY), float(DAY + 400)]})
    transport, stata, table = tmp_path / "f.xpt", tmp_path / "f.dta", tmp_path / "f.csv"
    pyreadstat.write_xport(frame, str(transport), file_format_version=5, variable_format={"D": "DATE9."})
    pyreadstat.write_dta(frame, str(stata), variable_format={"D": "%td"})
    table.write_text("ID,D\na,2009-04-13\nb,2010-05-18\n")
    for other in (stata, table):
        found = await compared(transport, other)
        assert found.table is not None
        assert (found.table.changed, found.table.same) == (0, 2)
        assert {change.cells for change in found.table.columns} <= {0}


async def test_a_change_that_the_format_hides_is_shown(tmp_path: Path) -> None:
    paths = [tmp_path / "a.xpt", tmp_path / "b.xpt"]
    columns = [Variable("ID", 1, False), Variable("M", format="MONYY", width=7)]
    for path, day in zip(paths, (DAY, DAY + 1), strict=True):
        path.write_bytes(transport_file(member_of("T", columns, [("a", float(day))])))
    found = await compared(*paths)
    assert found.table is not None
    assert found.table.changed == 1
    assert any("2009-04-13 -> 2009-04-14" in line.text for line in report(found))
