"""Pictures and pages on the screen, and what is drawn for what the terminal answers."""

from __future__ import annotations

import base64
import io
import os
import random
import re

import pytest
from PIL import Image as pillow

from flowtui.preview.result import Image
from flowtui.preview.scaling import fitted, scaled
from flowtui.tui.graphics import Graphics, may_be_asked
from flowtui.tui.screens.preview import PreviewScreen
from flowtui.tui.sixel import sixel
from flowtui.tui.widgets.picture import ROW_MARKS, half_cells, kitty_placeholders, kitty_transmission, png
from flowtui.tui.widgets.preview import PreviewPane
from tests.preview.documents import picture, table_pdf
from tests.tui.conftest import LARGE, SMALL, Open, Person, blobs
from tests.tui.test_run import go_to
from tests.tui.test_terminal import Terminal, running

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE])
PDF = "1d845127-c0cb-46ea-8213-6b833340e418/t_vscat"
OTHER = "c906a69e-fab6-47e5-a287-da94c9aced4d/t_ae_rel"


def put(monkeypatch: pytest.MonkeyPatch, key: str, content: bytes) -> None:
    """Lay a file into the blob store under both spellings of its key, which has a slash in front."""
    monkeypatch.setitem(blobs(), f"flyte/{key}", content)
    monkeypatch.setitem(blobs(), f"flyte//{key}", content)


async def opened(person: Person, file: str) -> PreviewPane:
    await person.open("domino-reports-1")
    await go_to(person, "TFL Reports", file)
    await person.press("enter")
    screen = person.app.screen
    assert isinstance(screen, PreviewScreen)
    return screen.pane


