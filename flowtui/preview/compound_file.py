"""Streams of a compound file ([MS-CFB], OLE2): a file system of sectors in one file."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from flowtui.errors import PreviewError

_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LAST = 0xFFFFFFFA
"""Sector numbers from here on are marks: free, end of a chain, of the tables themselves."""

_STREAM, _ROOT = 2, 5
_ENTRY = 128


def stream_of(content: bytes, names: Sequence[str]) -> bytes:
    """The first of these streams that the root has.

    Raises:
        PreviewError: it has none, or is damaged.
    """
    try:
        return _stream(content, names)
    except (struct.error, IndexError) as error:
        raise PreviewError("a damaged compound file") from error


def _stream(content: bytes, names: Sequence[str]) -> bytes:
    if not content.startswith(_MAGIC):
        raise PreviewError("not a compound file")
    shift, mini_shift = struct.unpack_from("<HH", content, 30)
    if shift not in (9, 12) or mini_shift != 6:
        raise PreviewError("a damaged compound file")
    size = 1 << shift
    directory, cutoff, mini_table = struct.unpack_from("<I4xII", content, 48)
    further = struct.unpack_from("<I", content, 68)[0]
    tables = list(struct.unpack_from("<109I", content, 76))
    seen = 0
    while further < _LAST and seen <= len(content) // size:
        numbers = struct.unpack_from(f"<{size // 4}I", content, (further + 1) << shift)
        tables += numbers[:-1]
        further = numbers[-1]
        seen += 1
    table: list[int] = []
    for number in tables:
        if number < _LAST and (number + 2) << shift <= len(content) + size:
            sector = content[(number + 1) << shift : (number + 2) << shift].ljust(size, b"\xff")
            table += struct.unpack(f"<{size // 4}I", sector)
    entries = _chain(content, directory, table, size, size)
    root = b""
    wanted: dict[str, tuple[int, int]] = {}
    for at in range(0, len(entries) - _ENTRY + 1, _ENTRY):
        entry = entries[at : at + _ENTRY]
        length, kind = struct.unpack_from("<HB", entry, 64)
        name = entry[: max(min(length, 64) - 2, 0)].decode("utf-16-le", "replace")
        start, total = struct.unpack_from("<II", entry, 116)
        if kind == _ROOT:
            root = _chain(content, start, table, size, size)
        elif kind == _STREAM:
            wanted.setdefault(name, (start, total))
    for name in names:
        if name not in wanted:
            continue
        start, total = wanted[name]
        if total >= cutoff:
            return _chain(content, start, table, size, size)[:total]
        small = _chain(content, mini_table, table, size, size)
        mini = list(struct.unpack(f"<{len(small) // 4}I", small[: len(small) // 4 * 4]))
        return _chain(root, start, mini, 1 << mini_shift, 0)[:total]
    raise PreviewError("a compound file without a workbook")


def _chain(content: bytes, start: int, table: Sequence[int], size: int, before: int) -> bytes:
    """The sectors of a chain, which may not come twice to one."""
    pieces: list[bytes] = []
    number = start
    while number < _LAST:
        if len(pieces) > len(table) or number >= len(table):
            raise PreviewError("a damaged compound file")
        pieces.append(content[before + number * size : before + (number + 1) * size])
        number = table[number]
    return b"".join(pieces)
