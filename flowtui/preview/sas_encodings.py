"""The encodings that SAS datasets tell by a number, and their texts decoded.

The numbers are those of "Encodings for SAS Data Sets" in the documentation of SAS DataFlux (its column CEI), and of
datasets that were written in each encoding. Where SAS's name is that of a standard of East Asia, what SAS writes is its
superset of Windows: ``shift-jis`` is code page 932, ``euc-jp`` holds NEC's and IBM's characters too, ``big5`` is code
page 950, ``euc-kr`` 949, ``euc-cn`` 936.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from functools import cache
from typing import Literal

Fault = Literal["", "windows", "utf-8", "lost"]
"""What befell a text: nothing; it has bytes of a Windows code page that are none of its encoding; it would be UTF-8
although its encoding is another; or it has bytes that are no characters, which are shown as U+FFFD."""

LOST = "\ufffd"
_ASCII = 0x80
_EUC_JP = "euc-jp of Windows"

_CODES: dict[int, tuple[str, str]] = {
    20: ("utf-8", "utf-8"), 28: ("us-ascii", "ascii"), 29: ("latin1", "latin-1"), 30: ("latin2", "iso8859-2"),
    31: ("latin3", "iso8859-3"), 32: ("latin4", "iso8859-4"), 33: ("cyrillic", "iso8859-5"),
    34: ("arabic", "iso8859-6"), 35: ("greek", "iso8859-7"), 36: ("hebrew", "iso8859-8"), 37: ("latin5", "iso8859-9"),
    38: ("latin6", "iso8859-10"), 39: ("thai", "iso8859-11"), 40: ("latin9", "iso8859-15"), 41: ("pcoem437", "cp437"),
    42: ("pcoem850", "cp850"), 43: ("pcoem852", "cp852"), 44: ("pcoem857", "cp857"), 45: ("pcoem858", "cp858"),
    46: ("pcoem862", "cp862"), 47: ("pcoem864", "cp864"), 48: ("pcoem865", "cp865"), 49: ("pcoem866", "cp866"),
    50: ("pcoem869", "cp869"), 51: ("pcoem874", "cp874"), 52: ("pcoem921", ""), 53: ("pcoem922", ""),
    54: ("pcoem1129", ""), 55: ("msdos720", "cp720"), 56: ("msdos737", "cp737"), 57: ("msdos775", "cp775"),
    58: ("pcoem860", "cp860"), 59: ("pcoem863", "cp863"), 60: ("wlatin2", "cp1250"), 61: ("wcyrillic", "cp1251"),
    62: ("wlatin1", "cp1252"), 63: ("wgreek", "cp1253"), 64: ("wturkish", "cp1254"), 65: ("whebrew", "cp1255"),
    66: ("warabic", "cp1256"), 67: ("wbaltic", "cp1257"), 68: ("wvietnamese", "cp1258"), 69: ("aroman", "mac-roman"),
    70: ("aarabic", "mac-arabic"), 71: ("ahebrew", ""), 72: ("agreek", "mac-greek"), 73: ("athai", ""),
    75: ("aturkish", "mac-turkish"), 76: ("aukrainian", "mac-cyrillic"), 118: ("ms-950", "cp950"), 119: ("euc-tw", ""),
    123: ("big5", "cp950"), 125: ("euc-cn", "gb18030"), 126: ("ms-936", "gb18030"), 128: ("pcibm-1381", ""),
    134: ("euc-jp", _EUC_JP), 136: ("ms-932", "cp932"), 137: ("pcibm-942", "cp932"), 138: ("shift-jis", "cp932"),
    140: ("euc-kr", "cp949"), 141: ("ms-949", "cp949"), 142: ("pcibm-949", "cp949"), 163: ("aiceland", "mac-iceland"),
    167: ("iso-2022-jp", "iso2022_jp_ext"), 168: ("iso-2022-kr", "iso2022_kr"), 169: ("iso-2022-cn", ""),
    172: ("iso-2022-cn-ext", ""), 205: ("gb18030", "gb18030"), 227: ("latin8", "iso8859-14"),
    242: ("latin7", "iso8859-13"), 245: ("acroatian", "mac-croatian"), 246: ("acyrillic", "mac-cyrillic"),
    247: ("aromanian", "mac-romanian"), 248: ("shift-jisx0213", "shift_jisx0213"),
}  # fmt: skip
"""SAS's name and Python's by the number; empty where Python has no codec."""

_UNSAID = (0, 204)

_WINDOWS = {
    "latin-1": "cp1252", "iso8859-15": "cp1252", "iso8859-14": "cp1252", "iso8859-2": "cp1250", "iso8859-3": "cp1254",
    "iso8859-4": "cp1257", "iso8859-5": "cp1251", "iso8859-6": "cp1256", "iso8859-7": "cp1253", "iso8859-8": "cp1255",
    "iso8859-9": "cp1254", "iso8859-10": "cp1257", "iso8859-11": "cp874", "iso8859-13": "cp1257",
}  # fmt: skip
"""The Windows code page whose bytes 80 to 9F, quotes and dashes most of them, stand in files of an ISO encoding."""

_SINGLE = frozenset(("cp1250", "cp1252", "cp1254", "mac-roman"))
"""Code pages of the Latin script in which no word looks like UTF-8."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the texts of a dataset are encoded.

    Attributes:
        name: for a person: SAS's name, with Python's where it is another.
        codec: Python's name; empty where it has none, then what is not ASCII is shown as U+FFFD.
        windows: the code page whose bytes may stand beside it, empty for none.
    """

    name: str
    codec: str
    windows: str = ""

    def decode(self, value: bytes) -> tuple[str, Fault]:
        """A text without the blanks that fill it, and what befell it."""
        value = value.rstrip(b" \0")
        if self.codec == _EUC_JP:
            text = _euc_jp(value)
        else:
            text = value.decode(self.windows if self.codec == "ascii" else self.codec or "ascii", errors=_REPLACE)
        if value.isascii():
            return text, ""
        if self.windows or self.codec in _SINGLE:
            changed = text.translate(_controls(self.windows)) if self.windows else text
            if _is_utf8(value):
                return changed, "utf-8"
            if changed != text or self.codec == "ascii":
                return changed, "lost" if LOST in changed else "windows"
        return text, "lost" if LOST in text else ""

    def text(self, value: bytes) -> str:
        """A text without the blanks around it."""
        return self.decode(value)[0].strip(" \0")


def encoding_of(code: int) -> Encoding:
    """The encoding that byte 70 of a dataset's header tells."""
    if code in _UNSAID:
        return Encoding("cp1252 (the file does not say)", "cp1252")
    name, codec = _CODES.get(code, (f"number {code} of SAS", ""))
    if codec == "ascii":
        return Encoding(name, codec, "cp1252")
    said = name if _bare(name) == _bare(codec) or not codec or codec == _EUC_JP else f"{name} ({codec})"
    return Encoding(said, codec, _WINDOWS.get(codec, ""))


