"""Previews as plain values, for the pipe between a worker process and its parent.

What a worker sends is foreign: it may have read a file that took it over. Every value is checked for its type and every
string passes ``flowtui.text`` again.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from flowtui.preview.formatted_value import FormattedValue
from flowtui.preview.limits import Limits
from flowtui.preview.result import MOST_VALUE_LABELS, Cell, Column, Image, Preview, TreeNode
from flowtui.preview.special_missing import SpecialMissing, UserMissing
from flowtui.text import plain

_KINDS = ("table", "text", "tree", "image", "hex")
_DEEPEST = 200
_MOST_MISSING_VALUES = 10
_PLAIN = frozenset({float, int, bool, type(None)})
_CELLS = (FormattedValue, SpecialMissing, UserMissing)
_MOST_NAMES = 100_000


class MalformedPreviewError(Exception):
    """A worker sent something that is no preview."""


def pack(preview: Preview) -> dict[str, Any]:
    """A preview as maps, lists, strings, numbers and bytes."""
    # Cells are packed by themselves: most are plain values, of which ``asdict`` would make a deep copy each.
    shape = asdict(replace(preview, rows=()))
    shape["rows"] = [[_packed(cell) if isinstance(cell, _CELLS) else cell for cell in row] for row in preview.rows]
    return shape


def _packed(cell: Cell) -> Any:
    """A cell that is no plain value: a list for a formatted value, a map for one that counts as missing."""
    if isinstance(cell, FormattedValue):
        return [cell.value, cell.text, cell.number]
    if isinstance(cell, UserMissing):
        return {"value": _packed(cell.value)}
    return {"letter": cell.letter} if isinstance(cell, SpecialMissing) else cell


def unpack(shape: Any, limits: Limits) -> Preview:
    """The preview that a worker sent, cut to the limits.

    Raises:
        MalformedPreviewError: it is none.
    """
    try:
        return _preview(shape, limits)
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise MalformedPreviewError("its values are not those of a preview") from error


def _preview(shape: dict[str, Any], limits: Limits) -> Preview:
    if shape["kind"] not in _KINDS:
        raise ValueError("kind")
    columns = tuple(_column(one, limits) for one in shape["columns"][: max(limits.columns, 1)])
    rows = _rows(shape["rows"][: max(limits.rows, 1)], len(columns), limits)
    if any(len(row) != len(columns) for row in rows):
        raise ValueError("rows")
    return Preview(
        kind=shape["kind"],
        columns=columns,
        rows=rows,
        lines=tuple(_text(line, 2 * limits.line) for line in shape["lines"][: max(limits.lines, 1)]),
        tree=None if shape["tree"] is None else _tree(shape["tree"], limits, 0, [limits.nodes]),
        notices=tuple(_text(notice, limits.line) for notice in shape["notices"][:20]),
        total_rows=_count(shape["total_rows"]),
        language=_text(shape["language"], 40),
        more=bool(shape["more"]),
        format=_text(shape["format"], 40),
        image=None if shape["image"] is None else _image(shape["image"], limits),
        facts=tuple((_text(name, 80), _text(value, limits.cell)) for name, value in shape["facts"][:100]),
        page=_count(shape["page"]) or 0,
        pages=_count(shape["pages"]),
        page_names=tuple(_text(name, 80) for name in shape["page_names"][:1000]),
        column_names=tuple(_text(name, limits.cell) for name in shape["column_names"][:_MOST_NAMES]),
    )


def _rows(shape: list[Any], columns: int, limits: Limits) -> tuple[tuple[Cell, ...], ...]:
    # Numbers are most of a table, and dates repeat themselves: neither needs a call for each.
    known: dict[tuple[Any, ...], Cell] = {}

    def special(cell: Any) -> Cell:
        if not isinstance(cell, list):
            return _cell(cell, limits)
        key = tuple(cell)
        if key not in known:
            known[key] = _formatted(cell, limits)
        return known[key]

    return tuple(tuple(cell if type(cell) in _PLAIN else special(cell) for cell in row[:columns]) for row in shape)


def _column(shape: dict[str, Any], limits: Limits) -> Column:
    return Column(
        name=_text(shape["name"], limits.cell),
        type=_text(shape["type"], 20),
        label=_text(shape["label"], limits.cell),
        format=_text(shape["format"], 80),
        nulls=_count(shape["nulls"]),
        least=_cell(shape["least"], limits),
        most=_cell(shape["most"], limits),
        value_labels=tuple(
            (_text(value, limits.cell), _text(label, limits.cell))
            for value, label in shape["value_labels"][:MOST_VALUE_LABELS]
        ),
        missing_values=tuple(_text(one, limits.cell) for one in shape["missing_values"][:_MOST_MISSING_VALUES]),
    )


def _cell(value: Any, limits: Limits) -> Cell:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return _text(value, limits.cell)
    if isinstance(value, list):
        return _formatted(value, limits)
    if isinstance(value, dict):
        return _marked_missing(value, limits)
    return _text(value, limits.cell)


def _formatted(shape: list[Any], limits: Limits) -> FormattedValue:
    value, text, number = shape
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise TypeError("number")
    shown = _text(value, limits.cell)
    return FormattedValue(shown, shown if text == value else _text(text, limits.cell), number)


def _marked_missing(shape: dict[str, Any], limits: Limits) -> SpecialMissing | UserMissing:
    if shape.keys() == {"letter"}:
        return SpecialMissing(_text(shape["letter"], 1))
    if shape.keys() != {"value"}:
        raise ValueError("missing")
    value = _cell(shape["value"], limits)
    if value is None or isinstance(value, bool | SpecialMissing | UserMissing):
        raise ValueError("missing")
    return UserMissing(value)


def _text(value: Any, most: int) -> str:
    if not isinstance(value, str):
        raise TypeError("text")
    return plain(value if len(value) <= max(most, 1) else f"{value[: most - 1]}…")


def _count(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("count")
    return value


def _tree(shape: dict[str, Any], limits: Limits, depth: int, left: list[int]) -> TreeNode:
    if depth > _DEEPEST:
        raise ValueError("depth")
    children = []
    for child in shape["children"]:
        left[0] -= 1
        if left[0] < 0:
            break
        children.append(_tree(child, limits, depth + 1, left))
    return TreeNode(_text(shape["label"], limits.cell), _text(shape["value"], limits.cell), tuple(children))


def _image(shape: dict[str, Any], limits: Limits) -> Image:
    width, height, pixels = _count(shape["width"]), _count(shape["height"]), shape["pixels"]
    full_width, full_height = _count(shape["full_width"]), _count(shape["full_height"])
    if not width or not height or width > limits.pixels or height > limits.pixels or not isinstance(pixels, bytes):
        raise ValueError("image")
    if len(pixels) != 3 * width * height or not full_width or not full_height:
        raise ValueError("pixels")
    return Image(width, height, pixels, full_width, full_height)
