"""Python's values in words, in which a text is told from a number, a truth value and None."""

from __future__ import annotations

import re

_READS_AS_OTHER = re.compile(r"|None|True|False|nan|[+-]?inf|[+-]?\d[\d_]*|[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.I)
_LONGEST = 100


def text_words(text: str) -> str:
    """A text as it is, in quotation marks where it would be read as another kind of value or would seem empty."""
    if len(text) <= _LONGEST and (_READS_AS_OTHER.fullmatch(text) or text != text.strip()):
        return f"'{text}'"
    return text


def number_words(value: float) -> str:
    """A number of an array in at most ten digits, which are enough to see it by."""
    return f"{value:.10g}"
