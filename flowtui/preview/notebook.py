"""Jupyter notebooks (nbformat 3 and 4): cells and outputs, in their order."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from flowtui.errors import PreviewError
from flowtui.preview.blocks import Block, Paragraph, Rule, Verbatim
from flowtui.preview.html import blocks_of_html
from flowtui.preview.layout import depth_of
from flowtui.preview.markdown import blocks_of_markdown
from flowtui.preview.markup import document, read_source
from flowtui.preview.result import Preview
from flowtui.text import plain, plain_block

if TYPE_CHECKING:
    from flowtui.preview.subject import Subject
    from flowtui.preview.worker import Request

_DEEPEST = 100
_MOST_CELLS = 10_000
_MOST_OUTPUT = 100_000
_NAMED = re.compile(r"image/|video/|audio/|application/")


def accepts(subject: Subject) -> bool:
    """Text that calls itself a notebook."""
    return subject.sniffed.encoding is not None and not subject.sniffed.magic and subject.sniffed.is_any("ipynb")


async def show(subject: Subject) -> Preview:
    if not await subject.read_whole():
        # Half a notebook is no JSON; pictures within it make it large.
        raise PreviewError("too large to be shown as a notebook before more of it is read")
    return await subject.workers.show(show_notebook, subject)


def show_notebook(file: BinaryIO, request: Request) -> Preview:
    """The cells of a notebook, its language and its kernel."""
    text = read_source(file, request).text
    if depth_of(text) > _DEEPEST:
        raise PreviewError("nested too deep for a notebook")
    try:
        book = json.loads(text)
    except ValueError as error:
        raise PreviewError(f"not a notebook: {error}") from None
    cells = _cells(book)
    if cells is None:
        raise PreviewError("not a notebook: it has no cells")
    metadata = _map(book.get("metadata"))
    kernel, language = _map(metadata.get("kernelspec")), _map(metadata.get("language_info"))
    name = _text(language.get("name")) or _text(kernel.get("language"))
    facts = [
        ("language", " ".join(part for part in (name, _text(language.get("version"))) if part)),
        ("kernel", _text(kernel.get("display_name")) or _text(kernel.get("name"))),
        ("cells", f"{len(cells):,}"),
    ]
    return document(
        _blocks(cells), request, "ipynb", facts=[(key, plain(value)[:200]) for key, value in facts if value]
    )


def _cells(book: Any) -> list[Any] | None:
    if not isinstance(book, dict):
        return None
    cells = book.get("cells")
    if cells is None and isinstance(book.get("worksheets"), list):
        cells = [cell for sheet in book["worksheets"] for cell in _list(_map(sheet).get("cells"))]
    return cells[:_MOST_CELLS] if isinstance(cells, list) else None


def _blocks(cells: list[Any]) -> Iterator[Block]:
    for cell in map(_map, cells):
        source = _text(cell.get("source", cell.get("input")))
        kind = cell.get("cell_type")
        if kind == "markdown":
            yield from blocks_of_markdown(source)
        elif kind == "heading":
            yield from blocks_of_markdown(f"# {source}")
        elif kind == "code":
            count = cell.get("execution_count", cell.get("prompt_number"))
            yield Rule(f"in [{count if isinstance(count, int) else ' '}]")
            if source:
                yield Verbatim(source, 2)
            outputs = _list(cell.get("outputs"))
            if outputs:
                yield Paragraph("out", tight=False)
            for output in map(_map, outputs):
                yield from _output(output)
        else:
            yield Verbatim(source, 0)


def _output(output: dict[str, Any]) -> Iterator[Block]:
    kind = output.get("output_type")
    if kind == "stream":
        yield Verbatim(_shown(output.get("text")), 2)
    elif kind in ("error", "pyerr"):
        lines = _list(output.get("traceback"))
        trace = "\n".join(_text(line) for line in lines)
        yield Verbatim(plain_block(trace or f"{_text(output.get('ename'))}: {_text(output.get('evalue'))}"), 2)
    else:
        data = _map(output.get("data")) or {
            {"text": "text/plain", "html": "text/html", "png": "image/png", "jpeg": "image/jpeg"}.get(key, key): value
            for key, value in output.items()
            if key not in ("output_type", "metadata", "prompt_number")
        }
        if "text/html" in data and "<table" in (html := _text(data["text/html"])):
            yield from blocks_of_html(html[:_MOST_OUTPUT])
        elif "text/markdown" in data:
            yield from blocks_of_markdown(_text(data["text/markdown"])[:_MOST_OUTPUT])
        elif "text/plain" in data:
            yield Verbatim(_shown(data["text/plain"]), 2)
        for name in data:
            if isinstance(name, str) and _NAMED.match(name):
                yield Paragraph(f"[{plain(name)[:80]}, {len(_text(data[name])):,} characters]", indent=2)


def _shown(value: Any) -> str:
    text = _text(value)
    # A progress bar overwrites its line: its last state counts.
    return plain_block("\n".join(line.rsplit("\r", 1)[-1] for line in text[:_MOST_OUTPUT].split("\n")))


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    """Texts are strings or lists of strings."""
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""
