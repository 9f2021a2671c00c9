"""What an export will do, before anything is written: which file goes where, and what lies there already."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from flowtui.domain.artifact import ArtifactFile
from flowtui.domain.execution import ExecutionId
from flowtui.errors import NotFoundError, ServerError, StorageError
from flowtui.exports.layout import Names, declared_name, folder_name, item_names
from flowtui.exports.manifest import Record, read_manifest
from flowtui.exports.targets.base import Existing, Target
from flowtui.storage import Stat, Storage
from flowtui.text import file_name, plain

IfExists = Literal["keep-both", "replace", "stop"]
"""What to do where another file lies at a planned path."""

Action = Literal["new", "replaces", "keeps both", "same", "blocked"]
"""``same``: an earlier export wrote this very file, nothing is to do. ``blocked``: nothing may be written there."""

_CONCURRENCY = 8


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file to write.

    Attributes:
        uri: where its bytes are.
        path: where it goes, relative to the target.
        size: bytes, None where they are not known.
        md5: hex MD5 that the store gives, else empty.
        etag: the store's mark of this version, else empty.
        replaced: what lies at ``path`` now and will be replaced or is in the way.
        note: what is particular about the name (``extension added``), else empty.
    """

    source: ArtifactFile
    uri: str
    path: str
    size: int | None
    action: Action = "new"
    md5: str = ""
    etag: str = ""
    replaced: Existing | None = None
    note: str = ""

    @property
    def key(self) -> str:
        """Names this version of the source, so that a broken transfer is taken up with the same bytes only."""
        return hashlib.sha256(f"{self.uri}\n{self.etag}\n{self.size}".encode(errors="replace")).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that cannot be exported, and why."""

    file: ArtifactFile
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """An export of files of one run to one target.

    Attributes:
        files: every file that has a place, those that are there already included.
        problems: files that should exist and cannot be read.
        notices: what else a person should know, such as files that the run has not made.
    """

    execution: ExecutionId
    target: Target
    if_exists: IfExists
    files: tuple[PlannedFile, ...]
    problems: tuple[Problem, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def to_write(self) -> tuple[PlannedFile, ...]:
        """The files whose bytes are to be moved."""
        return tuple(file for file in self.files if file.action not in ("same", "blocked"))

    @property
    def blocked(self) -> tuple[PlannedFile, ...]:
        """The files that stop the export: something lies there and may not be replaced."""
        return tuple(file for file in self.files if file.action == "blocked")

    @property
    def bytes(self) -> int:
        """Bytes to be moved, as far as sizes are known."""
        return sum(file.size or 0 for file in self.to_write)

    @property
    def unknown_sizes(self) -> int:
        """How many of the files to write have no known size."""
        return sum(file.size is None for file in self.to_write)


async def make_plan(
    execution: ExecutionId,
    files: Iterable[ArtifactFile],
    target: Target,
    storage: Storage,
    *,
    if_exists: IfExists = "replace",
) -> Plan:
    """Plan the export of files of a run. Nothing is written.

    Files that the run has not made become notices; missing and unreadable ones become problems.

    Raises:
        ExportError: the target cannot be looked at.
        AuthError: the server that signs URLs wants a login.
    """
    ordered = sorted(files, key=lambda file: (file.type, file.artifact, file.file, file.node))
    present = [file for file in ordered if file.uris]
    notices = [_missing(file) for file in ordered if not file.uris]
    gate = asyncio.Semaphore(_CONCURRENCY)
    found = await asyncio.gather(*(_look(file, storage, gate) for file in present))

    names = Names()
    planned: list[PlannedFile] = []
    problems: list[Problem] = []
    for file, sources in zip(present, found, strict=True):
        for name, source in zip(item_names(file), sources, strict=True):
            if isinstance(source, Problem):
                problems.append(source)
            else:
                placed = _place(file, name, source, names)
                planned += placed
                if not placed:
                    notices.append(f"{plain(file.artifact)}/{plain(file.file)} is an empty directory")
    planned = await _compare(planned, target, if_exists)
    plan = Plan(execution, target, if_exists, tuple(planned), tuple(problems), tuple(notices))
    free = await target.free()
    if free is not None and plan.bytes > free:
        plan = replace(plan, notices=(*plan.notices, f"the target has room for {free:,} bytes only"))
    return plan


@dataclass(frozen=True, slots=True)
class _Source:
    """An object, or the files of a directory by their paths in it."""

    uri: str
    stat: Stat
    entries: tuple[tuple[str, str, Stat], ...] = ()


async def _look(file: ArtifactFile, storage: Storage, gate: asyncio.Semaphore) -> list[_Source | Problem]:
    sources: list[_Source | Problem] = []
    for uri in file.uris:
        async with gate:
            try:
                sources.append(await _look_at(uri, file, storage))
            except (NotFoundError, StorageError, ServerError) as error:
                sources.append(Problem(file, f"{error.message} {error.hint}".strip()))
    return sources


async def _look_at(uri: str, file: ArtifactFile, storage: Storage) -> _Source:
    # A directory of an object store has no object of its own whose size could be asked for.
    stat = Stat(None, directory=True) if file.directory else await storage.stat(uri)
    if not stat.directory:
        return _Source(uri, stat)
    base = uri.rstrip("/")
    entries = [
        (entry.name, f"{base}/{entry.name}", Stat(entry.size, etag=entry.etag)) for entry in await storage.list(uri)
    ]
    return _Source(uri, stat, tuple(entries))


def _place(file: ArtifactFile, name: str, source: _Source, names: Names) -> list[PlannedFile]:
    folder = folder_name(file.artifact)
    apart = (file.node, file.type)
    if not source.stat.directory:
        path = names.take(folder, name, apart)
        note = "extension added" if declared_name(file) != file.file else ""
        if path != f"{folder}/{file_name(name)}":
            note = "renamed: another file has this name"
        stat = source.stat
        return [PlannedFile(file, source.uri, path, stat.size, md5=stat.md5, etag=stat.etag, note=note)]
    root = names.take_folder(folder, file.file if len(file.uris) == 1 else name, apart)
    planned = []
    for relative, uri, stat in source.entries:
        *parents, last = relative.split("/")
        below = "/".join((root, *map(file_name, parents)))
        planned.append(PlannedFile(file, uri, names.take(below, last), stat.size, etag=stat.etag))
    return planned


async def _compare(planned: Sequence[PlannedFile], target: Target, if_exists: IfExists) -> list[PlannedFile]:
    """Decide about each file by what lies at its place."""
    existing = await target.existing([file.path for file in planned])
    records = await read_manifest(target) if existing else {}
    taken = {file.path for file in planned}
    decided = []
    for file in planned:
        there = existing.get(file.path)
        if there is None:
            decided.append(file)
        elif _is_same(file, there, records.get(file.path, {})):
            decided.append(replace(file, action="same", replaced=there))
        elif if_exists == "keep-both":
            path = await _free_path(file.path, target, taken)
            taken.add(path)
            decided.append(replace(file, path=path, action="keeps both", replaced=there))
        elif if_exists == "replace" and not there.directory:
            decided.append(replace(file, action="replaces", replaced=there))
        else:
            decided.append(replace(file, action="blocked", replaced=there))
    return decided


async def _free_path(path: str, target: Target, taken: set[str]) -> str:
    folder, _, name = path.rpartition("/")
    for choice in Names.choices(folder, name):
        if choice not in taken and not await target.existing([choice]):
            return choice
    raise AssertionError("choices do not end")


def _is_same(file: PlannedFile, there: Existing, record: Mapping[str, object]) -> bool:
    """True where the manifest says that this version of the object was written there, and nobody touched it since."""
    return (
        record.get("uri") == file.uri
        and record.get("etag") == file.etag
        and record.get("size") == there.size
        and file.size in (None, there.size)
        and record.get("modified") == modified_text(there.modified)
    )


def modified_text(modified: datetime | None) -> str:
    """A time of change as the manifest keeps it."""
    return modified.isoformat() if modified else ""


def _missing(file: ArtifactFile) -> str:
    words = {"pending": "is not there yet", "unavailable": "is not available"}.get(file.state, "was not produced")
    return f"{plain(file.artifact)}/{plain(file.file)} {words}"


__all__ = ["Action", "IfExists", "Plan", "PlannedFile", "Problem", "Record", "make_plan", "modified_text"]
