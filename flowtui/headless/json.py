"""JSON for scripts: the true strings, escaped so that no byte of them can act on a terminal."""

from __future__ import annotations

import json
import math
import unicodedata
from datetime import datetime, timezone

from flowtui.preview.formatted_value import FormattedValue
from flowtui.preview.json_cells import NestedJson, script_value
from flowtui.preview.special_missing import SpecialMissing, UserMissing

_ACTIVE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def dumps(value: object) -> str:
    """The value as indented JSON with a line break at the end.

    Readable characters stay; control codes, direction overrides and lone surrogates become ``\\uXXXX``, which is the
    same string to a parser.

    Raises:
        TypeError, ValueError: the value is none that JSON can hold (NaN is not).
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    if not text.isascii() or "\x7f" in text:
        text = "".join(_escape(char) for char in text)
    return text + "\n"


def _escape(char: str) -> str:
    if (char.isascii() and char != "\x7f") or unicodedata.category(char) not in _ACTIVE:
        return char
    code = ord(char)
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def instant(time: datetime | None) -> str | None:
    """RFC 3339 in UTC with microseconds, ``2026-11-23T17:09:51.373859Z``."""
    if time is None:
        return None
    return time.astimezone(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


def cell_value(cell: object) -> object:
    """A value of a table: JSON has no NaN and no infinity, a date is one of ISO 8601 whatever its format, a special
    missing value is ``".A"``, a user-missing one is its value, since its column tells which values are missing."""
    if isinstance(cell, float) and not math.isfinite(cell):
        return None
    if isinstance(cell, FormattedValue):
        return cell.value
    if isinstance(cell, NestedJson):
        return script_value(cell)
    if isinstance(cell, SpecialMissing):
        return str(cell)
    return cell_value(cell.value) if isinstance(cell, UserMissing) else cell
