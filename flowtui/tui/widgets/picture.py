"""Drawing a picture on cells: half cells as text, kitty's placeholders, and sixel beside the text."""

from __future__ import annotations

import base64
import struct
import zlib
from itertools import groupby

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from flowtui.preview.result import Image
from flowtui.preview.scaling import scaled

_CHUNK = 4096

PLACEHOLDER = "\U0010eeee"
ROW_MARKS = [chr(code) for first, last in (
    (0x0305, 0x0305), (0x030D, 0x030E), (0x0310, 0x0310), (0x0312, 0x0312), (0x033D, 0x033F), (0x0346, 0x0346),
    (0x034A, 0x034C), (0x0350, 0x0352), (0x0357, 0x0357), (0x035B, 0x035B), (0x0363, 0x036F), (0x0483, 0x0487),
    (0x0592, 0x0595), (0x0597, 0x0599), (0x059C, 0x05A1), (0x05A8, 0x05A9), (0x05AB, 0x05AC), (0x05AF, 0x05AF),
    (0x05C4, 0x05C4), (0x0610, 0x0617), (0x0657, 0x065B), (0x065D, 0x065E), (0x06D6, 0x06DC), (0x06DF, 0x06E2),
    (0x06E4, 0x06E4), (0x06E7, 0x06E8), (0x06EB, 0x06EC), (0x0730, 0x0730), (0x0732, 0x0733), (0x0735, 0x0736),
) for code in range(first, last + 1)]  # fmt: skip
"""What kitty counts rows with: the beginning of its ``rowcolumn-diacritics.txt``."""


def half_cells(image: Image, columns: int, rows: int) -> list[Strip]:
    """The picture as upper half blocks: a cell has two pixels, one above the other."""
    data = scaled(image, columns, 2 * rows)
    stride = 3 * columns
    strips = []
    for top in range(0, 2 * rows * stride, 2 * stride):
        pairs = [(data[at : at + 3], data[at + stride : at + stride + 3]) for at in range(top, top + stride, 3)]
        segments = []
        for (upper, lower), run in groupby(pairs):
            style = Style(color=Color.from_rgb(*upper), bgcolor=Color.from_rgb(*lower))
            segments.append(Segment("▀" * len(list(run)), style))
        strips.append(Strip(segments, columns))
    return strips


def kitty_placeholders(number: int, columns: int, rows: int) -> list[Strip]:
    """The characters where kitty draws the picture of that number: their colour is the number, their mark the row."""
    style = Style(color=Color.from_rgb(number >> 16 & 255, number >> 8 & 255, number & 255))
    return [
        Strip([Segment(PLACEHOLDER + ROW_MARKS[row] + ROW_MARKS[0] + PLACEHOLDER * (columns - 1), style)], columns)
        for row in range(min(rows, len(ROW_MARKS)))
    ]


def kitty_transmission(number: int, image: Image, columns: int, rows: int) -> str:
    """The escape sequences that give kitty a picture to draw on so many cells."""
    data = base64.b64encode(png(image)).decode("ascii")
    chunks = [data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK)]
    parts = []
    for index, chunk in enumerate(chunks):
        control = f"a=T,U=1,q=2,f=100,i={number},c={columns},r={rows}," if index == 0 else ""
        parts.append(f"\x1b_G{control}m={int(index + 1 < len(chunks))};{chunk}\x1b\\")
    return "".join(parts)


def kitty_removal(number: int) -> str:
    """The escape sequence that lets kitty forget a picture."""
    return f"\x1b_Ga=d,d=I,i={number},q=2\x1b\\"


def png(image: Image) -> bytes:
    """The picture as PNG."""
    stride = 3 * image.width
    rows = b"".join(b"\0" + image.pixels[at : at + stride] for at in range(0, len(image.pixels), stride))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", image.width, image.height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 6)) + chunk(b"IEND", b"")
