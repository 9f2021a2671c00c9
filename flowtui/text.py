"""The one door for foreign text.

Names, URIs, file contents and server messages pass one of these functions before a screen, a terminal or a file
system sees them. The results hold no control code and no direction override, so that a file name cannot move the
cursor, colour the terminal or show itself reversed; they are plain text and must not be parsed as markup.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|\x1b[\]PX^_].*?(?:\x1b\\|\x07|\x9c)"  # OSC, DCS, SOS, PM, APC up to their end
    r"|\x9b[0-?]*[ -/]*[@-~]"
    r"|\x1b[ -/]*[0-~]",
    re.DOTALL,
)
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")
_FILE_NAME_BYTES = 255


def _visible(char: str, keep: str) -> str:
    if char in keep:
        return char
    if char in _BIDI:
        return ""
    category = unicodedata.category(char)
    if category in ("Cc", "Zl", "Zp"):
        return " " if char in "\t\n\v\f\r\x85\u2028\u2029" else ""
    if category in ("Cs", "Co", "Cn"):
        return "\ufffd"
    return "" if category == "Cf" and char != "\u200d" else char


def _clean(text: str, keep: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(char, keep) for char in _ANSI.sub("", text))


def plain(text: object) -> str:
    """One line of text without control codes: line breaks and tabs become blanks."""
    return _clean(str(text), "")


def plain_block(text: object) -> str:
    """Text of several lines without control codes: ``\\n`` is kept, ``\\r\\n`` and ``\\r`` become it, tabs stay."""
    return _clean(str(text).replace("\r\n", "\n").replace("\r", "\n"), "\n\t")


def cut(text: str, width: int) -> str:
    """The text on one line in at most ``width`` characters: a long one loses its end."""
    return plain(text if len(text) <= width else f"{text[: max(width - 1, 0)]}…")


def middle(text: object, width: int) -> str:
    """The text in at most ``width`` characters: a long one is cut in the middle, so that both ends show."""
    line = plain(text)
    if len(line) <= width:
        return line
    if width <= 1:
        return line[: max(width, 0)]
    head = width // 2
    tail = width - 1 - head
    return f"{line[:head]}…{line[-tail:] if tail else ''}"


def first_line(text: object) -> str:
    """The first line that says something, without control codes; empty where there is none."""
    for line in str(text).splitlines():
        cleaned = plain(line).strip()
        if cleaned:
            return cleaned
    return ""


def last_line(text: object) -> str:
    """The last line that says something, without control codes; empty where there is none."""
    for line in reversed(str(text).splitlines()):
        cleaned = plain(line).strip()
        if cleaned:
            return cleaned
    return ""


@lru_cache(maxsize=16_384)
def file_name(text: object) -> str:
    """One part of a path made of a foreign name: never empty, ``.``, ``..`` or more than one part.

    Slashes, backslashes and what Windows reserves become ``_``; the result fits in 255 bytes of UTF-8 and keeps its
    extension. Two names may give one part: who writes files must look for that.
    """
    cleaned = re.sub(r'[/\\:*?"<>|]', "_", plain(text)).strip().rstrip(". ")
    cleaned = re.sub(r"^\.+", lambda dots: "_" * len(dots.group()), cleaned)
    if _RESERVED.match(cleaned):
        cleaned = f"_{cleaned}"
    if not cleaned:
        return "_"
    if len(cleaned.encode()) <= _FILE_NAME_BYTES:
        return cleaned
    stem, dot, extension = cleaned.rpartition(".")
    suffix = f"{dot}{extension}" if stem and len(extension.encode()) <= 16 else ""
    room = _FILE_NAME_BYTES - len(suffix.encode())
    head = cleaned[: len(cleaned) - len(suffix)].encode()[:room].decode(errors="ignore")
    return (head.rstrip(". ") + suffix).rstrip(". ") or "_"


def cells(text: str) -> int:
    """How many cells of a terminal a text without control codes takes."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(char) for char in text)


def _cells_of(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
