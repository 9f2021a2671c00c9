"""What SAS prints, from the examples of its reference; and what dates, datetimes and times are for scripts."""

from __future__ import annotations

import datetime as dt

import pytest

from flowtui.headless.json import cell_value
from flowtui.preview.sas_values import number_cell


def date(year: int, month: int, day: int) -> float:
    return float((dt.date(year, month, day) - dt.date(1960, 1, 1)).days)


def moment(*parts: int) -> float:
    return (dt.datetime(*parts) - dt.datetime(1960, 1, 1)).total_seconds()  # type: ignore[arg-type]


PRINTED = """
19068 date5.=16MAR date6.=16MAR date7.=16MAR12 date8.=16MAR12 date9.=16MAR2012 date11.=16-MAR-2012 date.=16MAR12
19086 yymmdd2.=12 yymmdd3.=12 yymmdd4.=1204 yymmdd5.=12-04 yymmdd6.=120403 yymmdd7.=120403 yymmdd8.=12-04-03
19086 yymmdd10.=2012-04-03 yymmdd.=12-04-03
19291 mmddyy2.=10 mmddyy4.=1025 mmddyy5.=10/25 mmddyy6.=102512 mmddyy7.=102512 mmddyy8.=10/25/12 mmddyy10.=10/25/2012
19351 ddmmyy5.=24/12 ddmmyy6.=241212 ddmmyy7.=241212 ddmmyy8.=24/12/12 ddmmyy10.=24/12/2012
19127 yymmddn8.=20120514 yymmddn6.=120514 yymmddd10.=2012-05-14 yymmdds10.=2012/05/14 yymmddp10.=2012.05.14
19127 yymmddc10.=2012:05:14 yymmddn.=20120514 ddmmyyn8.=14052012 mmddyyd10.=05-14-2012 ddmmyyp8.=14.05.12
19127 monyy5.=MAY12 monyy7.=MAY2012 monyy.=MAY12 yymon7.=2012MAY yymon6.=12MAY
16601 yyq4.=05Q2 yyq5.=05Q2 yyq.=2005Q2 yyq6.=2005Q2 yyq10.=2005Q2 yyqr6.=05QII yyqr7.=2005QII yyqr.=2005QII
16601 yyqc6.=2005:2 yyqn5.=20052 yyqn4.=052 yyqp6.=2005.2 yyqs4.=05/2 qtr.=2 qtrr.=II
17491 mmyy7.=11M2007 mmyy5.=11M07 mmyyc7.=11:2007 mmyyd7.=11-2007 mmyyn6.=112007 mmyyn4.=1107 mmyyp7.=11.2007
17491 yymm7.=2007M11 yymmd7.=2007-11 yymmn6.=200711 yymms7.=2007/11 month.=11 day.=21 year4.=2007 year2.=07
19158 weekdate3.=Thu weekdate9.=Thursday weekdate15.=Thu,_Jun_14,_12 weekdate17.=Thu,_Jun_14,_2012
19158 weekdate.=Thursday,_June_14,_2012 weekdate29.=Thursday,_June_14,_2012
19158 worddate3.=Jun worddate9.=June worddate12.=Jun_14,_2012 worddate20.=June_14,_2012 worddate.=June_14,_2012
19046 weekdatx.=Thursday,_23_February_2012 downame.=Thursday downame3.=Thu weekday.=5 monname.=February monname3.=Feb
19057 worddatx.=5_March_2012 worddatx12.=5_Mar_2012
19114 julian5.=12122 julian7.=2012122 julian.=12122 julday3.=122
18993 julday3.=1
15760 nldate.=February_24,_2003 nldate12.=Feb_24,_2003 nldatew200.=Monday,_February_24,_2003 nldatew.=Mon,_Feb_24,_03
17790 e8601da.=2008-09-15 b8601da.=20080915 is8601da10.=2008-09-15
15706 weeku3.=W00 weeku5.=03W00 weeku7.=03W0004 weeku9.=2003W0004 weeku11.=2003-W00-04
15706 weekv3.=W01 weekv5.=03W01 weekv7.=03W0103 weekv9.=2003W0103 weekv11.=2003-W01-03
1447213759 datetime.=10NOV05:03:49:19 datetime7.=10NOV05 datetime12.=10NOV05:03 datetime18.=10NOV05:03:49:19
1447213759 datetime18.1=10NOV05:03:49:19.0 datetime19.=10NOV2005:03:49:19 datetime20.1=10NOV2005:03:49:19.0
1447213759 datetime21.2=10NOV2005:03:49:19.00 datetime9.=10NOV2005 datetime13.=10NOV05:03:49
1447213759.11 datetime20.3=10NOV05:03:49:19.110 datetime22.3=10NOV2005:03:49:19.110
1650538894 dateampm.=20APR12:11:01:34_AM dateampm7.=20APR12 dateampm13.=20APR12:11_AM
1650538894 dateampm22.2=20APR12:11:01:34.00_AM
1679344494 dateampm10.=19MAR13:20 dateampm13.=19MAR13:08_PM
1537113180 e8601dn.=2008-09-15 b8601dn.=20080915 e8601dt.=2008-09-15T15:53:00 b8601dt.=20080915T155300
1537113180 e8601dt22.2=2008-09-15T15:53:00.00 mdyampm25.=9/15/2008_3:53_PM e8601dz.=2008-09-15T15:53:00+00:00
1510285759 dtdate.=10NOV07 dtdate9.=10NOV2007 dtmonyy7.=NOV2007 dtyear.=2007 dtyyqc6.=2007:4
1510285759 dtwkdatx25.=Saturday,_10_Nov_2007 dtwkdatx8.=Sat
46796 hhmm.=13:00 hhmm8.2=12:59.93
41400 hour4.1=11.5 hour.=12
59083 time.=16:24:43 time8.=16:24:43 time12.3=16:24:43.000 time5.=16:24 timeampm3.=PM timeampm5.=4_PM timeampm7.=4:24_PM
59083 timeampm11.=4:24:43_PM
4530 mmss.=75:30 time8.=1:15:30 tod8.=01:15:30 hhmm5.=1:16
1661437223 tod9.=14:20:23
32083 tod9.=08:54:43 e8601tm.=08:54:43 b8601tm.=085443 time8.=8:54:43
90061 time8.=25:01:01 tod8.=01:01:01
5400 tod5.=01:30
-3661 time8.=-1:01:01
"""
"""A number of SAS, then formats with what they print, a blank as ``_``: from the pages of these formats in SAS's
reference, some by the rules there; the last lines are of hours beyond a day and below zero."""


