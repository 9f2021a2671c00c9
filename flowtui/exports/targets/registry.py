"""The kinds of targets: one line each, and those of third parties behind the entry point ``flowtui.export_targets``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points

from flowtui.errors import UsageError
from flowtui.exports.targets import dataset, directory, store
from flowtui.exports.targets.base import Target, TargetAccess, TargetOptions, TargetParser
from flowtui.text import plain

ENTRY_POINT = "flowtui.export_targets"

TARGETS: tuple[tuple[str, TargetParser], ...] = (
    ("a dataset of Domino (dataset:NAME, dataset:PROJECT/NAME, dataset:ID)", dataset.parse),
    ("s3://BUCKET/PREFIX, gs://, abfs:// or another URL of fsspec", store.parse),
    ("a directory (a path, or directory:PATH)", directory.parse),
)
"""What a person can write, and the function that gives the target or None; the first that gives one is taken."""


def parse_target(text: str, options: TargetOptions | None = None, access: TargetAccess | None = None) -> Target:
    """The target that a text names. Raises UsageError where none does, or an option does not fit."""
    text, options, access = text.strip(), options or TargetOptions(), access or TargetAccess()
    for _, parse in _parsers():
        target = parse(text, options, access)
        if target is not None:
            return target
    raise UsageError(
        f"{plain(text) or 'Nothing'} names no place to export to.",
        f"Known places: {'; '.join(words for words, _ in _parsers())}.",
    )


def _parsers() -> Iterator[tuple[str, TargetParser]]:
    # Those of third parties come first, since a directory takes every text without a scheme.
    yield from _third_parties()
    yield from TARGETS


@cache
def _third_parties() -> tuple[tuple[str, TargetParser], ...]:
    found = []
    for point in entry_points(group=ENTRY_POINT):
        try:
            found.append((point.name, point.load()))
        except (ImportError, AttributeError) as error:
            raise UsageError(
                f"The export target {plain(point.name)} of {plain(point.value)} cannot be loaded: {plain(error)}.",
                "Repair or remove the package that brings it.",
            ) from error
    return tuple(found)
