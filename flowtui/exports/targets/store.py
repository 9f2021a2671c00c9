"""An object store, or any other file system that fsspec knows: ``s3://bucket/prefix``, ``gs://``, ``abfs://``.

Objects come under ``.flowtui/<export>/`` of the place first, each whole or not at all. Publishing copies them within
the store, the manifest last, and removes what is staged. With ``snapshots``, a prefix ``snapshots/<n>``
without a manifest is a publication that was cut short, and nobody's latest.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import warnings
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from flowtui.errors import ExportError
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
from flowtui.storage import StoreAccess
from flowtui.storage.clients import EXTRA
from flowtui.storage.credentials import STORES
from flowtui.text import first_line, plain

_T = TypeVar("_T")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_QUERY = re.compile(r"(?<=\S)\?\S+")
_ELSEWHERE = frozenset({"file", "local", "http", "https", "flyte", "data", "dataset"})
_STAGING = ".flowtui"
_SNAPSHOTS = "snapshots"
_BLOCK = 8 * 1024 * 1024
_AT_ONCE = 8
_MD5 = re.compile(r"\"?([0-9a-f]{32})\"?")


def parse(text: str, options: TargetOptions, access: TargetAccess) -> StoreTarget | None:
    """A URL of a store or of another file system of fsspec; None for another text."""
    if not _SCHEME.match(text) or text.partition("://")[0].lower() in _ELSEWHERE:
        return None
    if not text.partition("://")[2].strip("/"):
        return None
    return StoreTarget(text, access.stores, snapshots=options.layout == "snapshots")


class StoreTarget:
    """A place in an object store.

    Args:
        url: the bucket and, where there is one, the prefix that all keys begin with.
        access: what is known of object stores on this machine.
        snapshots: every export is a prefix ``snapshots/<n>`` below it.
    """

    kind = "store"

    def __init__(self, url: str, access: StoreAccess, *, snapshots: bool = False) -> None:
        self.text = url
        self.whole = snapshots
        self._store = _Store(url, access)

    async def existing(self, paths: Iterable[str]) -> dict[str, Existing]:
        root = await self._latest()
        names = {f"{root}/{path}": path for path in paths} if root else {}
        gate = asyncio.Semaphore(_AT_ONCE)

        async def look(key: str) -> tuple[str, Existing | None]:
            async with gate:
                info = await self._store.info(key)
            return names[key], _existing(info) if info else None

        if len(names) > _AT_ONCE:
            found = await self._store.find(root)
            return {names[key]: _existing(info) for key, info in found.items() if key in names}
        return {path: there for path, there in await asyncio.gather(*map(look, names)) if there is not None}

    async def read(self, path: str) -> bytes | None:
        root = await self._latest()
        return await self._store.read(f"{root}/{path}") if root else None

    async def free(self) -> int | None:
        return None

    async def stage(self, request: StageRequest) -> Stage:
        return StoreStage(self._store, request, self.whole)

    async def _latest(self) -> str:
        """The prefix that has what the last export wrote; empty where there is none."""
        if not self.whole:
            return await self._store.base()
        base = f"{await self._store.base()}/{_SNAPSHOTS}"
        for number in sorted(await self._store.numbers(base), reverse=True):
            if await self._store.info(f"{base}/{number}/{manifests.NAME}"):
                return f"{base}/{number}"
        return ""


class StoreStage:
    """The stage of an export to a store."""

    def __init__(self, store: _Store, request: StageRequest, snapshots: bool) -> None:
        self._store = store
        self._request = request
        self._snapshots = snapshots

    async def has(self, file: StagedFile) -> bool:
        for folder in (await self._staging(), await self._place(choose=False)):
            info = await self._store.info(f"{folder}/{file.path}") if folder else None
            if info and (file.size is None or info["size"] == file.size):
                return True
        return False

    async def open(self, file: StagedFile) -> Sink:
        return _Upload(self._store, f"{await self._staging()}/{file.path}")

    async def publish(self, manifest: Callable[[Mapping[str, Any]], bytes]) -> Publication:
        place = await self._place(choose=True)
        path = f"{place}/{manifests.NAME}"
        data = await self._store.read(path)
        there = manifests.parse_manifest(data, self._store.shown(place)) if data else {}
        if self._request.export not in there.get("exports", {}):
            staging = await self._staging()
            gate = asyncio.Semaphore(_AT_ONCE)

            async def copy(file: StagedFile) -> None:
                async with gate:
                    await self._give_name(file, staging, place)

            if self._request.notes.get("publishing") != "1":
                await self._check_free(place)
                self._request.notes.set("publishing", "1")
            await asyncio.gather(*(copy(file) for file in self._request.files))
            await self._store.write(path, manifest(there))
        await self.discard()
        return Publication(self._store.shown(place), self._store.shown(path))

    async def _give_name(self, file: StagedFile, staging: str, place: str) -> None:
        source, target = f"{staging}/{file.path}", f"{place}/{file.path}"
        if await self._store.info(source) is None:
            raise ExportError(
                f"{plain(file.path)} has vanished from {self._store.shown(staging)}.", "Resume the export."
            )
        await self._store.copy(source, target)

    async def _check_free(self, place: str) -> None:
        """Nobody has written where nothing was when the export was planned."""
        if self._request.if_exists == "replace" or self._snapshots:
            return
        there = await self._store.find(place)
        for file in self._request.files:
            if f"{place}/{file.path}" in there and not file.replaces:
                shown = self._store.shown(f"{place}/{file.path}")
                raise ExportError(
                    f"{shown} was written by somebody else while this export ran.", "Plan the export again."
                )

    async def discard(self) -> None:
        await self._store.remove(await self._staging())

    async def aclose(self) -> None:
        """Nothing is held open."""

    async def _staging(self) -> str:
        return f"{await self._store.base()}/{_STAGING}/{self._request.export}"

    async def _place(self, *, choose: bool) -> str:
        """The prefix that the export is published at; of snapshots a number that is chosen once."""
        base = await self._store.base()
        if not self._snapshots:
            return base
        number = self._request.notes.get("snapshot")
        if not number and choose:
            number = str(max(await self._store.numbers(f"{base}/{_SNAPSHOTS}"), default=0) + 1)
            self._request.notes.set("snapshot", number)
        return f"{base}/{_SNAPSHOTS}/{number}" if number else ""


class _Upload:
    """An object on its way; the store shows it when it is whole."""

    offset = 0

    def __init__(self, store: _Store, key: str) -> None:
        self._store = store
        self._key = key
        self._file: Any = None
        self._size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)

    async def written(self) -> AsyncGenerator[bytes, None]:
        for _ in ():
            yield b""

    async def restart(self) -> None:
        await self.abort(keep=False)
        self._size = 0
        self._md5 = hashlib.md5(usedforsecurity=False)

    async def write(self, data: bytes) -> None:
        if self._file is None:
            self._file = await self._store.run(lambda fs: fs.open(self._key, "wb", block_size=_BLOCK))
        await self._store.run(lambda _: self._append(data))

    def _append(self, data: bytes) -> None:
        self._md5.update(data)
        self._file.write(data)
        self._size += len(data)

    async def commit(self) -> datetime | None:
        if self._file is None:
            await self._store.write(self._key, b"")
        else:
            await self._store.run(lambda _: self._file.close())
            self._file = None
        info = await self._store.info(self._key)
        if info is None or info["size"] != self._size:
            has = f"has {info['size']:,} bytes" if info else "is not there"
            raise ExportError(
                f"{self._store.shown(self._key)} {has} after {self._size:,} were written.", "Export it again."
            )
        await self._check(info)
        # A copy gets a time of its own when it is published.
        return None

    async def _check(self, info: Mapping[str, Any]) -> None:
        """Compare with what the store says its MD5 is; where it says another, its ETag may be none: look."""
        told = _MD5.fullmatch(str(info.get("ETag", "")))
        if told is None or told.group(1) == self._md5.hexdigest():
            return
        if await self._store.run(lambda fs: _md5_of(fs, self._key)) != self._md5.hexdigest():
            raise ExportError(f"{self._store.shown(self._key)} arrived damaged.", "Export it again.")

    async def abort(self, *, keep: bool) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(ExportError):
                await self._store.run(lambda _: file.discard() if hasattr(file, "discard") else None)
            # A later close would still write it.
            file.closed = True


class _Store:
    """The calls of one fsspec file system, each in a thread, with errors in words."""

    def __init__(self, url: str, access: StoreAccess) -> None:
        self._url = url
        self._access = access
        self._scheme = url.partition("://")[0].lower()
        self._opened: tuple[Any, str] | None = None
        self._lock = asyncio.Lock()

    def shown(self, key: str) -> str:
        """A key as a URL."""
        return plain(f"{self._scheme}://{key.lstrip('/')}")

    async def base(self) -> str:
        """The prefix as the file system spells it."""
        return (await self._open())[1]

    async def run(self, work: Callable[[Any], _T]) -> _T:
        """The result of blocking work with the file system. Raises ExportError."""
        fs, _ = await self._open()

        def do() -> _T:
            with self._refusing():
                return work(fs)

        return await asyncio.to_thread(do)

    async def info(self, key: str) -> dict[str, Any] | None:
        """What the store says of an object, None where there is none."""

        def ask(fs: Any) -> dict[str, Any] | None:
            try:
                found: dict[str, Any] = fs.info(key)
            except FileNotFoundError:
                return None
            return found

        return await self.run(ask)

    async def find(self, prefix: str) -> dict[str, dict[str, Any]]:
        """All objects below a prefix."""

        def ask(fs: Any) -> dict[str, dict[str, Any]]:
            try:
                found: dict[str, dict[str, Any]] = fs.find(prefix, detail=True)
            except FileNotFoundError:
                return {}
            return found

        return await self.run(ask)

    async def numbers(self, prefix: str) -> list[int]:
        """The numbers that name what lies directly below a prefix."""

        def ask(fs: Any) -> list[int]:
            try:
                names = [path.rstrip("/").rpartition("/")[2] for path in fs.ls(prefix, detail=False)]
            except FileNotFoundError:
                return []
            return [int(name) for name in names if name.isascii() and name.isdigit()]

        return await self.run(ask)

    async def read(self, key: str) -> bytes | None:
        """A small object, None where there is none."""

        def ask(fs: Any) -> bytes | None:
            try:
                data: bytes = fs.cat_file(key)
            except FileNotFoundError:
                return None
            return data

        return await self.run(ask)

    async def write(self, key: str, data: bytes) -> None:
        """Write a small object at once."""
        await self.run(lambda fs: fs.pipe_file(key, data))

    async def copy(self, source: str, target: str) -> None:
        """Copy an object within the store."""
        await self.run(lambda fs: fs.cp_file(source, target))

    async def remove(self, prefix: str) -> None:
        """Remove all objects below a prefix."""

        def do(fs: Any) -> None:
            with contextlib.suppress(FileNotFoundError):
                if fs.find(prefix):
                    fs.rm(prefix, recursive=True)

        await self.run(do)

    async def _open(self) -> tuple[Any, str]:
        async with self._lock:
            if self._opened is None:
                self._opened = await asyncio.to_thread(self._open_now)
        return self._opened

    def _open_now(self) -> tuple[Any, str]:
        store = STORES.get(self._scheme)
        account = self._url.partition("@")[2].partition(".")[0] if store == "abfs" and "@" in self._url else ""
        options = self._access.options(store, account) if store else {}
        # A listing of an earlier export says nothing about what lies there now.
        options |= {"skip_instance_cache": True, "use_listings_cache": False} if store else {}
        try:
            from fsspec.core import url_to_fs

            with warnings.catch_warnings(), self._refusing():
                warnings.simplefilter("ignore")
                fs, path = url_to_fs(self._url, **options)
        except ImportError as error:
            raise ExportError(
                f"Writing to {self._scheme}:// needs {plain(error.name or error)}.", f"pip install 'flowtui[{EXTRA}]'"
            ) from error
        if hasattr(fs, "retries") and store == "s3":
            fs.retries = 3
        return fs, str(path).rstrip("/")

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        """Turn an error of the library into an ExportError without secrets."""
        failures: tuple[type[Exception], ...] = (
            OSError,
            ValueError,
            RuntimeError,
            NotImplementedError,
            *_errors(self._scheme),
        )
        try:
            yield
        except failures as error:
            if isinstance(error, ImportError):
                raise
            said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            reason = _QUERY.sub("?...", first_line(plain(said)))[:200] or type(error).__name__
            raise ExportError(
                f"{plain(self._url)} cannot be written: {reason.rstrip('.')}.",
                "Look at the bucket and at your credentials with the store's own tools.",
            ) from error


def _errors(scheme: str) -> tuple[type[Exception], ...]:
    """What a store's library raises beside OSError, where it is installed."""
    store = STORES.get(scheme)
    if store == "s3":
        from botocore.exceptions import BotoCoreError, ClientError

        return (BotoCoreError, ClientError)
    if store == "gs":
        from google.auth.exceptions import GoogleAuthError

        return (GoogleAuthError,)
    if store == "abfs":
        from azure.core.exceptions import AzureError

        return (AzureError,)
    return ()


def _existing(info: Mapping[str, Any]) -> Existing:
    # Times of change are left out: a manifest could not know that of a copy.
    return Existing(int(info.get("size") or 0), None, info.get("type") == "directory")


def _md5_of(fs: Any, key: str) -> str:
    md5 = hashlib.md5(usedforsecurity=False)
    with fs.open(key, "rb", block_size=_BLOCK) as file:
        while data := file.read(_BLOCK):
            md5.update(data)
    return md5.hexdigest()