@SIZES
async def test_pages_are_turned_and_drawn(
    at_screen: Open, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(monkeypatch, PDF, table_pdf())
    async with at_screen(size) as person:
        pane = await opened(person, "t_vscat.pdf")
        assert "page 1 of 2" in person.seen
        assert "CARDIAC DISORDERS" in person.seen
        assert pane.preview is not None
        assert pane.preview.image is None
        assert ". next page" in person.keys
        await person.press("full_stop")
        assert "The second page." in person.seen
        assert "page 2 of 2" in person.seen
        assert ". next page" not in person.keys
        await person.press("full_stop", "comma")
        assert "page 1 of 2" in person.seen
        await person.press("i")
        assert pane.preview.image is None or "▀" in person.seen
        assert "▀" in person.seen
        assert "CARDIAC" not in person.seen
        await person.press("full_stop")
        assert "page 2 of 2" in person.seen
        assert "▀" in person.seen
        await person.press("i")
        assert "The second page." in person.seen
        assert "▀" not in person.seen


@SIZES
async def test_a_picture_fills_the_pane(
    at_screen: Open, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(monkeypatch, OTHER, picture("PNG", 600, 400))
    async with at_screen(size) as person:
        pane = await opened(person, "t_ae_rel tfl report")
        assert "600 x 400" in person.seen
        drawn = [line for line in person.seen.splitlines() if "▀" in line]
        assert len(drawn) >= pane.viewer.size.height - 1
        assert ". next page" not in person.keys
        strips = [pane.viewer.render_line(y) for y in range(len(drawn))]
        assert all(strip.cell_length == pane.viewer.size.width for strip in strips)
        colours = {segment.style.color.name for segment in strips[0] if segment.style and "▀" in segment.text}
        assert colours >= {"#ff0000", "#0000ff"}


async def test_without_pictures_the_facts_are_told(at_screen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, OTHER, picture("PNG", 600, 400))
    async with at_screen(SMALL, images="off") as person:
        pane = await opened(person, "t_ae_rel tfl report")
        assert "▀" not in person.seen
        assert "600 x 400 pixels" in person.seen
        assert pane.preview is not None
        assert pane.preview.image is None


async def test_another_file_after_a_picture_is_text_again(at_screen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, OTHER, picture("PNG"))
    put(monkeypatch, PDF, table_pdf())
    async with at_screen(SMALL) as person:
        await opened(person, "t_ae_rel tfl report")
        assert "▀" in person.seen
        await person.press("n")
        assert "▀" not in person.seen
        assert "CARDIAC DISORDERS" in person.seen


def image(width: int = 12, height: int = 14) -> Image:
    pixels = b"".join(bytes((20 * x, 18 * y, 128)) for y in range(height) for x in range(width))
    return Image(width, height, pixels, width, height)


def test_proportions_are_kept_and_small_pictures_not_blown_up() -> None:
    assert fitted(Image(1000, 500, b"", 1, 1), 80, 20, (10, 20)) == (80, 20)
    assert fitted(Image(500, 1000, b"", 1, 1), 80, 20, (10, 20)) == (20, 20)
    assert fitted(Image(10, 10, b"", 1, 1), 80, 20, (10, 20)) == (4, 2)
    assert fitted(Image(5000, 1, b"", 1, 1), 80, 20, (10, 20)) == (80, 1)


def test_pixels_without_pillow_are_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    two = Image(2, 1, bytes((1, 2, 3, 4, 5, 6)), 2, 1)
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert scaled(two, 4, 1) == bytes((1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6))


def test_half_cells_hold_two_pixels_each() -> None:
    strips = half_cells(image(), 12, 7)
    assert [strip.cell_length for strip in strips] == [12] * 7
    assert strips[0].text == "▀" * 12
    first = next(iter(strips[1])).style
    assert first is not None
    assert (first.color.name, first.bgcolor.name) == ("#002480", "#003680")  # type: ignore[union-attr]


def test_kitty_gets_the_picture_once_and_places_it_by_characters() -> None:
    from PIL import Image as Pillow

    sent = kitty_transmission(0x010203, image(), 10, 5)
    parts = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", sent)
    assert parts[0][0].startswith("a=T,U=1,q=2,f=100,i=66051,c=10,r=5,m=")
    assert all(len(data) <= 4096 for _, data in parts)
    made = Pillow.open(io.BytesIO(base64.b64decode("".join(data for _, data in parts))))
    assert (made.size, made.tobytes()) == ((12, 14), image().pixels)
    strips = kitty_placeholders(0x010203, 10, 5)
    assert [strip.cell_length for strip in strips] == [10] * 5
    style = next(iter(strips[2])).style
    assert style is not None
    assert style.color is not None
    assert style.color.name == "#010203"
    assert strips[2].text.startswith("\U0010eeee" + ROW_MARKS[2] + ROW_MARKS[0] + "\U0010eeee")
    assert len(set(ROW_MARKS)) == len(ROW_MARKS) >= 90
    assert png(image()).startswith(b"\x89PNG")


def unsixel(text: str) -> dict[tuple[int, int], tuple[int, int, int]]:
    """The pixels that a terminal would draw, by place."""
    found = re.fullmatch(r'\x1bP0;1q"1;1;(\d+);(\d+)(.*)\x1b\\', text, re.DOTALL)
    assert found
    palette: dict[int, tuple[int, int, int]] = {}
    drawn: dict[tuple[int, int], tuple[int, int, int]] = {}
    x = y = colour = 0
    for token in re.finditer(r"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)(.)|([$-])|([?-~])", found[3]):
        number, red, green, blue, chosen, count, repeated, move, one = token.groups()
        if number:
            palette[int(number)] = (int(red), int(green), int(blue))
        elif chosen:
            colour = int(chosen)
        elif move:
            x, y = 0, y + (6 if move == "-" else 0)
        else:
            for _ in range(int(count or 1)):
                for bit in range(6):
                    if (ord(repeated or one) - 63) >> bit & 1:
                        assert (x, y + bit) not in drawn
                        drawn[x, y + bit] = palette[colour]
                x += 1  # noqa: SIM113
    return drawn


def test_sixel_draws_every_pixel_once_in_its_colour() -> None:
    drawn = unsixel(sixel(12, 14, image().pixels))
    assert set(drawn) == {(x, y) for x in range(12) for y in range(14)}
    for (x, y), colour in drawn.items():
        wanted = [value * 100 / 255 for value in (20 * x, 18 * y, 128)]
        assert all(abs(one - other) < 9 for one, other in zip(colour, wanted, strict=True))
    assert "!" in sixel(40, 6, bytes(3 * 40 * 6))


@pytest.mark.parametrize(
    ("wish", "environ", "answers", "mode"),
    [
        ("auto", {"TERM": "xterm-256color"}, [], "half"),
        ("auto", {"TERM": "xterm-256color"}, ["\x1b[?62;4;22c"], "sixel"),
        ("auto", {"TERM": "xterm-256color"}, ["\x1b[?64;22c"], "half"),
        ("auto", {"TERM": "xterm-256color"}, ["\x1b[?4c"], "half"),
        ("auto", {"TERM": "xterm-kitty"}, ["\x1b_Gi=31;OK", "\x1b[?62;c"], "kitty"),
        ("auto", {"TERM": "xterm-ghostty"}, ["\x1b_Gi=31;OK"], "kitty"),
        ("auto", {"TERM": "xterm-256color"}, ["\x1b_Gi=31;OK", "\x1b[?62;4c"], "sixel"),
        ("auto", {"TERM": "xterm-kitty"}, ["\x1b_Gi=31;EINVAL"], "half"),
        ("kitty", {}, [], "kitty"),
        ("off", {"TERM": "xterm-kitty"}, [], "off"),
    ],
)
def test_what_the_terminal_answers(wish: str, environ: dict[str, str], answers: list[str], mode: str) -> None:
    graphics = Graphics(wish, environ)
    for answer in answers:
        graphics.learn(answer)
    assert graphics.mode == mode


def test_the_size_of_a_cell_is_learnt_within_bounds() -> None:
    graphics = Graphics("sixel")
    assert graphics.learn("\x1b[6;34;17t")
    assert graphics.cell == (17, 34)
    assert not graphics.learn("\x1b[6;0;99999t")
    assert graphics.cell == (17, 34)


def test_who_is_not_asked() -> None:
    assert may_be_asked({"TERM": "xterm"})
    assert not may_be_asked({"TERM": "tmux-256color", "TMUX": "/run/tmux"})
    assert not may_be_asked({"TERM": "linux"})
    assert not may_be_asked({})
    assert Graphics("auto", {"TERM": "xterm"}, is_plain=True).mode == "off"


APP = """
import os, sys
from textual.app import App
from flowtui.preview.result import Image, Preview
from flowtui.tui.graphics import Graphics, answering
from flowtui.tui.widgets.viewer import Viewer

class Shown(App):
    CSS = "Viewer { height: 1fr; }"
    pressed = ""
    def __init__(self):
        super().__init__()
        self.graphics = Graphics("auto", os.environ)
    def get_driver_class(self):
        return answering(super().get_driver_class())
    def compose(self):
        yield Viewer(graphics=self.graphics)
    def get_theme_variable_defaults(self):
        return {"wait": "red", "dim": "red", "cursor": "red", "cursor-blurred": "red"}
    def on_mount(self):
        self.query_one(Viewer).show(Preview(kind="image", image=Image(8, 8, bytes(192), 8, 8)))
        self.graphics.ask(self)
    def on_terminal_answer(self, event):
        if self.graphics.learn(event.text):
            self.query_one(Viewer).canvas.lay_out()
    def on_key(self, event):
        self.pressed += event.key
        if event.key == "q":
            self.exit(self.pressed)

print("pressed:", Shown().run())
"""


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize(
    ("term", "drawn"), [("xterm-256color", b'\x1bP0;1q"1;1;'), ("xterm-kitty", b"\x1b_Ga=T,U=1,q=2,f=100")]
)
def test_a_real_terminal_is_asked_and_its_answers_are_no_keys(
    tmp_path: object, term: str, drawn: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TMUX", "STY", "KITTY_WINDOW_ID", "GHOSTTY_RESOURCES_DIR"):
        monkeypatch.delenv(name, raising=False)
    with running(APP, TERM=term) as terminal:
        assert isinstance(terminal, Terminal)
        terminal.wait_for("▀".encode())
        terminal.wait_for(b"\x1b[c")
        os.write(terminal.terminal, b"\x1b_Gi=31;OK\x1b\\\x1b[6;20;10t\x1b[?62;4;22c")
        terminal.wait_for(drawn)
        os.write(terminal.terminal, b"q")
        assert terminal.exit_code() == 0
        assert b"pressed: q\r\n" in terminal.seen


@SIZES
async def test_more_of_a_large_picture_is_read_when_it_is_asked_for(
    at_screen: Open, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Noise does not compress: 3.2 MB, of which a first look takes 2 MB.
    put(monkeypatch, OTHER, noise(1100, 1000))
    async with at_screen(size) as person:
        pane = await opened(person, "t_ae_rel tfl report")
        assert "as far as it was read: " in person.seen
        assert "m more of it" in person.keys
        assert pane.preview is not None
        assert pane.preview.image is not None
        first = pane.preview.image.pixels
        await person.press("m")
        assert "as far as it was read" not in person.seen
        assert "m more of it" not in person.keys
        assert pane.preview.image.pixels != first
        # What is beyond the beginning is no longer one colour.
        tail = pane.preview.image.pixels[-3 * pane.preview.image.width :]
        assert len(set(tail)) > 10
        assert "▀" in person.seen


def noise(width: int, height: int) -> bytes:
    """A PNG of random pixels."""
    made = io.BytesIO()
    pixels = random.Random(1).randbytes(3 * width * height)
    pillow.frombytes("RGB", (width, height), pixels).save(made, "PNG")
    return made.getvalue()
