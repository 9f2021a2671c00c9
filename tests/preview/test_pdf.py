"""PDF: columns stay columns, one page costs what that page needs, and what is broken is said."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.preview.limits import Limits
from flowtui.preview.page_grid import Glyph, lay_out
from flowtui.preview.result import Preview
from flowtui.preview.workers import Workers
from tests.preview.documents import ROWS, look_in_store, pages_pdf, table_pdf
from tests.preview.look import look, strings

TEXT_ONLY = Limits(pixels=0)


@pytest.mark.parametrize("font", ["Times-Roman", "Helvetica", "Courier"])
async def test_numbers_that_end_at_one_place_on_the_page_end_in_one_column(font: str) -> None:
    found = await look(table_pdf(font), "t.pdf", limits=TEXT_ONLY)
    assert (found.kind, found.format, found.page, found.pages) == ("text", "pdf", 1, 2)
    lines = [line for line in found.lines if line.rstrip().endswith("%)") or line.rstrip().endswith("Total")]
    assert len(lines) == 4
    for column in (1, 2, 3):
        heads = ("System Organ Class", "Placebo", "Active", "Total")
        ends = {line.index(row[column]) + len(row[column]) for line, row in zip(lines, (heads, *ROWS), strict=True)}
        assert len(ends) == 1, (column, lines)
    assert any(line.startswith("[1] Percentages are based on N.") for line in found.lines)


async def test_columns_that_are_centred_stay_centred() -> None:
    found = await look(table_pdf("Helvetica", "CENTER"), "t.pdf", limits=TEXT_ONLY)
    lines = [line for line in found.lines if line.rstrip().endswith("%)")]
    for column in (1, 2, 3):
        middles = [line.index(row[column]) + len(row[column]) / 2 for line, row in zip(lines, ROWS, strict=True)]
        assert max(middles) - min(middles) <= 1, lines


async def test_what_the_document_says_of_itself() -> None:
    facts = dict((await look(table_pdf(), "t.pdf", limits=TEXT_ONLY)).facts)
    assert (facts["title"], facts["author"], facts["page size"]) == (
        "Table 14.3.1", "Biostat", "297 x 210 mm (A4 landscape)",
    )  # fmt: skip
    assert facts["producer"].startswith("ReportLab")
    assert facts["version"].startswith("PDF 1.")


async def test_a_page_by_its_number() -> None:
    found = await look(table_pdf(), "t.pdf", limits=Limits(page=2, pixels=0))
    assert (found.lines, found.page) == (("The second page.",), 2)
    found = await look(table_pdf(), "t.pdf", limits=Limits(page=9, pixels=0))
    assert (found.lines, found.notices) == (("The second page.",), ("the document ends with page 2",))


async def test_a_picture_of_the_page_only_where_one_is_asked_for() -> None:
    assert (await look(table_pdf(), "t.pdf", limits=TEXT_ONLY)).image is None
    image = (await look(table_pdf(), "t.pdf", limits=Limits(pixels=100))).image
    assert image is not None
    assert max(image.width, image.height) <= 100
    assert (image.full_width, image.full_height) == (842, 595)
    assert len(set(image.pixels)) > 1


async def test_a_page_without_text_is_a_picture() -> None:
    blank = pages_pdf(1, 10).replace(b"(This is page 1) Tj", b"0 0 100 100 re f   ")
    found = await look(blank, "scan.pdf", limits=Limits(pixels=50))
    assert (found.kind, found.lines) == ("image", ())
    assert found.notices == ("no text on this page",)
    found = await look(blank, "scan.pdf", limits=TEXT_ONLY)
    assert (found.kind, found.notices) == ("text", ("no text on this page, which may be a picture",))


async def test_a_document_with_a_password_is_said_to_have_one() -> None:
    found = await look(table_pdf(password="secret"), "t.pdf")
    assert (found.kind, found.lines, found.notices) == ("text", (), ("encrypted: it opens with a password only",))


async def test_one_page_of_many_does_not_cost_the_file() -> None:
    content = pages_pdf(2000, 5000)
    async with Workers() as workers:
        found, requests, read = await look_in_store(content, "big.pdf", workers, pixels=0)
        assert (found.lines, found.pages) == (("This is page 1",), 2000)
        assert requests <= 4
        assert read <= 512 * 1024 < len(content) / 20
        found, requests, read = await look_in_store(content, "big.pdf", workers, pixels=0, page=3)
        assert found.lines == ("This is page 3",)
        assert read <= 512 * 1024
        found, requests, read = await look_in_store(content, "big.pdf", workers, pixels=0, page=1900)
        assert found.page == 1900
        assert found.lines == ()
        assert found.notices == ("page 1,900 was not found within 8.4 MB of the file",)
        assert read <= 10 << 20


async def test_damaged_files_say_so_and_are_shown_as_bytes() -> None:
    content = table_pdf()
    chosen = random.Random(7)
    async with Workers() as workers:
        for end in (9, 100, len(content) // 2, len(content) - 200, len(content) - 5):
            found, _, _ = await look_in_store(content[:end], "t.pdf", workers, pixels=50)
            assert found.kind in ("text", "hex", "image")
            if found.kind == "hex":
                assert found.notices[0].startswith("not a PDF that can be opened: ")
        for _ in range(30):
            broken = bytearray(content)
            for _ in range(chosen.randrange(1, 30)):
                broken[chosen.randrange(10, len(broken))] = chosen.randrange(256)
            found, _, _ = await look_in_store(bytes(broken), "t.pdf", workers, pixels=50)
            assert found.kind in ("text", "hex", "image")
            assert all(text.isprintable() or not text for text in strings(found) if text.isascii())


async def test_a_file_of_unknown_size_is_not_walked() -> None:
    found = await look(b"junk before\n" + table_pdf(), "t.pdf", limits=TEXT_ONLY)
    assert isinstance(found, Preview)


_NUMBER = st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1e-300, 1e300, float("inf")])


@given(
    st.lists(
        st.builds(
            Glyph,
            st.sampled_from("abc 1試"),
            st.tuples(_NUMBER, _NUMBER, _NUMBER, _NUMBER),
            st.tuples(_NUMBER, _NUMBER),
            st.floats(-10, 10),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_characters_anywhere_make_bounded_lines(glyphs: list[Glyph]) -> None:
    lines = lay_out(glyphs)
    assert len(lines) <= 4 * len(glyphs) + 4
    assert all(len(line) <= 400 + 4 * len(glyphs) for line in lines)


def _line(text: str, x: float, y: float, angle: float = 0.0) -> list[Glyph]:
    made = []
    for index, char in enumerate(text):
        at = x + 6 * index
        if angle:
            made.append(Glyph(char, (y - 8, at, y + 2, at + 6), (y, at), angle))
        else:
            made.append(Glyph(char, (at, y - 2, at + 6, y + 8), (at, y)))
    return [one for one in made if one.char != " "]


def test_a_gap_between_lines_is_an_empty_line() -> None:
    glyphs = [glyph for row, y in enumerate((100, 88, 76, 40)) for glyph in _line(f"row {row}", 10, y)]
    assert lay_out(glyphs) == ["row 0", "row 1", "row 2", "", "", "row 3"]


def test_text_that_is_turned_comes_last() -> None:
    glyphs = _line("axis", 10, 300, 1.5708) + _line("a long line of text", 10, 100)
    assert lay_out(glyphs) == ["a long line of text", "", "axis"]


def test_a_page_that_is_turned_as_a_whole_is_read_upright() -> None:
    glyphs = _line("first", 10, 100, 1.5708) + _line("second", 10, 112, 1.5708)
    assert lay_out(glyphs) == ["first", "second"]
