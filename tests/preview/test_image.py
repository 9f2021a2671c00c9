"""Pictures: drawn within the limits, from as much of the file as may be read, and never a bomb."""

from __future__ import annotations

import io
import random
import struct
import zlib

import pytest

from flowtui.preview.limits import Limits
from flowtui.preview.workers import Workers
from tests.preview.documents import look_in_store, picture
from tests.preview.look import look

RED, BLUE = (255, 0, 0), (0, 0, 255)


def near(pixels: bytes, at: int, colour: tuple[int, int, int]) -> bool:
    return all(abs(value - wanted) < 40 for value, wanted in zip(pixels[at : at + 3], colour, strict=True))


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
async def test_every_format(format_: str) -> None:
    found = await look(picture(format_), f"f.{format_.lower()}", limits=Limits(pixels=30))
    assert (found.kind, found.format, found.notices) == ("image", format_.lower(), ())
    image = found.image
    assert image is not None
    assert (image.width, image.height, image.full_width, image.full_height) == (30, 20, 60, 40)
    assert near(image.pixels, 0, RED)
    assert near(image.pixels, len(image.pixels) - 3, BLUE)
    facts = dict(found.facts)
    assert facts["size"] == "60 x 40 pixels"
    if format_ in ("PNG", "JPEG", "TIFF"):
        assert facts["dpi"] == "300"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "I", "F", "CMYK"])
async def test_every_kind_of_colour(mode: str) -> None:
    from PIL import Image

    made = Image.new("RGB", (8, 8), RED) if mode in ("P", "RGBA", "CMYK") else Image.new("L", (8, 8), 200)
    if mode in ("I;16", "I", "F"):
        made = Image.new("I", (8, 8), 40_000)
        made.putpixel((0, 0), 0)
    stream = io.BytesIO()
    made.convert(mode).save(stream, "TIFF" if mode in ("I", "F", "CMYK") else "PNG")
    found = await look(stream.getvalue(), "f")
    assert found.image is not None, found.notices
    if mode in ("I;16", "I", "F"):
        assert found.image.pixels[:3] == b"\0\0\0"
        assert found.image.pixels[-3:] == b"\xff\xff\xff"


async def test_what_is_transparent_lies_on_white() -> None:
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(stream, "PNG")
    found = await look(stream.getvalue(), "plot.png")
    assert found.image is not None
    assert set(found.image.pixels) == {255}


async def test_only_facts_where_no_picture_is_wanted() -> None:
    found = await look(picture("PNG"), "f.png", limits=Limits(pixels=0))
    assert (found.kind, found.image) == ("image", None)
    assert found.facts[0] == ("size", "60 x 40 pixels")


async def test_a_picture_is_turned_as_its_camera_says_and_its_place_is_not_told() -> None:
    from PIL import Image

    made = Image.new("RGB", (60, 40), RED)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x0110] = "Cam\x1b[31mera"
    exif.get_ifd(0x8825)[1] = "N"
    stream = io.BytesIO()
    made.save(stream, "JPEG", exif=exif)
    found = await look(stream.getvalue(), "f.jpg")
    assert found.image is not None
    assert (found.image.width, found.image.height) == (40, 60)
    assert (found.image.full_width, found.image.full_height) == (40, 60)
    assert ("camera", "Camera") in found.facts
    assert not any("GPS" in name or value == "N" for name, value in found.facts)


async def test_frames_of_a_small_file_are_counted() -> None:
    from PIL import Image

    frames = [Image.new("P", (4, 4), index) for index in range(3)]
    stream = io.BytesIO()
    frames[0].save(stream, "TIFF", save_all=True, append_images=frames[1:])
    assert ("pages", "3, the first is shown") in (await look(stream.getvalue(), "f.tiff")).facts


