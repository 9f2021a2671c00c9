"""The size at which a picture is drawn on cells, and its pixels at that size."""

from __future__ import annotations

from flowtui.preview.result import Image

_MOST_SCALE = 4


def fitted(image: Image, columns: int, rows: int, cell: tuple[int, int]) -> tuple[int, int]:
    """How many cells the picture takes in each direction within a pane, its proportions kept.

    Args:
        cell: width and height of a cell in pixels.
    """
    wide, high = cell
    scale = min(columns * wide / image.width, rows * high / image.height, _MOST_SCALE)
    return (
        min(max(round(image.width * scale / wide), 1), columns),
        min(max(round(image.height * scale / high), 1), rows),
    )


def scaled(image: Image, width: int, height: int) -> bytes:
    """The picture's pixels at another size; by the nearest ones where Pillow is not installed."""
    if (width, height) == (image.width, image.height):
        return image.pixels
    try:
        from PIL import Image as Pillow
    except ImportError:
        return _nearest(image, width, height)
    picture = Pillow.frombytes("RGB", (image.width, image.height), image.pixels)
    data: bytes = picture.resize((width, height), Pillow.Resampling.BOX).tobytes()
    return data


def _nearest(image: Image, width: int, height: int) -> bytes:
    columns = [3 * (x * image.width // width) for x in range(width)]
    made = bytearray()
    for y in range(height):
        begin = 3 * image.width * (y * image.height // height)
        row = image.pixels[begin : begin + 3 * image.width]
        for at in columns:
            made += row[at : at + 3]
    return bytes(made)
