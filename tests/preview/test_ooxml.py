"""docx and pptx: text, tables and final text of tracked changes, from the parts that are shown."""

from __future__ import annotations

import io
import random
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowtui.errors import PreviewError
from flowtui.preview.limits import Limits
from flowtui.preview.ooxml import show_document
from flowtui.preview.result import Preview
from tests.preview.documents import look_in_store, report_docx, show_here
from tests.preview.look import look, strings

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def archive(**parts: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in parts.items():
            made.writestr(name.replace("__", "/") + ".xml", data)
    return stream.getvalue()


def docx(body: str) -> bytes:
    return archive(word__document=f"<w:document {W}><w:body>{body}</w:body></w:document>".encode())


def show(content: bytes, limits: Limits | None = None) -> Preview:
    found = show_here(show_document, content, "x.docx", limits)
    assert isinstance(found, Preview), found
    return found


async def test_a_report() -> None:
    found = await look(report_docx(), "csr.docx")
    assert (found.kind, found.format) == ("text", "docx")
    shown = [line for line in found.lines if line]
    assert shown[0] == "Protocol CDISC01"
    assert shown[2:] == [
        "Clinical Study Report", "═" * 21, "1 Introduction", "═" * 14, "Some text of the introduction.",
        "- first item", "Parameter  Placebo   Active", "─" * 27, "AE         1 (1.2%)  3 (4%)",
    ]  # fmt: skip
    assert dict(found.facts)["title"] == "CSR"


async def test_pictures_in_a_report_are_not_read() -> None:
    stream = io.BytesIO(report_docx())
    with zipfile.ZipFile(stream, "a") as made:
        made.writestr("word/media/image1.png", random.Random(1).randbytes(20_000_000))
    found, requests, read = await look_in_store(stream.getvalue(), "csr.docx")
    assert "Some text of the introduction." in found.lines
    assert requests <= 3
    assert read < 512 * 1024


def test_tracked_changes_are_shown_as_accepted() -> None:
    found = show(
        docx(
            "<w:p><w:r><w:t>kept </w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
            "<w:ins><w:r><w:t>new</w:t></w:r></w:ins></w:p>"
        )
    )
    assert found.lines == ("kept new",)
    assert found.notices == ("tracked changes are shown as if they were accepted",)


def test_merged_cells_nested_tables_and_notes() -> None:
    def cell(text: str, properties: str = "") -> str:
        return f"<w:tc><w:tcPr>{properties}</w:tcPr><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>"

    inner = f"<w:tc><w:tbl><w:tr>{cell('i')}{cell('j')}</w:tr></w:tbl></w:tc>"
    body = f"<w:tbl><w:tr>{cell('both', chr(60) + 'w:gridSpan w:val=' + chr(34) + '2' + chr(34) + '/>')}</w:tr>"
    body += f"<w:tr>{cell('a')}{inner}</w:tr></w:tbl><w:p><w:r><w:t>x</w:t></w:r>"
    body += '<w:r><w:footnoteReference w:id="2"/></w:r></w:p>'
    notes = (
        f'<w:footnotes {W}><w:footnote w:type="separator" w:id="0"><w:p/></w:footnote>'
        '<w:footnote w:id="2"><w:p><w:r><w:t>the note</w:t></w:r></w:p></w:footnote></w:footnotes>'
    )
    content = archive(
        word__document=f"<w:document {W}><w:body>{body}</w:body></w:document>".encode(),
        word__footnotes=notes.encode(),
    )
    shown = [line for line in show(content).lines if line]
    assert shown[:1] + shown[2:4] + shown[-1:] == ["both", "a  i  j", "x[2]", "[2] the note"]


def test_slides_are_pages() -> None:
    def slide(text: str) -> bytes:
        return f'<p:sld xmlns:p="p" xmlns:a="a"><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:sld>'.encode()

    content = archive(
        ppt__slides__slide1=slide("one"), ppt__slides__slide10=slide("ten"), ppt__slides__slide2=slide("2")
    )
    found = show(content, Limits(page=3))
    assert (found.lines, found.page, found.pages, found.format) == (("ten",), 3, 3, "pptx")


ENTITIES = "<!DOCTYPE x [" + "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "boom" * 100}">' for n in range(12))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ((ENTITIES + "]><x>&e11;</x>").encode(), "entities"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', "entities"),
        (b"<w:p>" * 100_000, "too deep"),
        (b"no xml", "broken"),
        (b"", "broken"),
    ],
)
def test_hostile_xml_is_refused(document: bytes, said: str) -> None:
    found = show_here(show_document, archive(word__document=document), "x.docx")
    assert isinstance(found, PreviewError)
    assert said in found.message


def test_a_zip_bomb_is_read_as_far_as_it_is_shown() -> None:
    paragraph = f"<w:p><w:r><w:t>{'a' * 1000}</w:t></w:r></w:p>"
    found = show(docx(paragraph * 200_000), Limits(lines=20))
    assert (len(found.lines), found.more) == (20, True)
    bomb = f"<w:p {W}><w:t>".encode() + b" " * 70_000_000
    refused = show_here(show_document, archive(word__document=bomb), "x.docx")
    assert isinstance(refused, PreviewError)
    assert "more than a preview may take" in refused.message


