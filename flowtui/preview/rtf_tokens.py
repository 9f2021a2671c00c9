"""RTF as tokens: control words, characters and groups, in linear time (Rich Text Format Specification 1.9.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"\\([A-Za-z]{1,32})(-?[0-9]{1,10})? ?"  # control word with its number
    r"|\\'([0-9A-Fa-f]{2})"  # a byte
    r"|\\([^A-Za-z])"  # control symbol
    r"|([{}])"
    r"|([^\\{}\r\n]+)",
    re.DOTALL,
)

WORD, BYTE, SYMBOL, OPEN, CLOSE, TEXT = range(6)


class Token(NamedTuple):
    """A token.

    Attributes:
        kind: one of the constants above.
        text: the control word, the symbol or the text; the character of that number for a byte.
        number: of a control word, None without one.
    """

    kind: int
    text: str
    number: int | None = None


def tokens(source: str) -> Iterator[Token]:
    """The tokens of RTF whose bytes were decoded as Latin-1; binary data is left out."""
    at = 0
    end = len(source)
    while at < end:
        found = _TOKEN.match(source, at)
        if found is None:
            at += 1  # a line break, or a backslash at the end of what was read
            continue
        at = found.end()
        word, number, byte, symbol, brace, text = found.groups()
        if text is not None:
            yield Token(TEXT, text)
        elif word is not None:
            value = int(number) if number else None
            if word == "bin":
                at += max(value or 0, 0)
                continue
            yield Token(WORD, word, value)
        elif byte is not None:
            yield Token(BYTE, chr(int(byte, 16)))
        elif brace is not None:
            yield Token(OPEN if brace == "{" else CLOSE, brace)
        else:
            yield Token(SYMBOL, symbol)


CHARSETS = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 134: "gbk", 136: "big5", 161: "cp1253", 162: "cp1254",
    163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
    255: "cp437",
}  # fmt: skip
"""Code page by ``\\fcharset``; others have the document's."""

SYMBOL_CHARSET = 2
SYMBOLS = {
    0xA3: "≤", 0xA5: "∞", 0xB1: "±", 0xB3: "≥", 0xB4: "×", 0xB7: "•", 0xB8: "÷", 0xB9: "≠", 0xBB: "≈", 0xAE: "→",
    0x61: "α", 0x62: "β", 0x63: "χ", 0x64: "δ", 0x65: "ε", 0x67: "γ", 0x6B: "κ", 0x6C: "λ", 0x6D: "μ", 0x70: "π",
    0x72: "ρ", 0x73: "σ", 0x74: "τ", 0x44: "Δ", 0x53: "Σ", 0x57: "Ω", 0xD6: "√",
}  # fmt: skip
"""Characters of the font Symbol that tables have."""

NAMED = {
    "tab": "\t", "line": "\n", "emdash": "—", "endash": "–", "bullet": "•", "lquote": "‘", "rquote": "’",
    "ldblquote": "“", "rdblquote": "”", "emspace": " ", "enspace": " ", "qmspace": " ", "softline": "\n",
}  # fmt: skip
"""Control words that are characters."""

SUPERSCRIPTS = str.maketrans(
    "0123456789+-()abcdefghijklmnoprstuvwxyz",
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ",
)


def code_page(number: int | None) -> str:
    """Python's name of a Windows code page; Windows-1252 where it is not known."""
    import codecs

    name = {10000: "mac_roman", 65001: "utf-8"}.get(number or 1252, f"cp{number or 1252}")
    try:
        codecs.lookup(name)
    except LookupError:
        return "cp1252"
    return name
