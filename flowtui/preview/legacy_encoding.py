"""The encoding of text that is not Unicode: a guess from its bytes."""

from __future__ import annotations

import re

_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_WESTERN_RUN = re.compile(
    rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])"
    rb"|(?<=[A-Za-z])[\x80-\xff]{2}(?![\x80-\xff])"
    rb"|(?<![\x80-\xff])[\x80-\xff]{2}(?=[A-Za-z])"
)
_ODD = re.compile(rb"[\x81\x83\x86-\x89\x8b\x8d\x8f\x90\x98\x9b\x9d]")
"""What Windows-1252 has no character for, or one that is rare."""

_SAMPLE = 16 * 1024
_LEAST_WESTERN = 0.5
_MOST_ODD = 0.1
_KANA = ((re.compile(rb"[\x82\x83]"), "cp932"), (re.compile(rb"[\xa4\xa5][\xa1-\xf6]"), "euc_jp"))
_LEAST_KANA = 0.15
_LATIN_9_LETTERS = re.compile(rb"[A-Za-z\xc0-\xff][\xa6\xa8\xb4\xb8\xbc\xbd\xbe](?=[A-Za-z\xc0-\xff])")
_CANDIDATES = ["cp932", "euc_jp", "gb18030", "big5", "cp949", "cp1251", "koi8_r"]


def legacy_encoding(sample: bytes) -> str:
    """``cp1252``, ``iso8859_15`` or, for other scripts, ``cp932``, ``gb18030``, ``cp1251``, ...; never none.

    In western languages letters beyond ASCII stand alone, or as two beside others. In other languages they come in
    runs: Japanese is known by its syllables, for the rest charset-normalizer weighs which encoding makes most sense.
    """
    lines = b"\n".join(line for line in sample.splitlines()[:-1] or [sample] if not line.isascii())[:_SAMPLE]
    # A character that is cut at the end would rule its encoding out.
    lines = (lines[: lines.rfind(b"\n")] if b"\n" in lines else lines) or sample
    runs = _HIGH_RUN.findall(lines)
    high = sum(map(len, runs))
    for kana, encoding in _KANA:
        if len(kana.findall(lines)) > high / 2 * _LEAST_KANA and _fits(lines, encoding):
            return encoding
    is_western = (
        len(_WESTERN_RUN.findall(lines)) >= len(runs) * _LEAST_WESTERN and len(_ODD.findall(lines)) <= high * _MOST_ODD
    )
    if not is_western and (found := _other_script(lines)):
        return found
    if not re.search(rb"[\x80-\x9f]", sample) and (b"\xa4" in sample or _LATIN_9_LETTERS.search(sample)):
        # What Windows has in this range are controls in Latin-9, whose euro sign is Latin-1's rare currency sign.
        return "iso8859_15"
    return "cp1252"


def _fits(sample: bytes, encoding: str) -> bool:
    try:
        sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _other_script(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=_CANDIDATES).best()
    return best.encoding if best else ""
