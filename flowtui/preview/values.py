"""The type of values that stand in a file as text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

MISSING = frozenset({"", ".", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"})
"""Texts that stand for a missing value; ``.`` is SAS's."""

_LONGEST = 64
_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]{0,2}(,[0-9]{3})+|[1-9][0-9]*)")
_NUMBER = re.compile(r"[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?[Ii]nf(inity)?")
_DATE = re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9]|[0-3]?[0-9][A-Za-z]{3}[0-9]{4}|[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}")
_DATETIME = re.compile(
    r"[0-9]{4}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-5][0-9](:[0-6][0-9]([.,][0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
    r"|[0-3]?[0-9][A-Za-z]{3}[0-9]{4}:[0-2][0-9]:[0-5][0-9]:[0-6][0-9](\.[0-9]+)?"
)
_TIME = re.compile(r"[0-2]?[0-9]:[0-5][0-9](:[0-6][0-9](\.[0-9]+)?)?")
_PATTERNS = (
    ("integer", _INTEGER),
    ("number", _NUMBER),
    ("date", _DATE),
    ("datetime", _DATETIME),
    ("time", _TIME),
)
HEADER_ROWS = 200
"""Rows that are looked at to tell a header."""

_BOOLEANS = frozenset({"true", "false"})


def type_of(value: str) -> str:
    """``integer``, ``number``, ``boolean``, ``date``, ``datetime``, ``time``, ``text``, or empty where it is missing.

    A number with leading zeros is text: it is an identifier.
    """
    value = value.strip() if len(value) <= 2 * _LONGEST else value
    if value in MISSING:
        return ""
    if len(value) <= _LONGEST:
        for name, pattern in _PATTERNS:
            if pattern.fullmatch(value):
                return name
        if value.lower() in _BOOLEANS:
            return "boolean"
    return "text"


def type_of_all(values: Iterable[str]) -> str:
    """The one type that all present values have; integers among numbers are numbers, any other mixture is text."""
    found = ""
    for value in values:
        kind = type_of(value)
        if not kind or kind == found:
            continue
        if not found:
            found = kind
        elif {found, kind} == {"integer", "number"}:
            found = "number"
        elif {found, kind} == {"date", "datetime"}:
            found = "datetime"
        else:
            return "text"
    return found


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """True where the first row names the columns: no value in it, and no name twice among those of a text table."""
    first = [cell.strip() for cell in rows[0]]
    kinds = [type_of(cell) for cell in first]
    if not any(first) or any(kind not in ("", "text") for kind in kinds):
        return False
    below = rows[1:HEADER_ROWS]
    if not below:
        return True
    typed = any(
        type_of_all(row[index] for row in below if index < len(row)) not in ("", "text") for index in range(len(first))
    )
    if typed:
        return True
    named = [cell for cell in first if cell]
    if len(set(named)) < len(named):
        return False
    return not any(
        cell and all(index < len(row) and row[index] == cell for row in below) for index, cell in enumerate(first)
    )
