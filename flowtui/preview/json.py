"""JSON as a tree with its text laid out, and JSON Lines as a table.

Values are shown as they stand in the file: no number is rounded, no double key is lost.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable
from dataclasses import replace

from flowtui.errors import PreviewError
from flowtui.preview.json_beginning import JsonBeginning
from flowtui.preview.json_cells import JsonNumber, JsonObject, cell_of, kind_of, leaf, short
from flowtui.preview.layout import depth_of, lay_out
from flowtui.preview.result import Column, Preview, TreeNode
from flowtui.preview.subject import Subject
from flowtui.preview.text import LINE_BREAK, lines_of

_FORMATS = ("json", "geojson", "ipynb", "webmanifest")
_LINES_FORMATS = ("jsonl", "ndjson", "jsonlines")
DEEPEST = 200
"""Levels of a document that is parsed."""

_BEGINS = re.compile(rb"\s*[\[{]")


def accepts(subject: Subject) -> bool:
    """Text that calls itself JSON, or has no extension and begins like an object or array of JSON."""
    sniffed = subject.sniffed
    if sniffed.encoding is None or sniffed.magic:
        return False
    if sniffed.is_any(*_FORMATS, *_LINES_FORMATS):
        return True
    return not sniffed.formats and bool(_BEGINS.match(subject.head[:1024]))


async def show(subject: Subject) -> Preview:
    await subject.read_whole()
    return await asyncio.to_thread(_show, subject)


def _show(subject: Subject) -> Preview:
    text = subject.text()
    if subject.sniffed.is_any(*_LINES_FORMATS):
        return _lines(subject, text)
    if subject.whole:
        try:
            root = parse(text)
        except PreviewError as error:
            return _records_or_text(subject, text, error)
        return _tree(subject, text, root)
    return _beginning(subject, text)


def _beginning(subject: Subject, text: str) -> Preview:
    """The tree of what was read of a large document, with its text."""
    limits = subject.limits
    source = lines_of(subject, lay_out(text, limits.lines + 1), language="json", family="json")
    found = JsonBeginning(text, nodes=limits.nodes, depth=limits.depth, width=limits.cell)
    if found.tree is None:
        return source
    notices = ["the beginning of a large document, as a tree", *source.notices]
    if found.is_cut:
        notices.append(f"the tree shows the first {found.count:,} values")
    if found.is_deep:
        notices.append(f"levels below {limits.depth} are left out of the tree")
    return replace(source, kind="tree", tree=found.tree, notices=tuple(notices), more=True)


def _records_or_text(subject: Subject, text: str, error: PreviewError) -> Preview:
    """JSON Lines that call themselves JSON are common; else the text says what is wrong."""
    if text.lstrip().startswith("{") and "\n" in text.strip():
        try:
            return _lines(subject, text)
        except PreviewError:
            pass
    shown = lines_of(subject, text, language="json", family="json")
    return replace(shown, notices=(error.message, *shown.notices))


def parse(text: str) -> object:
    """The value of a JSON text. Raises PreviewError where it is not valid, or too deep to be looked at."""
    depth = depth_of(text)
    if depth > DEEPEST:
        raise PreviewError(f"nested {depth:,} levels deep, shown as text")
    try:
        return json.loads(
            text, object_pairs_hook=JsonObject, parse_int=JsonNumber, parse_float=JsonNumber, parse_constant=JsonNumber
        )
    except json.JSONDecodeError as error:
        raise PreviewError(f"not valid JSON: {error.msg} in line {error.lineno:,}") from None


def _tree(subject: Subject, text: str, root: object) -> Preview:
    limits = subject.limits
    builder = JsonTree(limits.nodes, limits.depth, limits.cell)
    tree = builder.node("", root, 0)
    source = lines_of(subject, lay_out(text, limits.lines + 1), language="json")
    notices = list(source.notices)
    if builder.cut:
        notices.append(f"the tree shows the first {builder.count:,} values")
    if builder.deep:
        notices.append(f"levels below {limits.depth} are left out of the tree")
    return Preview(
        kind="tree",
        tree=tree,
        lines=source.lines,
        notices=tuple(notices),
        language="json",
        more=builder.cut or source.more,
        format="json",
    )


class JsonTree:
    """Makes tree nodes of values, up to a number of nodes and levels."""

    def __init__(self, nodes: int, depth: int, width: int) -> None:
        self._nodes = nodes
        self._depth = depth
        self._width = width
        self.count = 0
        self.cut = False
        self.deep = False

    def node(self, label: str, value: object, level: int) -> TreeNode:
        self.count += 1
        name = short(label, self._width)
        if not isinstance(value, list):
            return TreeNode(name, short(leaf(value), self._width))
        members: Iterable[tuple[str, object]]
        if isinstance(value, JsonObject):
            summary, members = f"{{{len(value):,}}}", value
        else:
            summary, members = f"[{len(value):,}]", ((str(index), item) for index, item in enumerate(value))
        if level >= self._depth:
            self.deep = self.deep or bool(value)
            return TreeNode(name, summary)
        children = []
        for key, member in members:
            if self.count >= self._nodes:
                self.cut = True
                break
            children.append(self.node(key, member, level + 1))
        return TreeNode(name, summary, tuple(children))


def _lines(subject: Subject, text: str) -> Preview:
    """A table of the objects of JSON Lines; nested values are shown as JSON. Raises PreviewError for other lines."""
    limits = subject.limits
    lines = LINE_BREAK.split(text)
    if not subject.whole:
        lines.pop()
    total = 0
    names: dict[str, int] = {}
    records: list[dict[str, object]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        total += 1
        if len(records) >= limits.rows:
            continue
        try:
            value = parse(line)
        except PreviewError as error:
            raise PreviewError(f"line {number:,} is {error.message}") from None
        if not isinstance(value, JsonObject):
            raise PreviewError(f"line {number:,} is no JSON object")
        record = dict(value)
        for name in record:
            names.setdefault(name, len(names))
        records.append(record)
    if not records:
        raise PreviewError("no complete line within what was read")
    shown = list(names)[: limits.columns]
    kinds = [{kind_of(record.get(name)) for record in records} - {""} for name in shown]
    mixture = ["text" in found and len(found) > 1 for found in kinds]
    records = records[: max(limits.cells // max(len(shown), 1), 1)]
    notices = subject.text_notices()
    if len(records) < total or not subject.whole:
        notices.append(f"first {len(records):,} of {total:,} rows" if subject.whole else f"first {len(records):,} rows")
    if not subject.whole:
        notices.append(subject.amount())
    if len(shown) < len(names):
        notices.append(f"first {len(shown):,} of {len(names):,} columns")
    return Preview(
        kind="table",
        columns=tuple(
            Column(short(name, limits.cell) or " ", _column_type(found))
            for name, found in zip(shown, kinds, strict=True)
        ),
        rows=tuple(
            tuple(
                cell_of(record.get(name), limits.cell, is_mixed=mixed)
                for name, mixed in zip(shown, mixture, strict=True)
            )
            for record in records
        ),
        notices=tuple(notices),
        total_rows=total if subject.whole else None,
        more=len(records) < total or not subject.whole,
        format="jsonl",
    )


def _column_type(kinds: set[str]) -> str:
    if kinds == {"integer", "number"}:
        return "number"
    found = next(iter(kinds)) if len(kinds) == 1 else "text" if kinds else ""
    return "text" if found == "nested" else found
