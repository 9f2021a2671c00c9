"""TFRecord files: a table of their examples, or of the sizes of records that are none.

A record is its length in eight bytes, a checksum of that, its bytes and their checksum: CRC-32C, masked
(https://www.tensorflow.org/tutorials/load_data/tfrecord). An example is the protobuf ``tf.train.Example``.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator

from flowtui.errors import PreviewError
from flowtui.preview.model_tree import facts_of
from flowtui.preview.protobuf_wire import BYTES, FIXED32, VARINT, fields, is_message, varint
from flowtui.preview.result import Cell, Column, Preview
from flowtui.preview.subject import Subject
from flowtui.text import cut

_HEAD = struct.Struct("<QI")
_FOOT = 4
_POLYNOMIAL = 0x82F63B78
_MOST_FEATURES = 2000
_MOST_VALUES = 50
_LARGEST = 1 << 40


def accepts(subject: Subject) -> bool:
    """By the checksum of the first record's length."""
    head = subject.head[: _HEAD.size]
    if len(head) < _HEAD.size:
        return False
    length, checksum = _HEAD.unpack(head)
    return bool(length < _LARGEST and checksum == masked_crc32c(head[:8]))


async def show(subject: Subject) -> Preview:
    await subject.read_whole()
    return await asyncio.to_thread(_show, subject)


