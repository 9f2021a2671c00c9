"""Pictures of the screen on the demo's runs, as SVG and PNG at 80x24 and 140x40: ``python screenshots/take.py``.

The demo runs once in a folder of its own (``--home DIR`` to take another); pictures go beside this file.
"""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass
from pathlib import Path

from demo import HERE, demo_app, demo_home, press, rest
from png import to_png

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


async def take(picture: Picture, size: tuple[int, int], home: Path) -> None:
    """Write one picture."""
    app = demo_app(home)
    async with app.run_test(size=size) as pilot:
        await rest(app)
        await press(pilot, app, picture.keys)
        svg = HERE / f"{picture.name}-{size[0]}x{size[1]}.svg"
        svg.write_text(app.export_screenshot(title="flowtui"))
    to_png(svg)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="a home in which the demo has run")
    parser.add_argument("names", nargs="*", help="only these pictures")
    options = parser.parse_args()
    with demo_home(options.home) as home:
        for picture in PICTURES:
            for size in SIZES:
                if not options.names or picture.name in options.names:
                    asyncio.run(take(picture, size, home))
                    print(f"{picture.name} {size[0]}x{size[1]}")


if __name__ == "__main__":
    main()