async def test_a_zip_that_is_no_document_is_shown_by_the_next_previewer() -> None:
    found = await look(archive(other=b"<x/>"), "x.docx")
    assert found.notices[0] == "a zip without a document in it"
    found = await look(report_docx()[:5000], "x.docx")
    assert found.notices[0].startswith("not a document that can be opened: ")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_document_that_was_changed_anywhere(data: st.DataObject) -> None:
    content = bytearray(docx("<w:p><w:r><w:t>text</w:t></w:r></w:p><w:tbl><w:tr><w:tc/></w:tr></w:tbl>"))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    found = show_here(show_document, bytes(content), "x.docx")
    if isinstance(found, Preview):
        assert all(char >= " " for text in strings(found) for char in text)


_ELEMENT = st.sampled_from(["p", "r", "t", "tbl", "tr", "tc", "del", "ins", "gridSpan", "drawing", "br", "footnote"])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(_ELEMENT, st.booleans()), max_size=40))
def test_elements_in_any_order(elements: list[tuple[str, bool]]) -> None:
    body, opened = "", []
    for name, closes in elements:
        if closes and opened:
            body += f"</w:{opened.pop()}>"
        else:
            body += f'<w:{name} w:val="3">x'
            opened.append(name)
    body += "".join(f"</w:{name}>" for name in reversed(opened))
    assert show(docx(body)).format == "docx"


RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def package(parts: dict[str, str], relations: dict[str, list[tuple[str, str, str]]]) -> bytes:
    """A package whose parts are called anything; ``relations`` are id, kind and target by the name of their part."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in parts.items():
            made.writestr(name, text)
        for name, found in relations.items():
            rows = "".join(
                f'<Relationship Id="{one}" Type="{RELATIONS}/{kind}" Target="{target}"/>' for one, kind, target in found
            )
            made.writestr(name, f"<Relationships>{rows}</Relationships>")
    return stream.getvalue()


def word(root: str, text: str, attributes: str = "") -> str:
    return f"<w:{root} {W}><w:p {attributes}><w:r><w:t>{text}</w:t></w:r></w:p></w:{root}>"


def test_the_parts_of_a_document_are_found_by_their_relationships() -> None:
    body = "<w:p><w:r><w:t>the body</w:t><w:endnoteReference w:id='2'/></w:r></w:p>"
    note = '<w:endnote w:id="2"><w:p><w:r><w:t>the note</w:t></w:r></w:p></w:endnote>'
    content = package(
        {
            "content/main.xml": f"<w:document {W}><w:body>{body}</w:body></w:document>",
            "content/top.xml": word("hdr", "the header"),
            "notes/E.xml": f"<w:endnotes {W}>{note}</w:endnotes>",
            "word/document.xml": word("document", "left over by another program"),
            "meta.xml": "<cp:coreProperties xmlns:cp='c' xmlns:dc='d'><dc:title>CSR</dc:title></cp:coreProperties>",
        },
        {
            "_rels/.rels": [
                ("a", "officeDocument", "/Content/main.xml"),
                ("b", "metadata/core-properties", "meta.xml"),
            ],
            "content/_rels/main.xml.rels": [("h", "header", "top.xml"), ("e", "endnotes", "../notes/E.xml")],
        },
    )
    found = show(content)
    assert [line for line in found.lines if line and not line.startswith("─")] == [
        "the header", "the body[2]", "[2] the note",
    ]  # fmt: skip
    assert found.facts == (("title", "CSR"),)


def test_slides_come_in_the_order_of_the_presentation() -> None:
    listed = "".join(f'<p:sldId id="{256 + at}" r:id="{one}"/>' for at, one in enumerate("zxy"))
    names = {"x": "slides/slide1.xml", "y": "slides/s%20b.xml", "z": "other/intro.xml"}
    content = package(
        {
            "ppt/p.xml": f'<p:presentation xmlns:p="p" xmlns:r="r"><p:sldIdLst>{listed}</p:sldIdLst></p:presentation>',
            "ppt/slides/slide9.xml": "<p:sld xmlns:p='p'/>",
            **{
                f"ppt/{name.replace('%20', ' ')}": f"<p:sld xmlns:p='p' xmlns:a='a'><a:p><a:t>{one}</a:t></a:p></p:sld>"
                for one, name in names.items()
            },
        },
        {
            "_rels/.rels": [("a", "officeDocument", "ppt/p.xml")],
            "ppt/_rels/p.xml.rels": [(one, "slide", name) for one, name in names.items()],
        },
    )
    assert [show(content, Limits(page=page)).lines for page in (1, 2, 3)] == [("z",), ("x",), ("y",)]
    assert show(content).pages == 3


def test_a_presentation_without_slides_says_so() -> None:
    content = package(
        {"ppt/presentation.xml": '<p:presentation xmlns:p="p"/>'},
        {"_rels/.rels": [("a", "officeDocument", "ppt/presentation.xml")]},
    )
    found = show(content)
    assert (found.format, found.lines, found.notices) == ("pptx", (), ("a presentation without slides",))


def test_relationships_that_are_broken_or_hostile() -> None:
    parts = {"word/document.xml": word("document", "text")}
    broken = package({**parts, "_rels/.rels": "<Relationships><Rel"}, {})
    assert show(broken).lines == ("text",)
    hostile = package({**parts, "_rels/.rels": "<!DOCTYPE x SYSTEM 'file:///etc/passwd'><x/>"}, {})
    refused = show_here(show_document, hostile, "x.docx")
    assert isinstance(refused, PreviewError)
    assert "entities" in refused.message
    nowhere = package(parts, {"_rels/.rels": [("a", "officeDocument", "../../etc/passwd")]})
    assert show(nowhere).lines == ("text",)
