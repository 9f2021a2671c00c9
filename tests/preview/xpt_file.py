"""SAS transport files of version 5 and 8 as SAS and others write them, for what no library writes."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass

RECORD = 80
STAMP = b"01JAN24:00:00:00"


@dataclass(frozen=True)
class Column:
    """A variable; ``position`` is what the header says of it, None for where its value lies."""

    name: str
    length: int = 8
    is_number: bool = True
    format: str = ""
    width: int = 0
    decimals: int = 0
    position: int | None = None


def record(text: bytes) -> bytes:
    return text.ljust(RECORD)


def header(name: str, rest: bytes = b"0" * 30) -> bytes:
    return record(b"HEADER RECORD*******" + name.encode().ljust(8) + b"HEADER RECORD!!!!!!!" + rest)


def ibm(value: float | str, length: int = 8) -> bytes:
    """A number, or a missing value by its letter."""
    if isinstance(value, str):
        return value.encode() + bytes(length - 1)
    if not value:
        return bytes(length)
    fraction, exponent = math.frexp(abs(value))
    power = -(-exponent // 4)
    bits = int(math.ldexp(fraction, 56 - (4 * power - exponent)))
    return (bytes([(128 if value < 0 else 0) | (power + 64)]) + bits.to_bytes(7, "big"))[:length]


def value_of(column: Column, value: float | str) -> bytes:
    if column.is_number:
        return ibm(value, column.length)
    return str(value).encode().ljust(column.length)


def member_of(
    name: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[float | str]],
    *,
    version: int = 5,
    filler: bytes = b" ",
    order: Sequence[int] | None = None,
    count: bool = False,
) -> bytes:
    """One dataset.

    Args:
        filler: what the last record is filled with; none where it is empty.
        order: in which the values lie within a row, by the number of their variable.
        count: whether the header tells the number of rows, as version 8 may.
    """
    is_v8 = version == 8
    places = dict(zip(order or range(len(columns)), _starts(columns, order), strict=True))
    namestrs = b"".join(
        struct.pack(
            ">hhhh8s40s8shhh2s8shhl", 1 if one.is_number else 2, 0, one.length, index + 1,
            one.name[:8].encode().ljust(8), b" " * 40, one.format.encode().ljust(8), one.width, one.decimals, 0, b"",
            b" " * 8, 0, 0, places[index] if one.position is None else one.position,
        ) + (one.name.encode().ljust(32) if is_v8 else bytes(32)) + bytes(20)
        for index, one in enumerate(columns)
    )  # fmt: skip
    data = b"".join(
        b"".join(value_of(columns[index], row[index]) for index in (order or range(len(columns)))) for row in rows
    )
    tail = b"%15d" % len(rows) + b" " * 15 if count else b"0" * 30
    parts = [
        header("MEMBV8  " if is_v8 else "MEMBER  ", b"000000000000000001600000000140"),
        header("DSCPTV8 " if is_v8 else "DSCRPTR "),
        record(
            b"SAS     "
            + name.encode().ljust(32 if is_v8 else 8)
            + b"SASDATA 9.4     X64     "[: 24 if not is_v8 else 0]
        ),
        record(STAMP),
        header("NAMSTV8 " if is_v8 else "NAMESTR ", b"000000%04d" % len(columns) + b"0" * 20),
        padded(namestrs, b" "),
        header("OBSV8   " if is_v8 else "OBS     ", tail),
        padded(data, filler),
    ]
    return b"".join(parts)


def _starts(columns: Sequence[Column], order: Sequence[int] | None) -> list[int]:
    starts, at = [], 0
    for index in order or range(len(columns)):
        starts.append(at)
        at += columns[index].length
    return starts


def padded(data: bytes, filler: bytes) -> bytes:
    return data + filler * (-len(data) % RECORD)


def transport_file(*members: bytes, version: int = 5) -> bytes:
    """A whole file; its members must be of the same version."""
    library = header("LIBV8   " if version == 8 else "LIBRARY ")
    return library + record(b"SAS     SAS     SASLIB  9.4     X64     ") + record(STAMP) + b"".join(members)
