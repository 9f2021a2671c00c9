"""What a library says of a file that it cannot read, as words for a notice."""

from __future__ import annotations

import re

from flowtui.text import plain

_LONGEST = 200
_CLASS = re.compile(r"\b(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Warning|Interrupt|Exit)\b[:,]?\s*")
"""The name of an exception's class, as some libraries put it into their messages."""

_OBJECT = re.compile(r"<[^<>]{0,300}\bat 0x[0-9a-fA-F]+>")
"""What Python prints for an object that has no text: its class and where it is in memory."""

_WORDS = re.compile(r"[^\W\d_]{2,}.*[^\W\d_]{2,}", re.DOTALL)
_PYTHON = re.compile(
    r"object is not|object has no|object does not|has no attribute|index out of range|out of bounds for axis"
    r"|not subscriptable|unsupported operand|takes \d+ positional|required positional|must be \w+, not \w+"
    r"|not supported between|unpack \(expected|to unpack|argument must be|cannot be interpreted as"
    r"|recursion depth|can't concat|requires a bytes-like|NoneType"
)
"""What Python itself says where a reader did not expect what it found; it tells nothing of the file."""

UNKNOWN = "it is damaged, or has something that its reader does not know"


def reason_of(error: BaseException) -> str:
    """The first line of an error's message in words, without names of classes; :data:`UNKNOWN` where it has none.

    It has passed ``flowtui.text`` and is at most 200 characters long.
    """
    if isinstance(error, KeyError | IndexError | RecursionError | AttributeError | AssertionError):
        # Their messages are a key, or tell of the reader, not of the file.
        return UNKNOWN
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = error.strerror
    line = next((line for line in text.splitlines() if line.strip()), "")
    line = _CLASS.sub("", _OBJECT.sub("it", line))
    line = " ".join(plain(line).split()).strip(" :;,.")
    if not _WORDS.search(line) or _PYTHON.search(line):
        return UNKNOWN
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
