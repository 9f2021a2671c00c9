"""Twelve steps from the list of runs to a finished export to a dataset, by keys alone, at 80x24.

``python screenshots/walk.py`` runs the demo in a folder of its own (``--home DIR`` to take another), presses the keys
and writes ``walk-01.png`` to ``walk-12.png`` and, with a line under each, ``walk.png``.
"""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass
from pathlib import Path

from demo import HERE, demo_app, demo_home, press, rest
from PIL import Image, ImageDraw, ImageFont
from png import to_png

COLUMNS = 3


@dataclass(frozen=True)
class Step:
    """Keys, a word in angle brackets typed, and what a person does with them."""

    keys: tuple[str, ...]
    words: str


STEPS = (
    Step(("slash", "<wf:study_report phase:done>", "enter"), "/ wf:study_report  finds the study's runs"),
    Step(("enter",), "enter  opens the newest one"),
    Step(("j", "space", "j", "j", "space"), "j space  selects two datasets"),
    Step(("escape", "j", "enter", "j", "j", "j", "j", "space"), "esc j enter … space  and a file of an earlier run"),
    Step(("e",), "e  shows where to and the plan"),
    Step(("tab", "j", "enter"), "tab j enter  lists the datasets"),
    Step(("slash", "<cdisc>", "enter"), "/ cdisc  finds the study's"),
    Step(("enter",), "enter  chooses it"),
    Step(("tab", "j", "j", "j", "enter", "<adam-2026-11>", "enter"), "tab j j j enter  types the snapshot's tag"),
    Step(("tab",), "tab  goes to the plan: what is new, what is renamed"),
    Step(("enter",), "enter  exports; it goes on while one browses"),
    Step(("4", "enter"), "4 enter  the finished export: its snapshot, its files"),
)


async def walk(home: Path) -> list[Path]:
    """Press the keys of all steps; the picture after each."""
    app = demo_app(home)
    pictures = []
    async with app.run_test(size=(80, 24)) as pilot:
        await rest(app)
        for number, step in enumerate(STEPS, 1):
            await press(pilot, app, step.keys)
            svg = HERE / f"walk-{number:02d}.svg"
            svg.write_text(app.export_screenshot(title=f"{number}  {step.words}"))
            to_png(svg)
            svg.unlink()
            pictures.append(svg.with_suffix(".png"))
    return pictures


def sheet(pictures: list[Path]) -> None:
    """All steps on one picture, a line under each."""
    images = [Image.open(path).convert("RGB") for path in pictures]
    width, height = images[0].width // 2, images[0].height // 2
    font = ImageFont.load_default(size=15)
    rows = -(-len(images) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * width, rows * (height + 30)), "white")
    draw = ImageDraw.Draw(page)
    for index, (image, step) in enumerate(zip(images, STEPS, strict=True)):
        x, y = index % COLUMNS * width, index // COLUMNS * (height + 30)
        page.paste(image.resize((width, height)), (x, y))
        draw.text((x + 8, y + height + 5), f"{index + 1}. {step.words}", fill="black", font=font)
    page.save(HERE / "walk.png", optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="a home in which the demo has run")
    options = parser.parse_args()
    with demo_home(options.home) as home:
        sheet(asyncio.run(walk(home)))


if __name__ == "__main__":
    main()
