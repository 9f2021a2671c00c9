"""The formats of a SAS catalog (sas7bcat): what values are called, as PROC FORMAT was told.

SAS publishes no description; this follows what ReadStat makes of the format, and catalogs that SAS wrote. An entry of
the index (``XLSR``) points to a chain of parts in the pages; together they hold a format: its name, its values sorted,
and behind them its labels in the order in which they were written.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from flowtui.errors import PreviewError
from flowtui.preview.sas7bdat_header import Header
from flowtui.preview.sas7bdat_rows import missing_of
from flowtui.preview.sas_encodings import Encoding
from flowtui.preview.sas_values import number_cell
from flowtui.preview.special_missing import SpecialMissing

_INDEX = b"XLSR"
_FORMAT = ord("O")
_MOST_FORMATS = 20_000
_MOST_LABELS = 200_000
_MOST_BYTES = 16 << 20
_UNKNOWN = "?"
_SIGN, _ALL = 1 << 63, (1 << 64) - 1

Value = str | int | float | SpecialMissing | None


@dataclass(frozen=True, slots=True)
class LabelledValue:
    """A value, or a range of values, and what it is called.

    Attributes:
        first, last: of the range, equal for one value; None for the plain missing value.
    """

    first: Value
    last: Value
    label: str

    @property
    def text(self) -> str:
        """The value as SAS writes it; ``1 to 5`` for a range, whose ends may belong to it or not."""
        return _said(self.first) if self.first == self.last else f"{_said(self.first)} to {_said(self.last)}"


@dataclass(frozen=True, slots=True)
class Format:
    """A format; ``$`` stands before the name of one for texts, ``@`` before that of an informat."""

    name: str
    values: tuple[LabelledValue, ...]
    created: float


def _said(value: Value) -> str:
    return "." if value is None else str(value)


def formats_of(data: bytes, header: Header) -> Iterator[Format]:
    """The formats of a catalog in the order of its index; those whose parts lie behind ``data`` are left out.

    Raises PreviewError where there are more than a catalog can have.
    """
    seen: set[tuple[int, int]] = set()
    flag = (74 if header.bits == 64 else 50) + _pad(data)
    at = header.header_size
    labels = read = 0
    while (at := data.find(_INDEX, at)) >= 0:
        entry = data[at : at + flag + 1]
        at += len(_INDEX)
        if len(entry) <= flag or entry[flag] != _FORMAT:
            continue
        place = _place(entry, header)
        if place in seen:
            continue
        seen.add(place)
        block = _block(data, header, *place)
        read += len(block)
        if len(seen) > _MOST_FORMATS or read > _MOST_BYTES:
            raise PreviewError("a damaged SAS catalog: it has more formats than it can have")
        try:
            found = _format(block, header)
        except (struct.error, IndexError):
            continue
        if found is not None:
            labels += len(found.values)
            if labels > _MOST_LABELS:
                raise PreviewError("a damaged SAS catalog: it has more labels than it can have")
            yield found


def _pad(data: bytes) -> int:
    return 4 if data[35] == 0x33 else 0


def _place(entry: bytes, header: Header) -> tuple[int, int]:
    """The page, from 1, and the place in it where a format begins."""
    word = header.word
    page = struct.unpack_from(f"{header.order}{header.word_code}", entry, word)[0]
    return page, struct.unpack_from(f"{header.order}H", entry, 2 * word)[0]


def _block(data: bytes, header: Header, page: int, position: int) -> bytes:
    """The parts of a format, one after the other."""
    parts: list[bytes] = []
    seen: set[tuple[int, int]] = set()
    at_position = 8 if header.bits == 64 else 4
    while page and position and (page, position) not in seen:
        seen.add((page, position))
        start = header.header_size + (page - 1) * header.page_size + position
        link = data[start : start + 4 * header.word]
        if len(link) < 4 * header.word:
            break
        page = struct.unpack_from(f"{header.order}I", link)[0]
        position, length = struct.unpack_from(f"{header.order}2H", link, at_position)
        parts.append(data[start + len(link) : start + len(link) + length])
    return b"".join(parts)


def _format(block: bytes, header: Header) -> Format | None:
    """The format of a block; None where it has no labels. Raises struct.error where it is cut off."""
    order, is_wide = header.order, header.bits == 64
    flags = struct.unpack_from(f"{order}H", block, 2)[0]
    pad = 4 if flags & 0x08 else 0
    layout, at = (f"{order}2Q", 42 + pad) if is_wide else (f"{order}2I", 38 + pad)
    capacity, count = struct.unpack_from(layout, block, at)
    created = struct.unpack_from(f"{order}d", block, 16 + pad)[0]
    start = (138 if is_wide else 106) + (20 if pad else 0)
    name = block[8:16]
    if flags & (0x20 if is_wide else 0x80):
        name = block[start : start + 32]
        start += 32
    if not count or count > capacity or capacity > len(block):
        return None
    text = _decoded(name, header.encoding)
    values, at = _values(block, start, capacity, count, header, is_text=text.lstrip("@").startswith("$"))
    labels = list(_labels(block, at, count, header))
    if len(labels) < count:
        raise struct.error
    found = sorted(values, key=lambda value: value[0])
    named = tuple(LabelledValue(first, last, labels[number]) for number, first, last in found)
    return Format(text, named, created)


def _values(
    block: bytes, at: int, capacity: int, count: int, header: Header, *, is_text: bool
) -> tuple[list[tuple[int, Value, Value]], int]:
    """The number of its label and the ends of each value; and where they end in the block."""
    found: list[tuple[int, Value, Value]] = []
    for index in range(capacity):
        length = 6 + struct.unpack_from(f"{header.order}H", block, at + 2)[0]
        entry = block[at : at + length]
        if index < count:
            number = struct.unpack_from(f"{header.order}I", entry, 14)[0]
            if number >= count:
                raise struct.error
            found.append((number, *(_text_range(entry[22:], header) if is_text else _number_range(entry))))
        at += length
    return found, at


def _labels(block: bytes, at: int, count: int, header: Header) -> Iterator[str]:
    for _ in range(count):
        length = struct.unpack_from(f"{header.order}H", block, at + 8)[0]
        yield _decoded(block[at + 10 : at + 10 + length], header.encoding)
        at += 11 + length
        if at > len(block):
            return


def _text_range(ends: bytes, header: Header) -> tuple[Value, Value]:
    """The ends of a range of texts of up to 16 bytes; a longer entry has them one behind the other."""
    half = 16 if len(ends) <= 16 else len(ends) // 2
    first, last = _decoded(ends[:half], header.encoding), _decoded(ends[half:], header.encoding)
    return first, last or first


def _number_range(entry: bytes) -> tuple[Value, Value]:
    """The ends of a range of numbers: big-endian, and so that they sort as bytes."""
    return _number(entry[22:30]), _number(entry[30:38])


def _number(value: bytes) -> Value:
    """A number of a catalog: the sign is turned round where it was positive, every bit where it was negative."""
    bits = int.from_bytes(value, "big")
    bits ^= _SIGN if bits & _SIGN else _ALL
    (number,) = struct.unpack(">d", bits.to_bytes(8, "big"))
    if number != number:
        missing = missing_of(0xFF - (bits >> 40 & 0xFF))
        return _UNKNOWN if missing == "" else missing
    cell = number_cell(number)
    return cell if isinstance(cell, int | float) else _UNKNOWN


def _decoded(value: bytes, encoding: Encoding) -> str:
    """A text of a catalog, which mostly does not say its encoding: UTF-8 where it is that."""
    text, fault = encoding.decode(value)
    return value.rstrip(b" \0").decode() if fault == "utf-8" else text
