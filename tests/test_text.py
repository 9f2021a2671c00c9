"""The one door for foreign text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.text import file_name, first_line, last_line, middle, plain, plain_block

any_text = st.text(st.characters(codec=None)) | st.text("\x1b[]m0123;?\x07\x9b\x9c\\ab\u202e\n\t\r/.")


def _hidden(text: str, keep: str = "") -> list[str]:
    return [char for char in text if char not in keep and unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")]


@given(any_text)
def test_plain_text_is_one_line_without_control_codes(text: str) -> None:
    cleaned = plain(text)
    assert _hidden(cleaned) == []
    assert not set(cleaned) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert plain(cleaned) == cleaned


@given(any_text)
def test_a_plain_block_keeps_only_line_breaks_and_tabs(text: str) -> None:
    assert _hidden(plain_block(text), "\n\t") == []


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_harmless_text_is_unchanged(text: str) -> None:
    assert plain(text) == text


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]52;c;aGFjaw==\x07copied", "copied"),
        ("\x1b]0;title\x1b\\name", "name"),
        ("a\nb\tc\r\nd", "a b c  d"),
        ("evil\u202egnp.exe", "evilgnp.exe"),
        ("a [/red] b", "a [/red] b"),
        ("nul\x00byte", "nulbyte"),
        ("\x9b31mred", "red"),
        ("日本語 🧬", "日本語 🧬"),
    ],
)
def test_plain(foreign: str, shown: str) -> None:
    assert plain(foreign) == shown


@given(any_text, st.integers(0, 60))
def test_a_text_cut_in_the_middle_fits(text: str, width: int) -> None:
    assert len(middle(text, width)) <= width


def test_a_text_cut_in_the_middle_shows_both_ends() -> None:
    assert middle("adam_tfl_pipeline_for_cdisc01_v2_final", 17) == "adam_tfl…v2_final"
    assert middle("short", 17) == "short"


@given(any_text)
def test_a_file_name_is_one_part_of_a_path(text: str) -> None:
    name = file_name(text)
    assert name not in ("", ".", "..")
    assert not set(name) & set('/\\:*?"<>|\0\n')
    assert len(name.encode()) <= 255
    assert file_name(name) == name


@pytest.mark.parametrize(
    ("foreign", "name"),
    [
        ("adsl.sas7bdat", "adsl.sas7bdat"),
        ("Prod/QC ADaM Compare PDF Report", "Prod_QC ADaM Compare PDF Report"),
        ("../../etc/passwd", "___.._etc_passwd"),
        ("..", "_"),
        ("", "_"),
        ("con.csv", "_con.csv"),
        (".bashrc", "_bashrc"),
        ("n" * 300 + ".csv", "n" * 251 + ".csv"),
    ],
)
def test_file_name(foreign: str, name: str) -> None:
    assert file_name(foreign) == name


def test_the_first_and_last_line_that_say_something() -> None:
    assert first_line("\n  \n\x1b[31mboom\x1b[0m\nTraceback") == "boom"
    assert last_line("Traceback\nValueError: bad\n\n") == "ValueError: bad"
    assert first_line("") == last_line("\n") == ""


def test_a_name_cut_to_length_is_still_a_file_name() -> None:
    long = "é" * 126 + ". . . ." + "x" * 300
    assert file_name(file_name(long)) == file_name(long)
    assert len(file_name("." * 300 + "x" * 300).encode()) <= 255
