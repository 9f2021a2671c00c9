"""Markdown as lines: headings, paragraphs, lists, tables and code, laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from flowtui.preview.blocks import Block, Cell, Heading, Paragraph, Rule, Table, Verbatim
from flowtui.preview.markup import document, read_source
from flowtui.preview.result import Preview
from flowtui.text import plain

if TYPE_CHECKING:
    from markdown_it.token import Token

    from flowtui.preview.subject import Subject
    from flowtui.preview.worker import Request

_FORMATS = ("md", "markdown", "qmd", "rmd", "mdx")
_DEEPEST = 20


def accepts(subject: Subject) -> bool:
    """Text that calls itself Markdown."""
    sniffed = subject.sniffed
    return sniffed.encoding is not None and not sniffed.magic and sniffed.is_any(*_FORMATS)


async def show(subject: Subject) -> Preview:
    await subject.read_whole()
    # Emphasis and links that are never closed can cost a parser a lot of time, and a worker can be stopped.
    return await subject.workers.show(show_markdown, subject)


def show_markdown(file: BinaryIO, request: Request) -> Preview:
    """The document laid out; what precedes it between lines of three dashes is shown as it stands."""
    source = read_source(file, request)
    return document(blocks_of_markdown(source.text), request, "markdown", amount="" if source.whole else source.amount)


def blocks_of_markdown(text: str) -> list[Block]:
    """The blocks of a text in Markdown."""
    from markdown_it import MarkdownIt

    blocks: list[Block] = []
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.startswith("---\n") and (end := text.find("\n---\n", 3)) > 0:
        blocks.append(Verbatim(text[4:end]))
        text = text[end + 5 :]
    parser = MarkdownIt("commonmark", {"maxNesting": _DEEPEST, "html": True}).enable(["table", "strikethrough"])
    return blocks + _Blocks().of(parser.parse(text))


class _Blocks:
    """Walks over the tokens of a document."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._lists: list[int | None] = []
        self._tight: list[bool] = []
        self._marker = ""
        self._quotes = 0
        self._row: list[Cell] = []
        self._rows: list[list[Cell]] = []
        self._heads = 0
        self._align = ""

    def of(self, tokens: list[Token]) -> list[Block]:
        level = 0
        in_head = in_cell = False
        for token in tokens:
            kind = token.type
            if kind == "heading_open":
                level = int(token.tag[1:])
            elif kind == "heading_close":
                level = 0
            elif kind == "inline":
                text = inline_text(token)
                if in_cell:
                    self._row.append(Cell(text, 1, "right" if "right" in self._align else "left"))
                elif level:
                    self._blocks.append(Heading(text, level))
                elif text:
                    self._paragraph(text)
            elif kind in ("bullet_list_open", "ordered_list_open"):
                start = token.attrGet("start") if kind[0] == "o" else None
                self._lists.append((int(start) if start is not None else 1) if kind[0] == "o" else None)
            elif kind in ("bullet_list_close", "ordered_list_close"):
                self._lists.pop()
            elif kind == "list_item_open":
                self._item()
            elif kind == "blockquote_open":
                self._quotes += 1
            elif kind == "blockquote_close":
                self._quotes -= 1
            elif kind in ("fence", "code_block"):
                self._blocks.append(Verbatim(token.content.rstrip("\n"), 2 + self._indent()))
            elif kind == "hr":
                self._blocks.append(Rule())
            elif kind == "html_block":
                from flowtui.preview.html import blocks_of_html

                self._blocks += blocks_of_html(token.content)
            elif kind == "table_open":
                self._rows, self._heads = [], 0
            elif kind == "thead_open":
                in_head = True
            elif kind == "thead_close":
                in_head = False
            elif kind == "tr_open":
                self._row = []
            elif kind == "tr_close":
                self._rows.append(self._row)
                self._heads += in_head
            elif kind in ("th_open", "td_open"):
                in_cell, self._align = True, str(token.attrGet("style") or "")
            elif kind in ("th_close", "td_close"):
                in_cell = False
            elif kind == "table_close":
                self._blocks.append(Table(self._rows, self._heads))
        return self._blocks

    def _indent(self) -> int:
        return 2 * len(self._lists) + 2 * self._quotes

    def _item(self) -> None:
        number = self._lists[-1] if self._lists else None
        if number is None:
            self._marker = "- "
        else:
            self._marker = f"{number}. "
            self._lists[-1] = number + 1

    def _paragraph(self, text: str) -> None:
        indent = max(self._indent() - (2 if self._marker else 0), 0)
        self._blocks.append(Paragraph(text, indent=indent, marker=self._marker, tight=bool(self._lists)))
        self._marker = ""


def inline_text(token: Token) -> str:
    """The text of a line: links with their address, pictures by their name, emphasis without its signs."""
    parts: list[str] = []
    links: list[tuple[str, int]] = []
    for child in token.children or ():
        if child.type in ("text", "text_special"):
            parts.append(child.content)
        elif child.type == "code_inline":
            parts.append(f"`{child.content}`")
        elif child.type == "softbreak":
            parts.append(" ")
        elif child.type == "hardbreak":
            parts.append("\n")
        elif child.type == "image":
            parts.append(f"[picture{': ' + child.content if child.content else ''}]")
        elif child.type == "link_open":
            links.append((str(child.attrGet("href") or ""), len(parts)))
        elif child.type == "link_close" and links:
            address, begin = links.pop()
            if address.startswith(("http://", "https://", "mailto:")) and "".join(parts[begin:]) not in address:
                parts.append(f" <{plain(address)[:200]}>")
    return "".join(parts)
