"""SVG screenshots to PNG with ``rsvg-convert``, which knows neither ``textLength`` nor leading no-break spaces."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

_CELL = 12.2
_TEXT = re.compile(r'(<text [^>]*?x=")([\d.]+)("[^>]*>)((?:&#160;)+)')


def to_png(svg: Path) -> Path | None:
    """Write the picture beside the SVG; None where ``rsvg-convert`` is not installed."""
    if shutil.which("rsvg-convert") is None:
        return None

    def shift(found: re.Match[str]) -> str:
        blanks = found[4].count("&#160;")
        return f"{found[1]}{float(found[2]) + blanks * _CELL:.1f}{found[3]}"

    text = _TEXT.sub(shift, svg.read_text())
    text = text.replace("font-size: 20px", "font-size: 20.265px").replace("Fira Code", "DejaVu Sans Mono")
    png = svg.with_suffix(".png")
    subprocess.run(["rsvg-convert", "-o", str(png)], input=text.encode(), check=True)
    _shrink(png)
    return png


def _shrink(png: Path) -> None:
    """Keep 256 colours, which is all that a terminal's picture has; needs Pillow."""
    try:
        from PIL import Image
    except ImportError:
        return
    with Image.open(png) as picture:
        small = picture.convert("RGB").quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    small.save(png, optimize=True)
