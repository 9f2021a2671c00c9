"""Pictures: png, jpeg, gif, webp, bmp, tiff through Pillow, svg through resvg; both in a worker process.

A picture is decoded as far as ``limits.whole`` bytes of its file go, so that a large one shows its upper part first.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, BinaryIO

from flowtui.domain.size import human_size
from flowtui.errors import PreviewError
from flowtui.preview.partial import PartialFile
from flowtui.preview.reasons import reason_of
from flowtui.preview.result import Image, Preview
from flowtui.text import plain

if TYPE_CHECKING:
    from flowtui.preview.subject import Subject
    from flowtui.preview.worker import Request

MOST_PIXELS = 64_000_000
"""Pixels that are decoded: 256 MB at four bytes each. A JPEG may have 64 times as many, since it is decoded smaller."""

_FORMATS = {"png": "PNG", "jpeg": "JPEG", "gif": "GIF", "webp": "WEBP", "bmp": "BMP", "tiff": "TIFF"}
_BIG_ENDIAN_BIGTIFF = b"MM\0+"
_DRAFT = 8
_MODES = {
    "1": "black and white", "L": "grey", "LA": "grey with transparency", "P": "palette", "RGB": "RGB",
    "RGBA": "RGB with transparency", "CMYK": "CMYK", "YCbCr": "YCbCr", "I": "32 bit grey", "F": "floating point",
}  # fmt: skip
_TAGS = {271: "camera maker", 272: "camera", 305: "software", 306: "created", 315: "artist", 270: "description"}
"""EXIF tags that are told; where a picture was taken (GPS) is not."""

_SVG = re.compile(rb"<svg[\s>]")
_SVG_ROOT = re.compile(r"<svg\b[^>]{0,4000}>")
_SVG_SIDE = re.compile(r"\s(width|height|viewBox)\s*=\s*[\"']([^\"']{1,200})")
_LENGTH = re.compile(r"\s*([0-9.]+)\s*(px|pt|mm|cm|in)?\s*$")
_UNITS = {"px": 1.0, "pt": 96 / 72, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0}


def accepts(subject: Subject) -> bool:
    """What begins like a picture of one of these formats."""
    return subject.sniffed.magic in _FORMATS


async def show(subject: Subject) -> Preview:
    return await subject.workers.show(show_picture, subject)


def accepts_svg(subject: Subject) -> bool:
    """Text with an ``<svg`` element near its beginning that is called svg, or has no other name."""
    sniffed = subject.sniffed
    named = sniffed.is_any("svg") or not sniffed.formats
    return sniffed.encoding is not None and named and bool(_SVG.search(subject.head[:4096]))


async def show_svg(subject: Subject) -> Preview:
    if not await subject.read_whole():
        raise PreviewError("too large to be drawn: its text")
    return await subject.workers.show(show_drawing, subject)


def show_picture(file: BinaryIO, request: Request) -> Preview:
    """The picture within ``limits.pixels``, and what its file says of it; of an animation the first frame."""
    from PIL import Image as Pillow
    from PIL import ImageFile, UnidentifiedImageError

    limits = request.limits
    part = PartialFile(file, max(limits.whole, limits.head))
    # The bound is checked below, where a JPEG may be larger and a refusal still tells the facts.
    Pillow.MAX_IMAGE_PIXELS = None
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        picture = Pillow.open(part, formats=list(_FORMATS.values()))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        part.seek(0)
        if part.read(4) == _BIG_ENDIAN_BIGTIFF:
            # Pillow takes the number of the format from the wrong byte.
            raise PreviewError("a BigTIFF with its largest bytes first, which Pillow does not read") from None
        raise PreviewError(f"not a picture that can be read: {reason_of(error)}") from None
    width, height = picture.size
    notices: list[str] = []
    image = None
    facts = _facts(picture, request.size is not None and request.size <= limits.whole)
    if limits.pixels > 0:
        scale = _DRAFT * _DRAFT if picture.format == "JPEG" else 1
        if width * height > MOST_PIXELS * scale:
            notices.append(f"too large to be drawn: more than {MOST_PIXELS // 1_000_000} million pixels")
        else:
            try:
                image = _scaled(picture, limits.pixels, (width, height))
            except (OSError, ValueError, SyntaxError, EOFError, IndexError, ZeroDivisionError, OverflowError) as error:
                notices.append(f"cannot be drawn: {reason_of(error)}")
    cut = part.cut and request.size is not None and request.size > limits.whole
    if cut:
        drawn = "as far as it was read" if image else "not drawn"
        notices.append(f"{drawn}: {human_size(max(limits.whole, limits.head))} of {human_size(request.size)}")
    return Preview(
        kind="image",
        image=image,
        notices=tuple(notices),
        facts=facts,
        more=cut,
        format=(picture.format or "").lower(),
    )


def _scaled(picture: Any, pixels: int, full: tuple[int, int]) -> Image:
    from PIL import Image as Pillow
    from PIL import ImageOps

    if picture.format == "JPEG":
        picture.draft("RGB", (pixels, pixels))
    picture.load()
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        picture = _greys(picture)
    if picture.mode in ("P", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
    elif picture.mode not in ("RGB", "RGBA", "LA", "La", "L"):
        picture = picture.convert("RGB")
    picture.thumbnail((pixels, pixels), Pillow.Resampling.BICUBIC, reducing_gap=2.0)
    turned = ImageOps.exif_transpose(picture)
    if turned.mode in ("RGBA", "LA", "La"):
        clear = turned.convert("RGBA")
        # Plots with a transparent ground are drawn for white paper.
        ground = Pillow.new("RGBA", clear.size, (255, 255, 255, 255))
        turned = Pillow.alpha_composite(ground, clear)
    turned = turned.convert("RGB")
    wide, high = full
    if (turned.width > turned.height) != (wide > high) and turned.width != turned.height and wide != high:
        wide, high = high, wide
    return Image(turned.width, turned.height, turned.tobytes(), wide, high)


def _greys(picture: Any) -> Any:
    """Grey values beyond eight bits, stretched from the smallest to the largest."""
    values = picture.convert("F")
    least, most = values.getextrema()
    scale = 255 / (most - least) if most > least else 0
    return values.point(lambda value: value * scale - least * scale).convert("L")


def _facts(picture: Any, whole: bool) -> tuple[tuple[str, str], ...]:
    width, height = picture.size
    facts = [("size", f"{width:,} x {height:,} pixels"), ("colours", _MODES.get(picture.mode, picture.mode))]
    dpi = picture.info.get("dpi")
    if isinstance(dpi, tuple) and len(dpi) == 2 and all(_is_number(one) for one in dpi):
        across, down = (round(float(one)) for one in dpi)
        facts.append(("dpi", f"{across}" if across == down else f"{across} x {down}"))
    # Counting frames reads the file to its end.
    frames = _number_of_frames(picture) if whole else 1
    if frames > 1:
        facts.append(("pages" if picture.format == "TIFF" else "frames", f"{frames:,}, the first is shown"))
    try:
        # Of a PNG, Pillow would decode all of it to look for them.
        tags = dict(picture.getexif()) if picture.format in ("JPEG", "TIFF", "WEBP") else {}
    except (OSError, ValueError, SyntaxError, KeyError, TypeError):
        tags = {}
    for tag, name in _TAGS.items():
        value = tags.get(tag)
        if isinstance(value, str) and plain(value).strip():
            facts.append((name, plain(value).strip()[:200]))
    for name in ("Title", "Author", "Software", "comment"):
        value = picture.info.get(name)
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        if isinstance(text, str) and plain(text).strip():
            facts.append((name.lower(), plain(text).strip()[:200]))
    return tuple(facts)


def _is_number(value: object) -> bool:
    try:
        return 1 < float(value) < 1e6  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError):
        return False


def _number_of_frames(picture: Any) -> int:
    try:
        return int(getattr(picture, "n_frames", 1))
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, TypeError):
        return 1


def show_drawing(file: BinaryIO, request: Request) -> Preview:
    """An SVG drawn on white, and its text; nothing that it refers to is fetched."""
    import resvg_py
    from PIL import Image as Pillow

    limits = request.limits
    text = file.read(limits.whole).decode("utf-8", errors="replace")
    width, height = _drawn_size(text)
    image = None
    notices: list[str] = []
    if limits.pixels > 0:
        try:
            png = resvg_py.svg_to_bytes(
                svg_string=text,
                background="#ffffff",
                width=limits.pixels if width >= height else None,
                height=limits.pixels if height > width else None,
            )
            with Pillow.open(io.BytesIO(bytes(png)), formats=["PNG"]) as picture:
                image = _scaled(picture, limits.pixels, (max(round(width), 1), max(round(height), 1)))
        except (ValueError, OSError) as error:
            raise PreviewError(f"cannot be drawn: {reason_of(error)}") from None
    if "<image" in text or "<use" in text:
        notices.append("pictures that it refers to are not fetched")
    lines = text.splitlines()
    return Preview(
        kind="image",
        image=image,
        lines=tuple(plain(line[: limits.line].expandtabs(4)) for line in lines[: limits.lines]),
        notices=tuple(notices),
        facts=(("size", f"{width:g} x {height:g}"),),
        language="xml",
        format="svg",
    )


def _drawn_size(text: str) -> tuple[float, float]:
    """Width and height in CSS pixels, else those of the view box, else what browsers take: 300 x 150."""
    root = _SVG_ROOT.search(text)
    said = dict(_SVG_SIDE.findall(root.group())) if root else {}
    sides = []
    for name in ("width", "height"):
        found = _LENGTH.match(said.get(name, ""))
        try:
            sides.append(float(found[1]) * _UNITS[found[2] or "px"] if found else 0.0)
        except ValueError:
            sides.append(0.0)
    box = [float(part) for part in re.findall(r"-?[0-9]*\.?[0-9]+", said.get("viewBox", ""))]
    if not all(sides):
        sides = box[2:4] if len(box) == 4 else [300.0, 150.0]
    width, height = (min(max(side, 1.0), 1e6) for side in sides)
    return width, height
