"""Which compressed stream a file begins with, by its first bytes.

zlib and the older LZMA have no signature: what their headers may say is checked, and of zlib the first bytes are
unpacked. joblib before 0.10 wrote ``ZF``, the unpacked length in hex, padded to 19 characters (20 with Python 2), and a
zlib stream (``joblib/numpy_pickle_compat.py``).
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

_SIGNATURES = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"(\xb5/\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
)
_OLD_JOBLIB = re.compile(rb"ZF(?=.{19})0x[0-9a-f]{1,17}L? {0,17}", re.DOTALL)
_OLD_JOBLIB_HEADER = 21
_ZLIB_LEVELS = b"\x01\x5e\x9c\xda"
_TRIED = 4096
_MOST_LZMA = 1 << 38
_DICTIONARIES = frozenset([0xFFFFFFFF, *(size for bit in range(12, 32) for size in (1 << bit, 3 << (bit - 1)))])
"""Sizes of the dictionary that encoders write: powers of two, and the sums of two neighbours of them."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A compressed stream.

    Attributes:
        kind: a key of :data:`flowtui.preview.unpacked.DECOMPRESSORS`.
        start: where it begins in the file, in bytes.
        words: what it is called.
    """

    kind: str
    start: int
    words: str


def stream_of(head: bytes, *, is_text: bool = False) -> Stream | None:
    """The compressed stream that a file begins with; None where it begins with none.

    Args:
        is_text: the first bytes are text, of which a zlib stream is not guessed.
    """
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return Stream(kind, 0, kind)
    if _OLD_JOBLIB.match(head):
        # joblib 0.8.4 with Python 2 wrote one blank more.
        start = _OLD_JOBLIB_HEADER + (head[_OLD_JOBLIB_HEADER : _OLD_JOBLIB_HEADER + 1] == b" ")
        return Stream("zlib", start, "zlib (ZF, joblib before 0.10)") if _is_zlib(head[start:]) else None
    if not is_text and _is_zlib(head):
        return Stream("zlib", 0, "zlib")
    return Stream("lzma", 0, "lzma") if _is_lzma(head) else None


def _is_zlib(data: bytes) -> bool:
    """A zlib header (RFC 1950, with the usual window), and a stream behind it that begins to unpack."""
    if data[:1] != b"x" or data[1:2] not in (bytes((level,)) for level in _ZLIB_LEVELS):
        return False
    try:
        return bool(zlib.decompressobj().decompress(data[:_TRIED], _TRIED))
    except zlib.error:
        return False


def _is_lzma(data: bytes) -> bool:
    """The header of an ``.lzma`` file as xz-utils judges it: usual properties, size of dictionary and of content."""
    if len(data) < 14 or data[0] != 0x5D:
        return False
    dictionary, size = int.from_bytes(data[1:5], "little"), int.from_bytes(data[5:13], "little")
    is_bounded = size == (1 << 64) - 1 or size < _MOST_LZMA
    # The first byte of its range coder is always 0.
    return dictionary in _DICTIONARIES and is_bounded and data[13] == 0
