"""Pictures as sixel: six rows of pixels to a line, colour by colour (DEC STD 070, Sixel Graphics)."""

from __future__ import annotations

import re

_COLOURS = 255
_RUN = re.compile(r"(.)\1{3,254}")


def sixel(width: int, height: int, pixels: bytes) -> str:
    """The escape sequence that draws a picture at the cursor.

    Args:
        pixels: red, green and blue bytes, row by row.

    Raises:
        ImportError: Pillow, which chooses the colours, is not installed.
    """
    from PIL import Image

    picture = Image.frombytes("RGB", (width, height), pixels).quantize(
        _COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
    )
    palette = picture.getpalette() or []
    indices = picture.tobytes()
    parts = ["\x1bP0;1q", f'"1;1;{width};{height}']
    for number in range(len(palette) // 3):
        red, green, blue = (round(value * 100 / 255) for value in palette[3 * number : 3 * number + 3])
        parts.append(f"#{number};2;{red};{green};{blue}")
    for top in range(0, height, 6):
        parts.append("$".join(_band(indices, width, top, min(top + 6, height))))
        parts.append("-")
    parts.append("\x1b\\")
    return "".join(parts)


def _band(indices: bytes, width: int, top: int, bottom: int) -> list[str]:
    lines: dict[int, bytearray] = {}
    for offset, y in enumerate(range(top, bottom)):
        bit = 1 << offset
        for x, colour in enumerate(indices[y * width : (y + 1) * width]):
            line = lines.get(colour)
            if line is None:
                line = lines[colour] = bytearray(b"\x3f" * width)
            line[x] += bit
    return [f"#{colour}{_RUN.sub(_shortened, line.decode('ascii').rstrip('?'))}" for colour, line in lines.items()]


def _shortened(found: re.Match[str]) -> str:
    return f"!{found.end() - found.start()}{found[1]}"
