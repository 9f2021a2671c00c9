"""PDF: columns stay columns, one page costs what that page needs, and what is broken is said."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from itertools import pairwise

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


def raw_pdf(content: bytes, *objects: bytes, page: bytes = b"", catalog: bytes = b"") -> bytes:
    """A page with this content stream; ``objects`` are numbered from 5, the first is the font ``/F1``."""
    bodies = [
        b"<</Type/Catalog/Pages 2 0 R %b>>" % catalog,
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>%b>>" % page,
        b"<</Length %d>>stream\n%b\nendstream" % (len(content), content),
        *objects,
    ]
    made = bytearray(b"%PDF-1.5\n")
    places = []
    for number, body in enumerate(bodies, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    made += b"".join(b"%010d 00000 n \n" % place for place in places)
    made += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, start)
    return bytes(made)


HELVETICA = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"
PLAIN = b"BT /F1 12 Tf 72 700 Td (VITAL SIGNS) Tj 0 -30 Td (Systolic blood pressure: ____ mmHg) Tj ET"


async def test_objects_that_no_list_leads_to_are_found() -> None:
    content = raw_pdf(PLAIN, HELVETICA)
    broken = content[: content.index(b"trailer")] + b"trailer\n<</Root 1 0 R/Size 6/ID[<904e5a\nstartxref\n9\n"
    found = await look(broken, "t.pdf", limits=TEXT_ONLY)
    assert found.lines[0] == "VITAL SIGNS"
    assert found.notices == ("its list of objects is damaged: they were found by going through the file",)
    without = broken.replace(b"/Catalog", b"/Cabinet")
    assert (await look(without, "t.pdf", limits=TEXT_ONLY)).notices[0].startswith("not a PDF that can be opened: ")


def free_text(text: bytes, rect: bytes = b"300 660 500 676", more: bytes = b"") -> bytes:
    return b"<</Type/Annot/Subtype/FreeText/Rect[%b]/F 4/DA(/F1 9 Tf)/Contents(%b)%b>>" % (rect, text, more)


async def test_annotations_are_content_and_marked() -> None:
    content = raw_pdf(
        PLAIN, HELVETICA, free_text(b"VSORRES when VSTESTCD = SYSBP"), free_text(b"hidden", more=b"/F 2"),
        free_text(b"", rect=b"0 0 0 0"),
        b"<</Type/Annot/Subtype/Text/Rect[10 10 30 30]/T(Jane)/Contents(Why\\nso?)>>",
        b"<</Type/Annot/Subtype/Link/Rect[10 10 30 30]/Contents(a link)>>",
        page=b"/Annots[6 0 R 7 0 R 8 0 R 9 0 R 10 0 R]",
    )  # fmt: skip
    found = await look(content, "acrf.pdf", limits=TEXT_ONLY)
    assert found.lines[0] == "VITAL SIGNS"
    (beside,) = [line for line in found.lines if line.startswith("Systolic")]
    assert [part.strip() for part in beside.split("  ") if part] == [
        "Systolic blood pressure: ____ mmHg", "« VSORRES when VSTESTCD = SYSBP »",
    ]  # fmt: skip
    assert found.lines[-3:] == ("", "── comments ──", "note by Jane: Why so?")
    assert found.notices == ("1 annotation stands between « and »", "1 comment below the text of the page")


async def test_an_annotation_of_several_lines_keeps_them() -> None:
    text = b"one two three four five six seven eight nine ten eleven twelve"
    content = raw_pdf(PLAIN, HELVETICA, free_text(text, b"300 500 400 600"), page=b"/Annots[6 0 R]")
    lines = (await look(content, "acrf.pdf", limits=TEXT_ONLY)).lines
    shown = [line.strip() for line in lines[3:] if line.strip()]
    assert len(shown) > 2
    assert " ".join(shown) == f"« {text.decode()} »"


@pytest.mark.parametrize("rotate", [90, 180, 270])
async def test_an_annotation_stands_upright_on_a_page_that_is_turned(rotate: int) -> None:
    turn = {90: b"0 1 -1 0", 180: b"-1 0 0 -1", 270: b"0 -1 1 0"}[rotate]
    stream = b"BT /F1 12 Tf %b 300 400 Tm (the text of the page that is turned) Tj ET" % turn
    page = b"/Rotate %d/Annots[6 0 R]" % rotate
    content = raw_pdf(stream, HELVETICA, free_text(b"DM.AGE", b"100 100 120 120"), page=page)
    lines = (await look(content, "acrf.pdf", limits=TEXT_ONLY)).lines
    assert {"« DM.AGE »", "the text of the page that is turned"} == {line.strip() for line in lines if line}


async def test_form_values_are_content_and_marked() -> None:
    from reportlab.pdfgen import canvas

    stream = io.BytesIO()
    made = canvas.Canvas(stream)
    made.drawString(72, 700, "Subject:")
    form = made.acroForm
    form.textfield(name="subject", value="S1-001", x=200, y=695, width=100, height=20)
    made.drawString(72, 660, "Pregnant:")
    form.checkbox(name="pregnant", checked=True, x=200, y=655)
    made.drawString(72, 620, "Smoker:")
    form.checkbox(name="smoker", checked=False, x=200, y=615)
    form.choice(name="sex", value="F", options=["F", "M"], x=200, y=575, width=40, height=20)
    made.save()
    found = await look(stream.getvalue(), "crf.pdf", limits=TEXT_ONLY)
    shown = [" ".join(line.split()) for line in found.lines if line]
    assert shown == ["Subject: \u2039 S1-001 \u203a", "Pregnant: \u2039 x \u203a", "Smoker:", "\u2039 F \u203a"]
    assert found.notices == ("3 form values stand between \u2039 and \u203a",)


def placed_one_by_one(rows: dict[int, str], step: float, x: float = 72) -> bytes:
    return b"\n".join(
        b"BT /F1 8 Tf 1 0 0 1 %.2f %d Tm (%b) Tj ET"
        % (x + step * at, y, char.encode().replace(b"(", b"\\(").replace(b")", b"\\)"))
        for y, text in rows.items()
        for at, char in enumerate(text)
        if char != " "
    )


@pytest.mark.parametrize("width", [0, 20, 58_000, 1200])
async def test_words_and_columns_stand_apart_whatever_widths_a_font_tells(width: int) -> None:
    rows = {
        520: "Summary of Age in Years for each Arm",
        500: "Age Group            Statistic    Placebo      Xanomeline",
        486: "                                  (N=86)       (N=96)",
        472: "Less than 60 years   n (%)        4 (4.7)      5 (5.2)",
    }
    font = b"<</Type/Font/Subtype/TrueType/BaseFont/ABCDEF+Tables/Encoding/WinAnsiEncoding/FirstChar 32/LastChar 126"
    widths = b" ".join([b"%d" % width] * 95)
    found = await look(
        raw_pdf(placed_one_by_one(rows, 4.8), font + b"/Widths[%b]>>" % widths), "t.pdf", limits=TEXT_ONLY
    )
    lines = [line for line in found.lines if line]
    assert [[part.strip() for part in line.split("  ") if part.strip()] for line in lines] == [
        ["Summary of Age in Years for each Arm"],
        ["Age Group", "Statistic", "Placebo", "Xanomeline"],
        ["(N=86)", "(N=96)"],
        ["Less than 60 years", "n (%)", "4 (4.7)", "5 (5.2)"],
    ]


async def test_a_proportional_font_with_absurd_widths_is_read_by_what_is_drawn() -> None:
    from reportlab.pdfbase.pdfmetrics import stringWidth

    x, parts = 72.0, []
    for char in "Willing illnesses fill mammals of Texas":
        if char != " ":
            parts.append(b"BT /F1 10 Tf 1 0 0 1 %.2f 500 Tm (%b) Tj ET" % (x, char.encode()))
        x += stringWidth(char, "Helvetica", 10)
    font = HELVETICA[:-2] + b"/FirstChar 32/LastChar 126/Widths[%b]>>" % b" ".join([b"30000"] * 95)
    found = await look(raw_pdf(b"\n".join(parts), font), "t.pdf", limits=TEXT_ONLY)
    assert found.lines == ("Willing illnesses fill mammals of Texas",)


async def test_a_hyphen_at_the_end_of_a_line_stays() -> None:
    stream = b"BT /F1 12 Tf 72 700 Td (an inter-) Tj 0 -14 Td (national study) Tj ET"
    assert (await look(raw_pdf(stream, HELVETICA), "t.pdf", limits=TEXT_ONLY)).lines == ("an inter-", "national study")


async def test_both_letters_of_a_ligature_stay_and_a_shadow_is_one_letter() -> None:
    names = b"/Encoding<</Type/Encoding/Differences[97/ff/ffi]>>"
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica%b>>" % names
    stream = b"BT /F1 12 Tf 72 700 Td (Dia) Tj 0 -20 Td (ob) Tj ET"
    assert (await look(raw_pdf(stream, font), "t.pdf", limits=TEXT_ONLY)).lines == ("Diff", "offi")
    twice = b"BT /F1 12 Tf 72 700 Td (PLACEBO) Tj ET BT /F1 12 Tf 72.4 700 Td (PLACEBO) Tj ET"
    assert (await look(raw_pdf(twice, HELVETICA), "t.pdf", limits=TEXT_ONLY)).lines == ("PLACEBO",)


async def test_text_that_stands_on_its_head_on_a_page_that_is_turned_too() -> None:
    stream = b"BT /F1 -12 Tf 1 0 0 1 500 100 Tm (read me) Tj ET"
    found = await look(raw_pdf(stream, HELVETICA, page=b"/Rotate 180"), "t.pdf", limits=TEXT_ONLY)
    assert found.lines == ("read me",)


def japanese(encoding: bytes) -> tuple[bytes, ...]:
    """A font that the file does not hold, and that few machines have."""
    return (
        b"<</Type/Font/Subtype/Type0/BaseFont/Ryumin-Light/Encoding/%b/DescendantFonts[6 0 R]>>" % encoding,
        b"<</Type/Font/Subtype/CIDFontType0/BaseFont/Ryumin-Light/CIDSystemInfo<</Registry(Adobe)/Ordering(Japan1)"
        b"/Supplement 2>>/DW 1000/FontDescriptor 7 0 R>>",
        b"<</Type/FontDescriptor/FontName/Ryumin-Light/Flags 6/FontBBox[0 -137 1000 859]/ItalicAngle 0/Ascent 709"
        b"/Descent -241/CapHeight 709/StemV 69>>",
    )


def shown(text: str) -> bytes:
    return b"<%b> Tj" % text.encode("utf-16-be").hex().encode()


async def test_vertical_writing_is_read_from_top_to_bottom_and_from_right_to_left() -> None:
    stream = b"BT /F1 12 Tf 300 700 Td %b -20 0 Td %b ET" % (shown("春と、修羅"), shown("心象"))
    found = await look(raw_pdf(stream, *japanese(b"UniJIS-UCS2-V")), "t.pdf", limits=TEXT_ONLY)
    assert found.lines == ("春と、修羅", "心象")


@pytest.mark.parametrize("mode", [0, 3])
async def test_recognised_text_of_a_scan_whose_characters_stand_alone(mode: int) -> None:
    level, upright = "薬の名前は青色", "矢印の項"
    parts = [b"BT %d Tr /F1 8 Tf %d 500 Td %b ET" % (mode, 72 + 8 * at, shown(char)) for at, char in enumerate(level)]
    found = await look(raw_pdf(b" ".join(parts), *japanese(b"UniJIS-UCS2-H")), "t.pdf", limits=TEXT_ONLY)
    assert found.lines == (level,)
    parts = [b"BT %d Tr /F1 8 Tf 72 %d Td %b ET" % (mode, 500 - 8 * at, shown(char)) for at, char in enumerate(upright)]
    found = await look(raw_pdf(b" ".join(parts), *japanese(b"UniJIS-UCS2-V")), "t.pdf", limits=Limits(pixels=100))
    assert found.lines == (upright,)
    assert found.image is not None
    assert set(found.image.pixels) == {255}


def _simple(name: bytes, kind: bytes = b"TrueType", flags: int = 34, width: int = 450) -> tuple[bytes, ...]:
    widths = b" ".join(b"%d" % (width + 40 * (at % 7)) for at in range(95))
    return (
        b"<</Type/Font/Subtype/%b/BaseFont/%b/FirstChar 32/LastChar 126/Widths[%b]/Encoding/WinAnsiEncoding"
        b"/FontDescriptor 6 0 R>>" % (kind, name, widths),
        b"<</Type/FontDescriptor/FontName/%b/Flags %d/FontBBox[-139 -307 1063 986]/ItalicAngle 0/Ascent 862"
        b"/Descent -263/CapHeight 700/StemV 80>>" % (name, flags),
    )


def _cid(name: bytes, ordering: bytes, encoding: bytes, flags: int) -> tuple[bytes, ...]:
    return (
        b"<</Type/Font/Subtype/Type0/BaseFont/%b/Encoding/%b/DescendantFonts[6 0 R]>>" % (name, encoding),
        b"<</Type/Font/Subtype/CIDFontType2/BaseFont/%b/CIDSystemInfo<</Registry(Adobe)/Ordering(%b)/Supplement 0>>"
        b"/DW 500/FontDescriptor 7 0 R>>" % (name, ordering),
        b"<</Type/FontDescriptor/FontName/%b/Flags %d/FontBBox[-139 -307 1063 986]/ItalicAngle 0/Ascent 862"
        b"/Descent -263/CapHeight 700/StemV 80>>" % (name, flags),
    )


_SENTENCE = b"BT /F1 12 Tf 72 700 Td (President Clinton on October) Tj 0 -20 Td (Table Summary of adverse events) Tj ET"
_WIDE = "Age of all 42 subjects".encode("utf-16-be").hex().encode()
_WIDE_SENTENCE = b"BT /F1 12 Tf 72 700 Td <%b> Tj ET" % _WIDE

FONTS: dict[str, bytes] = {
    "serif": raw_pdf(_SENTENCE, *_simple(b"Garamond")),
    "narrow serif": raw_pdf(_SENTENCE, *_simple(b"Bookman", width=250)),
    "wide serif": raw_pdf(_SENTENCE, *_simple(b"Palatino", width=800)),
    "sans": raw_pdf(_SENTENCE, *_simple(b"Frutiger", flags=32)),
    "bold sans": raw_pdf(_SENTENCE, *_simple(b"Frutiger-Bold", b"Type1", flags=32 | 1 << 18, width=600)),
    "italic": raw_pdf(_SENTENCE, *_simple(b"Garamond-Italic", b"Type1", flags=34 | 64)),
    "fixed": raw_pdf(_SENTENCE, *_simple(b"LetterGothic", flags=33, width=600)),
    "helvetica": raw_pdf(_SENTENCE, HELVETICA),
    "times": raw_pdf(_SENTENCE, HELVETICA.replace(b"Helvetica", b"Times-Roman")),
    "cid serif": raw_pdf(_WIDE_SENTENCE, *_cid(b"Calibri", b"Identity", b"Identity-H", 34)),
    "cid sans": raw_pdf(_WIDE_SENTENCE, *_cid(b"Calibri", b"Identity", b"Identity-H", 32)),
    "cid japan": raw_pdf(_WIDE_SENTENCE, *_cid(b"MS-Gothic", b"Japan1", b"UniJIS-UCS2-H", 4)),
    "table": table_pdf(),
}


def _tour(count: int) -> Iterator[int]:
    """Numbers below ``count`` such that each ordered pair, and each number twice, stands beside each other."""
    yield 0
    for first in range(count):
        for second in range(first + 1, count):
            yield from (first, second)
        yield first
    yield from range(count)


async def test_the_text_of_a_page_is_the_same_whatever_was_shown_before() -> None:
    names = list(FONTS)
    fresh = {}
    for name in names:
        fresh[name] = (await look(FONTS[name], "t.pdf", limits=Limits(pixels=300))).lines
    order = list(_tour(len(names)))
    pairs = set(pairwise(order))
    assert {(one, two) for one in range(len(names)) for two in range(len(names)) if one < two} <= pairs
    async with Workers() as workers:
        before = ""
        for number in [*order, *reversed(order)]:
            name = names[number]
            found = await look(FONTS[name], "t.pdf", limits=Limits(pixels=300), workers=workers)
            assert found.lines == fresh[name], f"{name} after {before}"
            before = name
