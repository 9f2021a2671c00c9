"""Word documents and PowerPoint slides (ECMA-376): text, headings, lists, tables; tracked changes as final text.

A file is a zip of XML parts. Only the parts that are shown are unpacked, as far as they are shown; a part that declares
entities, nests too deep or unpacks to too much is refused.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO
from xml.parsers import expat

from flowtui.errors import PreviewError
from flowtui.preview.blocks import Block, Cell, Heading, Paragraph, Rule, Table
from flowtui.preview.markup import document
from flowtui.preview.opc import Package, Relation, local, xml_parser
from flowtui.preview.reasons import reason_of
from flowtui.preview.result import Preview
from flowtui.text import plain

if TYPE_CHECKING:
    from flowtui.preview.subject import Subject
    from flowtui.preview.worker import Request

_MOST_PART = 64 * 1024 * 1024
_DEEPEST = 200
_CHUNK = 64 * 1024
_MOST_CELLS = 200_000
_MOST_LIST = 16 * 1024 * 1024
_HEADER = re.compile(r"word/header[0-9]{1,3}\.xml")
_SLIDE = re.compile(r"ppt/slides/slide([0-9]{1,6})\.xml")
_HEADING = re.compile(r"(?:heading|berschrift|titre|titolo|kop|rubrik|otsikko)[ _]?([1-9])", re.IGNORECASE)
_DROPPED = frozenset({"del", "moveFrom", "delText", "Fallback", "instrText", "delInstrText", "pPrChange", "rPrChange"})
_PICTURES = frozenset({"drawing", "pict", "object", "pic"})


def accepts(subject: Subject) -> bool:
    """A zip that calls itself docx or pptx, or one of their kin."""
    sniffed = subject.sniffed
    return sniffed.magic == "zip" and sniffed.is_any("docx", "docm", "dotx", "pptx", "pptm", "ppsx")


async def show(subject: Subject) -> Preview:
    return await subject.workers.show(show_document, subject)


def show_document(file: BinaryIO, request: Request) -> Preview:
    """The text of a document, or one slide of a presentation."""
    if request.size is None:
        raise PreviewError("a zip is read from its end, and the store does not say how long it is")
    try:
        with zipfile.ZipFile(file) as archive:
            package = Package(archive)
            relations = package.relations()
            facts = _properties(package, relations)
            main = _target(relations, "officeDocument") or _main_by_name(package)
            root = package.root(main) if main else ""
            if root == "presentation":
                return _slide(package, _slides(package, main), request, facts)
            if main and root != "workbook":
                return _document(package, main, request, facts)
            if slides := _slides_by_name(package):
                return _slide(package, slides, request, facts)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        raise PreviewError(f"not a document that can be opened: {reason_of(error)}") from None
    raise PreviewError("a zip without a document in it")


def _target(relations: list[Relation], kind: str) -> str:
    """The first part of that kind; empty where there is none."""
    return next((one.part for one in relations if one.kind == kind and one.part), "")


def _main_by_name(package: Package) -> str:
    """The part that begins the document, of packages whose relationships are missing."""
    return package.part("word/document.xml") or package.part("ppt/presentation.xml")


def _slides_by_name(package: Package) -> list[str]:
    slides = sorted((int(found[1]), name) for name in package.names if (found := _SLIDE.fullmatch(name)))
    return [name for _, name in slides]


def _slides(package: Package, main: str) -> list[str]:
    """The parts of the slides in the order of the presentation, which is not that of their names."""
    parts = {one.id: one.part for one in package.relations(main) if one.kind == "slide" and one.part}
    ids: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if local(tag) == "sldId":
            # It has an id of its own too, which has no prefix.
            ids.extend(value for name, value in attributes.items() if ":" in name and local(name) == "id")

    parser = xml_parser()
    parser.StartElementHandler = start
    try:
        with package.archive.open(main) as stream:
            parser.Parse(stream.read(_MOST_LIST), True)
    except (expat.ExpatError, zipfile.BadZipFile, zlib.error, EOFError):
        return _slides_by_name(package)
    slides = [parts[one] for one in ids if one in parts]
    return slides or ([] if not ids else _slides_by_name(package))


def _document(package: Package, main: str, request: Request, facts: list[tuple[str, str]]) -> Preview:
    notices: list[str] = []
    most = 4 * (request.limits.lines + 1)
    archive, relations = package.archive, package.relations(main)
    if not relations:
        named = ((f"word/{kind}.xml", kind) for kind in ("footnotes", "endnotes"))
        relations = [Relation("", kind, package.part(name)) for name, kind in named]
        relations += [Relation("", "header", name) for name in package.names if _HEADER.fullmatch(name)]

    def blocks() -> Iterator[Block]:
        for name in sorted(one.part for one in relations if one.kind == "header" and one.part)[:1]:
            header = [one for one in _part(archive, name, 20).blocks if not isinstance(one, Rule)]
            if header:
                yield from header
                yield Rule()
        body = _part(archive, main, most)
        yield from body.blocks
        if body.changes:
            notices.append("tracked changes are shown as if they were accepted")
        if body.pictures:
            notices.append(f"{body.pictures:,} {'picture is' if body.pictures == 1 else 'pictures are'} not shown")
        for kind, label in (("footnotes", "notes"), ("endnotes", "end notes")):
            name = _target(relations, kind)
            if name and body.notes and not body.cut:
                notes = _part(archive, name, most).blocks
                if notes:
                    yield Rule(label)
                    yield from notes

    return document(list(blocks()), request, "docx", notices=notices, facts=facts)


def _slide(package: Package, slides: list[str], request: Request, facts: list[tuple[str, str]]) -> Preview:
    if not slides:
        return document([], request, "pptx", notices=["a presentation without slides"], facts=facts)
    number = min(max(request.limits.page, 1), len(slides))
    notices = [] if number == request.limits.page else [f"the presentation ends with slide {len(slides):,}"]
    part = _part(package.archive, slides[number - 1], 4 * request.limits.lines)
    if part.pictures:
        notices.append(f"{part.pictures:,} {'picture is' if part.pictures == 1 else 'pictures are'} not shown")
    return document(part.blocks, request, "pptx", notices=notices, facts=facts, page=number, pages=len(slides))


def _properties(package: Package, relations: list[Relation]) -> list[tuple[str, str]]:
    """Title, author and dates of the core properties."""
    own = _target(relations, "core-properties") or package.part("docProps/core.xml")
    if not own:
        return []
    wanted = {"title": "title", "creator": "author", "lastModifiedBy": "changed by", "modified": "changed"}
    found: dict[str, str] = {}
    name = ""

    def start(tag: str, _: dict[str, str]) -> None:
        nonlocal name
        name = tag.rpartition(":")[2]

    def text(data: str) -> None:
        if name in wanted and len(found.get(name, "")) < 200:
            found[name] = found.get(name, "") + data

    def end(_: str) -> None:
        nonlocal name
        name = ""

    parser = xml_parser()
    parser.StartElementHandler, parser.CharacterDataHandler, parser.EndElementHandler = start, text, end
    try:
        with package.archive.open(own) as stream:
            parser.Parse(stream.read(_CHUNK), True)
    except (expat.ExpatError, zipfile.BadZipFile, zlib.error, EOFError):
        return []
    return [(label, plain(found[tag]).strip()[:200]) for tag, label in wanted.items() if found.get(tag, "").strip()]


@dataclass
class _TableBeing:
    rows: list[list[Cell]] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    span: int = 1
    merged: bool = False
    right: bool = False


class _DoneError(Exception):
    """Enough was read."""


class _Part:
    """Reads one XML part into blocks; the names of elements of Word and of PowerPoint are alike but for prefixes.

    Attributes:
        cut: more would have come.
        changes: insertions and deletions were seen.
        pictures: how many there are.
        notes: footnotes are referred to.
    """

    def __init__(self, most: int) -> None:
        self.blocks: list[Block] = []
        self.cut = False
        self.changes = False
        self.pictures = 0
        self.notes = False
        self._most = most
        self._depth = 0
        self._dropped = 0
        self._text: list[str] = []
        self._in_text = False
        self._tables: list[_TableBeing] = []
        self._cells = 0
        self._note = ""
        self._begin_paragraph()

    def _begin_paragraph(self) -> None:
        self._style = ""
        self._level = 0
        self._item = -1
        self._right = False
        self._centre = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise PreviewError("its XML nests too deep")
        name = tag.rpartition(":")[2]
        if self._dropped or name in _DROPPED:
            self._dropped += 1
            self.changes = self.changes or name == "del"
            return
        value = attributes.get("w:val", attributes.get("val", ""))
        if name == "p":
            self._begin_paragraph()
        elif name == "t":
            self._in_text = True
        elif name in ("tab", "br", "cr", "noBreakHyphen"):
            self._mark(name, attributes)
        elif name == "pStyle":
            self._style = value
        elif name == "outlineLvl" and value.isdecimal():
            self._level = min(int(value[:2]) + 1, 9)
        elif name == "ilvl" and value.isdecimal():
            self._item = min(int(value[:2]), 8)
        elif name == "numId" and value != "0":
            self._item = max(self._item, 0)
        elif name == "jc":
            self._right, self._centre = value in ("right", "end"), value == "center"
        elif name == "ins":
            self.changes = True
        elif name == "ph" and attributes.get("type") in ("title", "ctrTitle"):
            self._style = "Title"
        elif name in _PICTURES:
            self.pictures += 1
            if name == "pic":
                self.blocks.append(Paragraph("[picture]"))
            else:
                self._text.append("[picture]")
        elif name in ("footnoteReference", "endnoteReference"):
            self.notes = True
            self._text.append(f"[{attributes.get('w:id', '')[:6]}]")
        elif name in ("footnote", "endnote"):
            kind = attributes.get("w:type", "normal")
            self._note = f"[{attributes.get('w:id', '')[:6]}] " if kind == "normal" else ""
        else:
            self._table_start(name, attributes, value)

    def _mark(self, name: str, attributes: dict[str, str]) -> None:
        if name == "br" and attributes.get("w:type") == "page":
            return
        self._text.append({"tab": "    ", "noBreakHyphen": "-"}.get(name, "\n"))

    def _table_start(self, name: str, attributes: dict[str, str], value: str) -> None:
        if name == "tbl":
            self._tables.append(_TableBeing())
        elif not self._tables:
            return
        elif name == "tr":
            self._tables[-1].rows.append([])
        elif name == "tc":
            table = self._tables[-1]
            span = attributes.get("gridSpan", "1")
            table.parts, table.merged = [], attributes.get("hMerge") == "1"
            table.span = _span(span)
        elif name == "gridSpan":
            self._tables[-1].span = _span(value)

    def end(self, tag: str) -> None:
        self._depth -= 1
        if self._dropped:
            self._dropped -= 1
            return
        name = tag.rpartition(":")[2]
        if name == "t":
            self._in_text = False
        elif name == "p":
            self._end_paragraph()
        elif name == "tc" and self._tables:
            self._end_cell()
        elif name == "tbl" and self._tables:
            self._end_table()

    def text(self, data: str) -> None:
        if self._in_text and not self._dropped:
            self._text.append(data)

    def _end_paragraph(self) -> None:
        text = self._note + "".join(self._text)
        self._note = ""
        self._text.clear()
        if self._tables:
            self._tables[-1].parts.append(text)
            self._tables[-1].right = self._right
            return
        heading = _HEADING.search(self._style)
        level = int(heading[1]) if heading else 1 if self._style.lower() == "title" else self._level
        if not text.strip():
            return
        if level:
            self._add(Heading(text.strip(), level))
        elif self._item >= 0 or self._style.lower().startswith("list"):
            self._add(Paragraph(text, indent=2 * max(self._item, 0), marker="- ", tight=True))
        else:
            self._add(Paragraph(text, align="center" if self._centre else "right" if self._right else "left"))

    def _end_cell(self) -> None:
        table = self._tables[-1]
        text = "\n".join(table.parts).strip("\n")
        if table.merged:
            return
        if not table.rows:
            table.rows.append([])
        table.rows[-1].append(Cell(text, table.span, "right" if table.right else "left"))
        self._cells += 1
        if self._cells > _MOST_CELLS:
            self._stop()

    def _end_table(self) -> None:
        table = self._tables.pop()
        rows = [row for row in table.rows if row]
        if self._tables:
            # A table within a cell is told line by line.
            self._tables[-1].parts += ["  ".join(cell.text for cell in row) for row in rows]
        elif rows:
            self._add(Table(rows, 1 if len(rows) > 1 else 0))

    def _add(self, block: Block) -> None:
        self.blocks.append(block)
        if len(self.blocks) >= self._most:
            self._stop()

    def _stop(self) -> None:
        self.cut = True
        while self._tables:
            self._end_open_table()
        raise _DoneError

    def _end_open_table(self) -> None:
        rows = [row for row in self._tables.pop().rows if row]
        if not self._tables and rows:
            self.blocks.append(Table(rows, 1 if len(rows) > 1 else 0))


def _part(archive: zipfile.ZipFile, name: str, most: int) -> _Part:
    """The blocks of one part; what comes before broken XML is shown.

    Raises:
        PreviewError: it is hostile, or broken from the beginning.
    """
    part = _Part(most)
    parser = xml_parser()
    parser.StartElementHandler, parser.EndElementHandler = part.start, part.end
    parser.CharacterDataHandler = part.text
    read = 0
    try:
        with archive.open(name) as stream:
            while data := stream.read(_CHUNK):
                read += len(data)
                if read > _MOST_PART:
                    raise PreviewError("it unpacks to more than a preview may take")
                parser.Parse(data, False)
            parser.Parse(b"", True)
    except _DoneError:
        return part
    except (expat.ExpatError, zlib.error, zipfile.BadZipFile, EOFError) as error:
        if not part.blocks:
            raise PreviewError(f"its XML is broken: {reason_of(error)}") from None
        part.blocks.append(Paragraph(f"[the document is broken here: {reason_of(error)}]"))
        part.cut = True
    return part


def _span(text: str) -> int:
    return min(max(int(text[:4]), 1), 100) if text.isascii() and text.isdecimal() else 1
