"""RTF: clinical tables with titles, headers and footers, page by page; nothing that a file holds can hurt."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowtui.errors import PreviewError
from flowtui.preview.limits import Limits
from flowtui.preview.result import Preview
from flowtui.preview.rtf import show_rtf
from tests.preview.documents import ROWS, look_in_store, show_here
from tests.preview.look import look, strings


def rtf(body: str, limits: Limits | None = None) -> Preview:
    found = show_here(show_rtf, ("{\\rtf1\\ansi\\ansicpg1252\\uc1 " + body + "}").encode("latin-1"), "t.rtf", limits)
    assert isinstance(found, Preview)
    return found


def lines(body: str, limits: Limits | None = None) -> list[str]:
    return [line for line in rtf(body, limits).lines if line]


def row(*cells: str, head: bool = False, edges: tuple[int, ...] = (4000, 6000, 8000)) -> str:
    defined = "".join(f"\\cellx{edge}" for edge in edges)
    text = "".join(f"\\pard\\intbl\\ql {cell}\\cell" for cell in cells)
    kind = "\\trhdr" if head else ""
    return f"\\trowd\\trgaph100{kind}{defined}{text}\\row\n"


@pytest.fixture(scope="module")
def clinical() -> bytes:
    """As rtflite writes it, page after page."""
    import polars
    import rtflite

    made = rtflite.RTFDocument(
        df=polars.DataFrame(list(ROWS) * 20, schema=["soc", "a", "b", "c"], orient="row"),
        rtf_page=rtflite.RTFPage(orientation="landscape", nrow=24),
        rtf_page_header=rtflite.RTFPageHeader(),
        rtf_title=rtflite.RTFTitle(text=["Table 14.3.1", "Adverse Events ≥ 1%: Safety"]),
        rtf_column_header=[
            rtflite.RTFColumnHeader(text=["", "Treatment", "All"], col_rel_width=[4, 2, 1]),
            rtflite.RTFColumnHeader(text=["System Organ Class", "Placebo", "Active", "Total"]),
        ],
        rtf_body=rtflite.RTFBody(col_rel_width=[4, 1, 1, 1], text_justification=["l", "c", "c", "c"]),
        rtf_footnote=rtflite.RTFFootnote(text=["{^a}Percentages are based on N; ± is SD."]),
        rtf_page_footer=rtflite.RTFPageFooter(text="Confidential"),
    )
    return made.rtf_encode().encode()


async def test_a_clinical_table_reads_as_on_its_page(clinical: bytes) -> None:
    found = await look(clinical, "t.rtf")
    assert (found.kind, found.format, found.page) == ("text", "rtf", 1)
    assert found.pages is not None
    assert found.pages > 2
    shown = [line.strip() for line in found.lines if line]
    assert shown[0] == f"Page 1 of {found.pages}"
    assert shown[1:3] == ["Table 14.3.1", "Adverse Events ≥ 1%: Safety"]
    assert shown[-1] == "Confidential"
    head = next(line for line in found.lines if "System Organ Class" in line)
    body = next(line for line in found.lines if "CARDIAC" in line)
    assert head.index("Placebo") < body.index("13 (15.1%)") + 10
    assert body.split("  ")[0] == "CARDIAC DISORDERS"
    assert any(set(line) == {"─"} for line in found.lines)
    last = await look(clinical, "t.rtf", limits=Limits(page=found.pages))
    assert last.lines[0].strip() == f"Page {found.pages} of {found.pages}"
    assert any("ᵃPercentages are based on N; ± is SD." in line for line in last.lines)


async def test_a_large_document_is_read_as_far_as_its_page(clinical: bytes) -> None:
    body = "\\pard Page text.\\par " + "x" * 30_000 + "\\par\\page "
    content = ("{\\rtf1 " + body * 150 + "}").encode()
    found, requests, read = await look_in_store(content, "l.rtf")
    assert (found.page, found.pages) == (1, None)
    assert requests <= 2
    assert read < 512 * 1024 < len(content)
    found, _, _ = await look_in_store(content, "l.rtf", page=20)
    assert (found.page, found.lines[0]) == (20, "Page text.")
    found, _, _ = await look_in_store(content, "l.rtf", page=500)
    assert (found.page, found.pages, found.notices) == (150, 150, ("the document ends with page 150",))


def test_a_sas_table_with_titles_in_the_header_of_its_section() -> None:
    section = (
        "{\\header\\pard\\plain\\qc{\\b Study CDISC01}{\\par}}"
        "{\\footer\\pard\\plain\\qc Page {\\field{\\*\\fldinst { PAGE }}{\\fldrslt 9}} of "
        "{\\field{\\*\\fldinst { NUMPAGES }}}\\par}"
        + row("Parameter", "Placebo", "Active", head=True)
        + row("n", "86", "84")
    )
    found = rtf("\\sectd " + section + "\\sect\\sectd " + section.replace("86", "42"))
    assert found.pages == 2
    assert [line.strip() for line in found.lines if line] == [
        "Study CDISC01", "Parameter  Placebo  Active", "─" * 26, "n          86       84", "Page 1 of 2",
    ]  # fmt: skip
    second = rtf("\\sectd " + section + "\\sect\\sectd " + section.replace("86", "42"), Limits(page=2))
    assert any("42" in line for line in second.lines)


def test_rows_with_different_edges_stand_on_common_columns() -> None:
    shown = lines(row("", "Treatment", edges=(4000, 8000)) + row("SOC", "Placebo", "Active") + row("Eye", "1", "2"))
    assert shown == ["     Treatment", "SOC  Placebo  Active", "Eye  1        2"]


def test_borders_of_cells_are_lines() -> None:
    border = "\\clbrdrb\\brdrs\\brdrw15"
    body = f"\\trowd\\cellx2000{border}\\cellx4000 a\\cell bbbb\\cell\\row" + row("1", "2", edges=(2000, 4000))
    assert lines(body) == ["a  bbbb", "   ────", "1  2"]


def test_merged_cells_are_one() -> None:
    body = "\\trowd\\clmgf\\cellx2000\\clmrg\\cellx4000\\cellx6000 both\\cell\\cell c\\cell\\row"
    assert lines(body + row("1", "2", "3", edges=(2000, 4000, 6000))) == ["both  c", "1  2  3"]


def test_a_table_within_a_cell() -> None:
    inner = (
        "\\pard\\intbl\\itap2 in1\\nestcell in2\\nestcell{\\*\\nesttableprops\\trowd\\cellx500\\cellx900\\nestrow}"
        "\\pard\\intbl\\itap1\\cell"
    )
    body = "\\trowd\\cellx4000\\cellx8000 left\\cell " + inner + "\\row"
    assert lines(body) == ["left  in1  in2"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("caf\\'e9 \\'b1 1", "café ± 1"),
        ("\\u8805? 5 \\u-10179?\\u-8703?", "≥ 5 \U0001f601"),
        ("\\uc2\\u8804\\'a3\\'a3x", "≤x"),
        ("{\\fonttbl{\\f1\\fcharset204 A;}{\\f2\\fcharset128 B;}}{\\f1 \\'cf\\'f0}{\\f2 \\'8e\\'8e}", "Пр試"),
        ("{\\fonttbl{\\f3\\fcharset2 Symbol;}}{\\f3 \\'b3} 65", "≥ 65"),
        ("N{\\super a} and {\\sub 2}", "Nᵃ and 2"),
        ("a\\tab b\\line c", "a     b"),
        ("\\{x\\}\\\\ a\\~b \\emdash", "{x}\\ a\xa0b —"),
        ("kept{\\deleted gone}{\\v hidden}{\\*\\unknown nothing}", "kept"),
        ("{\\info{\\title T}{\\author A}}body", "body"),
        ("{\\field{\\*\\fldinst HYPERLINK x}{\\fldrslt link}}", "link"),
        ("a{\\*\\shppict{\\pict\\pngblip 89504e47}}{\\nonshppict{\\pict\\wmetafile8 0102}}b", "a[picture]b"),
        ("\\bin5 }}}}}end", "end"),
        ("one\\par{\\footnote the note}two", "one"),
    ],
)
def test_characters(body: str, text: str) -> None:
    assert lines(body)[0] == text


def test_notes_pictures_and_facts_are_told() -> None:
    found = rtf("{\\info{\\title T}{\\author A}}one{\\footnote a note}{\\pict\\pngblip 00}")
    assert [line for line in found.lines if line] == ["one[1][picture]", "[1] a note"]
    assert found.facts == (("title", "T"), ("author", "A"))
    assert found.notices == ("1 picture: png",)


def test_pages_without_content_are_none() -> None:
    assert rtf("a\\par\\page\\page b\\par\\page").pages == 2
    assert rtf("a\\par\\sect\\sectd\\sbknone b").pages == 1


def test_nothing_to_be_read_is_refused() -> None:
    assert isinstance(show_here(show_rtf, b"{\\rtf1}", "x.rtf"), PreviewError)


@pytest.mark.parametrize(
    "body",
    ["{" * 200_000, "}" * 200_000, "{\\pict" * 50_000, "\\trowd" + "\\cellx1" * 100_000 + "x\\cell\\row",
     "x\\cell" * 100_000, "\\tx1" * 100_000, "{\\footnote a}" * 20_000, "{\\header a" * 20_000, "\\u9999" * 100_000,
     "\\intbl\\itap2 a\\nestcell" * 50_000, "a\\page" * 50_000, "{\\fonttbl{\\f" + "1" * 300_000, "\\bin999999999 x"],
)  # fmt: skip
def test_bombs_are_bounded(body: str) -> None:
    found = show_here(show_rtf, ("{\\rtf1 z\\par " + body).encode(), "b.rtf")
    if isinstance(found, Preview):
        assert len(found.lines) <= 1000


_PIECES = st.sampled_from(
    ["{", "}", "\\par", "\\pard", "\\trowd", "\\cellx100", "\\cellx-5", "\\cell", "\\row", "\\intbl", "\\page",
     "\\sect", "\\header", "\\footer", "\\footnote", "\\field", "\\*\\fldinst PAGE", "\\fldrslt", "\\u-1?", "\\u55357",
     "\\'e9", "\\uc9", "\\f7", "\\fonttbl", "\\super", "\\v", "\\nestcell", "\\nestrow", "\\itap3", "\\tab", "\\tx9",
     "\\bin3", "\\clmrg", "\\clbrdrb\\brdrs", "\\sbknone", "\\pict", "\\pngblip", "\\li9999999", "x\x1b[2J", "\u202e",
     "text ", "\\", "\\chpgn"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(_PIECES, max_size=60), st.integers(1, 3))
def test_any_sequence_of_control_words(pieces: list[str], page: int) -> None:
    content = ("{\\rtf1 " + "".join(pieces)).encode("utf-8")
    found = show_here(show_rtf, content, "x.rtf", Limits(page=page, lines=20, line=50))
    if isinstance(found, Preview):
        assert len(found.lines) <= 20
        assert all(char >= " " and char not in "\x1b\u202e" for text in strings(found) for char in text)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_table_cut_anywhere(data: st.DataObject) -> None:
    content = ("{\\rtf1 \\pard\\qc Title\\par" + row("a", "b", "c") * 3 + "}").encode()
    end = data.draw(st.integers(6, len(content)))
    found = show_here(show_rtf, content[:end], "x.rtf")
    assert found.format == "rtf" if isinstance(found, Preview) else found.message == "RTF without text"
