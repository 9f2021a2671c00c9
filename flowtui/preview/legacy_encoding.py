"""The encoding of text that is not Unicode: a guess from its bytes."""

from __future__ import annotations

import re

_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_SAMPLE = 16 * 1024
_MOST_SINGLE = 0.8
_LATIN_9_LETTERS = re.compile(rb"[A-Za-z\xc0-\xff][\xa6\xa8\xb4\xb8\xbc\xbd\xbe](?=[A-Za-z\xc0-\xff])")
_CANDIDATES = ["cp932", "euc_jp", "gb18030", "big5", "cp949", "cp1251", "koi8_r"]


def legacy_encoding(sample: bytes) -> str:
    """``cp1252``, ``iso8859_15`` or, for other scripts, ``cp932``, ``gb18030``, ``cp1251``, ...; never none.

    In western languages a letter beyond ASCII stands alone; in others they come in runs, and charset-normalizer weighs
    which of the usual encodings makes most sense of them.
    """
    lines = b"\n".join(line for line in sample.splitlines()[:-1] or [sample] if not line.isascii())[:_SAMPLE]
    # A character that is cut at the end would rule its encoding out.
    lines = lines[: lines.rfind(b"\n")] if b"\n" in lines else lines
    runs = _HIGH_RUN.findall(lines or sample)
    single = sum(len(run) == 1 for run in runs)
    if single <= len(runs) * _MOST_SINGLE and (found := _other_script(lines or sample)):
        return found
    if not re.search(rb"[\x80-\x9f]", sample) and (b"\xa4" in sample or _LATIN_9_LETTERS.search(sample)):
        # What Windows has in this range are controls in Latin-9, whose euro sign is Latin-1's rare currency sign.
        return "iso8859_15"
    return "cp1252"


def _other_script(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=_CANDIDATES).best()
    return best.encoding if best else ""
