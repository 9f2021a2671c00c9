"""Pictures of the screen on the demo's runs, as SVG and PNG at 80x24 and 140x40: ``python screenshots/take.py``.

The demo runs once in a folder of its own (``--home DIR`` to take another); pictures go beside this file.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from png import to_png

from flowtui.config import load_settings
from flowtui.embedded import session_of
from flowtui.tui.app import FlowtuiApp

HERE = Path(__file__).parent
SIZES = ((80, 24), (140, 40))


@dataclass(frozen=True)
class Picture:
    """Keys that lead to it from the Runs place; a word in angle brackets is typed."""

    name: str
    keys: tuple[str, ...]


CLINICAL = ("slash", "<wf:study_report phase:done>", "enter", "enter")
FAILED = ("slash", "<wf:study_report phase:failed>", "enter", "enter")
NESTED = ("slash", "<wf:enrolment>", "enter", "enter")
PICTURES = (
    Picture("runs", ()),
    Picture("run", (*CLINICAL, "j", "j")),
    Picture("preview", (*CLINICAL, "j", "j", "enter")),
    Picture("find", (*CLINICAL, "j", "j", "enter", "slash", "<placebo>")),
    Picture("document", (*CLINICAL, "G", "enter")),
    Picture("table-of-a-report", (*CLINICAL, "G", "k", "k", "k", "enter")),
    Picture("versions", (*CLINICAL, "j", "j", "v")),
    Picture("compare", (*CLINICAL, "j", "j", "v", "equals_sign")),
    Picture("lineage", (*CLINICAL, "j", "j", "L")),
    Picture("nodes", (*NESTED, "right_square_bracket")),
    Picture("failed-node", (*FAILED, "right_square_bracket")),
    Picture("graph", (*CLINICAL, "right_square_bracket", "right_square_bracket")),
    Picture("inputs", (*CLINICAL, "left_square_bracket")),
    Picture("artifacts", ("2",)),
    Picture("bookmarks", (*CLINICAL, "b", "g", "b", "3")),
    Picture("export", (*CLINICAL, "g", "e")),
    Picture("help", (*CLINICAL, "question_mark")),
    Picture("filter", ("slash", "<!phase:done>")),
    Picture("command", ("colon",)),
    Picture("re-run", ("R",)),
)


async def rest(app: FlowtuiApp) -> None:
    """Wait until nothing is being read."""
    for _ in range(200):
        await asyncio.sleep(0.05)
        if all(worker.is_finished for worker in app.workers if worker.group != "session"):
            break
    await asyncio.sleep(0.1)


async def take(picture: Picture, size: tuple[int, int], home: Path) -> None:
    """Write one picture."""
    settings = load_settings({"local": True, "home": str(home)}, {"HOME": str(home), "FLOWTUI_CONFIG": ""})
    app = FlowtuiApp(settings, lambda: session_of(settings))
    async with app.run_test(size=size) as pilot:
        await rest(app)
        for key in picture.keys:
            for press in key[1:-1] if key.startswith("<") else [key]:
                await pilot.press({" ": "space"}.get(press, press))
            await rest(app)
        svg = HERE / f"{picture.name}-{size[0]}x{size[1]}.svg"
        svg.write_text(app.export_screenshot(title="flowtui"))
    to_png(svg)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="a home in which the demo has run")
    parser.add_argument("names", nargs="*", help="only these pictures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = options.home or Path(folder)
        if options.home is None:
            subprocess.run(
                [sys.executable, "-m", "flowtui", "demo", "--no-screen", "--home", str(home)],
                check=True,
                stdout=sys.stderr,
            )
        for picture in PICTURES:
            for size in SIZES:
                if not options.names or picture.name in options.names:
                    asyncio.run(take(picture, size, home))
                    print(f"{picture.name} {size[0]}x{size[1]}")


if __name__ == "__main__":
    main()