async def test_of_a_large_picture_the_beginning_is_read() -> None:
    content = picture("PNG", 2000, 1500, noise=True)
    async with Workers() as workers:
        found, requests, read = await look_in_store(content, "f.png", workers, whole=512 * 1024, pixels=100)
        assert len(content) > 8_000_000
        assert read <= 640 * 1024
        assert requests <= 4
        assert found.image is not None
        assert found.more
        assert found.notices == ("as far as it was read: 524 KB of 9.0 MB",)


def bomb(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10))) + chunk(b"IEND", b"")
    )


async def test_a_bomb_is_not_unpacked() -> None:
    found = await look(bomb(60_000, 60_000), "f.png")
    assert (found.kind, found.image) == ("image", None)
    assert found.notices == ("too large to be drawn: more than 64 million pixels",)
    assert found.facts[0] == ("size", "60,000 x 60,000 pixels")


async def test_damaged_pictures_are_shown_as_far_as_they_go_or_as_bytes() -> None:
    chosen = random.Random(3)
    async with Workers() as workers:
        for format_ in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"):
            content = picture(format_)
            for _ in range(12):
                broken = bytearray(content[: chosen.randrange(12, len(content))])
                for _ in range(chosen.randrange(4)):
                    broken[chosen.randrange(8, len(broken))] = chosen.randrange(256)
                found, _, _ = await look_in_store(bytes(broken), f"f.{format_.lower()}", workers, pixels=50)
                assert found.kind in ("image", "hex", "text")
                if found.kind != "image":
                    assert found.notices


SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="200">'
    '<rect width="200" height="200" fill="red"/><rect x="200" width="200" height="200" fill="blue"/></svg>'
)


async def test_an_svg_is_drawn_and_has_its_text() -> None:
    found = await look(SVG.encode(), "plot.svg", limits=Limits(pixels=100))
    assert (found.kind, found.format, found.language) == ("image", "svg", "xml")
    assert found.image is not None
    assert (found.image.width, found.image.height, found.image.full_width) == (100, 50, 400)
    assert near(found.image.pixels, 0, RED)
    assert near(found.image.pixels, len(found.image.pixels) - 3, BLUE)
    assert found.lines == (SVG,)


async def test_a_broken_or_hostile_svg_is_text() -> None:
    found = await look(b"<svg><g></svg>", "plot.svg")
    assert found.kind == "text"
    assert found.notices[0].startswith("cannot be drawn: ")
    entities = "<!DOCTYPE svg [" + "".join(
        f'<!ENTITY e{n} "{f"&e{n - 1};" * 20 if n else "boom" * 100}">' for n in range(20)
    )
    found = await look(
        (entities + "]><svg xmlns='http://www.w3.org/2000/svg'><text>&e19;</text></svg>").encode(), "x.svg"
    )
    assert found.kind in ("text", "image")
    assert len(found.lines) <= 1000


def bigtiff(order: str) -> bytes:
    """Two pixels in the layout of AWare Systems: places of eight bytes. Pillow writes little-endian ones only."""
    entries = [(256, 2), (257, 1), (258, 8), (259, 1), (262, 1), (273, 16 + 8 + 20 * 8 + 8), (277, 1), (279, 2)]
    content = struct.pack(f"{order}2sHHHQQ", b"II" if order == "<" else b"MM", 43, 8, 0, 16, len(entries))
    content += b"".join(struct.pack(f"{order}HHQQ", tag, 16, 1, value) for tag, value in entries)
    return content + struct.pack(f"{order}Q", 0) + bytes([0, 255])


async def test_a_bigtiff() -> None:
    found = await look(bigtiff("<"), "scan.tif", limits=Limits(pixels=10))
    assert (found.kind, found.format) == ("image", "tiff")
    assert found.facts[0] == ("size", "2 x 1 pixels")
    assert found.image is not None
    assert found.image.pixels == bytes([0, 0, 0, 255, 255, 255])


async def test_a_bigtiff_that_pillow_does_not_read_is_called_so() -> None:
    found = await look(bigtiff(">"), "scan.tif", limits=Limits(pixels=10))
    assert found.notices[0] == "a BigTIFF with its largest bytes first, which Pillow does not read"
