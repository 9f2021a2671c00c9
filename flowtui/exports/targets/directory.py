"""A directory of this machine, flat or with a folder ``snapshots/<n>`` for every export."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat as modes
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path

from flowtui.exports.targets.base import Existing, Stage, StageRequest, TargetAccess, TargetOptions
from flowtui.exports.targets.directory_stage import SNAPSHOTS, DirectoryStage, snapshot_numbers
from flowtui.exports.targets.part_file import refusing

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
        with refusing(self.root):
            root = self._latest()
            if not os.path.lexists(root):
                return {}
            for path in paths:
                try:
                    stat = os.lstat(f"{root}/{path}")
                except (FileNotFoundError, NotADirectoryError):
                    continue
                modified = datetime.fromtimestamp(stat.st_mtime, timezone.utc)
                found[path] = Existing(stat.st_size, modified, modes.S_ISDIR(stat.st_mode))
        return found

    async def read(self, path: str) -> bytes | None:
        return await asyncio.to_thread(self._read, path)

    def _read(self, path: str) -> bytes | None:
        with refusing(self.root):
            try:
                return (self._latest() / path).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None

    def _latest(self) -> Path:
        """The folder that has what the last export wrote; it need not be there."""
        if not self.whole:
            return self.root
        numbers = snapshot_numbers(self.root / SNAPSHOTS)
        return self.root / SNAPSHOTS / str(max(numbers, default=0))

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
