"""What is selected with ``space``: files of one or several runs, to be exported together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from flowtui import words
from flowtui.domain.artifact import Artifact, ArtifactFile, UndeclaredOutput
from flowtui.domain.execution import ExecutionId

Picked = Literal["", "some", "all"]
"""How much of a row is selected."""

Thing = Artifact | ArtifactFile | UndeclaredOutput

_Key = tuple[str, str, str, str, str]


def files_of(thing: Thing | None) -> tuple[ArtifactFile, ...]:
    """The files that an export of it writes; an undeclared output goes into a folder of its own."""
    if isinstance(thing, Artifact):
        return thing.files
    if isinstance(thing, UndeclaredOutput):
        return thing.artifact.files
    return (thing,) if thing is not None else ()


class FileSelection:
    """Files that are selected, in the order in which that was done. Files that do not exist cannot be."""

    def __init__(self) -> None:
        self._runs: dict[ExecutionId, dict[_Key, ArtifactFile]] = {}

    def toggle(self, run: ExecutionId, files: Iterable[ArtifactFile]) -> bool:
        """Select all of these files, or none of them where all were; whether they are selected now."""
        there = {_key(file): file for file in files if file.uris}
        if not there:
            return False
        known = self._runs.setdefault(run, {})
        if there.keys() <= known.keys():
            for key in there:
                del known[key]
        else:
            known.update(there)
        if not known:
            del self._runs[run]
        return bool(known) and there.keys() <= known.keys()

    def picked(self, run: ExecutionId, files: Iterable[ArtifactFile]) -> Picked:
        """How many of these files are selected."""
        known = self._runs.get(run)
        if not known:
            return ""
        found = [_key(file) in known for file in files if file.uris]
        return "all" if found and all(found) else "some" if any(found) else ""

    def clear(self) -> None:
        """Select nothing."""
        self._runs.clear()

    def __len__(self) -> int:
        return sum(map(len, self._runs.values()))

    @property
    def files(self) -> Mapping[ExecutionId, tuple[ArtifactFile, ...]]:
        """The selected files of each run."""
        return {run: tuple(files.values()) for run, files in self._runs.items()}

    @property
    def words(self) -> str:
        """``3 selected``, ``3 selected (2 runs)``; empty without any."""
        if not self._runs:
            return ""
        runs = f" ({words.count(len(self._runs), 'run')})" if len(self._runs) > 1 else ""
        return f"{len(self):,} selected{runs}"


def _key(file: ArtifactFile) -> _Key:
    return file.type, file.artifact, file.file, file.node, file.variable
