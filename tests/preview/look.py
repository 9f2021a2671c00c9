"""Previews of content that a test gives, through a real file."""

from __future__ import annotations

import tempfile
import unicodedata
from dataclasses import fields
from pathlib import Path

from flowtui.headless.json import cell_value
from flowtui.preview.formatted_value import FormattedValue
from flowtui.preview.limits import DEFAULT, Limits
from flowtui.preview.registry import preview
from flowtui.preview.result import Preview, TreeNode
from flowtui.preview.special_missing import MARKED_MISSING
from flowtui.preview.workers import Workers
from flowtui.storage import Storage
from tests.trusting import TrustsAll


async def look(
    content: bytes, name: str, format_: str = "", limits: Limits = DEFAULT, workers: Workers | None = None
) -> Preview:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        return await look_at(Path(file.name), name, format_, limits, workers)


async def look_at(
    path: Path, name: str, format_: str = "", limits: Limits = DEFAULT, workers: Workers | None = None
) -> Preview:
    async with Storage(TrustsAll()) as storage, storage.open(str(path)) as reader:
        return await preview(reader, name=name, format=format_, limits=limits, workers=workers)


def values_of(found: Preview) -> tuple[tuple[object, ...], ...]:
    """The rows as ``--json`` has them: dates of ISO 8601, special missing values as texts."""
    return tuple(tuple(map(cell_value, row)) for row in found.rows)


def texts_of(found: Preview) -> tuple[tuple[str, ...], ...]:
    """The rows as a screen has them: dates as their program prints them."""
    return tuple(tuple("" if cell is None else str(cell) for cell in row) for row in found.rows)


def strings(found: Preview) -> list[str]:
    """Every string of a preview."""
    gathered = [*found.lines, *found.notices, found.language, found.format]
    for column in found.columns:
        gathered += [str(getattr(column, field.name)) for field in fields(column)]
    cells = [cell for row in found.rows for cell in row]
    gathered += [str(cell) for cell in cells if isinstance(cell, (str, FormattedValue, *MARKED_MISSING))]
    gathered += [cell.value for cell in cells if isinstance(cell, FormattedValue)]
    gathered += [text for column in found.columns for text in column.missing_values]
    gathered += [*found.page_names, *(part for fact in found.facts for part in fact)]
    nodes: list[TreeNode] = [found.tree] if found.tree else []
    while nodes:
        node = nodes.pop()
        gathered += [node.label, node.value]
        nodes += node.children
    return gathered


_BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_FIXED_LEVELS = 4


def violations(found: Preview, limits: Limits) -> list[str]:
    """What a preview says that it must not: control codes, and more than its limits allow."""
    wrong = []
    for text in strings(found):
        bad = [char for char in text if unicodedata.category(char) in ("Cc", "Zl", "Zp") or char in _BIDI]
        if bad:
            wrong.append(f"{bad[:5]!r} in {text[:80]!r}")
    rows, columns, lines = max(limits.rows, 1), max(limits.columns, 1), max(limits.lines, 1)
    if len(found.lines) > lines or len(found.rows) > rows or len(found.columns) > columns:
        wrong.append(f"{len(found.lines)} lines, {len(found.rows)} rows, {len(found.columns)} columns")
    if any(len(row) != len(found.columns) for row in found.rows):
        wrong.append("rows of another width than the columns")
    if found.kind != "hex" and any(len(line) > 4 * limits.line for line in found.lines):
        wrong.append("a line that is too long")
    cells = [cell for row in found.rows for cell in row if isinstance(cell, str)]
    nodes, levels = 0, 0
    stack = [(found.tree, 1)] if found.tree else []
    while stack:
        node, level = stack.pop()
        nodes, levels = nodes + 1, max(levels, level)
        cells += [node.label, node.value]
        stack += [(child, level + 1) for child in node.children]
    if nodes > max(limits.nodes, 1) or levels > max(limits.depth + 1, _FIXED_LEVELS):
        wrong.append(f"{nodes} nodes in {levels} levels")
    cells += [value for _, value in found.facts]
    if any(len(cell) > max(limits.cell, 40) for cell in cells):
        wrong.append("a cell that is too long")
    if len(found.notices) > 40 or any(len(notice) > 4000 for notice in found.notices):
        wrong.append("too long or too many notices")
    return wrong
