"""What is copied to the clipboard travels in an OSC 52 sequence, which a terminal multiplexer must hand through."""

from __future__ import annotations

import base64
from collections.abc import Mapping

LIMIT = 74_000
"""Bytes that terminals take in one OSC 52 sequence; xterm and its like drop longer ones."""


def osc52(text: str, environ: Mapping[str, str]) -> str | None:
    """The sequence that puts a text on the clipboard of the terminal; None where the text is too long for it.

    Args:
        environ: in tmux and screen the sequence is wrapped, so that they pass it on (tmux: ``allow-passthrough on``).
    """
    payload = base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
    if len(payload) > LIMIT:
        return None
    sequence = f"\x1b]52;c;{payload}\x07"
    if environ.get("TMUX"):
        inner = sequence.replace("\x1b", "\x1b\x1b")
        return f"{sequence}\x1bPtmux;{inner}\x1b\\"
    if environ.get("STY"):
        return f"\x1bP{sequence}\x1b\\"
    return sequence
