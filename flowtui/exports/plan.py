"""What an export will do, before anything is written: which file goes where, and what lies there already."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Literal

from flowtui.domain.artifact import ArtifactFile
from flowtui.errors import NotFoundError, ServerError, StorageError
from flowtui.exports.layout import Names, declared_name, folder_name, item_names, maker
from flowtui.exports.manifest import Record, read_manifest
from flowtui.exports.source import Selection, SourceRun
from flowtui.exports.targets.base import Existing, IfExists, StagedFile, Target
from flowtui.storage import Stat, Storage
from flowtui.storage.nested_file import nested_file
from flowtui.text import file_name, plain

Action = Literal["new", "replaces", "keeps both", "same", "blocked"]
"""``same``: an earlier export wrote this very file, nothing is to do. ``blocked``: nothing may be written there."""

_CONCURRENCY = 8


@dataclass(frozen=True)
class PlannedFile:
    """One file to write.

    Attributes:
        run: the run that the source is of.
        uri: where its bytes are.
        path: where it goes, relative to the target.
        size: bytes, None where they are not known.
        md5: hex MD5 that the store gives, else empty.
        etag: the store's mark of this version, else empty.
        replaced: what lies at ``path`` now and will be replaced or is in the way.
        note: what is particular about the name (``extension added``), else empty.
        elsewhere: its place is none that runs of the server keep their files in (``Trust.is_elsewhere``).
    """

    source: ArtifactFile
    run: SourceRun
    uri: str
    path: str
    size: int | None
    action: Action = "new"
    md5: str = ""
    etag: str = ""
    replaced: Existing | None = None
    note: str = ""
    elsewhere: bool = False

    @cached_property
    def key(self) -> str:
        """Names this version of the source, so that a broken transfer is taken up with the same bytes only."""
        return hashlib.sha256(f"{self.uri}\n{self.etag}\n{self.size}".encode(errors="replace")).hexdigest()[:12]

    @cached_property
    def staged(self) -> StagedFile:
        """The file as its target's stage sees it."""
        return StagedFile(self.path, self.key, self.size, replaces=self.action == "replaces")


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that cannot be exported, and why."""

    file: ArtifactFile
    message: str


@dataclass(frozen=True)
class Plan:
    """An export of files of some runs to one target.

    Attributes:
        files: every file that has a place, those that are there already included.
        problems: files that should exist and cannot be read.
        notices: what else a person should know, such as files that the run has not made.
    """

    target: Target
    if_exists: IfExists
    files: tuple[PlannedFile, ...]
    problems: tuple[Problem, ...] = ()
    notices: tuple[str, ...] = ()
    runs: tuple[SourceRun, ...] = ()

    @cached_property
    def to_write(self) -> tuple[PlannedFile, ...]:
        """The files whose bytes are to be moved."""
        return tuple(file for file in self.files if file.action not in ("same", "blocked"))

    @cached_property
    def blocked(self) -> tuple[PlannedFile, ...]:
        """The files that stop the export: something lies there and may not be replaced."""
        return tuple(file for file in self.files if file.action == "blocked")

    @cached_property
    def elsewhere(self) -> tuple[PlannedFile, ...]:
        """The files to write whose place is none that runs of the server keep their files in."""
        return tuple(file for file in self.to_write if file.elsewhere)

    @cached_property
    def bytes(self) -> int:
        """Bytes to be moved, as far as sizes are known."""
        return sum(file.size or 0 for file in self.to_write)

    @cached_property
    def unknown_sizes(self) -> int:
        """How many of the files to write have no known size."""
        return sum(file.size is None for file in self.to_write)


async def make_plan(
    selections: Iterable[Selection],
    target: Target,
    storage: Storage,
    *,
    if_exists: IfExists = "replace",
    folder: str = "",
) -> Plan:
    """Plan the export of files of some runs. Nothing is written.

    Files that a run has not made become notices; missing and unreadable ones become problems.

    Args:
        folder: relative folder of the target that all files go below; its parts go through the one sanitiser.

    Raises:
        ExportError: the target cannot be looked at.
        AuthError: the server that signs URLs wants a login.
    """
    chosen = sorted(
        ((selection.run, file) for selection in selections for file in dict.fromkeys(selection.files)),
        key=lambda one: (one[1].type, one[1].artifact, one[1].file, one[1].node, one[0].id),
    )
    present = [(run, file) for run, file in chosen if file.uris]
    notices = [_missing(file) for _, file in chosen if not file.uris]
    gate = asyncio.Semaphore(_CONCURRENCY)
    stats = await storage.local_stats(uri for _, file in present if not file.directory for uri in file.uris)
    seen = [_seen(file, stats) for _, file in present]
    asked = [file for (_, file), known in zip(present, seen, strict=True) if known is None]
    answers = iter(await asyncio.gather(*(_look(file, storage, gate) for file in asked)))
    found = [known if known is not None else next(answers) for known in seen]

    names = Names()
    base = "/".join(file_name(part) for part in folder.split("/") if part.strip())
    planned: list[PlannedFile] = []
    problems: list[Problem] = []
    for (run, file), sources in zip(present, found, strict=True):
        for name, source in zip(item_names(file), sources, strict=True):
            if isinstance(source, Problem):
                problems.append(source)
            else:
                placed = _place(run, file, name, source, names, base)
                planned += placed
                if not placed:
                    notices.append(f"{plain(file.artifact)}/{plain(file.file)} is an empty directory")
    native = {uri: await storage.native(uri) for uri in {file.uri for file in planned}}
    marks = await asyncio.to_thread(_elsewhere, native, storage)
    planned = [replace(file, elsewhere=True) if file.uri in marks else file for file in planned]
    planned = await _compare(planned, target, if_exists)
    runs = tuple(dict.fromkeys(run.id for run, _ in chosen))
    by_id = {run.id: run for run, _ in chosen}
    plan = Plan(
        target, if_exists, tuple(planned), tuple(problems), tuple(notices), runs=tuple(by_id[id_] for id_ in runs)
    )
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


def _seen(file: ArtifactFile, stats: Mapping[str, Stat]) -> list[_Source | Problem] | None:
    """The sources of a file that is on this machine; None where somebody has to be asked."""
    found = [stats.get(uri) for uri in file.uris]
    if file.directory or any(stat is None or stat.directory for stat in found):
        return None
    return [_Source(uri, stat) for uri, stat in zip(file.uris, found, strict=True) if stat is not None]


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
    listed = await storage.list(uri)
    nested = None if file.directory else nested_file(uri, listed)
    if nested is not None:
        return _Source(f"{base}/{nested.name}", Stat(nested.size, etag=nested.etag))
    entries = [(entry.name, f"{base}/{entry.name}", Stat(entry.size, etag=entry.etag)) for entry in listed]
    return _Source(uri, stat, tuple(entries))


def _place(
    run: SourceRun, file: ArtifactFile, name: str, source: _Source, names: Names, base: str
) -> list[PlannedFile]:
    folder = "/".join(part for part in (base, folder_name(file.artifact)) if part)
    apart, alone = (maker(file), file.type, run.id.name), not file.distinction
    if not source.stat.directory:
        path = names.take(folder, name, apart, plain=alone)
        clean = file_name(name)
        note = "extension added" if declared_name(file) != file.file else ""
        if clean != name:
            note = f"renamed: {plain(name)!r} is no safe file name"
        if path != f"{folder}/{clean}":
            note = (
                "renamed: another file has this name"
                if alone
                else f"{plain(file.distinction)}; several files have this name"
            )
        stat = source.stat
        return [PlannedFile(file, run, source.uri, path, stat.size, md5=stat.md5, etag=stat.etag, note=note)]
    root = names.take_folder(folder, file.file if len(file.uris) == 1 else name, apart, plain=alone)
    planned = []
    for relative, uri, stat in source.entries:
        *parents, last = relative.split("/")
        below = "/".join((root, *map(file_name, parents)))
        path = names.take(below, last)
        note = "" if path == f"{below}/{file_name(last)}" else "renamed: another file has this name"
        planned.append(PlannedFile(file, run, uri, path, stat.size, etag=stat.etag, note=note))
    return planned


def _elsewhere(native: Mapping[str, str], storage: Storage) -> set[str]:
    """Those of the URIs whose places are none of the server's runs; given with the URIs that they stand for."""
    return {uri for uri, place in native.items() if storage.trust.is_elsewhere(place)}


async def _compare(planned: Sequence[PlannedFile], target: Target, if_exists: IfExists) -> list[PlannedFile]:
    """Decide about each file by what lies at its place."""
    existing = await target.existing([file.path for file in planned])
    records = await read_manifest(target) if existing else {}
    same = {file.path for file in planned if _is_there(file, existing, records)}
    if target.whole:
        # A snapshot holds all files of its export: either the latest one is this very export, or all are written.
        is_all = len(same) == len(planned)
        return [replace(file, action="same", replaced=existing[file.path]) if is_all else file for file in planned]
    taken = {file.path for file in planned}
    decided = []
    for file in planned:
        there = existing.get(file.path)
        if there is None:
            decided.append(file)
        elif file.path in same:
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


def _is_there(file: PlannedFile, existing: Mapping[str, Existing], records: Mapping[str, Record]) -> bool:
    there = existing.get(file.path)
    return there is not None and _is_same(file, there, records.get(file.path, {}))


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
    return f"{plain(file.artifact)}/{plain(file.title)} {words}"


__all__ = ["Action", "Plan", "PlannedFile", "Problem", "make_plan", "modified_text"]
