"""The screen as a process on a real terminal, which starts otherwise than Textual's headless driver."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

LIMIT = 60.0


class Terminal:
    """A process on a pseudo-terminal of 80 columns and 24 rows, and what it wrote."""

    def __init__(self, process: int, terminal: int) -> None:
        self.process = process
        self.terminal = terminal
        self.seen = b""

    def wait_for(self, text: bytes) -> None:
        end = time.monotonic() + LIMIT
        while text not in self.seen:
            assert time.monotonic() < end, f"{text!r} did not come: {self.seen[-2000:]!r}"
            assert self.read(), f"the process ended before {text!r}: {self.seen[-2000:]!r}"

    def read(self) -> bool:
        """Takes what there is; False where the process has closed the terminal."""
        if not select.select([self.terminal], [], [], 0.2)[0]:
            return True
        try:
            self.seen += os.read(self.terminal, 65536)
        except OSError:
            return False
        return True

    def exit_code(self) -> int:
        end = time.monotonic() + LIMIT
        while self.read():
            assert time.monotonic() < end, "the process did not end"
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


@contextmanager
def running(code: str, **environment: str) -> Iterator[Terminal]:
    """A Python process on a terminal of its own."""
    environment = {**os.environ, "TERM": "xterm-256color", **environment}
    process, terminal = pty.fork()
    if process == 0:
        os.execve(sys.executable, [sys.executable, "-c", code], environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    try:
        yield Terminal(process, terminal)
    finally:
        os.close(terminal)


START = "import sys; from flowtui.cli import main; sys.exit(main(['--local']))"


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_the_screen_starts_and_ends(tmp_path: Path) -> None:
    with running(START, FLOWTUI_HOME=str(tmp_path), FLOWTUI_CONFIG=os.devnull) as terminal:
        terminal.wait_for(b"No runs")
        os.write(terminal.terminal, b"q")
        assert terminal.exit_code() == 0


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_defect_is_told_without_the_values_of_variables(tmp_path: Path) -> None:
    code = f"""
from flowtui.tui.app import FlowtuiApp

def action_exports(self):
    token = "a secret " + "token"
    raise RuntimeError("a defect")

FlowtuiApp.action_exports = action_exports
{START}
"""
    with running(code, FLOWTUI_HOME=str(tmp_path), FLOWTUI_CONFIG=os.devnull) as terminal:
        terminal.wait_for(b"No runs")
        os.write(terminal.terminal, b"4")
        assert terminal.exit_code() == 1
        assert b"a defect" in terminal.seen
        assert b"defect of flowtui" in terminal.seen
        assert b"a secret token" not in terminal.seen
