"""An export on its way into a directory: files wait in a hidden folder beside their places and are renamed at the end.

Into a new directory, or a new ``snapshots/<n>``, the whole folder is renamed at once. Into a directory that is there,
one file after the other, each whole, and the manifest last. All bytes are on the disk before the first gets its name.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import os
import shutil
import stat
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from flowtui.errors import ExportError
from flowtui.exports import manifest as manifests
from flowtui.exports.targets.base import Publication, Sink, StagedFile, StageRequest
from flowtui.exports.targets.flushing import flush_folder, flushing_early, flushing_file_system, write_flushed
from flowtui.exports.targets.part_file import open_part, part_path, refusing
from flowtui.exports.targets.pumping import pump, read_at_once, write_at
from flowtui.text import plain

if sys.platform != "win32":
    import fcntl

SNAPSHOTS = "snapshots"
_SMALL = 8 * 1024 * 1024
"""A local file up to this size is written without a part that could be taken up again."""
_AT_ONCE = 1024 * 1024
"""A local file up to this size is read and written by one call each."""
_OPEN = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
# A pipe that lies there now would be waited for.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _OPEN
_WRITE = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | _OPEN


@dataclass(frozen=True, slots=True)
class Copied:
    """A local file that is whole in the stage."""

    size: int
    sha256: str
    modified: datetime


def snapshot_numbers(folder: Path) -> list[int]:
    """The numbers of the snapshots in a folder."""
    try:
        return [int(name) for name in os.listdir(folder) if name.isascii() and name.isdigit()]
    except (FileNotFoundError, NotADirectoryError):
        return []


class DirectoryStage:
    """The stage of an export to a directory.

    Notes: ``stage`` is the folder of what is staged, ``merging`` that files of it may have their names already, and
    ``snapshot`` the number that it is to have.

    Args:
        root: the directory.
        snapshots: the export becomes a folder ``snapshots/<n>``.
    """

    files_at_once = 4

    def __init__(self, root: Path, request: StageRequest, snapshots: bool) -> None:
        self._root = root
        self._request = request
        self._snapshots = snapshots
        self._made: set[str] = set()
        noted = request.notes.get("stage")
        self.folder = Path(noted) if noted else self._choose()
        self._is_merging = bool(request.notes.get("merging"))
        with refusing(root):
            # An earlier try may have come to its end without a word.
            self._place = self._published() if noted else None
        if not noted:
            request.notes.set("stage", str(self.folder))

    def _choose(self) -> Path:
        with refusing(self._root):
            name = f".flowtui-{self._request.export}"
            if self._snapshots:
                return self._root / SNAPSHOTS / name
            if self._root.is_dir():
                return self._root / name
            if os.path.lexists(self._root):
                raise ExportError(f"{plain(self._root)} is not a directory.", "Choose another place.")
            return self._root.with_name(f".{self._root.name}{name}")

    async def has(self, file: StagedFile) -> bool:
        return await asyncio.to_thread(self._has, file)

    def _has(self, file: StagedFile) -> bool:
        with refusing(self._root):
            places = [self.folder, self._place, self._root if self._is_merging else None]
            for place in filter(None, places):
                with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                    size = os.lstat(place / file.path).st_size
                    if file.size is None or size == file.size:
                        return True
        return False

    async def open(self, file: StagedFile) -> Sink:
        return await open_part(self.folder / file.path, file.key, durable=False)

    def copy(self, source: str, file: StagedFile, moved: Callable[[int], None], stop: threading.Event) -> Copied:
        """Copy a file of this machine into the stage, in the calling thread.

        Args:
            moved: is told bytes as they are copied.
            stop: ends the copy early; what is there is taken up next time.

        Raises:
            ExportError: it cannot be written, or was stopped.
            OSError: the source cannot be read.
        """
        path = f"{self.folder}/{file.path}"
        self._make_parent(path)
        read = os.open(source, _READ)
        try:
            if not stat.S_ISREG(os.fstat(read).st_mode):
                raise OSError(errno.EINVAL, "it is not a regular file", source)
            if file.size is not None and file.size <= _AT_ONCE:
                data = read_at_once(read, file.size)
                if len(data) <= file.size:
                    return _written_at_once(path, data, moved)
            return self._pumped(read, path, file, moved, stop)
        finally:
            os.close(read)

    def _make_parent(self, path: str) -> None:
        parent = path.rpartition("/")[0]
        if parent not in self._made:
            with refusing(path):
                os.makedirs(parent, exist_ok=True)
            self._made.add(parent)

    @staticmethod
    def _pumped(read: int, path: str, file: StagedFile, moved: Callable[[int], None], stop: threading.Event) -> Copied:
        is_small = file.size is not None and file.size <= _SMALL
        part = path if is_small else str(part_path(Path(path), file.key))
        with refusing(path):
            descriptor = os.open(part, _WRITE | (os.O_TRUNC if is_small else 0), 0o666)
        try:
            with contextlib.nullcontext() if is_small else flushing_early(descriptor):
                size, sha256 = pump(read, descriptor, path, moved, stop)
            with refusing(path):
                modified = os.fstat(descriptor).st_mtime
                if part is not path:
                    os.replace(part, path)
        finally:
            os.close(descriptor)
        return Copied(size, sha256, datetime.fromtimestamp(modified, timezone.utc))

    async def publish(self, manifest: Callable[[Mapping[str, Any]], bytes]) -> Publication:
        return await asyncio.to_thread(self._publish, manifest)

    def _publish(self, manifest: Callable[[Mapping[str, Any]], bytes]) -> Publication:
        with refusing(self._root):
            place = self._place
            if place is None:
                is_merged = not self._snapshots and (self.folder.parent == self._root or os.path.lexists(self._root))
                self.folder.mkdir(parents=True, exist_ok=True)
                with flushing_file_system(self.folder):
                    if not is_merged:
                        self._write_manifest(manifest({}))
                if self._snapshots:
                    place = self._publish_snapshot()
                elif is_merged:
                    place = self._merge(manifest)
                else:
                    place = self._publish_root(manifest)
                for folder in (place, place.parent):
                    flush_folder(folder)
            shutil.rmtree(self.folder, ignore_errors=True)
        return Publication(str(place), str(place / manifests.NAME))

    def _published(self) -> Path | None:
        """The folder that has this export, where its manifest is there already."""
        folder = self._root
        if self._snapshots:
            number = self._request.notes.get("snapshot")
            if not number:
                return None
            folder = folder / SNAPSHOTS / number
        content = self._manifest_of(folder)
        return folder if self._request.export in content.get("exports", {}) else None

    @staticmethod
    def _manifest_of(folder: Path) -> dict[str, Any]:
        try:
            data = (folder / manifests.NAME).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return {}
        return manifests.parse_manifest(data, str(folder))

    def _publish_snapshot(self) -> Path:
        while True:
            number = max(snapshot_numbers(self.folder.parent), default=0) + 1
            place = self.folder.with_name(str(number))
            self._request.notes.set("snapshot", str(number))
            if _renamed_to_new(self.folder, place):
                return place

    def _publish_root(self, manifest: Callable[[Mapping[str, Any]], bytes]) -> Path:
        if _renamed_to_new(self.folder, self._root):
            return self._root
        (self.folder / manifests.NAME).unlink()
        return self._merge(manifest)

    def _merge(self, manifest: Callable[[Mapping[str, Any]], bytes]) -> Path:
        with _alone_in(self._root):
            self._request.notes.set("merging", "1")
            for file in self._request.files:
                self._give_name(file)
            self._is_merging = True
            self._write_manifest(manifest(self._manifest_of(self._root)))
            os.replace(self.folder / manifests.NAME, self._root / manifests.NAME)
        return self._root

    def _give_name(self, file: StagedFile) -> None:
        staged, place = self.folder / file.path, self._root / file.path
        if not os.path.lexists(staged):
            if self._is_merging and os.path.lexists(place):
                return
            raise ExportError(
                f"{plain(file.path)} has vanished from the stage {plain(self.folder)}.", "Resume the export."
            )
        if not file.replaces and self._request.if_exists != "replace" and os.path.lexists(place):
            raise ExportError(
                f"{plain(place)} was written by somebody else while this export ran.", "Plan the export again."
            )
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(staged, place)

    def _write_manifest(self, data: bytes) -> None:
        path = self.folder / manifests.NAME
        # Always the same name beside it: what a kill leaves is written over, and not published.
        write_flushed(path, data, path.with_name(f"{manifests.NAME}.part"))

    async def discard(self) -> None:
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)
        if self._snapshots:
            for folder in (self._root / SNAPSHOTS, self._root):
                with contextlib.suppress(OSError):
                    folder.rmdir()

    async def aclose(self) -> None:
        """Nothing is held open."""


def _written_at_once(path: str, data: bytes, moved: Callable[[int], None]) -> Copied:
    with refusing(path):
        descriptor = os.open(path, _WRITE | os.O_TRUNC, 0o666)
        try:
            write_at(descriptor, data, 0)
            modified = os.fstat(descriptor).st_mtime
        finally:
            os.close(descriptor)
    moved(len(data))
    return Copied(len(data), hashlib.sha256(data).hexdigest(), datetime.fromtimestamp(modified, timezone.utc))


def _renamed_to_new(folder: Path, place: Path) -> bool:
    """Rename a folder to a name that nothing has; False where something has it."""
    if os.path.lexists(place):
        return False
    try:
        # Of two that come at the same time one fails here, since neither folder is empty.
        os.rename(folder, place)
    except OSError:
        if os.path.lexists(place):
            return False
        raise
    return True


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold a directory against other exports that publish into it."""
    folder.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
