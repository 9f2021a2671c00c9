"""Rows of SAS datasets that are compressed: by run lengths (COMPRESS=CHAR) and by Ross's algorithm (COMPRESS=BINARY).

Both are described by M. Shotwell ("SAS7BDAT Database Binary Format") and E. Ross ("A Simple Data-Compression
Technique", C/C++ Users Journal, 1992). Each row is compressed by itself.
"""

from __future__ import annotations

from collections.abc import Callable

Decompress = Callable[[bytes, int], bytes]


class DamagedRowError(Exception):
    """A row that does not decompress to its length."""


def run_lengths(data: bytes, length: int) -> bytes:
    """The row of ``length`` bytes that SASYZCRL made of.

    Raises DamagedRowError where it is longer or shorter.
    """
    found = bytearray()
    at, end = 0, len(data)
    try:
        while at < end and len(found) <= length:
            command, count = data[at] >> 4, data[at] & 15
            at += 1
            if command in (8, 9, 10, 11, 2):
                count += 96 if command == 2 else 16 * (command - 8) + 1
                found += data[at : at + count]
                at += count
            elif command in (12, 13, 14, 15):
                if command == 12:
                    found += data[at : at + 1] * (count + 3)
                    at += 1
                else:
                    found += _FILLING[command] * (count + 2)
            elif command in (0, 1):
                count = 256 * count + data[at] + (64 if command == 0 else 64 + 4096)
                found += data[at + 1 : at + 1 + count]
                at += 1 + count
            elif command == 4:
                found += data[at + 1 : at + 2] * (256 * count + data[at] + 18)
                at += 2
            elif command in (5, 6, 7):
                found += _FILLING[command + 8] * (256 * count + data[at] + 17)
                at += 1
            else:
                raise DamagedRowError
    except IndexError:
        raise DamagedRowError from None
    if len(found) != length or at > end:
        raise DamagedRowError
    return bytes(found)


_FILLING = {13: b"@", 14: b" ", 15: b"\0"}


def ross(data: bytes, length: int) -> bytes:
    """The row of ``length`` bytes that SASYZCR2 made of.

    Raises DamagedRowError where it is longer or shorter.
    """
    found = bytearray()
    at, end = 0, len(data)
    try:
        while at + 1 < end and len(found) <= length:
            flags = data[at] << 8 | data[at + 1]
            at += 2
            if not flags:
                found += data[at : at + 16]
                at = min(at + 16, end)
                continue
            for bit in range(15, -1, -1):
                if at >= end:
                    break
                if not flags >> bit & 1:
                    found.append(data[at])
                    at += 1
                    continue
                command, low, second = data[at] >> 4, data[at] & 15, data[at + 1]
                at += 2
                if command == 0:
                    found += bytes((second,)) * (low + 3)
                elif command == 1:
                    found += data[at : at + 1] * (low + 16 * second + 19)
                    at += 1
                else:
                    count = command
                    if command == 2:
                        count = data[at] + 16
                        at += 1
                    _repeat(found, low + 16 * second + 3, count)
    except IndexError:
        raise DamagedRowError from None
    if len(found) != length or at > end:
        raise DamagedRowError
    return bytes(found)


def _repeat(found: bytearray, back: int, count: int) -> None:
    """Add what stands so many bytes before the end, again where that is less than is asked for."""
    start = len(found) - back
    if start < 0:
        raise DamagedRowError
    part = found[start : start + count]
    while len(part) < count:
        part += part[: count - len(part)]
    found += part


METHODS: dict[bytes, tuple[str, Decompress]] = {
    b"SASYZCRL": ("RLE (COMPRESS=CHAR)", run_lengths),
    b"SASYZCR2": ("RDC (COMPRESS=BINARY)", ross),
}
"""What to call it and how to undo it, by the name that a dataset's first text block begins with."""
