"""JSON text laid out with indentation, token by token, so that a cut or broken text can be laid out too."""

from __future__ import annotations

import re

TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{},:]|[^\s\[\]{},:"]+', re.DOTALL)
"""One token of JSON: a string, a bracket or mark, or a word; unclosed strings too."""

_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)
_INDENT = "  "
_DEEPEST_INDENT = 60


def depth_of(text: str) -> int:
    """How many brackets of a JSON text are open at once, at most; brackets within strings do not count."""
    depth = deepest = 0
    for token in _BRACKET.finditer(text):
        first = text[token.start()]
        if first in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in "]}":
            depth -= 1
    return deepest


def lay_out(text: str, most_lines: int) -> str:
    """The first ``most_lines`` lines of JSON text with one value per line; tokens stay as they stand."""
    lines: list[str] = []
    line: list[str] = []
    depth = 0

    def end_line() -> None:
        lines.append("".join(line))
        line[:] = [_INDENT * max(min(depth, _DEEPEST_INDENT), 0)]

    opened = False
    for token in TOKEN.finditer(text):
        if len(lines) >= most_lines:
            return "\n".join(lines)
        word = token.group()
        if word in ("]", "}"):
            depth -= 1
            if not opened:
                end_line()
            line.append(word)
            opened = False
            continue
        if opened:
            end_line()
            opened = False
        if word in ("[", "{"):
            line.append(word)
            depth += 1
            opened = True
        elif word == ",":
            line.append(word)
            end_line()
        else:
            line.append(": " if word == ":" else word)
    lines.append("".join(line))
    return "\n".join(lines)
