"""A directory of this machine, flat or with a folder ``snapshots/<n>`` for every export."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import stat as modes
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path

from flowtui.exports import manifest as manifests
from flowtui.exports.targets.base import Existing, Stage, StageRequest, TargetAccess, TargetOptions
from flowtui.exports.targets.directory_stage import SNAPSHOTS, DirectoryStage, snapshot_numbers
from flowtui.exports.targets.part_file import refusing
from flowtui.storage.directory_tree import DirectoryTree, LinkError

_PREFIX = "directory:"


def parse(text: str, options: TargetOptions, access: TargetAccess) -> DirectoryTarget | None:
    """A path, ``~`` included, ``directory:PATH`` or ``file:///PATH``; None for another scheme and for nothing."""
    root = directory_path(text)
    return DirectoryTarget(root, snapshots=options.layout == "snapshots") if root else None


def directory_path(text: str) -> Path | None:
    """The absolute path that a text names, as :func:`parse` takes it; None where it names none."""
    if text.startswith(_PREFIX):
        text = text[len(_PREFIX) :]
    elif text.startswith("file:///"):
        text = text[len("file://") :]
    elif "://" in text:
        return None
    return Path(os.path.abspath(os.path.expanduser(text))) if text and "\0" not in text else None


class DirectoryTarget:
    """A directory; it is made when the export is published.

    Args:
        root: its absolute path.
        snapshots: every export is a folder ``snapshots/<n>`` below it.
    """

    kind = "directory"
    in_place = False

    def __init__(self, root: Path, *, snapshots: bool = False) -> None:
        self.root = root
        self.text = str(root)
        self.whole = snapshots

    async def existing(self, paths: Iterable[str]) -> dict[str, Existing]:
        return await asyncio.to_thread(self._existing, tuple(paths))

    def _existing(self, paths: tuple[str, ...]) -> dict[str, Existing]:
        found = {}
        below = self._latest()
        tree = DirectoryTree(self.root)
        names: dict[str, list[str]] = defaultdict(list)
        for path in paths:
            folder, _, name = path.rpartition("/")
            names[folder].append(name)
        with refusing(self.root):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                # What is to be replaced by the manifest at the end is looked at before anything is written.
                if modes.S_ISLNK(tree.lstat(f"{below}/{manifests.NAME}").st_mode):
                    raise LinkError(errno.ELOOP, "it is a link", f"{self.root}/{manifests.NAME}")
            for folder, of_folder in names.items():
                with (
                    contextlib.suppress(FileNotFoundError, NotADirectoryError),
                    tree.folder(f"{below}/{folder}") as descriptor,
                ):
                    for name in of_folder:
                        with contextlib.suppress(FileNotFoundError):
                            stat = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                            modified = datetime.fromtimestamp(stat.st_mtime, timezone.utc)
                            path = f"{folder}/{name}" if folder else name
                            found[path] = Existing(stat.st_size, modified, modes.S_ISDIR(stat.st_mode))
        return found

    async def read(self, path: str) -> bytes | None:
        return await asyncio.to_thread(self._read, path)

    def _read(self, path: str) -> bytes | None:
        with refusing(self.root):
            try:
                return DirectoryTree(self.root).read(f"{self._latest()}/{path}")
            except (FileNotFoundError, NotADirectoryError):
                return None

    def _latest(self) -> str:
        """The folder below the root that has what the last export wrote; it need not be there."""
        if not self.whole:
            return ""
        numbers = snapshot_numbers(self.root / SNAPSHOTS)
        return f"{SNAPSHOTS}/{max(numbers, default=0)}"

    async def free(self) -> int | None:
        return await asyncio.to_thread(self._free)

    def _free(self) -> int | None:
        for folder in (self.root, *self.root.parents):
            if folder.is_dir():
                with refusing(folder):
                    return shutil.disk_usage(folder).free
        return None

    async def stage(self, request: StageRequest) -> Stage:
        return await asyncio.to_thread(DirectoryStage, self.root, request, self.whole)