def _is_utf8(value: bytes) -> bool:
    """Whether a text that is not ASCII is UTF-8, which no text of another encoding is but by chance."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _bare(name: str) -> str:
    return name.replace("-", "").replace("_", "").replace("iso8859", "iso")


@cache
def _controls(codec: str) -> dict[int, str]:
    """What stands for each control character of C1, which no text of a dataset has."""
    return {code: bytes([code]).decode(codec, errors="replace") for code in range(_ASCII, 0xA0)}


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """U+FFFD for what is no character; the euro sign, which code page 936 has in the one place that is left there."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    if error.encoding == "gb18030" and error.object[error.start] == 0x80:
        return "\u20ac", error.start + 1
    return LOST, error.end


_REPLACE = "flowtui.sas"
codecs.register_error(_REPLACE, _replaced)


def _euc_jp(value: bytes) -> str:
    """EUC with the characters of code page 932, as Windows has it; JIS X 0212 behind 8F, half-width katakana behind 8E.

    Python's own codec has neither NEC's row 13 nor its copy of IBM's characters.
    """
    found: list[str] = []
    at = 0
    while at < len(value):
        first = value[at]
        length = 1 if first < _ASCII else 3 if first == 0x8F else 2
        part = value[at : at + length]
        if first < _ASCII:
            found.append(chr(first))
        elif len(part) < length or not _is_character(part):
            found.append(LOST)
            length = 1
        elif first == 0x8F:
            found.append(part.decode("euc_jp", errors="replace"))
        elif first == 0x8E:
            found.append(part[1:].decode("cp932", errors="replace"))
        else:
            found.append(_shift_jis(part).decode("cp932", errors="replace"))
        at += length
    return "".join(found)


def _is_character(part: bytes) -> bool:
    is_begun = part[0] in (0x8E, 0x8F) or 0xA1 <= part[0] <= 0xFE
    return is_begun and all(0xA1 <= byte <= 0xFE for byte in part[1:])


def _shift_jis(part: bytes) -> bytes:
    """The two bytes of Shift-JIS for two bytes of EUC."""
    row, cell = part[0] - 0xA1, part[1] - 0xA1
    first = row // 2 + (0x81 if row < 62 else 0xC1)
    second = cell + 0x9F if row % 2 else cell + 0x40 + (cell >= 63)
    return bytes((first, second))
