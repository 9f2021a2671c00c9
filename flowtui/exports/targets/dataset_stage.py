"""An export on its way into a dataset of Domino: an upload session, then the manifest, the snapshot and its tag.

The export's notes and the server's own state tell how far it is, so that each step can be begun again after a kill:
``upload`` is the session's key; ``before`` what lay at the paths when the session was to be ended; ``ended``,
``manifest``, ``snapshot`` and ``tagged`` say what is done; ``snapshots`` are those that there were before ours.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from flowtui.errors import AuthError, ExportError, NotFoundError, ServerError, UnreachableError
from flowtui.exports import manifest as manifests
from flowtui.exports.domino import uploads
from flowtui.exports.domino.client import ATTEMPTS, DominoClient
from flowtui.exports.domino.datasets import DatasetDetails
from flowtui.exports.domino.snapshots import FileEntry, entries, file_content
from flowtui.exports.domino.uploads import Chunk, Collision
from flowtui.exports.targets.base import IfExists, Publication, Sink, StagedFile, StageRequest, TargetOptions
from flowtui.exports.targets.dataset_sink import DatasetSink
from flowtui.exports.targets.dataset_snapshot import SnapshotStep
from flowtui.text import plain

COLLISIONS: Mapping[IfExists, Collision] = {"replace": "Overwrite", "keep-both": "Rename", "stop": "Ignore"}

CHUNKS_AT_ONCE = 8
"""Chunks of large files that are held in memory and on their way."""

_INLINE = 256 * 1024
_NAMED = 3


class DatasetStage:
    """The stage of an export to a dataset.

    Attributes:
        files_at_once: how many files may be brought at the same time: a small one is a single request.
    """

    files_at_once = 12

    def __init__(
        self, client: DominoClient, dataset: DatasetDetails, request: StageRequest, options: TargetOptions
    ) -> None:
        self.gate = asyncio.Semaphore(CHUNKS_AT_ONCE)
        self.sizes: dict[str, int] = {}
        self._client = client
        self._dataset = dataset
        self._request = request
        self._options = options
        self._notes = request.notes
        self._snapshot = SnapshotStep(client, dataset, request, options)
        self._key = ""
        self._asks = False
        # The journal is a file, and every file that is opened asks.
        self._is_ended = bool(request.notes.get("ended"))
        self._have: set[tuple[str, int, str]] = set()
        self._placed: dict[str, FileEntry] | None = None
        self._looking = asyncio.Lock()

    async def begin(self) -> None:
        """Take the upload session up again, or begin one."""
        self._snapshot.check_tag(self._dataset.tags)
        if self._is_ended:
            return
        self._key = self._notes.get("upload")
        if self._key:
            if await uploads.is_open(self._client, self._dataset.id, self._key):
                self._asks = True
                return
            if await self._is_placed():
                await self._note_end()
                return
            await self._forget()
        collision = COLLISIONS[self._request.if_exists]
        paths = [file.path for file in self._request.files]
        self._key = await uploads.start_upload(self._client, self._dataset.id, paths, collision)
        await self._note("upload", self._key)

    async def has(self, file: StagedFile) -> bool:
        there = self._asks
        if self._is_ended:
            entry = (await self._published()).get(file.path)
            there = entry is not None and not entry.directory and file.size in (None, entry.size)
        if there and file.size is not None:
            self.sizes[file.path] = file.size
        # An open session has what it took: a file is whole when every chunk of it was answered.
        return there

    async def _published(self) -> dict[str, FileEntry]:
        """What lies at the paths of this export; looked up once."""
        async with self._looking:
            if self._placed is None:
                self._placed = await self._entries()
            return self._placed

    async def _entries(self) -> dict[str, FileEntry]:
        return await entries(self._client, self._dataset.head, [file.path for file in self._request.files])

    async def open(self, file: StagedFile) -> Sink:
        if self._is_ended:
            # A file that is gone from the dataset again; only a new session can bring it back.
            await self._forget()
            raise ExportError(
                f"{plain(file.path)} has vanished from the dataset {self._dataset.name}.", "Resume the export."
            )
        return DatasetSink(self, file)

    async def send(self, chunk: Chunk) -> None:
        """Have a chunk in the session: one that it has is not sent again."""
        checksum = chunk.checksum() if chunk.size <= _INLINE else await asyncio.to_thread(chunk.checksum)
        mark = (chunk.identifier, chunk.number, checksum)
        if mark in self._have:
            return
        for attempt in range(ATTEMPTS):
            try:
                there = self._asks and await uploads.has_chunk(
                    self._client, self._dataset.id, self._key, chunk, checksum
                )
                if not there:
                    await uploads.send_chunk(self._client, self._dataset.id, self._key, chunk, checksum)
                break
            except (NotFoundError, ServerError) as error:
                if isinstance(error, ServerError) and error.status != 400:
                    raise
                if not await uploads.is_open(self._client, self._dataset.id, self._key):
                    raise await self._lost() from error
                # A chunk that was damaged on its way is refused by its checksum.
                if isinstance(error, NotFoundError) or attempt == ATTEMPTS - 1:
                    raise
            await self._client.pause(attempt)
        self._have.add(mark)

    async def publish(self, manifest: Callable[[Mapping[str, Any]], bytes]) -> Publication:
        if not self._is_ended:
            await self._end()
        placed = await self._verified()
        if not self._notes.get("manifest"):
            await self._write_manifest(manifest, placed)
        made = await self._snapshot.done()
        name = self._dataset.name
        place = f"dataset {name}" if made is None else f"snapshot {made} of {name}"
        where = f"{self._dataset.project}/{name}".lstrip("/")
        return Publication(place, f"dataset:{where}/{manifests.NAME}")

    async def _end(self) -> None:
        """Have the files brought to their places, once."""
        if not self._notes.get("before"):
            there = await self._entries()
            for file in self._request.files:
                if file.path in there and not file.replaces and self._request.if_exists != "replace":
                    raise ExportError(
                        f"{plain(file.path)} was written to the dataset {self._dataset.name} by somebody else while"
                        " this export ran.",
                        "Plan the export again.",
                    )
            await self._note("before", json.dumps({path: _mark(entry) for path, entry in there.items()}))
        for attempt in range(ATTEMPTS):
            try:
                await uploads.end_upload(self._client, self._dataset.id, self._key)
                break
            except AuthError:
                raise
            except (NotFoundError, ServerError) as error:
                # The answer may be what was lost, and not the work.
                is_open = await uploads.is_open(self._client, self._dataset.id, self._key)
                if not is_open:
                    if await self._is_placed():
                        break
                    raise await self._lost() from error
                passes = isinstance(error, UnreachableError) or getattr(error, "status", 0) >= 500
                if not passes or attempt == ATTEMPTS - 1:
                    raise
            await self._client.pause(attempt)
        await self._note_end()

    async def _is_placed(self) -> bool:
        """Whether the files of a session that is gone are in their places: it was ended, and not forgotten."""
        noted = self._notes.get("before")
        if not noted:
            return False
        before, there = json.loads(noted), await self._entries()
        for file in self._request.files:
            entry = there.get(file.path)
            size = self.sizes.get(file.path, file.size)
            if entry is None or entry.directory or size not in (None, entry.size):
                return False
            if before.get(file.path) == _mark(entry) and self._request.if_exists == "replace":
                return False
        return True

    async def _verified(self) -> dict[str, FileEntry]:
        """What lies at the paths now; each has the size of what was sent."""
        there = await self._entries()
        wrong = []
        for file in self._request.files:
            entry, size = there.get(file.path), self.sizes.get(file.path, file.size)
            if entry is None or entry.directory or size not in (None, entry.size):
                wrong.append(file.path)
        if wrong:
            await self._forget()
            named = ", ".join(plain(path) for path in wrong[:_NAMED])
            raise ExportError(
                f"{len(wrong):,} of {len(self._request.files):,} files are not in the dataset {self._dataset.name} as"
                f" they were sent: {named}.",
                "Resume the export, which sends them again, or plan it anew.",
            )
        return there

    async def _write_manifest(
        self, manifest: Callable[[Mapping[str, Any]], bytes], placed: Mapping[str, FileEntry]
    ) -> None:
        """Bring the manifest there by a session of its own; harmless where it is there already."""
        head, dataset = self._dataset.head, self._dataset.id
        for attempt in range(ATTEMPTS):
            key = ""
            try:
                found = b""
                if await entries(self._client, head, [manifests.NAME]):
                    found = await file_content(self._client, head, manifests.NAME, limit=manifests.MOST_BYTES)
                data = await asyncio.to_thread(self._manifest, found, manifest, placed)
                key = await uploads.start_upload(self._client, dataset, [manifests.NAME], "Overwrite")
                for chunk in _chunks_of(data):
                    await uploads.send_chunk(self._client, dataset, key, chunk, chunk.checksum())
                await uploads.end_upload(self._client, dataset, key)
                break
            except ServerError as error:
                if key:
                    await self._cancel(key)
                passes = isinstance(error, UnreachableError) or error.status >= 500
                if not passes or attempt == ATTEMPTS - 1:
                    raise
            await self._client.pause(attempt)
        await self._note("manifest", "1")

    def _manifest(
        self, found: bytes, manifest: Callable[[Mapping[str, Any]], bytes], placed: Mapping[str, FileEntry]
    ) -> bytes:
        there = manifests.parse_manifest(found, self._dataset.name) if found else {}
        return _timed(manifest(there), self._request.export, placed)

    async def discard(self) -> None:
        key = self._notes.get("upload")
        if key and not self._is_ended:
            await self._cancel(key)
        await self._forget()

    async def _cancel(self, key: str) -> None:
        """Drop a session; one that is gone is fine, and so is one that Domino lets end by itself."""
        try:
            await uploads.cancel_upload(self._client, self._dataset.id, key)
        except (NotFoundError, ServerError):
            return

    async def aclose(self) -> None:
        """Nothing is held open; the session of the upload stays for a later try."""

    async def _lost(self) -> ExportError:
        """The session is gone with what it had."""
        await self._forget()
        return ExportError(
            f"Domino has forgotten the upload to the dataset {self._dataset.name}.",
            "Resume the export: it begins anew.",
        )

    async def _forget(self) -> None:
        for name in ("upload", "before", "ended", "manifest"):
            if self._notes.get(name):
                await self._note(name, "")
        self._key, self._asks, self._is_ended, self._placed = "", False, False, None
        self._have.clear()
        self.sizes.clear()

    async def _note_end(self) -> None:
        await self._note("ended", "1")
        self._is_ended = True

    async def _note(self, name: str, value: str) -> None:
        await asyncio.to_thread(self._notes.set, name, value)


def _mark(entry: FileEntry) -> str:
    return f"{entry.size} {entry.modified.isoformat() if entry.modified else ''}"


def _timed(data: bytes, export: str, placed: Mapping[str, FileEntry]) -> bytes:
    """A manifest whose entries of this export have the times of change that Domino tells."""
    content = json.loads(data)
    for entry in content["files"]:
        there = placed.get(entry["path"])
        if entry.get("export") == export and there is not None:
            entry["modified"] = there.modified.isoformat() if there.modified else ""
    return manifests.manifest_bytes(content)


def _chunks_of(data: bytes) -> list[Chunk]:
    total = max(1, -(-len(data) // uploads.CHUNK))
    mark = f"{len(data)}-{hashlib.sha256(data).hexdigest()[:28]}"
    parts = (data[start * uploads.CHUNK : (start + 1) * uploads.CHUNK] for start in range(total))
    return [Chunk(manifests.NAME, mark, number, total, (part,), len(part)) for number, part in enumerate(parts, 1)]
