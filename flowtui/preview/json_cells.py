"""Values of JSON as cells of a table and leaves of a tree: a number and its text, ``null`` and ``"null"`` differ."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal

from flowtui.preview.result import Cell
from flowtui.text import plain

_LONGEST_NUMBER = 100
_LOOKS_OTHERWISE = re.compile(
    r'-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?|null|true|false|-?Infinity|NaN|[\[{][0-9,]+…?[\]}]|".*|', re.DOTALL
)
"""Texts that would be taken for another value, or for the summary of a container, if they stood without marks."""


class JsonNumber(str):
    """A number as it stands in the file."""


class JsonObject(list[tuple[str, object]]):
    """The members of an object in their order, double keys included."""


class QuotedText(str):
    """A text among values of other kinds: it is shown in quotation marks, and is the text without them."""

    def __str__(self) -> str:
        return json.dumps(str.__str__(self), ensure_ascii=False)


class NestedJson(str):
    """An array or object as JSON on one line."""


def number_cell(text: str) -> Cell:
    """A number of JSON as one of Python, or its text where that would not be the same value."""
    if len(text) > _LONGEST_NUMBER:
        return text
    if text.lstrip("-").isdecimal() and text != "-0":
        return int(text)
    try:
        found = float(text)
    except ValueError:
        return text
    if not math.isfinite(found) or Decimal(text) != Decimal(repr(found)):
        return text
    return found


def leaf(value: object) -> str:
    """A scalar as it is shown in a tree: a text that reads like another value stands in quotation marks."""
    if isinstance(value, JsonNumber):
        return value
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if _LOOKS_OTHERWISE.fullmatch(plain(value)) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null"


def compact(value: object) -> str:
    """A value on one line, as JSON; depth is bounded by what was parsed."""
    if isinstance(value, JsonObject):
        return "{" + ", ".join(f"{json.dumps(key, ensure_ascii=False)}: {compact(item)}" for key, item in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(compact, value)) + "]"
    if isinstance(value, str) and not isinstance(value, JsonNumber):
        return json.dumps(value, ensure_ascii=False)
    return leaf(value)


def kind_of(value: object) -> str:
    """``integer``, ``number``, ``boolean``, ``text`` or ``nested``; empty for ``null``."""
    if isinstance(value, JsonNumber):
        return "number" if set(value) & set(".eEIN") else "integer"
    if isinstance(value, list):
        return "nested"
    if value is None:
        return ""
    return "boolean" if isinstance(value, bool) else "text"


def cell_of(value: object, width: int, *, is_mixed: bool = False) -> Cell:
    """A value as a cell of a table.

    Args:
        width: characters of a text at most.
        is_mixed: whether its column has values of other kinds, so that texts need marks.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, JsonNumber):
        found = number_cell(value)
        return short(found, width) if isinstance(found, str) else found
    if isinstance(value, list):
        return NestedJson(short(compact(value), width))
    text = short(str(value), width)
    return QuotedText(text) if is_mixed or not text else text


def short(text: str, width: int) -> str:
    """The text on one line in at most ``width`` characters."""
    return plain(text if len(text) <= width else f"{text[: width - 1]}…")


def script_value(cell: NestedJson) -> object:
    """An array or object for scripts; its text where it was cut."""
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return str(cell)
