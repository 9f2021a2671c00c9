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
        self._files = tuple(files)

    async def has(self, file: StagedFile) -> bool:
        return await asyncio.to_thread(self._has, file)

    def _has(self, file: StagedFile) -> bool:
        with refusing(self._root), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return os.lstat(self._root / file.path).st_size == file.size
        return False

    async def open(self, file: StagedFile) -> Sink:
        return await open_part(self._root / file.path, file.key)

    async def publish(self, manifest: Callable[[Mapping[str, Any]], bytes]) -> Publication:
        return await asyncio.to_thread(self._publish, manifest)

    def _publish(self, manifest: Callable[[Mapping[str, Any]], bytes]) -> Publication:
        path = self._root / manifests.NAME
        with refusing(path):
            there: dict[str, Any] = {}
            with contextlib.suppress(FileNotFoundError):
                there = manifests.parse_manifest(path.read_bytes(), str(self._root))
            data = manifest(there)
            self._root.mkdir(parents=True, exist_ok=True)
            write_flushed(path, data, path.with_name(f"{path.name}.{os.getpid()}.part"))
        return Publication(str(self._root), str(path))

    async def discard(self) -> None:
        """What is whole stays; what is not is taken up by a later download."""

    async def aclose(self) -> None:
        """Nothing is held open."""
