"""Values of Python that a library gives, as cells of a table: single values as they are, nested ones like JSON."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import math
import uuid
from typing import Any

from flowtui.preview.result import Cell
from flowtui.text import plain

_DEEPEST = 20
_MOST_INTEGER = 1 << 63


def cell_of(value: Any, width: int) -> Cell:
    """A value as a cell of at most ``width`` characters; bytes are hexadecimal, decimals keep their digits."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -_MOST_INTEGER <= value < 2 * _MOST_INTEGER else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value).replace("nan", "NaN")
    text = _single(value, width)
    if text is None:
        text = _nested(value, width + 1, 0)
    return plain(text if len(text) <= width else f"{text[: max(width - 1, 0)]}…")


def _single(value: Any, width: int) -> str | None:
    if isinstance(value, str):
        return value[: width + 1]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"0x{bytes(value[:width]).hex()}"
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    if isinstance(value, dt.datetime | dt.date | dt.time | uuid.UUID):
        return str(value)
    return None


def _nested(value: Any, room: int, depth: int) -> str:
    """A value in about ``room`` characters; what goes beyond it is not looked at."""
    if depth > _DEEPEST or room <= 0:
        return "…"
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, str):
        return json.dumps(value[: room + 1], ensure_ascii=False)
    if (text := _single(value, room)) is not None:
        return text
    if not isinstance(value, dict | list | tuple):
        return str(value)[:room]
    parts: list[str] = []
    members = value.items() if isinstance(value, dict) else ((None, one) for one in value)
    for name, one in members:
        if room <= 0:
            parts.append("…")
            break
        key = "" if name is None else f"{json.dumps(str(name)[:room], ensure_ascii=False)}: "
        parts.append(key + _nested(one, room - len(key), depth + 1))
        room -= len(parts[-1]) + 2
    inner = ", ".join(parts)
    return f"{{{inner}}}" if isinstance(value, dict) else f"[{inner}]"
