"""What the subheaders of a SAS dataset tell: its rows' length and number, and its variables.

Names, labels and formats point into blocks of text, of which a dataset may have several; those that were written later
lie in pages behind the rows.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from flowtui.errors import PreviewError
from flowtui.preview.sas7bdat_compression import METHODS, Decompress, run_lengths
from flowtui.preview.sas7bdat_header import MOST_PAGE, Header
from flowtui.preview.sas7bdat_page import (
    ATTRIBUTES,
    COLUMN_SIZE,
    COUNTS,
    FORMAT,
    NAMES,
    ROW_SIZE,
    TEXT,
    Page,
    Subheader,
)
from flowtui.preview.sas_encodings import Fault
from flowtui.preview.sas_values import format_text

MOST_VARIABLES = 200_000
_Reference = tuple[int, int, int]
_NOTHING: _Reference = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable; ``start`` and ``length`` tell its bytes within a row.

    Attributes:
        faults: what befell its name and its label where they were decoded.
    """

    name: str
    label: str
    format: str
    is_number: bool
    start: int
    length: int
    faults: tuple[Fault, ...] = ()


class Metadata:
    """Filled page by page with :meth:`add`.

    Attributes:
        header: of the file.
        row_length: of each row in bytes.
        row_count: rows of the dataset, deleted ones too; deleted_count: how many of them were deleted in place.
        column_count: of the variables.
        mixed_capacity: rows that a page with subheaders can hold.
        text_count: how many blocks of text there are, 0 where that is not told.
        last_text_page: the last page that has one, from 0; None where that is not told.
    """

    def __init__(self, header: Header) -> None:
        self.header = header
        self.row_length = 0
        self.row_count = 0
        self.deleted_count = 0
        self.column_count: int | None = None
        self.mixed_capacity = 0
        self.text_count = 0
        self.last_text_page: int | None = None
        self.texts: list[bytes] = []
        self._names: list[_Reference] = []
        self._attributes: list[tuple[int, int, bool]] = []
        self._formats: list[tuple[int, int, _Reference, _Reference]] = []
        self._label = self._compression = _NOTHING

    def add(self, page: Page) -> bool:
        """Take what a page tells; True where it has rows, so that no page after it tells more of the variables.

        Raises PreviewError where it makes no sense.
        """
        has_rows = page.has_rows
        for one in page.subheaders():
            if self.is_row(one):
                has_rows = True
            elif one.signature:
                try:
                    self._take(one.signature, page.data[one.start : one.start + one.length])
                except struct.error as error:
                    raise PreviewError("a damaged SAS dataset: a part of its description is cut off") from error
        return has_rows

    def add_texts(self, page: Page) -> None:
        """Take the blocks of text of a page behind the rows."""
        for one in page.subheaders():
            if one.signature == TEXT:
                self._take(TEXT, page.data[one.start : one.start + one.length])

    def is_row(self, part: Subheader) -> bool:
        """Whether a subheader is a row, also where a row's first bytes look like the signature of a description."""
        return part.is_row or (
            part.signature == COUNTS and self.is_complete and part.length == self.row_length and self.row_length > 0
        )

    @property
    def is_complete(self) -> bool:
        """Whether every variable is described."""
        wanted = self.column_count
        return wanted is not None and min(len(self._names), len(self._attributes), len(self._formats)) >= wanted

    @property
    def compression(self) -> tuple[str, Decompress] | None:
        """What its compression is called and how to undo it; None for none."""
        literal = self._bytes(self._compression) or b""
        if literal not in METHODS and self.texts:
            literal = self.texts[0][12:20]
        return METHODS.get(literal)

    def decompress(self, data: bytes) -> bytes:
        """A row that is stored compressed. Raises DamagedRowError."""
        found = self.compression
        return (found[1] if found else run_lengths)(data, self.row_length)

    @property
    def label(self) -> str:
        """The dataset's own label."""
        return self.header.encoding.text(self._bytes(self._label) or b"")

    @property
    def missing_texts(self) -> bool:
        """Whether a name, label or format lies in a block of text that was not read yet."""
        most = max(
            (one[0] for names in (self._names, *(rest[2:] for rest in self._formats)) for one in names if one[2]),
            default=0,
        )
        return most >= len(self.texts)

    def variables(self, most: int) -> list[Variable]:
        """The first variables, at most so many."""
        found: list[Variable] = []
        decode = self.header.encoding.decode
        count = len(self._attributes) if self.column_count is None else self.column_count
        for index, (start, length, is_number) in enumerate(self._attributes[: min(most, count)]):
            width, decimals, format_, label = (
                self._formats[index] if index < len(self._formats) else (0, 0, _NOTHING, _NOTHING)
            )
            if start + length > self.row_length or not length or (is_number and not 2 <= length <= 8):
                raise PreviewError("a damaged SAS dataset: the length of a variable makes no sense")
            name = self._names[index] if index < len(self._names) else _NOTHING
            texts = [decode(self._bytes(one) or b"") for one in (name, label, format_)]
            shown = format_text(texts[2][0], width, decimals)
            faults = tuple(fault for _, fault in texts if fault)
            found.append(Variable(texts[0][0], texts[1][0], shown, is_number, start, length, faults))
        return found

    def _bytes(self, reference: _Reference) -> bytes | None:
        index, start, length = reference
        if not length or index >= len(self.texts):
            return None
        return self.texts[index][start : start + length]

    def _take(self, signature: int, part: bytes) -> None:
        header, word = self.header, self.header.word
        order, code = header.order, header.word_code
        if signature == ROW_SIZE:
            self._take_row_size(part)
        elif signature == COLUMN_SIZE:
            self.column_count = struct.unpack_from(f"{order}{code}", part, word)[0]
            if self.column_count > MOST_VARIABLES:
                raise PreviewError("a damaged SAS dataset: the number of its variables makes no sense")
        elif signature == COUNTS:
            self._take_counts(part)
        elif signature == TEXT:
            self.texts.append(part[word:])
        elif signature == NAMES:
            body = self._body(part, 8)
            self._names += struct.iter_unpack(f"{order}3H2x", body)
        elif signature == ATTRIBUTES:
            body = self._body(part, word + 8)
            self._attributes += [
                (start, length, kind == 1) for start, length, kind in struct.iter_unpack(f"{order}{code}I2xBx", body)
            ]
        elif signature == FORMAT:
            width, decimals = struct.unpack_from(f"{order}2H", part, 3 * word)
            references = struct.unpack_from(f"{order}6H", part, 22 + 3 * word)
            self._formats.append((width, decimals, references[:3], references[3:]))
        if max(len(self._names), len(self._attributes), len(self._formats)) > MOST_VARIABLES:
            raise PreviewError("a damaged SAS dataset: it describes more variables than it can have")

    def _body(self, part: bytes, size: int) -> bytes:
        """The items of a subheader: behind its signature and 8 bytes, before a word and 4 bytes that are void."""
        start, end = self.header.word + 8, len(part) - self.header.word - 4
        return part[start : start + max(end - start, 0) // size * size]

    def _take_row_size(self, part: bytes) -> None:
        order, code, word = self.header.order, self.header.word_code, self.header.word
        self.row_length, self.row_count, self.deleted_count = struct.unpack_from(f"{order}3{code}", part, 5 * word)
        self.mixed_capacity = struct.unpack_from(f"{order}{code}", part, 15 * word)[0]
        if self.row_length > MOST_PAGE:
            raise PreviewError("a damaged SAS dataset: its rows are too long")
        self.deleted_count = min(self.deleted_count, self.row_count)
        if len(part) >= 190:
            self._label = struct.unpack_from(f"{order}3H", part, len(part) - 130)
            self._compression = struct.unpack_from(f"{order}3H", part, len(part) - 118)
            self.text_count = struct.unpack_from(f"{order}H", part, len(part) - 60)[0]

    def _take_counts(self, part: bytes) -> None:
        """The page of the last block of text; counted from 1 there."""
        order, code, word = self.header.order, self.header.word_code, self.header.word
        mask = (1 << 8 * word) - 1
        first, size = (120, 40) if word == 8 else (64, 20)
        for at in range(first, len(part) - size + 1, size):
            signature = struct.unpack_from(f"{order}{code}", part, at)[0]
            if signature == mask - 2:
                last = struct.unpack_from(f"{order}{code}", part, at + 3 * word)[0]
                self.last_text_page = last - 1 if last else None