def cases() -> list[tuple[float, str, str]]:
    found = []
    for line in PRINTED.split("\n"):
        number, _, rest = line.partition(" ")
        for case in rest.split():
            format_, _, text = case.partition("=")
            found.append((float(number), format_, text.replace("_", " ")))
    return found


@pytest.mark.parametrize(("number", "format_", "text"), cases())
def test_it_is_printed_as_sas_does(number: float, format_: str, text: str) -> None:
    assert str(number_cell(number, format_)) == text


@pytest.mark.parametrize(
    ("number", "format_", "value"),
    [
        (date(2020, 1, 31), "MONYY7.", "2020-01-31"),
        (date(2020, 1, 31), "YYQ6.", "2020-01-31"),
        (moment(2020, 1, 31, 12, 0, 1), "DTDATE9.", "2020-01-31"),
        (moment(2020, 1, 31, 12, 0, 1), "DATETIME7.", "2020-01-31 12:00:01"),
        (moment(2020, 1, 31, 12, 0, 1), "TOD9.", "12:00:01"),
        (90_061.0, "TIME8.", "25:01:01"),
        (-3661.0, "TIME8.", "-01:01:01"),
        (46_796.0, "HHMM5.", "12:59:56"),
        # 360,000 seconds do not fit: what is printed then is not known.
        (360_000.0, "TIME8.", "100:00:00"),
    ],
)
def test_for_scripts_it_is_a_date_of_iso_8601_whatever_is_printed(number: float, format_: str, value: str) -> None:
    assert cell_value(number_cell(number, format_)) == value


@pytest.mark.parametrize(
    ("number", "format_", "text"),
    [
        # SAS has dates up to the year 19900, Python to 9999; SAS's years 4000 and 8000 have no 29 February.
        (2_936_547.0, "DATE9.", "31DEC9999"),
        (2_936_548.0, "YYMMDD10.", "10000-01-01"),
        (6_552_447.0, "E8601DA.", "19900-01-01"),
        (745_153.0, "E8601DA.", "4000-02-28"),
        (745_154.0, "E8601DA.", "4000-03-01"),
        (-138_061.0, "E8601DA.", "1582-01-01"),
    ],
)
def test_dates_far_away(number: float, format_: str, text: str) -> None:
    assert str(number_cell(number, format_)) == text


@pytest.mark.parametrize(
    ("number", "format_", "text"),
    [
        (90_061.0, "HHMM5.", "25:01:01"),
        (60.5, "TIME2.", "00:01:00.500"),
        (date(2020, 1, 31), "NENGO10.", "2020-01-31"),
        (date(2020, 1, 31), "EURDFDD8.", "2020-01-31"),
        (date(2020, 1, 31), "NLDATEW25.", "2020-01-31"),
        (moment(2020, 1, 31, 12, 0, 1), "NLDATM30.", "2020-01-31 12:00:01"),
        (moment(2020, 1, 31, 12, 0, 1), "E8601LX.", "2020-01-31 12:00:01"),
    ],
)
def test_what_sas_prints_and_is_not_known_is_iso_8601(number: float, format_: str, text: str) -> None:
    cell = number_cell(number, format_)
    assert str(cell) == cell_value(cell) == text
