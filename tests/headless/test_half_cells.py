"""Pictures on a terminal: half cells in 24-bit colours, and facts where there is no terminal."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from flowtui.headless.half_cells import drawn
from flowtui.headless.preview import execute_uri
from flowtui.headless.style import Style
from flowtui.preview.result import Image
from flowtui.storage import Storage
from tests.preview.documents import picture
from tests.trusting import TrustsAll


def test_two_pixels_to_a_cell() -> None:
    image = Image(1, 2, bytes((255, 0, 0, 0, 0, 255)), 1, 2)
    text = drawn(image, 1)
    assert text == "\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[0m\n"


def test_a_picture_fits_the_terminal() -> None:
    lines = drawn(Image(200, 100, bytes(60_000), 200, 100), 60).splitlines()
    assert len(lines) == 15
    assert {line.count("▀") for line in lines} == {60}


async def test_in_colour_it_is_drawn_and_behind_a_pipe_told(tmp_path: Path) -> None:
    file = tmp_path / "plot.png"
    file.write_bytes(picture("PNG"))
    options = Namespace(
        run=str(file), rows=10, page=1, columns=(), member="", tail=False, delimiter=None, quote=None, skip=None
    )
    async with Storage(TrustsAll()) as storage:
        shown = await execute_uri(storage, options, Style(width=40, color=True, tell=lambda _: None))
        assert "\x1b[38;2;255;0;0;48;2;255;0;0m▀" in shown
        told = await execute_uri(storage, options, Style(tell=lambda _: None))
        assert told == "size: 60 x 40 pixels\ncolours: RGB\ndpi: 300\n"
