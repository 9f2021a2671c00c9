"""Moves the bytes of a plan: several files at a time, resumed where they broke off, verified, then named."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timezone

from flowtui.errors import ExportError, FlowtuiError
from flowtui.exports.log import ExportLog, ExportState
from flowtui.exports.manifest import Record, write_manifest
from flowtui.exports.plan import Plan, PlannedFile, modified_text
from flowtui.exports.targets.base import Sink
from flowtui.storage import Storage
from flowtui.text import plain

Progress = Callable[[int, int, str], None]
"""Is told bytes done, bytes in all (as far as sizes are known) and the path of the file that moved."""

_CHUNK = 1024 * 1024
_LOG_EVERY_SECONDS = 1.0
_NAMED_FAILURES = 3


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written and verified."""

    file: PlannedFile
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an export did: the files written, those that were there already, and where the manifest is."""

    written: tuple[Written, ...]
    same: tuple[PlannedFile, ...]
    manifest: str


async def run(
    plan: Plan,
    storage: Storage,
    progress: Progress | None = None,
    *,
    log: ExportLog | None = None,
    concurrency: int = 4,
    keep_parts: bool = True,
) -> Outcome:
    """Carry out a plan. Files that succeed stay and are in the manifest, whatever becomes of the others.

    Cancelling is safe: no file is seen that is not whole.

    Args:
        progress: called in the event loop, often.
        log: where the export is recorded.
        keep_parts: leave unfinished ``.part`` files for a later try; else they are removed.

    Raises:
        ExportError: a file is in the way (nothing is written then), or some files failed.
    """
    if plan.blocked:
        paths = ", ".join(plain(file.path) for file in plan.blocked[:_NAMED_FAILURES])
        raise ExportError(
            f"{len(plan.blocked):,} of {len(plan.files):,} files exist already: {paths}.",
            "Replace them or keep both, or choose another place.",
        )
    return await _Transfer(plan, storage, progress, log, concurrency, keep_parts).run()


class _Transfer:
    def __init__(
        self,
        plan: Plan,
        storage: Storage,
        progress: Progress | None,
        log: ExportLog | None,
        concurrency: int,
        keep_parts: bool,
    ) -> None:
        self._plan = plan
        self._storage = storage
        self._progress = progress
        self._log = log
        self._gate = asyncio.Semaphore(concurrency)
        self._keep_parts = keep_parts
        self._done = 0
        self._id = ""
        self._logged_at = time.monotonic()
        self._written: list[Written] = []
        self._failures: list[str] = []

    async def run(self) -> Outcome:
        plan = self._plan
        if self._log:
            self._id = self._log.add(plan.execution, plan.target.text, files=len(plan.to_write), bytes_=plan.bytes)
            self._log.start(self._id)
        manifest = ""
        state: ExportState = "failed"
        error = ""
        try:
            try:
                await self._all()
            finally:
                if self._written:
                    manifest = await write_manifest(plan.target, await self._records())
            self._failures += [problem.message for problem in plan.problems]
            if self._failures:
                raise self._failed()
            state = "done"
        except asyncio.CancelledError:
            state = "cancelled"
            raise
        except FlowtuiError as failure:
            error = failure.message
            raise
        finally:
            if self._log:
                self._log.finish(self._id, state, bytes_done=self._done, error=error, manifest=manifest)
        same = tuple(file for file in plan.files if file.action == "same")
        return Outcome(tuple(self._written), same, manifest)

    async def _all(self) -> None:
        tasks = [asyncio.create_task(self._one(file)) for file in self._plan.to_write]
        try:
            await asyncio.gather(*tasks)
        except BaseException as error:
            # A cancelled gather has cancelled its tasks; cancelling them twice would cut their cleaning up short.
            if not isinstance(error, asyncio.CancelledError):
                for task in tasks:
                    task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    async def _one(self, file: PlannedFile) -> None:
        async with self._gate:
            try:
                self._written.append(await self._move(file))
            except FlowtuiError as error:
                self._failures.append(f"{plain(file.path)}: {error.message}")

    async def _move(self, file: PlannedFile) -> Written:
        sink = await self._plan.target.open(file.path, file.key)
        try:
            resumed = sink.offset > 0
            try:
                written = await self._copy(file, sink)
            except ExportError:
                if not resumed:
                    raise
                # What an earlier try left may be damaged; the whole file is tried once more.
                written = await self._copy(file, sink)
            await sink.commit()
        except BaseException:
            with contextlib.suppress(ExportError):
                await sink.abort(keep=self._keep_parts)
            raise
        return written

    async def _copy(self, file: PlannedFile, sink: Sink) -> Written:
        sha256 = hashlib.sha256()
        md5 = hashlib.md5(usedforsecurity=False)
        counted = 0
        if file.size is None or sink.offset > file.size:
            await sink.restart()
        try:
            async with aclosing(sink.written()) as earlier:
                async for data in earlier:
                    sha256.update(data)
                    md5.update(data)
                    counted += len(data)
            self._advance(file, counted)
            pending = bytearray()
            if counted != file.size:
                async with aclosing(self._storage.stream(file.uri, counted)) as chunks:
                    async for chunk in chunks:
                        pending += chunk
                        if len(pending) >= _CHUNK:
                            counted += await self._append(file, sink, pending, sha256, md5)
            counted += await self._append(file, sink, pending, sha256, md5)
            self._verify(file, counted, md5.hexdigest())
        except FlowtuiError as error:
            self._advance(file, -counted)
            if isinstance(error, ExportError):
                await sink.restart()
            raise
        return Written(file, counted, sha256.hexdigest())

    async def _append(self, file: PlannedFile, sink: Sink, pending: bytearray, *digests: hashlib._Hash) -> int:
        data = bytes(pending)
        pending.clear()
        await sink.write(data)
        for digest in digests:
            digest.update(data)
        self._advance(file, len(data))
        return len(data)

    @staticmethod
    def _verify(file: PlannedFile, size: int, md5: str) -> None:
        if file.size is not None and size != file.size:
            raise ExportError(f"{plain(file.uri)} gave {size:,} bytes instead of {file.size:,}.", "Export it again.")
        if file.md5 and md5 != file.md5:
            raise ExportError(f"{plain(file.uri)} arrived damaged: its MD5 is not the store's.", "Export it again.")

    def _advance(self, file: PlannedFile, count: int) -> None:
        self._done += count
        if self._progress:
            self._progress(self._done, self._plan.bytes, file.path)
        now = time.monotonic()
        if self._log and now - self._logged_at >= _LOG_EVERY_SECONDS:
            self._logged_at = now
            self._log.advance(self._id, self._done)

    async def _records(self) -> list[Record]:
        plan = self._plan
        there = await plan.target.existing([written.file.path for written in self._written])
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        records: list[Record] = []
        for written in self._written:
            file, source = written.file, written.file.source
            existing = there.get(file.path)
            records.append(
                {
                    "path": file.path,
                    "artifact": source.artifact,
                    "type": source.type,
                    "file": source.file,
                    "node": source.node,
                    "uri": file.uri,
                    "etag": file.etag,
                    "size": written.size,
                    "sha256": written.sha256,
                    "modified": modified_text(existing.modified if existing else None),
                    "run": {
                        "project": plan.execution.project,
                        "domain": plan.execution.domain,
                        "name": plan.execution.name,
                    },
                    "exported_at": now,
                }
            )
        return records

    def _failed(self) -> ExportError:
        count = len(self._failures)
        total = len(self._plan.to_write) + len(self._plan.problems)
        named = "; ".join(self._failures[:_NAMED_FAILURES])
        more = f"; and {count - _NAMED_FAILURES:,} more" if count > _NAMED_FAILURES else ""
        return ExportError(
            f"{count:,} of {total:,} files failed: {named}{more}",
            f"{len(self._written):,} files are written. The same command goes on with the rest.",
        )
