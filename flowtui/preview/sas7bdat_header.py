"""The header of SAS's datasets and catalogs.

The format is not published by SAS; this follows the description by M. Shotwell ("SAS7BDAT Database Binary Format") and
what the readers ReadStat and Parso make of fields that it leaves open.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from flowtui.errors import PreviewError
from flowtui.preview.sas_encodings import Encoding, encoding_of
from flowtui.preview.sas_values import moment

MOST_PAGE = 16 << 20
_LEAST_PAGE = 512
_PLATFORMS = {ord("1"): "Unix", ord("2"): "Windows"}


@dataclass(frozen=True, slots=True)
class Header:
    """A dataset's header.

    Attributes:
        header_size: bytes before the first page.
        page_size: of each page in bytes.
        page_count: how many the header tells.
        bits: 64 or 32, of the machine that wrote it.
    """

    name: str
    encoding: Encoding
    created: str
    modified: str
    release: str
    platform: str
    bits: int
    is_little_endian: bool
    header_size: int
    page_size: int
    page_count: int

    @property
    def size(self) -> int:
        """Bytes of the whole file, as the header tells them."""
        return self.header_size + self.page_count * self.page_size

    @property
    def order(self) -> str:
        """The byte order as :mod:`struct` writes it."""
        return "<" if self.is_little_endian else ">"

    @property
    def word(self) -> int:
        """Bytes of an offset or a length."""
        return self.bits // 8

    @property
    def word_code(self) -> str:
        """The code of an offset or a length in :mod:`struct`."""
        return "Q" if self.bits == 64 else "I"

    @property
    def page_header(self) -> int:
        """Bytes before the pointers or the rows of a page."""
        return 40 if self.bits == 64 else 24


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
    if not 288 <= header_size <= MOST_PAGE or not _LEAST_PAGE <= page_size <= MOST_PAGE:
        raise PreviewError("a damaged SAS dataset: the size of its pages makes no sense")
    encoding = encoding_of(head[70])
    # Where the file is padded, the texts after the page count move by as much again in 64 bits.
    texts = 216 + pad + (4 if is_wide else 0)
    return Header(
        name=encoding.text(head[92:156]), encoding=encoding, created=moment(created), modified=moment(modified),
        release=encoding.text(head[texts : texts + 8]), platform=_PLATFORMS.get(head[39], ""),
        bits=64 if is_wide else 32, is_little_endian=is_little, header_size=header_size, page_size=page_size,
        page_count=pages,
    )  # fmt: skip
