"""Pictures of the preview of every format: ``PYTHONPATH=. python screenshots/formats.py DIR``.

A run in a home of its own declares one file of each format that ``tests/fuzz/makers.py`` makes; each is opened at
100x30, and drawn to DIR as SVG and PNG, then together on sheets beside this file. Needs Pillow and ``rsvg-convert``.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from demo import HERE, demo_app, press, rest
from PIL import Image
from png import to_png
from textual.worker import WorkerCancelled, WorkerFailed

from flowtui.tui.app import FlowtuiApp
from flowtui.tui.screens.preview import PreviewScreen
from tests.fuzz.makers import MAKERS

SIZE = (100, 30)
PRESSES = {"a.zip": ("enter",), "a.tar.gz": ("enter",), "t.pdf": ("i",)}
"""Keys for a second picture of a file: its member, or its page drawn."""

_FLOW = """
from pathlib import Path
from typing import NamedTuple

from flytekit import task, workflow
from flytekit.types.file import FlyteFile
from flytekitplugins.domino.artifact import DATA, Artifact

Formats = Artifact("Formats", DATA)
NAMES = {names!r}
Files = NamedTuple("Files", [(f"f{{n}}", Formats.File(name)) for n, name in enumerate(NAMES)])


@task
def write_files() -> Files:
    return Files(*(FlyteFile(str(Path({folder!r}, name))) for name in NAMES))


@workflow
def formats() -> None:
    write_files()
"""


def write_run(folder: Path) -> None:
    """A home in ``folder/home`` whose one run declares all files."""
    files = folder / "files"
    files.mkdir()
    for name, make in MAKERS.items():
        (files / name).write_bytes(make())
    flow = folder / "formats.py"
    flow.write_text(_FLOW.format(names=list(MAKERS), folder=str(files)))
    command = [
        sys.executable,
        "-m",
        "flowtui",
        "--local",
        "--home",
        str(folder / "home"),
        "run",
        "--name",
        "every-format",
    ]
    command += [str(flow), "formats"]
    subprocess.run(command, check=True, stdout=sys.stderr)


async def take_all(home: Path, into: Path) -> list[Path]:
    """The pictures, in the order of the files."""
    app = demo_app(home)
    taken: list[Path] = []
    async with app.run_test(size=SIZE) as pilot:
        await rest(app)
        await press(pilot, app, ("enter", "j", "enter"))
        screen = app.screen
        assert isinstance(screen, PreviewScreen)
        while screen.index:
            await press(pilot, app, ("p",))
        for number in range(len(screen.things)):
            name = str(getattr(screen.things[number], "file", number))
            taken.append(_draw(app, into / f"{name}.svg"))
            for key in PRESSES.get(name, ()):
                await press(pilot, app, (key,))
                taken.append(_draw(app, into / f"{name}-{key}.svg"))
            if screen.pane.member is not None:
                await press(pilot, app, ("escape",))
            await press(pilot, app, ("n",))
        holding = [worker for worker in app.workers if worker.group == "session"]
    for worker in holding:
        # It closes what it holds, the processes of previews too.
        with suppress(WorkerCancelled, WorkerFailed):
            await worker.wait()
    return taken


def _draw(app: FlowtuiApp, svg: Path) -> Path:
    svg.write_text(app.export_screenshot(title="flowtui"))
    png = to_png(svg)
    if png is None:
        raise SystemExit("rsvg-convert is not installed (librsvg2-bin)")
    return png


def sheets(pictures: Sequence[Path], across: int, down: int, width: int) -> Iterator[Image.Image]:
    """The pictures in the order given, so many on a sheet, each ``width`` pixels wide."""
    for first in range(0, len(pictures), across * down):
        tiles = []
        for path in pictures[first : first + across * down]:
            with Image.open(path) as picture:
                height = picture.height * width // picture.width
                tiles.append(picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS))
        height = max(tile.height for tile in tiles)
        sheet = Image.new("RGB", (across * width, -(-len(tiles) // across) * height), "black")
        for place, tile in enumerate(tiles):
            sheet.paste(tile, (place % across * width, place // across * height))
        yield sheet.quantize(64, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("into", type=Path, help="folder for the single pictures")
    parser.add_argument("--sheets", type=Path, default=HERE, help="folder for the sheets")
    parser.add_argument("--across", type=int, default=3, help="pictures beside each other on a sheet")
    parser.add_argument("--down", type=int, default=4, help="pictures below each other on a sheet")
    parser.add_argument("--width", type=int, default=620, help="pixels of a picture on a sheet")
    options = parser.parse_args()
    options.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        write_run(Path(folder))
        pictures = asyncio.run(take_all(Path(folder) / "home", options.into))
    for old in options.sheets.glob("formats-*.png"):
        old.unlink()
    for number, sheet in enumerate(sheets(pictures, options.across, options.down, options.width), 1):
        sheet.save(options.sheets / f"formats-{number}.png", optimize=True)
    print(f"{len(pictures)} pictures")


if __name__ == "__main__":
    main()
