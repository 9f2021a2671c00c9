"""The calendar beside Python's, and beyond it."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.preview.gregorian import day_number, moment_of_day, moment_of_seconds, span

FIRST = dt.date(1960, 1, 1)


@given(st.dates())
def test_every_date_of_python_is_the_same(date: dt.date) -> None:
    days = (date - FIRST).days
    found = moment_of_day(days)
    assert (found.year, found.month, found.day) == (date.year, date.month, date.day)
    assert (found.weekday, found.yearday) == (date.isoweekday() % 7, date.timetuple().tm_yday)
    assert found.date == date.isoformat()
    assert day_number(date.year, date.month, date.day) == days


@given(st.integers(-30_000_000, 30_000_000))
def test_other_years_repeat_those_400_years_on(days: int) -> None:
    """The calendar is the same every 400 years, which have 146,097 days, a whole number of weeks."""
    found = moment_of_day(days)
    cycles, within = divmod(days, 146_097)
    like = FIRST + dt.timedelta(days=within)
    assert (found.year - 400 * cycles, found.month, found.day) == (like.year, like.month, like.day)
    assert (found.weekday, found.yearday) == (like.isoweekday() % 7, like.timetuple().tm_yday)
    assert day_number(found.year, found.month, found.day) == days


@given(st.datetimes(dt.datetime(1600, 1, 1), dt.datetime(3000, 1, 1)))
def test_every_moment_of_python_is_the_same_to_the_millisecond(moment: dt.datetime) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    found = moment_of_seconds((moment - dt.datetime(1960, 1, 1)).total_seconds())
    timespec = "milliseconds" if moment.microsecond else "seconds"
    assert f"{found.date} {found.time}" == moment.isoformat(sep=" ", timespec=timespec)


@pytest.mark.parametrize(
    ("days", "text"),
    [(-715_876, "-0001-12-31"), (-715_875, "0000-01-01"), (2_936_549, "9999-12-31"), (2_936_550, "10000-01-01")],
)
def test_years_before_1_and_after_9999(days: int, text: str) -> None:
    assert moment_of_day(days).date == text


@pytest.mark.parametrize("days", [36_525_001, -36_525_001, 10**18])
def test_what_is_too_far_away_is_no_date(days: int) -> None:
    with pytest.raises(ValueError, match="no date"):
        moment_of_day(days)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "00:00:00"),
        (-0.0001, "00:00:00"),
        (0.25, "00:00:00.250"),
        (-3661.0, "-01:01:01"),
        (360_000.0, "100:00:00"),
    ],
)
def test_lengths_of_time(seconds: float, text: str) -> None:
    assert span(seconds) == text
