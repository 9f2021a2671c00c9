"""The screen on the demo's runs, for pictures: its home, the app, and the keys that are pressed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from textual.pilot import Pilot

from flowtui.config import load_settings
from flowtui.embedded import session_of
from flowtui.tui.app import FlowtuiApp

HERE = Path(__file__).parent
_NAMES = {" ": "space", "-": "minus", "_": "underscore", ":": "colon"}


@contextmanager
def demo_home(home: Path | None) -> Iterator[Path]:
    """A home in which the demo has run: the one that is given, or a new one for the block."""
    if home is not None:
        yield home
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "flowtui", "demo", "--no-screen", "--home", folder]
        subprocess.run(command, check=True, stdout=sys.stderr)
        yield Path(folder)


def demo_app(home: Path) -> FlowtuiApp:
    """The screen on the runs of a home."""
    settings = load_settings({"local": True, "home": str(home)}, {"HOME": str(home), "FLOWTUI_CONFIG": ""})
    return FlowtuiApp(settings, lambda: session_of(settings))


async def rest(app: FlowtuiApp) -> None:
    """Wait until nothing is being read."""
    for _ in range(200):
        await asyncio.sleep(0.05)
        if all(worker.is_finished for worker in app.workers if worker.group != "session"):
            break
    await asyncio.sleep(0.1)


async def press(pilot: Pilot[None], app: FlowtuiApp, keys: Sequence[str]) -> None:
    """Press keys one after the other; a word in angle brackets is typed."""
    for key in keys:
        for one in key[1:-1] if key.startswith("<") else [key]:
            await pilot.press(_NAMES.get(one, one))
        await rest(app)
