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
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from flowtui.errors import ExportError
from flowtui.exports import manifest as manifests
from flowtui.exports.targets.base import Publication, Sink, StagedFile, StageRequest
from flowtui.exports.targets.flushing import flush_folder, flushing_early, flushing_file_system, write_flushed
from flowtui.exports.targets.part_file import (
    new_file_mode,
    new_folder_mode,
    open_part,
    part_path,
    refusing,
    set_mode,
)
from flowtui.exports.targets.pumping import pump, read_at_once, write_at
from flowtui.storage.directory_tree import DirectoryTree
from flowtui.text import plain

if sys.platform != "win32":
    import fcntl

SNAPSHOTS = "snapshots"
_SMALL = 8 * 1024 * 1024
"""A local file up to this size is written without a part that could be taken up again."""
_AT_ONCE = 1024 * 1024
"""A local file up to this size is read and written by one call each."""
_WRITE = os.O_RDWR | os.O_CREAT
_LIST = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


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
        # Beside the root where that is to be new, else below it.
        self._base = DirectoryTree(root if root in self.folder.parents else self.folder.parent)
        self._stage = self.folder.relative_to(self._base.root).as_posix()
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
                    size = DirectoryTree(place).lstat(file.path).st_size
                    if file.size is None or size == file.size:
                        return True
        return False

    async def open(self, file: StagedFile) -> Sink:
        await asyncio.to_thread(self._make_stage)
        return await open_part(self._base, f"{self._stage}/{file.path}", file.key, durable=False)

    def _make_stage(self) -> None:
        """Make the folder of what is staged, for nobody else to look into."""
        if "" in self._made:
            return
        parent, _, name = self._stage.rpartition("/")
        with refusing(self.folder):
            os.makedirs(self._base.root, exist_ok=True)
            with self._base.folder(parent, make=True) as folder, contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=folder)
        self._made.add("")

    def copy(self, source: int, file: StagedFile, moved: Callable[[int], None], stop: threading.Event) -> Copied:
        """Copy a file of this machine into the stage, in the calling thread.

        Args:
            source: a descriptor of it, at its beginning.
            moved: is told bytes as they are copied.
            stop: ends the copy early; what is there is taken up next time.

        Raises:
            ExportError: it cannot be written, or was stopped.
            OSError: the source cannot be read.
        """
        if not stat.S_ISREG(os.fstat(source).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        path = f"{self._stage}/{file.path}"
        self._make_parent(path)
        if file.size is not None and file.size <= _AT_ONCE:
            data = read_at_once(source, file.size)
            if len(data) <= file.size:
                return self._written_at_once(path, data, moved)
        return self._pumped(source, path, file, moved, stop)

    def remove(self, file: StagedFile) -> None:
        """Remove what :meth:`copy` has written of a file that is not what it should be."""
        with contextlib.suppress(OSError):
            self._base.unlink(f"{self._stage}/{file.path}")

    def _make_parent(self, path: str) -> None:
        """Make the folder of a file. Other threads take it to be there only when it is."""
        parent = path.rpartition("/")[0]
        if parent not in self._made:
            self._make_stage()
            with refusing(f"{self._base.root}/{path}"), self._base.folder(parent, make=True):
                self._made.add(parent)

    def _pumped(
        self, source: int, path: str, file: StagedFile, moved: Callable[[int], None], stop: threading.Event
    ) -> Copied:
        is_small = file.size is not None and file.size <= _SMALL
        part = path if is_small else part_path(path, file.key)
        shown = f"{self._base.root}/{path}"
        with refusing(shown):
            descriptor = self._base.open(part, _WRITE | (os.O_TRUNC if is_small else 0))
        try:
            with contextlib.nullcontext() if is_small else flushing_early(descriptor):
                size, sha256 = pump(source, descriptor, shown, moved, stop)
            with refusing(shown):
                modified = os.fstat(descriptor).st_mtime
                set_mode(descriptor, new_file_mode())
                if part is not path:
                    with self._base.folder(path.rpartition("/")[0]) as folder:
                        names = (one.rpartition("/")[2] for one in (part, path))
                        os.replace(*names, src_dir_fd=folder, dst_dir_fd=folder)
        finally:
            os.close(descriptor)
        return Copied(size, sha256, datetime.fromtimestamp(modified, timezone.utc))

    def _written_at_once(self, path: str, data: bytes, moved: Callable[[int], None]) -> Copied:
        with refusing(f"{self._base.root}/{path}"):
            descriptor = self._base.open(path, _WRITE | os.O_TRUNC)
            try:
                write_at(descriptor, data, 0)
                set_mode(descriptor, new_file_mode())
                modified = os.fstat(descriptor).st_mtime
            finally:
                os.close(descriptor)
        moved(len(data))
        return Copied(len(data), hashlib.sha256(data).hexdigest(), datetime.fromtimestamp(modified, timezone.utc))

    async def publish(self, manifest: Callable[[Mapping[str, Any]], bytes]) -> Publication:
        return await asyncio.to_thread(self._publish, manifest)

    def _publish(self, manifest: Callable[[Mapping[str, Any]], bytes]) -> Publication:
        with refusing(self._root):
            place = self._place
            if place is None:
                is_merged = not self._snapshots and (self.folder.parent == self._root or os.path.lexists(self._root))
                self._made.discard("")
                self._make_stage()
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
            self._remove_stage()
        return Publication(str(place), str(place / manifests.NAME))

    def _remove_stage(self) -> None:
        """Remove the folder of what is staged, unless a link leads there now."""
        with contextlib.suppress(OSError):
            if stat.S_ISDIR(self._base.lstat(self._stage).st_mode):
                shutil.rmtree(self.folder, ignore_errors=True)

    def _published(self) -> Path | None:
        """The folder that has this export, where its manifest is there already."""
        below = ""
        if self._snapshots:
            number = self._request.notes.get("snapshot")
            if not number:
                return None
            below = f"{SNAPSHOTS}/{number}"
        content = self._manifest_of(below)
        return self._root / below if self._request.export in content.get("exports", {}) else None

    def _manifest_of(self, below: str = "") -> dict[str, Any]:
        """The manifest of a folder below the root, empty where there is none."""
        try:
            data = DirectoryTree(self._root).read(f"{below}/{manifests.NAME}")
        except (FileNotFoundError, NotADirectoryError):
            return {}
        return manifests.parse_manifest(data, str(self._root / below))

    def _publish_snapshot(self) -> Path:
        while True:
            number = max(snapshot_numbers(self.folder.parent), default=0) + 1
            place = self.folder.with_name(str(number))
            self._request.notes.set("snapshot", str(number))
            if self._renamed_to_new(place):
                return place

    def _publish_root(self, manifest: Callable[[Mapping[str, Any]], bytes]) -> Path:
        if self._renamed_to_new(self._root):
            return self._root
        self._base.unlink(f"{self._stage}/{manifests.NAME}")
        return self._merge(manifest)

    def _renamed_to_new(self, place: Path) -> bool:
        """Rename the folder of what is staged to a name beside it that nothing has; False where something has it."""
        parent, _, name = self._stage.rpartition("/")
        with self._base.folder(parent) as folder:
            if _is_there(place.name, folder):
                return False
            staged = os.open(name, _LIST, dir_fd=folder)
            try:
                # A shared place hands its group on, which setting permissions alone would end.
                kept = os.fstat(staged).st_mode & stat.S_ISGID
                set_mode(staged, kept | new_folder_mode())
                try:
                    # Of two that come at the same time one fails here, since neither folder is empty.
                    os.rename(name, place.name, src_dir_fd=folder, dst_dir_fd=folder)
                except OSError:
                    set_mode(staged, kept | 0o700)
                    if _is_there(place.name, folder):
                        return False
                    raise
            finally:
                os.close(staged)
        return True

    def _merge(self, manifest: Callable[[Mapping[str, Any]], bytes]) -> Path:
        with _alone_in(self._root):
            self._request.notes.set("merging", "1")
            root = DirectoryTree(self._root)
            files: dict[str, list[StagedFile]] = defaultdict(list)
            for file in self._request.files:
                files[file.path.rpartition("/")[0]].append(file)
            for folder, of_folder in files.items():
                self._give_names(root, folder, of_folder)
            self._is_merging = True
            self._write_manifest(manifest(self._manifest_of()))
            with self._base.folder(self._stage) as staged, root.folder() as place:
                os.replace(manifests.NAME, manifests.NAME, src_dir_fd=staged, dst_dir_fd=place)
        return self._root

    def _give_names(self, root: DirectoryTree, folder: str, files: Sequence[StagedFile]) -> None:
        """Rename the files of one folder to their places."""
        with contextlib.ExitStack() as stack:
            place = stack.enter_context(root.folder(folder, make=True))
            staged: int | None = None
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                staged = stack.enter_context(self._base.folder(f"{self._stage}/{folder}"))
            for file in files:
                name = file.path.rpartition("/")[2]
                is_there = _is_there(name, place)
                if staged is None or not _is_there(name, staged):
                    if self._is_merging and is_there:
                        continue
                    raise ExportError(
                        f"{plain(file.path)} has vanished from the stage {plain(self.folder)}.", "Resume the export."
                    )
                if not file.replaces and self._request.if_exists != "replace" and is_there:
                    raise ExportError(
                        f"{plain(self._root / file.path)} was written by somebody else while this export ran.",
                        "Plan the export again.",
                    )
                os.replace(name, name, src_dir_fd=staged, dst_dir_fd=place)

    def _write_manifest(self, data: bytes) -> None:
        # Always the same name beside it: what a kill leaves is written over, and not published.
        with self._base.folder(self._stage) as folder:
            write_flushed(folder, manifests.NAME, data, f"{manifests.NAME}.part")

    async def discard(self) -> None:
        await asyncio.to_thread(self._remove_stage)
        if self._snapshots:
            for folder in (self._root / SNAPSHOTS, self._root):
                with contextlib.suppress(OSError):
                    folder.rmdir()

    async def aclose(self) -> None:
        """Nothing is held open."""


def _is_there(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
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
