"""How pictures can be drawn on this terminal: half cells, kitty's protocol or sixel, by what the terminal answers.

The question is put when the first picture is shown, through the driver that reads the keys, and nothing waits for an
answer: a picture is drawn in half cells until one comes. A terminal that never answers costs nothing, and an answer
that comes late is still no key press.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from textual import events
from textual.keys import Keys
from textual.message import Message

if TYPE_CHECKING:
    from textual.app import App
    from textual.driver import Driver

QUERY = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[16t\x1b[c"
"""Asks for kitty's graphics, the size of a cell in pixels, and the device attributes, of which 4 is sixel."""

_ANSWER = re.compile(r"\x1b_Gi=31;(?P<kitty>OK|E[A-Z]+)|\x1b\[6;(?P<high>\d+);(?P<wide>\d+)t|\x1b\[\?(?P<has>[\d;]*)c")
_PLACEHOLDERS = ("xterm-kitty", "xterm-ghostty")
"""Terminals that place a picture by characters, which is how a screen of text can hold one; others that speak kitty's
protocol do not."""

_MOST_CELL_PIXELS = 200


class TerminalAnswer(Message):
    """The terminal answered a question.

    Attributes:
        text: the escape sequence.
    """

    key = ""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Graphics:
    """What the terminal can draw.

    Attributes:
        mode: ``half``, ``kitty``, ``sixel`` or ``off``; may change when the terminal answers.
        cell: width and height of a cell in pixels.

    Args:
        wish: what ``--images`` says: ``auto`` or a mode.
        is_plain: neither colours nor characters beyond ASCII are wanted.
    """

    def __init__(self, wish: str = "half", environ: Mapping[str, str] | None = None, *, is_plain: bool = False) -> None:
        environ = environ or {}
        self.cell = (10, 20)
        self._is_open = wish == "auto" and not is_plain and may_be_asked(environ)
        self._has_placeholders = environ.get("TERM") in _PLACEHOLDERS or bool(
            environ.get("KITTY_WINDOW_ID") or environ.get("GHOSTTY_RESOURCES_DIR")
        )
        self.mode = wish if wish != "auto" else "off" if is_plain else "half"

    def ask(self, app: App[Any]) -> None:
        """Put the question, once, where the app's driver can take the answer."""
        driver = app._driver
        if self._is_open and driver is not None and getattr(driver, "takes_answers", False):
            self._is_open = False
            driver.write(QUERY)
            driver.flush()

    def learn(self, text: str) -> bool:
        """Take in an answer; True where pictures are to be drawn anew."""
        found = _ANSWER.fullmatch(text)
        before = self.mode, self.cell
        if found is None:
            return False
        if found["kitty"] == "OK" and self._has_placeholders:
            self.mode = "kitty"
        elif found["wide"]:
            wide, high = int(found["wide"]), int(found["high"])
            if 0 < wide <= _MOST_CELL_PIXELS and 0 < high <= _MOST_CELL_PIXELS:
                self.cell = wide, high
        elif found["has"] and self.mode == "half" and "4" in found["has"].split(";")[1:]:
            self.mode = "sixel"
        return (self.mode, self.cell) != before


def may_be_asked(environ: Mapping[str, str]) -> bool:
    """False within tmux and screen, which answer for themselves and do not show what they pass on."""
    return not (environ.get("TMUX") or environ.get("STY") or environ.get("TERM", "") in ("", "dumb", "linux"))


def answering(driver_class: type[Driver]) -> type[Driver]:
    """The driver, made to take answers for answers and not for keys; another driver than Textual's is left alone."""
    if driver_class.__name__ != "LinuxDriver" or driver_class.__module__ != "textual.drivers.linux_driver":
        return driver_class
    from textual._xterm_parser import XTermParser
    from textual.drivers import linux_driver

    class AnswerParser(XTermParser):
        """Knows the answers to ``QUERY``."""

        def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
            if _ANSWER.fullmatch(sequence):
                yield TerminalAnswer(sequence)  # type: ignore[misc]
            elif sequence == "\x1b\\":
                # The end of kitty's answer.
                yield events.Key(Keys.Ignore, sequence)
            else:
                yield from super()._sequence_to_key_events(sequence, alt)

    class AnswerDriver(linux_driver.LinuxDriver):
        """Reads keys with that parser."""

        takes_answers = True

        def run_input_thread(self) -> None:
            setattr(linux_driver, "XTermParser", AnswerParser)  # noqa: B010
            super().run_input_thread()

    return AnswerDriver
