"""HTML as text and tables: scripts and styles left out, links named, nothing fetched."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO

from flowtui.preview.blocks import Block, Cell, Heading, Paragraph, Rule, Table, Verbatim
from flowtui.preview.html_tokens import tokens
from flowtui.preview.markup import document, read_source
from flowtui.preview.result import Preview
from flowtui.text import plain

if TYPE_CHECKING:
    from flowtui.preview.subject import Subject
    from flowtui.preview.worker import Request

_FORMATS = ("html", "htm", "xhtml")
_BEGINS = re.compile(
    rb"\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,1000}?-->\s*)?<(?:!doctype\s+html|html[\s>])",
    re.IGNORECASE | re.DOTALL,
)
_SKIPPED = frozenset({"script", "style", "template", "noscript", "svg", "math", "iframe", "object", "canvas", "select"})
_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dialog", "div", "dl", "dt"}
    | {"fieldset", "figcaption", "figure", "footer", "form", "header", "html", "legend", "main", "nav", "p", "section"}
    | {"summary", "caption", "head"}
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_INDENTING = frozenset({"blockquote", "dd"})
_BLANKS = re.compile(r"[ \t\n\r\f\v]+")
_DEEPEST = 20
_MOST_SPAN = 100


def accepts(subject: Subject) -> bool:
    """Text that calls itself HTML, or begins like it whatever it is called: a login page in place of a file, too."""
    sniffed = subject.sniffed
    if sniffed.encoding is None or sniffed.magic:
        return False
    return sniffed.is_any(*_FORMATS) or bool(_BEGINS.match(subject.head[:4096]))


async def show(subject: Subject) -> Preview:
    await subject.read_whole()
    return await subject.workers.show(show_html, subject)


def show_html(file: BinaryIO, request: Request) -> Preview:
    """The text of a page with its tables laid out."""
    source = read_source(file, request)
    reader = HtmlBlocks()
    reader.feed(source.text)
    reader.end()
    notices = []
    if reader.skipped.get("script"):
        count = reader.skipped["script"]
        notices.append(f"{count:,} {'script is' if count == 1 else 'scripts are'} left out")
    if request.format and request.format not in _FORMATS:
        notices.append("this is a web page: is it a login page in place of the file?")
    facts = [("title", reader.title[:200])] if reader.title else []
    return document(
        reader.blocks, request, "html", amount="" if source.whole else source.amount, notices=notices, facts=facts
    )


def blocks_of_html(text: str) -> list[Block]:
    """The blocks of a piece of HTML."""
    reader = HtmlBlocks()
    reader.feed(text)
    reader.end()
    return reader.blocks


class _TableBeing:
    """A table that is being read.

    Attributes:
        before: the text of the cell that it stands in, so far.
        open: whether one of its cells is.
        below: of each column that a cell reaches down from: for how many rows more, and how wide it is.
    """

    def __init__(self, before: list[str]) -> None:
        self.before = before
        self.open = False
        self.rows: list[list[Cell]] = []
        self.heads = 0
        self.heading = True
        self.all_heads = True
        self.in_head = False
        self.below: dict[int, tuple[int, int]] = {}
        self.column = 0
        self.span = (1, 1)
        self.right = False


class HtmlBlocks:
    """Turns HTML into blocks.

    Attributes:
        blocks: what was read.
        title: of the page.
        skipped: how many elements of each name were left out.
    """

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.title = ""
        self.skipped: dict[str, int] = {}
        self._text: list[str] = []
        self._skip = ""
        self._skip_depth = 0
        self._in_title = False
        self._heading = 0
        self._verbatim = 0
        self._lists: list[int] = []
        self._indent = 0
        self._marker = ""
        self._tables: list[_TableBeing] = []
        self._links: list[str] = []

    def feed(self, source: str) -> None:
        """Read a text."""
        for token in tokens(source):
            if isinstance(token, str):
                self._read_text(token)
            elif token.ends:
                self._end_tag(token.name)
            else:
                self._start_tag(token.name, token.attributes)

    def end(self) -> None:
        """Take in what is still open."""
        while self._tables:
            self._close_table()
        self._flush()

    def _start_tag(self, tag: str, values: dict[str, str]) -> None:
        if self._skip:
            self._skip_depth += tag == self._skip
            return
        if tag in _SKIPPED:
            self.skipped[tag] = self.skipped.get(tag, 0) + 1
            self._skip, self._skip_depth = tag, 1
            return
        if tag == "title":
            self._in_title = True
        elif tag == "br":
            self._text.append("\n")
        elif tag == "hr":
            self._flush()
            self._add(Rule())
        elif tag == "img":
            name = plain(values.get("alt") or values.get("title") or "").strip()
            self._text.append(f"[picture{': ' + name[:100] if name else ''}]")
        elif tag == "a":
            self._links.append(_link(values.get("href", "")) if len(self._links) < _DEEPEST else "")
        elif tag in _HEADINGS:
            self._flush()
            self._heading = _HEADINGS[tag]
        elif tag in ("pre", "textarea", "listing"):
            self._flush()
            self._verbatim += 1
        elif tag in ("ul", "ol", "menu"):
            self._flush()
            if len(self._lists) < _DEEPEST:
                self._lists.append(1 if tag == "ol" else 0)
        elif tag == "li":
            self._flush()
            self._marker = self._next_marker()
        elif tag == "table":
            self._flush()
            if len(self._tables) < _DEEPEST:
                self._tables.append(_TableBeing(self._text))
                self._text = []
        elif tag in ("tr", "td", "th", "thead", "tbody", "tfoot"):
            self._table_tag(tag, values)
        elif tag in _BLOCKS:
            self._flush()
            if tag in _INDENTING:
                self._indent = min(self._indent + 2, 2 * _DEEPEST)

    def _end_tag(self, tag: str) -> None:
        if self._skip:
            self._skip_depth -= tag == self._skip
            if not self._skip_depth:
                self._skip = ""
            return
        if tag == "title":
            self._in_title = False
        elif tag == "a":
            link = self._links.pop() if self._links else ""
            if link and not "".join(self._text[-3:]).strip().endswith(link):
                self._text.append(f" <{link}>")
        elif tag in _HEADINGS:
            self._flush()
            self._heading = 0
        elif tag in ("pre", "textarea", "listing"):
            self._flush()
            self._verbatim = max(self._verbatim - 1, 0)
        elif tag in ("ul", "ol", "menu"):
            self._flush()
            if self._lists:
                self._lists.pop()
        elif tag == "table":
            self._close_table()
        elif tag in ("td", "th"):
            self._close_cell()
        elif tag == "thead" and self._tables:
            self._tables[-1].in_head = False
        elif tag in _BLOCKS or tag == "li":
            self._flush()
            if tag in _INDENTING:
                self._indent = max(self._indent - 2, 0)

    def _read_text(self, data: str) -> None:
        if self._skip:
            return
        if self._in_title:
            self.title = plain(_BLANKS.sub(" ", (self.title + data)[:500])).strip()
        else:
            self._text.append(data if self._verbatim else _BLANKS.sub(" ", data))

    def _next_marker(self) -> str:
        if not self._lists or not self._lists[-1]:
            return "- "
        number = self._lists[-1]
        self._lists[-1] += 1
        return f"{number}. "

    def _add(self, block: Block) -> None:
        """A block of the page; within a table its text goes into the cell."""
        self.blocks.append(block)

    def _flush(self) -> None:
        if self._tables:
            # Within a cell, blocks are lines.
            if self._text and not self._text[-1].endswith("\n"):
                self._text.append("\n")
            return
        text = "".join(self._text)
        self._text.clear()
        if self._verbatim:
            if text.strip():
                self._add(Verbatim(text.strip("\n")))
            return
        text = _tidy(text)
        if not text:
            return
        if self._heading:
            self._add(Heading(text, self._heading))
        elif self._lists or self._marker:
            indent = 2 * max(len(self._lists) - 1, 0) + self._indent + (0 if self._marker else 2)
            self._add(Paragraph(text, indent=indent, marker=self._marker, tight=True))
            self._marker = ""
        else:
            self._add(Paragraph(text, indent=self._indent))

    def _table_tag(self, tag: str, values: dict[str, str]) -> None:
        if not self._tables:
            self._flush()
            return
        table = self._tables[-1]
        self._close_cell()
        if tag == "thead":
            table.in_head = True
        elif tag in ("tbody", "tfoot"):
            table.in_head = False
        elif tag == "tr":
            self._end_row(table)
            table.rows.append([])
            table.column = 0
            table.all_heads = True
        else:
            if not table.rows:
                table.rows.append([])
            table.all_heads = table.all_heads and tag == "th"
            table.span = _span(values.get("colspan")), _span(values.get("rowspan"))
            table.right = "right" in (values.get("align", "") + values.get("style", "")).lower()
            self._fill(table)
            table.open = True

    def _fill(self, table: _TableBeing) -> None:
        """Empty cells where a cell of a row above reaches down."""
        while table.below.get(table.column, (0, 0))[0] > 0:
            left, span = table.below[table.column]
            table.below[table.column] = left - 1, span
            table.rows[-1].append(Cell("", span))
            table.column += span

    def _close_cell(self) -> None:
        if not self._tables or not self._tables[-1].open:
            return
        table = self._tables[-1]
        text = _tidy("".join(self._text))
        self._text.clear()
        across, down = table.span
        table.rows[-1].append(Cell(text, across, "right" if table.right or _is_number(text) else "left"))
        if down > 1:
            table.below[table.column] = down - 1, across
        table.column += across
        table.open = False

    def _end_row(self, table: _TableBeing) -> None:
        if not table.rows:
            return
        self._fill(table)
        if table.heading and table.rows[-1] and (table.in_head or table.all_heads):
            table.heads += 1
        elif table.rows[-1]:
            table.heading = False

    def _close_table(self) -> None:
        if not self._tables:
            return
        self._close_cell()
        table = self._tables.pop()
        self._end_row(table)
        rows = [row for row in table.rows if row]
        loose = _tidy("".join(self._text))
        self._text = table.before
        if self._tables:
            # A table within a cell is told line by line.
            self._text += ["\n", loose, "\n", "\n".join("  ".join(cell.text for cell in row) for row in rows), "\n"]
            return
        if loose:
            self._add(Paragraph(loose))
        if rows:
            self._add(Table(_aligned(rows, table.heads), table.heads))


def _aligned(rows: list[list[Cell]], heads: int) -> list[list[Cell]]:
    """Names of columns stand above their numbers on the right."""
    body = [row for row in rows[heads:] if row]
    right: set[int] = set()
    for index in range(max(map(len, body), default=0)):
        column = [row[index] for row in body if index < len(row) and row[index].text]
        if column and all(cell.align == "right" for cell in column):
            right.add(index)
    aligned = []
    for row in rows:
        plain_row = all(cell.span == 1 for cell in row)
        aligned.append(
            [
                Cell(cell.text, cell.span, "right" if plain_row and index in right else "left")
                for index, cell in enumerate(row)
            ]
        )
    return aligned


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[+-]?[0-9][0-9,]{0,30}(\.[0-9]{0,30})?([eE][+-]?[0-9]{1,3})?%?", text))


def _tidy(text: str) -> str:
    lines = [" ".join(line.split()) for line in text.split("\n")]
    tidy: list[str] = []
    for line in lines:
        if line or (tidy and tidy[-1]):
            tidy.append(line)
    return "\n".join(tidy).strip()


def _link(address: str) -> str:
    """The address of a link to elsewhere; empty for one within the page, and for code or data in place of one."""
    address = plain(address).strip()
    return address[:200] if address.startswith(("http://", "https://", "mailto:", "ftp://")) else ""


def _span(text: str | None) -> int:
    return min(max(int(text), 1), _MOST_SPAN) if text and text.isascii() and text.isdecimal() and len(text) < 6 else 1
