"""An object store, or any other file system that fsspec knows: ``s3://bucket/prefix``, ``gs://``, ``abfs://``.

Objects come under ``.flowtui/<export>/`` of the place first, each whole or not at all. Publishing copies them within
the store, the manifest last, and removes what is staged. With ``snapshots``, a prefix ``snapshots/<n>`` without a
manifest is a publication that was cut short, and nobody's latest; ``.flowtui/snapshots/<n>/<export>`` holds a number
for an export, so that two that run at the same time do not take the same one.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from flowtui.errors import ExportError, UsageError
from flowtui.exports import manifest as manifests
from flowtui.exports.targets.base import (
    Existing,
    Publication,
    Sink,
    Stage,
    StagedFile,
    StageRequest,
    TargetAccess,
    TargetOptions,
)
from flowtui.exports.targets.store_calls import STAGING, ChangedError, all_of
from flowtui.exports.targets.store_files import TRIES, StoreFiles, pause
from flowtui.exports.targets.store_upload import StoreUpload
from flowtui.storage import StoreAccess
from flowtui.storage.credentials import STORES
from flowtui.text import plain

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_ELSEWHERE = frozenset({"file", "local", "http", "https", "flyte", "data", "dataset"})
_SIGNATURE = re.compile(r"[?&](sig|x-amz-signature|x-goog-signature)=", re.IGNORECASE)
_SNAPSHOTS = "snapshots"
_CLAIMS = f"{STAGING}/{_SNAPSHOTS}"
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_MOST_MANIFEST = 256 * 1024 * 1024 + 1
_MOST_CLAIMS = 1000
_AT_ONCE = 16
_LISTED_FROM = 8
"""From so many files on a folder is listed; fewer are asked for one by one."""


def parse(text: str, options: TargetOptions, access: TargetAccess) -> StoreTarget | None:
    """A URL of a store or of another file system of fsspec; None for another text.

    Raises UsageError for one that holds a secret, since places are recorded, and for one of several file systems.
    """
    found = _SCHEME.match(text)
    if not found or found.group(1).lower() in _ELSEWHERE or not text[found.end() :].strip("/"):
        return None
    scheme, place = found.group(1).lower(), text[found.end() :]
    host, at, _ = place.partition("/")[0].rpartition("@")
    if (at and ":" in host) or _SIGNATURE.search(text):
        raise UsageError(
            f"The URL of a place ({scheme}://…) may hold no password and no signature: places are recorded.",
            f"Leave it to the store's own configuration, or to fsspec's (FSSPEC_{scheme.upper()}_PASSWORD).",
        )
    if scheme not in STORES and "::" in text:
        raise UsageError(f"{plain(text)} names one file system within another.", "Export to a plain URL.")
    if scheme not in STORES and "?" in text:
        raise UsageError(f"The URL {plain(text.partition('?')[0])} may have no query.", "Leave the question mark out.")
    # fsspec's names of schemes, and the map of stores, are in lower case.
    return StoreTarget(f"{scheme}://{place}", access.stores, snapshots=options.layout == "snapshots")


class StoreTarget:
    """A place in an object store.

    Args:
        url: the bucket and, where there is one, the prefix that all keys begin with.
        access: what is known of object stores on this machine.
        snapshots: every export is a prefix ``snapshots/<n>`` below it.
    """

    kind = "store"
    in_place = False

    def __init__(self, url: str, access: StoreAccess, *, snapshots: bool = False) -> None:
        self.text = url
        self.whole = snapshots
        self._files = StoreFiles(url, access)

    async def existing(self, paths: Iterable[str]) -> dict[str, Existing]:
        root = await self._latest()
        return {} if root is None else await _existing(self._files, root, paths)

    async def read(self, path: str) -> bytes | None:
        root = await self._latest()
        found = await self._files.read(root + path, _MOST_MANIFEST) if root is not None else None
        return found.data if found is not None else None

    async def free(self) -> int | None:
        return None

    async def stage(self, request: StageRequest) -> Stage:
        return StoreStage(self._files, request, snapshots=self.whole)

    async def _latest(self) -> str | None:
        """The prefix that has what the last export wrote; None where there is none."""
        if not self.whole:
            return ""
        for number in sorted(await _numbers(self._files, _SNAPSHOTS), reverse=True):
            prefix = f"{_SNAPSHOTS}/{number}/"
            if await self._files.stat(prefix + manifests.NAME):
                return prefix
        return None


class StoreStage:
    """The stage of an export to a store.

    Notes: ``claim`` is the number of a snapshot that may be held, and ``snapshot`` the one that is; ``publishing`` is
    set before the first copy, ``published`` after the manifest.
    """

    files_at_once = 4

    def __init__(self, files: StoreFiles, request: StageRequest, *, snapshots: bool) -> None:
        self._files = files
        self._request = request
        self._notes = request.notes
        self._snapshots = snapshots
        self._is_there: bool | None = None

    async def has(self, file: StagedFile) -> bool:
        there = await self._files.stat(self._staged(file))
        if there is None and (await self._is_published() or await self._may_be_moved()):
            there = await self._files.stat(self._place() + file.path)
        return there is not None and file.size in (None, there.size)

    async def open(self, file: StagedFile) -> Sink:
        return StoreUpload(self._files, self._staged(file), file.size)

    async def publish(self, manifest: Callable[[Mapping[str, Any]], bytes]) -> Publication:
        if self._snapshots and not self._notes.get("snapshot"):
            self._notes.set("snapshot", str(await self._free_number()))
        place = self._place()
        path = place + manifests.NAME
        if not await self._is_published():
            if not self._notes.get("publishing"):
                await self._check_free(place)
                self._notes.set("publishing", "1")
            await self._copy_all(place)
            await self._add_to_manifest(path, manifest)
            self._notes.set("published", "1")
        await self._remove_staged()
        return Publication(self._files.shown(place.rstrip("/")), self._files.shown(path))

    async def discard(self) -> None:
        await self._remove_staged()

    async def aclose(self) -> None:
        await self._files.aclose()

    @property
    def _staging(self) -> str:
        """The folder of what is staged."""
        return f"{STAGING}/{self._request.export}"

    def _staged(self, file: StagedFile) -> str:
        """Where a version of a file is staged, by a name of fixed length: a key of S3 has 1024 bytes at most."""
        name = hashlib.sha256(file.path.encode(errors="replace")).hexdigest()[:40]
        return f"{self._staging}/{name}-{file.key}"

    def _place(self) -> str:
        """The prefix that the export is published at."""
        return f"{_SNAPSHOTS}/{self._notes.get('snapshot')}/" if self._snapshots else ""

    async def _add_to_manifest(self, path: str, manifest: Callable[[Mapping[str, Any]], bytes]) -> None:
        """Write the manifest; what other exports write into it at the same time stays."""
        for number in range(TRIES):
            content, etag = await self._manifest()
            try:
                await self._files.put(path, manifest(content), etag)
            except ChangedError:
                await pause(number)
            else:
                return
        raise self._files.busy(path)

    async def _manifest(self) -> tuple[dict[str, Any], str | None]:
        """The content of the manifest that is there, and its etag as ``StoreCalls.put`` takes it."""
        found = await self._files.read(self._place() + manifests.NAME, _MOST_MANIFEST)
        if found is None:
            return {}, ""
        return manifests.parse_manifest(found.data, self._files.shown(self._place().rstrip("/"))), found.etag or None

    async def _is_published(self) -> bool:
        """Whether an earlier try has come as far as the manifest."""
        if self._notes.get("published"):
            return True
        if not self._notes.get("publishing"):
            return False
        if self._is_there is None:
            self._is_there = self._request.export in (await self._manifest())[0].get("exports", {})
        return self._is_there

    async def _may_be_moved(self) -> bool:
        """Whether a file that is no longer staged may have its name already, where there is no copying."""
        return bool(self._notes.get("publishing")) and await self._files.moves()

    async def _copy_all(self, place: str) -> None:
        files = self._request.files
        names = {self._staged(file).rpartition("/")[2]: file for file in files}
        sizes = await self._files.sizes(self._staging, names)

        moves = await self._files.moves()

        async def give_name(name: str, file: StagedFile) -> None:
            size, target = sizes.get(name), place + file.path
            if size is not None:
                await self._files.copy(f"{self._staging}/{name}", target, size)
            there = await self._files.stat(target)
            if size is None and not (moves and there and file.size in (None, there.size)):
                raise ExportError(
                    f"{plain(file.path)} has vanished from {self._files.shown(self._staging)}.", "Resume the export."
                )
            if there is None or (size is not None and there.size != size):
                raise ExportError(f"{self._files.shown(target)} is not what was copied there.", "Resume the export.")

        await all_of((give_name(*one) for one in names.items()), _AT_ONCE)

    async def _check_free(self, place: str) -> None:
        """Nobody has written where nothing was when the export was planned."""
        if self._request.if_exists == "replace" or self._snapshots:
            return
        new = [file.path for file in self._request.files if not file.replaces]
        for path in sorted(await _existing(self._files, place, new)):
            shown = self._files.shown(place + path)
            raise ExportError(f"{shown} was written by somebody else while this export ran.", "Plan the export again.")

    async def _free_number(self) -> int:
        """A number of a snapshot that no other export has or gets.

        Whoever wants one writes a claim and looks then: of two who claim the same number, the later sees both, and who
        sees another goes on to the next.
        """
        me = self._staging.rpartition("/")[2]
        number = int(self._notes.get("claim") or 0)
        highest = max([0, *await _numbers(self._files, _SNAPSHOTS), *await _numbers(self._files, _CLAIMS)])
        number = number or highest + 1
        while True:
            self._notes.set("claim", str(number))
            folder = f"{_CLAIMS}/{number}"
            await self._files.put(f"{folder}/{me}", b"claimed")
            claims = sorted(await self._files.names(folder, _MOST_CLAIMS))
            if claims == [me] and not await self._files.names(f"{_SNAPSHOTS}/{number}", 1):
                return number
            await self._files.remove(f"{folder}/{me}")
            number = max(highest, number) + 1 + (claims.index(me) if me in claims else 0)

    async def _remove_staged(self) -> None:
        with suppress(ExportError):
            # Not everybody who may write may list uploads; stores can be told to forget them by themselves.
            await self._files.abandon_all(self._staging)
        await self._files.remove_all(self._staging)
        if number := self._notes.get("claim"):
            await self._files.remove(f"{_CLAIMS}/{number}/{self._staging.rpartition('/')[2]}")


async def _numbers(files: StoreFiles, folder: str) -> list[int]:
    """The numbers that name folders directly below one."""
    return [int(name) for name in await files.folders(folder) if _NUMBER.fullmatch(name)]


async def _existing(files: StoreFiles, root: str, paths: Iterable[str]) -> dict[str, Existing]:
    """What lies at these paths below a prefix; without times, since a manifest could not know that of a copy."""
    by_folder: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for path in paths:
        folder, _, name = (root + path).rpartition("/")
        by_folder[folder][name] = path
    found: dict[str, Existing] = {}
    keeps_folders = await files.keeps_folders() if by_folder else False

    async def look(path: str) -> None:
        there = await files.stat(root + path)
        if there is not None:
            found[path] = Existing(there.size or 0, None, there.directory)

    async def list_(folder: str, names: Mapping[str, str]) -> None:
        for name, size in (await files.sizes(folder, names)).items():
            found[names[name]] = Existing(size, None)
        for name in await files.folders(folder) if keeps_folders else ():
            if name in names:
                found[names[name]] = Existing(0, None, directory=True)

    few = [path for names in by_folder.values() if len(names) < _LISTED_FROM for path in names.values()]
    many = [one for one in by_folder.items() if len(one[1]) >= _LISTED_FROM]
    await all_of([*(look(path) for path in few), *(list_(*one) for one in many)], _AT_ONCE)
    return found
