"""A directory that files come into one by one, each seen as soon as it is whole: what a download does."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from flowtui.exports import manifest as manifests
from flowtui.exports.targets.base import Publication, Sink, StagedFile, StageRequest
from flowtui.exports.targets.directory import DirectoryTarget
from flowtui.exports.targets.flushing import write_flushed
from flowtui.exports.targets.part_file import open_part, refusing
from flowtui.storage.directory_tree import DirectoryTree


class InPlaceTarget(DirectoryTarget):
    """A directory to download to."""

    in_place = True

    async def stage(self, request: StageRequest) -> InPlaceStage:
        return InPlaceStage(self.root, request.files)


class InPlaceStage:
    """Files on their way into a directory; what is whole stays, whatever becomes of the others."""

    files_at_once = 4

    def __init__(self, root: Path, files: Iterable[StagedFile]) -> None:
        self._root = root
        self._tree = DirectoryTree(root)
        self._files = tuple(files)

    async def has(self, file: StagedFile) -> bool:
        return await asyncio.to_thread(self._has, file)

    def _has(self, file: StagedFile) -> bool:
        with refusing(self._root), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return self._tree.lstat(file.path).st_size == file.size
        return False

    async def open(self, file: StagedFile) -> Sink:
        return await open_part(self._tree, file.path, file.key)

    async def publish(self, manifest: Callable[[Mapping[str, Any]], bytes]) -> Publication:
        return await asyncio.to_thread(self._publish, manifest)

    def _publish(self, manifest: Callable[[Mapping[str, Any]], bytes]) -> Publication:
        path = self._root / manifests.NAME
        with refusing(path):
            there: dict[str, Any] = {}
            with contextlib.suppress(FileNotFoundError):
                there = manifests.parse_manifest(self._tree.read(manifests.NAME), str(self._root))
            data = manifest(there)
            with self._tree.folder(make=True) as folder:
                write_flushed(folder, manifests.NAME, data, f"{manifests.NAME}.{os.getpid()}.part")
        return Publication(str(self._root), str(path))

    async def discard(self) -> None:
        """What is whole stays; what is not is taken up by a later download."""

    async def aclose(self) -> None:
        """Nothing is held open."""