def masked_crc32c(data: bytes) -> int:
    """The checksum of a record's length: CRC-32C (RFC 3720), turned by fifteen bits, and a constant added."""
    found = 0xFFFFFFFF
    for byte in data:
        found ^= byte
        for _ in range(8):
            found = found >> 1 ^ (_POLYNOMIAL if found & 1 else 0)
    found ^= 0xFFFFFFFF
    return ((found >> 15 | found << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _show(subject: Subject) -> Preview:
    limits = subject.limits
    records, total, state = _records(subject.head, max(limits.rows, 1))
    if not records:
        raise PreviewError("a TFRecord file whose first record was not read: it is cut, or larger than what was read")
    examples = [_example(one) for one in records]
    found = [one for one in examples if one is not None]
    if len(found) == len(records):
        columns, rows = _table(found, limits.columns, limits.cell)
        facts = [("records", "examples (tf.train.Example)")]
    else:
        columns = (Column("record", "integer"), Column("bytes", "integer"))[: limits.columns]
        rows = tuple((index, len(one))[: len(columns)] for index, one in enumerate(records))
        facts = [("records", "not examples of TensorFlow: their sizes are shown")]
    rows = rows[: limits.rows]
    is_whole = subject.whole and state == ""
    notices = []
    if len(rows) < total or not is_whole:
        notices.append(f"first {len(rows):,} of {total:,} records" if is_whole else f"first {len(rows):,} records")
    if state == "damaged":
        notices.append(f"the file is damaged behind record {total:,}: the checksum of a length is another one")
    elif state == "cut" and subject.whole:
        notices.append("the last record is cut")
    elif not subject.whole:
        notices.append(subject.amount())
    return Preview(
        kind="table",
        columns=columns,
        rows=rows,
        notices=tuple(notices),
        total_rows=total if is_whole else None,
        more=len(rows) < total or not subject.whole,
        format="tfrecord",
        facts=facts_of(facts, limits),
    )


def _records(data: bytes, most: int) -> tuple[list[bytes], int, str]:
    """The first records, how many there are in the data, and ``cut`` or ``damaged`` where it does not end with one."""
    found: list[bytes] = []
    at = total = 0
    while at < len(data):
        if at + _HEAD.size > len(data):
            return found, total, "cut"
        length, checksum = _HEAD.unpack_from(data, at)
        # Of the many records only the first ones' lengths are checked: the checksum is slow in Python.
        if len(found) < most and checksum != masked_crc32c(data[at : at + 8]):
            return found, total, "damaged"
        start = at + _HEAD.size
        at = start + length + _FOOT
        if at > len(data):
            return found, total, "cut"
        total += 1
        if len(found) < most:
            found.append(data[start : start + length])
    return found, total, ""


def _example(data: bytes) -> dict[str, tuple[str, list[Cell]]] | None:
    """The features of an example by name: their type and values; None where the record is none."""
    if not is_message(data, 0, len(data)):
        return None
    outer = list(fields(data, most=4))
    if not data or len(outer) != 1 or outer[0].number != 1 or outer[0].wire != BYTES:
        return {} if not data else None
    found: dict[str, tuple[str, list[Cell]]] = {}
    for entry in fields(data, outer[0].start, outer[0].end, most=_MOST_FEATURES):
        if entry.number != 1 or entry.wire != BYTES or not is_message(data, entry.start, entry.end):
            return None
        name, feature = "", b""
        for part in fields(data, entry.start, entry.end, most=4):
            if part.wire != BYTES:
                return None
            if part.number == 1:
                name = data[part.start : part.end].decode("utf-8", "replace")
            else:
                feature = data[part.start : part.end]
        values = _feature(feature)
        if values is None:
            return None
        found[name] = values
    return found


def _feature(data: bytes) -> tuple[str, list[Cell]] | None:
    kinds = {1: "text", 2: "number", 3: "integer"}
    for one in fields(data, most=2):
        if one.number not in kinds or one.wire != BYTES:
            return None
        return kinds[one.number], list(_values(data[one.start : one.end], one.number))
    return "", []


def _values(data: bytes, kind: int) -> Iterator[Cell]:
    """The first values of a list of bytes, floats or integers, packed or one by one."""
    left = _MOST_VALUES + 1
    for one in fields(data, most=left):
        body = data[one.start : one.end] if one.wire == BYTES else b""
        if kind == 1 and one.wire == BYTES:
            yield _text(body)
        elif kind == 2 and one.wire in (BYTES, FIXED32):
            packed = body[: left * 4] if one.wire == BYTES else one.value.to_bytes(4, "little")
            yield from (_shortest(packed[at : at + 4]) for at in range(0, len(packed) - 3, 4))
        elif kind == 3 and one.wire == VARINT:
            yield _signed(one.value)
        elif kind == 3 and one.wire == BYTES:
            at = 0
            for _ in range(left):
                number = varint(body, at)
                if number is None:
                    break
                yield _signed(number[0])
                at = number[1]


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _shortest(data: bytes) -> float:
    """A float of four bytes as the shortest number that is it."""
    exact: float = struct.unpack("<f", data)[0]
    for digits in range(6, 10):
        try:
            short = float(f"{exact:.{digits}g}")
            if struct.pack("<f", short) == data:
                return short
        except OverflowError:
            continue
    return exact


def _text(data: bytes) -> str:
    """Bytes as text where they are some; else how many there are."""
    try:
        text = data[:4096].decode("utf-8")
    except UnicodeDecodeError:
        return f"{len(data):,} bytes"
    return text if text.isprintable() and len(data) <= 4096 else f"{len(data):,} bytes"


def _table(
    examples: list[dict[str, tuple[str, list[Cell]]]], most: int, width: int
) -> tuple[tuple[Column, ...], tuple[tuple[Cell, ...], ...]]:
    """A column for each feature; several values of a row are a list in words."""
    kinds: dict[str, str] = {}
    lists: set[str] = set()
    for example in examples:
        for name, (kind, values) in example.items():
            kinds[name] = kinds.get(name) or kind
            if len(values) > 1:
                lists.add(name)
    names = sorted(kinds)[:most]
    columns = tuple(Column(cut(name, width) or " ", "text" if name in lists else kinds[name]) for name in names)
    rows = tuple(tuple(_cell(one.get(name, ("", []))[1], name in lists, width) for name in names) for one in examples)
    return columns, rows


def _cell(values: list[Cell], is_list: bool, width: int) -> Cell:
    if not values:
        return None
    if not is_list:
        return cut(values[0], width) if isinstance(values[0], str) else values[0]
    shown = ", ".join(str(one) for one in values[:_MOST_VALUES])
    return cut(f"[{shown}{', …' if len(values) > _MOST_VALUES else ''}]", width)
