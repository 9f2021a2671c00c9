"""A picture on a terminal in colour: half cells, whose two colours are two pixels."""

from __future__ import annotations

from flowtui.preview.result import Image
from flowtui.preview.scaling import fitted, scaled

_ROWS = 40


def drawn(image: Image, width: int) -> str:
    """The picture in at most ``width`` cells and 40 lines, with SGR colours of 24 bits."""
    columns, rows = fitted(image, width, _ROWS, (1, 2))
    pixels = scaled(image, columns, 2 * rows)
    stride = 3 * columns
    lines = []
    for top in range(0, 2 * rows * stride, 2 * stride):
        parts: list[str] = []
        before = b""
        for at in range(top, top + stride, 3):
            pair = pixels[at : at + 3] + pixels[at + stride : at + stride + 3]
            if pair != before:
                front, back = (";".join(map(str, pair[part : part + 3])) for part in (0, 3))
                parts.append(f"\x1b[38;2;{front};48;2;{back}m")
                before = pair
            parts.append("▀")
        lines.append("".join(parts) + "\x1b[0m\n")
    return "".join(lines)
