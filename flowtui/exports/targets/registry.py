"""The kinds of targets, one line each; those of other packages are behind the entry point ``flowtui.export_targets``.

The name of such an entry point is the word that stands before the colon of its targets (``share`` for ``share:adam``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module, metadata

from flowtui.errors import UsageError
from flowtui.exports.targets.base import Target, TargetAccess, TargetOptions, TargetParser
from flowtui.text import plain

ENTRY_POINT = "flowtui.export_targets"

TARGETS: tuple[tuple[str, str, str], ...] = (
    ("a dataset of Domino (dataset:NAME, dataset:PROJECT/NAME, dataset:ID)", "dataset:", "dataset"),
    ("s3://BUCKET/PREFIX, gs://, abfs:// or another URL of fsspec", r"[\w+.-]+:", "store"),
    ("a directory (a path, or directory:PATH)", "", "directory"),
)
"""What a person can write, how it begins, and the module whose ``parse`` gives the target or None; the first counts."""


def parse_target(text: str, options: TargetOptions | None = None, access: TargetAccess | None = None) -> Target:
    """The target that a text names. Raises UsageError where none does, or an option does not fit."""
    text, options, access = text.strip(), options or TargetOptions(), access or TargetAccess()
    for parse in _parsers(text):
        target = parse(text, options, access)
        if target is not None:
            return target
    raise UsageError(
        f"{plain(text) or 'Nothing'} names no place to export to.",
        f"Known places: {'; '.join(words for words, *_ in TARGETS)}.",
    )


def _parsers(text: str) -> Iterator[TargetParser]:
    """The parsers to ask, in order, each loaded when it is asked: every command starts with this module."""
    yield from _third_parties(text)
    for _, beginning, module in TARGETS:
        if re.match(beginning, text):
            yield import_module(f"flowtui.exports.targets.{module}").parse


def _third_parties(text: str) -> Iterator[TargetParser]:
    """The parsers of other packages whose word stands before the first colon; nothing is loaded for another text."""
    word, colon, _ = text.partition(":")
    if not colon or "/" in word:
        return
    for point in metadata.entry_points(group=ENTRY_POINT):
        if point.name != word:
            continue
        try:
            yield point.load()
        except (ImportError, AttributeError) as error:
            raise UsageError(
                f"The export target {plain(word)}: cannot be loaded from {plain(point.value)}: {plain(error)}.",
                "Repair or remove the package that brings it.",
            ) from error
