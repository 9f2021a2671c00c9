"""How long until flowtui paints its first frame, against a bare Textual app, in one run.

Each side is a fresh process on a pseudo-terminal of 120 columns and 40 rows, started in turn. A frame is painted when
its text has arrived: ``hello`` of the bare app, ``Runs`` of flowtui. The figures are whole-process seconds from the
start of the interpreter, as medians; the ratio is that of the pairs, as a median.

    .venv/bin/python benchmarks/first_frame.py [--runs 15]
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time

BARE = """
from textual.app import App, ComposeResult
from textual.widgets import Static
class Bare(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("hello")
Bare().run()
"""


def seconds_to_text(command: list[str], text: bytes, environment: dict[str, str], limit: float = 20.0) -> float:
    """Seconds from the start of ``command`` on a pseudo-terminal until it has written ``text``.

    Raises:
        TimeoutError: the text did not come within ``limit`` seconds.
    """
    start = time.perf_counter()
    process, terminal = pty.fork()
    if process == 0:
        os.execvpe(command[0], command, environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    seen = b""
    try:
        while time.perf_counter() - start < limit:
            if select.select([terminal], [], [], 0.1)[0]:
                try:
                    seen += os.read(terminal, 65536)
                except OSError:
                    break
                if text in seen:
                    return time.perf_counter() - start
        raise TimeoutError(f"{command} did not write {text!r}; its last output was {seen[-400:]!r}")
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "FLOWTUI_HOME": home}
        bare = [sys.executable, "-c", BARE]
        screen = [sys.executable, "-m", "flowtui", "--local"]
        sides: dict[str, list[float]] = {"bare Textual app": [], "flowtui": []}
        for run in range(runs + 1):
            times = seconds_to_text(bare, b"hello", environment), seconds_to_text(screen, b"Runs", environment)
            if run:
                for side, seconds in zip(sides.values(), times, strict=True):
                    side.append(seconds)
    for name, seconds in sides.items():
        print(f"{name:18} median {statistics.median(seconds):.3f} s   min {min(seconds):.3f}   max {max(seconds):.3f}")
    ratios = [mine / theirs for theirs, mine in zip(*sides.values(), strict=True)]
    print(f"{'ratio':18} median {statistics.median(ratios):.2f}     min {min(ratios):.2f}    max {max(ratios):.2f}")


if __name__ == "__main__":
    main()
