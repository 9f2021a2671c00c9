from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui import words

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, ""),
        (0, "0s"),
        (0.36, "0.4s"),
        (41.4, "41s"),
        (59.9, "1m00"),
        (330, "5m30"),
        (4320, "1h12"),
        (183_600, "2d03h"),
        (-3, "0s"),
    ],
)
def test_durations(seconds: float | None, said: str) -> None:
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (datetime(2026, 11, 24, 8, 14, tzinfo=timezone.utc), "today 09:14"),
        (datetime(2026, 11, 23, 23, 30, tzinfo=timezone.utc), "today 00:30"),
        (datetime(2026, 11, 21, 21, 10, tzinfo=timezone.utc), "Sat 22:10"),
        (datetime(2026, 3, 3, tzinfo=timezone.utc), "3 Mar"),
        (datetime(2024, 3, 3, tzinfo=timezone.utc), "3 Mar 2024"),
        (datetime(2026, 11, 25, tzinfo=timezone.utc), "25 Nov"),
        (None, ""),
    ],
)
def test_relative_times(time: datetime | None, said: str) -> None:
    assert words.when(time, NOW) == said


def test_a_phase_is_a_glyph_and_a_word() -> None:
    assert words.phase("SUCCEEDED") == "✔ done"
    assert words.phase("SUCCEEDED", cached=True) == "≡ cached"
    assert words.phase("FAILED", cached=True) == "✖ failed"
    assert words.phase("RUNNING", ascii_only=True) == "* running"
    assert words.phase("BRAND_NEW") == "? brand new"


@given(st.text())
def test_any_phase_is_said_in_ascii_glyphs(name: str) -> None:
    assert words.phase_glyph(name, ascii_only=True).isascii()


def test_counts() -> None:
    assert words.count(1, "file") == "1 file"
    assert words.count(1204, "file") == "1,204 files"
    assert words.count(2, "directory", "directories") == "2 directories"


FRAME = 'File "/opt/labs/venv/lib/python3.11/site-packages/flytekit/core/x.py"'
TRACE = f"[2]: Trace:\n\n    Traceback (most recent call last):\n      {FRAME}\n    ValueError: boom"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (f"{TRACE}\n\nMessage:\n\n    ValueError: boom", "ValueError: boom"),
        (TRACE, "ValueError: boom"),
        (TRACE[:100], ""),
        ("too large\nsecond", "too large"),
        ("a\nMessage:\n\n", "a"),
        ("", ""),
    ],
)
def test_the_line_of_an_error_that_says_what_happened(message: str, said: str) -> None:
    assert words.error_line(message) == said
