"""Rows of SAS datasets: those that were not deleted, as bytes, and their values by variable."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from flowtui.preview.sas7bdat_compression import DamagedRowError
from flowtui.preview.sas7bdat_header import Header
from flowtui.preview.sas7bdat_metadata import Metadata, Variable
from flowtui.preview.sas7bdat_page import Page
from flowtui.preview.special_missing import SpecialMissing

_JUDGED = 100
"""Rows and variables by which two places are told apart."""


@dataclass(slots=True)
class Rows:
    """Rows, gathered page by page with :meth:`add`.

    Attributes:
        data: the rows that were not deleted, one after the other.
        count: how many they are; seen: with those that were deleted.
        is_damaged: a row could not be read; nothing after it was taken.
        is_unsure: a page has deleted rows, and does not tell which.
    """

    data: bytearray
    count: int = 0
    seen: int = 0
    is_damaged: bool = False
    is_unsure: bool = False

    def add(self, page: Page, metadata: Metadata, most: int) -> None:
        """Take the rows of a page, until there are ``most`` or the dataset's rows have come to their end."""
        if page.has_rows:
            self._add_plain(page, metadata, most)
        if not page.is_index:
            self._add_subheaders(page, metadata, most)

    def _add_plain(self, page: Page, metadata: Metadata, most: int) -> None:
        length = metadata.row_length
        start = _row_start(page, metadata)
        count = min(page.row_count, metadata.row_count - self.seen)
        fitting = max(len(page.data) - start, 0) // length
        if count > fitting:
            self.is_damaged, count = True, fitting
        deleted = page.deleted_rows(length, start) if page.has_deleted_rows else b""
        if deleted is None:
            self.is_unsure, deleted = True, b""
        if not any(deleted):
            count = min(count, most - self.count)
            self.data += page.data[start : start + count * length]
            self.count += count
            self.seen += count
            return
        for row in range(count):
            if self.count == most:
                return
            self.seen += 1
            if not deleted[row // 8] << row % 8 & 0x80:
                at = start + row * length
                self.data += page.data[at : at + length]
                self.count += 1

    def _add_subheaders(self, page: Page, metadata: Metadata, most: int) -> None:
        length = metadata.row_length
        for part in page.subheaders():
            if self.is_damaged or self.count >= most or self.seen >= metadata.row_count:
                return
            if not metadata.is_row(part):
                continue
            row = page.data[part.start : part.start + part.length]
            # SAS keeps a row as it is where compressing does not make it shorter.
            if part.is_compressed or len(row) != length:
                try:
                    row = metadata.decompress(row)
                except DamagedRowError:
                    self.is_damaged = True
                    return
            self.data += row
            self.count += 1
            self.seen += 1


def _row_start(page: Page, metadata: Metadata) -> int:
    """Where the rows of a page begin: of two places the one where their values make more sense."""
    places = page.row_starts(metadata.row_length, metadata.mixed_capacity)
    if len(places) == 1:
        return places[0]
    padded, start = places
    wrong = [_senseless(page, at, metadata) for at in places]
    if wrong[0] == wrong[1]:
        return padded if page.data[start:padded] in (bytes(padded - start), b" " * (padded - start)) else start
    return padded if wrong[0] < wrong[1] else start


def _senseless(page: Page, start: int, metadata: Metadata) -> int:
    """How many values of the first rows from a place on are no likely ones: huge or tiny numbers, control codes."""
    length = metadata.row_length
    count = min(page.row_count, _JUDGED, max(len(page.data) - start, 0) // length)
    rows = Rows(bytearray(page.data[start : start + count * length]), count)
    found = 0
    for variable in metadata.variables(_JUDGED):
        if variable.is_number:
            for value in numbers_of(variable, rows, length, metadata.header):
                found += isinstance(value, float) and value != 0 and not 1e-60 < abs(value) < 1e60
        else:
            found += sum(any(byte < 32 for byte in value.rstrip(b"\0")) for value in texts_of(variable, rows, length))
    return found


def numbers_of(variable: Variable, rows: Rows, row_length: int, header: Header) -> list[float | SpecialMissing | None]:
    """A numeric variable's values; None where one is plainly missing.

    Numbers of fewer than 8 bytes lack the last ones of their fraction.
    """
    rest = row_length - variable.start - variable.length
    found: list[float | SpecialMissing | None]
    if variable.length == 8:
        layout = struct.Struct(f"{header.order}{variable.start}xd{rest}x")
        found = [value for (value,) in layout.iter_unpack(rows.data)]
    else:
        double = struct.Struct(f"{header.order}d")
        lost = bytes(8 - variable.length)
        raw = texts_of(variable, rows, row_length)
        if header.is_little_endian:
            found = [double.unpack(lost + value)[0] for value in raw]
        else:
            found = [double.unpack(value + lost)[0] for value in raw]
    for index, value in enumerate(found):
        if value != value:
            assert isinstance(value, float)
            found[index] = special_missing(value)
    return found


def texts_of(variable: Variable, rows: Rows, row_length: int) -> Sequence[bytes]:
    """A text variable's values with the blanks that fill them."""
    rest = row_length - variable.start - variable.length
    layout = struct.Struct(f"{variable.start}x{variable.length}s{rest}x")
    return [value for (value,) in layout.iter_unpack(rows.data)]


def special_missing(value: float) -> SpecialMissing | None:
    """The special missing value that a NaN is; None for the plain one. The complement of its third byte tells it."""
    return missing_of(0xFF - struct.pack(">d", value)[2]) or None


def missing_of(code: int) -> SpecialMissing | Literal[""] | None:
    """The missing value of a code, None for the plain one, empty for no code of one.

    0 is ``._``, 1 ``.``, from 2 on ``.A`` to ``.Z``; or the code is the character.
    """
    letter = chr(code) if code >= 28 else "_" if code == 0 else "." if code == 1 else chr(ord("A") + code - 2)
    if letter == ".":
        return None
    return SpecialMissing(letter) if letter == "_" or "A" <= letter <= "Z" else ""
