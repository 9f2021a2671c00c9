"""What the first pages of a SAS dataset tell beside its rows.

The format is not published by SAS; this follows the description by M. Shotwell ("SAS7BDAT Database Binary Format") and
what the readers ReadStat and Parso make of fields that it leaves open: the dataset's label, the widths of formats.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from flowtui.errors import PreviewError
from flowtui.preview.sas_values import ENCODINGS, moment

_MOST_PAGE = 16 << 20
_META_PAGES = (0x0000, 0x0200, 0x0400, 0x4000)
_ROW_SIZE, _COLUMN_TEXT, _COLUMN_FORMAT = 0xF7F7F7F7, 0xFFFFFFFD, 0xFFFFFBFE
_PLATFORMS = {ord("1"): "Unix", ord("2"): "Windows"}
_UNSAID = (0, 204)


@dataclass(slots=True)
class Header:
    """A dataset's header.

    Attributes:
        codec: Python's name of the encoding of its texts.
        encoding: how to name it to a person.
        size: of the file, as the header tells it.
        label: of the dataset, empty where it has none or the first pages do not tell it.
        widths: of the variables' formats: width and decimals, as far as the first pages tell them.
    """

    name: str
    codec: str
    encoding: str
    created: str
    modified: str
    release: str
    platform: str
    bits: int
    is_little_endian: bool
    header_size: int
    page_size: int
    page_count: int
    label: str = ""
    widths: list[tuple[int, int]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return self.header_size + self.page_count * self.page_size


def header_of(head: bytes) -> Header:
    """The header in the first bytes of a dataset.

    Raises PreviewError where they are too few or make no sense.
    """
    if len(head) < 288:
        raise PreviewError("too short for a SAS dataset")
    is_wide, is_padded, is_little = head[32] == 0x33, head[35] == 0x33, head[37] == 1
    order = "<" if is_little else ">"
    pad = 4 if is_padded else 0
    created, modified = struct.unpack_from(f"{order}2d", head, 164 + pad)
    header_size, page_size = struct.unpack_from(f"{order}2I", head, 196 + pad)
    pages = struct.unpack_from(f"{order}{'Q' if is_wide else 'I'}", head, 204 + pad)[0]
    if not 288 <= header_size <= _MOST_PAGE or not 128 <= page_size <= _MOST_PAGE:
        raise PreviewError("a damaged SAS dataset: the size of its pages makes no sense")
    code = head[70]
    codec = ENCODINGS.get(code, "cp1252")
    encoding = codec if code in ENCODINGS else f"{codec} (the file does not say)"
    if code not in ENCODINGS and code not in _UNSAID:
        encoding = f"number {code} of SAS, read as {codec}"
    # Where the file is padded, the texts after the page count move by as much again in 64 bits.
    texts = 216 + pad + (4 if is_wide else 0)
    found = Header(
        name=_text(head[92:156], codec), codec=codec, encoding=encoding,
        created=moment(created), modified=moment(modified), release=_text(head[texts : texts + 8], codec),
        platform=_PLATFORMS.get(head[39], ""), bits=64 if is_wide else 32, is_little_endian=is_little,
        header_size=header_size, page_size=page_size, page_count=pages,
    )  # fmt: skip
    try:
        _read_pages(head, found, order)
    except (struct.error, IndexError):
        # Rows are read without this; what the pages do not tell is not shown.
        return found
    return found


def _read_pages(head: bytes, header: Header, order: str) -> None:
    """Take the label and the widths from the subheaders of the first pages."""
    is_wide = header.bits == 64
    word = 8 if is_wide else 4
    texts: list[bytes] = []
    label: tuple[int, int, int] | None = None
    start = header.header_size
    while start + header.page_size <= len(head):
        page = head[start : start + header.page_size]
        start += header.page_size
        type_, _, count = struct.unpack_from(f"{order}3H", page, 32 if is_wide else 16)
        if type_ & 0xFF00 not in _META_PAGES:
            break
        for index in range(count):
            at = (40 if is_wide else 24) + index * (24 if is_wide else 12)
            offset, length = struct.unpack_from(f"{order}2{'Q' if is_wide else 'I'}", page, at)
            if page[at + 2 * word] == 1 or not length or offset + length > len(page):
                continue
            part = page[offset : offset + length]
            signature, second = struct.unpack_from(f"{order}2I", part)
            if is_wide and order == ">" and signature in (0, 0xFFFFFFFF):
                signature = second
            if signature == _ROW_SIZE and length >= 190:
                label = struct.unpack_from(f"{order}3H", part, length - 130)
            elif signature == _COLUMN_TEXT:
                texts.append(part[word:])
            elif signature == _COLUMN_FORMAT:
                header.widths.append(struct.unpack_from(f"{order}2H", part, 3 * word))
    if label and label[0] < len(texts) and label[2]:
        header.label = _text(texts[label[0]][label[1] : label[1] + label[2]], header.codec)


def _text(value: bytes, codec: str) -> str:
    return value.strip(b" \0").decode(codec, errors="replace")
