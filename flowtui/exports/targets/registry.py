"""The kinds of targets: one line each."""

from __future__ import annotations

from collections.abc import Callable

from flowtui.errors import UsageError
from flowtui.exports.targets import directory
from flowtui.exports.targets.base import Target
from flowtui.text import plain

TARGETS: tuple[tuple[str, Callable[[str], Target | None]], ...] = (
    ("a directory (a path, or directory:PATH)", directory.parse),
)
"""What a person can write, and the function that gives the target or None; the first that gives one is taken."""


def parse_target(text: str) -> Target:
    """The target that a text names. Raises UsageError where none does."""
    for _, parse in TARGETS:
        target = parse(text)
        if target is not None:
            return target
    raise UsageError(
        f"{plain(text) or 'Nothing'} names no place to export to.",
        f"Known places: {'; '.join(words for words, _ in TARGETS)}.",
    )
