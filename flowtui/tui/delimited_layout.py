"""How delimited text is laid out, as a person types it: ``; ' 2`` for delimiter, quotation mark and lines to skip."""

from __future__ import annotations

import argparse
from dataclasses import replace

from flowtui.argument_types import delimiter, line_count, quotation_mark
from flowtui.errors import UsageError
from flowtui.preview.limits import Limits

HINT = 'delimiter, quotation mark, lines to skip: `; " 2`, `tab none 0`, `auto auto 3`; nothing to find out again'
_AUTO, _NONE = "auto", "none"


def typed_layout(limits: Limits) -> str:
    """What a person would have typed for these limits; empty where all is found out."""
    if not limits.has_dialect:
        return ""
    parts = [
        {"": _AUTO, "\t": "tab", " ": "blank"}.get(limits.delimiter, limits.delimiter),
        _AUTO if limits.quote is None else limits.quote or _NONE,
        _AUTO if limits.skip is None else str(limits.skip),
    ]
    while parts[-1] == _AUTO:
        parts.pop()
    return " ".join(parts)


def with_layout(limits: Limits, answer: str) -> Limits:
    """The limits with the layout that was typed.

    Raises:
        UsageError: a part of it is none.
    """
    parts = answer.split()
    if len(parts) > 3:
        raise UsageError("These are more than three parts.", HINT)
    parts += [_AUTO] * (3 - len(parts))
    try:
        return replace(
            limits,
            delimiter="" if parts[0] == _AUTO else " " if parts[0] == "blank" else delimiter(parts[0]),
            quote=None if parts[1] == _AUTO else "" if parts[1] == _NONE else quotation_mark(parts[1]),
            skip=None if parts[2] == _AUTO else line_count(parts[2]),
        )
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"{error}.", HINT) from error
