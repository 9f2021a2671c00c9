"""Damage that is done to files: what bad disks, cut transfers and people with bad intentions leave."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

_LARGEST = 1 << 20
_LENGTHS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, (1 << 63) - 1, (1 << 64) - 1)
_PIECES = (
    b"\x1b[2J\x1b]0;x\x07", "\u202e\u2066".encode(), b"\0" * 64, b"\xff" * 64, b"[" * 500, b'{"a":' * 200, b"9" * 6000,
    b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04", b"cos\nsystem\n", b"(" * 300, b"\x80\x05\x95", b"\n", b",", b'"',
    b"'", b"\\u",
)  # fmt: skip
"""Bytes that mean something to one format or another, or to a terminal."""


def mutated(data: bytes, others: Sequence[bytes], random_: random.Random) -> bytes:
    """The data after one to six kinds of damage; at most 1 MB of it."""
    for _ in range(random_.choice((1, 1, 1, 2, 3, 6))):
        data = random_.choice(_MUTATIONS)(data, others, random_)[:_LARGEST]
    return data


def _place(data: bytes, random_: random.Random) -> int:
    """Somewhere; beginnings and ends, where the structure is, more often."""
    length = len(data)
    kind = random_.random()
    if kind < 0.3:
        return random_.randrange(min(length, 64) + 1)
    if kind < 0.5:
        return length - random_.randrange(min(length, 128) + 1)
    return random_.randrange(length + 1)


def _flip_bits(data: bytes, others: Sequence[bytes], random_: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random_.choice((1, 1, 4, 30))):
        if changed:
            changed[_place(data, random_) % len(changed)] ^= 1 << random_.randrange(8)
    return bytes(changed)


def _set_bytes(data: bytes, others: Sequence[bytes], random_: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random_.choice((1, 2, 8))):
        if changed:
            changed[_place(data, random_) % len(changed)] = random_.randrange(256)
    return bytes(changed)


def _cut(data: bytes, others: Sequence[bytes], random_: random.Random) -> bytes:
    return data[: _place(data, random_)]


def _drop(data: bytes, others: Sequence[bytes], random_: random.Random) -> bytes:
    at = _place(data, random_)
    return data[:at] + data[at + random_.choice((1, 4, 40, 400)) :]


def _repeat(data: bytes, others: Sequence[bytes], random_: random.Random) -> bytes:
    at = _place(data, random_)
    part = data[at : at + random_.choice((1, 8, 64, 1024))]
    count = random_.choice((2, 10, 1000))
    return data[:at] + part * min(count, _LARGEST // max(len(part), 1)) + data[at:]


def _splice(data: bytes, others: Sequence[bytes], random_: random.Random) -> bytes:
    other = random_.choice(others)
    return data[: _place(data, random_)] + other[_place(other, random_) :]


def _insert(data: bytes, others: Sequence[bytes], random_: random.Random) -> bytes:
    at = _place(data, random_)
    return data[:at] + random_.choice(_PIECES) + data[at:]


def _set_length(data: bytes, others: Sequence[bytes], random_: random.Random) -> bytes:
    """A number where a length may be, of any width and byte order."""
    at = _place(data, random_)
    width = random_.choice((1, 2, 4, 8))
    value = random_.choice((*_LENGTHS, len(data), random_.randrange(1 << 32))) & ((1 << 8 * width) - 1)
    return data[:at] + value.to_bytes(width, random_.choice(("little", "big"))) + data[at + width :]


def _swap(data: bytes, others: Sequence[bytes], random_: random.Random) -> bytes:
    first, second = sorted((_place(data, random_), _place(data, random_)))
    length = min(random_.choice((4, 32, 256)), second - first)
    if not length:
        return data
    one, two = data[first : first + length], data[second : second + length]
    return data[:first] + two + data[first + length : second] + one + data[second + length :]


_MUTATIONS: tuple[Callable[[bytes, Sequence[bytes], random.Random], bytes], ...] = (
    _flip_bits, _set_bytes, _cut, _drop, _repeat, _splice, _insert, _set_length, _set_length, _swap,
)  # fmt: skip
