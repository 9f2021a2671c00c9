"""Stores that exports go to: real servers on loopback, fsspec's file system in memory, and one that has no copying."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import fsspec
import pytest
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from flowtui.exports import TargetAccess
from flowtui.exports.targets.fsspec_calls import FsspecCalls
from flowtui.storage import StoreAccess
from tests.storage import s3
from tests.storage.clouds import AZURE_ACCOUNT, azure_server, google_server, put_google


class FolderFileSystem(LocalFileSystem):
    """Files in folders that have to be made, and that can be moved and not copied, as those of ``sftp://``."""

    protocol = "folders"
    cp_file = AbstractFileSystem.cp_file

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return LocalFileSystem._strip_protocol(str(path).removeprefix("folders://"))


fsspec.register_implementation("folders", FolderFileSystem, clobber=True)


def _not_removed(path: str) -> object:
    raise NotImplementedError(path)


@dataclass
class Place:
    """A place of a store with nothing in it.

    Attributes:
        url: as ``parse_target`` takes it.
        objects: what is below it, by path.
        put: writes an object there.
        remove: removes it.
    """

    url: str
    access: TargetAccess
    objects: Callable[[], dict[str, bytes]]
    put: Callable[[str, bytes], object]
    remove: Callable[[str], object] = _not_removed


@dataclass
class Stores:
    """Starts what is needed, once for all tests of a module."""

    folder: Path
    _stack: ExitStack = field(default_factory=ExitStack)
    _started: dict[str, Any] = field(default_factory=dict)

    def __enter__(self) -> Stores:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def place(self, kind: str, environ: pytest.MonkeyPatch) -> Place:
        """A new place of a kind; variables that its library reads by itself are set."""
        made: Place = getattr(self, f"_{kind}")(f"{secrets.token_hex(4)} é/d", environ)
        return made

    def _once(self, kind: str, start: Callable[[], Any]) -> Any:
        if kind not in self._started:
            self._started[kind] = start()
        return self._started[kind]

    def s3(self) -> tuple[str, Any]:
        """URL of the S3 server, and boto3's client; the bucket is ``study``."""

        def start() -> tuple[str, Any]:
            url = self._stack.enter_context(s3.s3_server())
            client = s3.s3_client(url)
            client.create_bucket(Bucket="study")
            return url, client

        url, client = self._once("s3", start)
        return url, client

    def _s3(self, prefix: str, environ: pytest.MonkeyPatch) -> Place:
        url, client = self.s3()

        def objects() -> dict[str, bytes]:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket="study", Prefix=f"{prefix}/")
            keys = [one["Key"] for page in pages for one in page.get("Contents", ())]
            bodies = (client.get_object(Bucket="study", Key=key)["Body"].read() for key in keys)
            return {key[len(prefix) + 1 :]: body for key, body in zip(keys, bodies, strict=True)}

        def put(path: str, body: bytes) -> object:
            return client.put_object(Bucket="study", Key=f"{prefix}/{path}", Body=body)

        def remove(path: str) -> object:
            return client.delete_object(Bucket="study", Key=f"{prefix}/{path}")

        return Place(f"s3://study/{prefix}", TargetAccess(s3.access(url)), objects, put, remove)

    def _google(self, prefix: str, environ: pytest.MonkeyPatch) -> Place:
        url = self._once("google", lambda: self._stack.enter_context(google_server("study")))
        environ.setenv("STORAGE_EMULATOR_HOST", url)

        def ask(path: str, method: str = "GET") -> bytes:
            connection = http.client.HTTPConnection(urlsplit(url).netloc)
            connection.request(method, path)
            body = connection.getresponse().read()
            connection.close()
            return body

        def objects() -> dict[str, bytes]:
            listed = json.loads(ask(f"/storage/v1/b/study/o?prefix={quote(prefix + '/', safe='')}"))
            names = [one["name"] for one in listed.get("items", ())]
            bodies = (ask(f"/storage/v1/b/study/o/{quote(name, safe='')}?alt=media") for name in names)
            return {name[len(prefix) + 1 :]: body for name, body in zip(names, bodies, strict=True)}

        access = TargetAccess(StoreAccess(environ=os.environ))
        return Place(
            f"gs://study/{prefix}",
            access,
            objects,
            lambda path, body: put_google(url, "study", f"{prefix}/{path}", body),
            lambda path: ask(f"/storage/v1/b/study/o/{quote(f'{prefix}/{path}', safe='')}", "DELETE"),
        )

    def _azure(self, prefix: str, environ: pytest.MonkeyPatch) -> Place:
        server = self._once("azure", lambda: self._stack.enter_context(azure_server({"study/other": b"1"})))
        environ.setenv("AZURE_STORAGE_CONNECTION_STRING", server.connection_string)
        base = f"study/{prefix}/"
        access = TargetAccess(StoreAccess(environ=os.environ))
        return Place(
            f"abfss://study@{AZURE_ACCOUNT}.dfs.core.windows.net/{prefix}",
            access,
            lambda: {name[len(base) :]: body for name, body in server.blobs.items() if name.startswith(base)},
            lambda path, body: server.blobs.__setitem__(base + path, body),
            lambda path: server.blobs.pop(base + path),
        )

    def _memory(self, prefix: str, environ: pytest.MonkeyPatch) -> Place:
        fs = fsspec.filesystem("memory")
        base = f"/{prefix}/"
        return Place(
            f"memory://{prefix}",
            TargetAccess(),
            lambda: {path[len(base) :]: fs.cat_file(path) for path in fs.find(base)},
            lambda path, body: fs.pipe_file(base + path, body),
            lambda path: fs.rm_file(base + path),
        )

    def _folders(self, prefix: str, environ: pytest.MonkeyPatch) -> Place:
        root = self.folder / prefix

        def put(path: str, body: bytes) -> object:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            return (root / path).write_bytes(body)

        def objects() -> dict[str, bytes]:
            # Folders that nothing is in are left behind as well, where they are.
            found = {}
            for folder, below, names in os.walk(root):
                for name in names:
                    # The thread of a request that was cut may still be at work.
                    with contextlib.suppress(FileNotFoundError):
                        path = Path(folder, name)
                        found[str(path.relative_to(root))] = path.read_bytes()
                if not below and not names and Path(folder) != root:
                    found[str(Path(folder).relative_to(root))] = b"folder"
            return found

        return Place(
            f"folders://{root}",
            TargetAccess(),
            objects,
            put,
            lambda path: (root / path).unlink(),
        )


class CutError(OSError):
    """The process is gone."""


@dataclass
class Cut:
    """Counts what is asked of stores; nothing is answered from a number on.

    Attributes:
        at: the number, 0 for none.
        is_done: what is asked then is done, only its answer is lost.
    """

    at: int = 0
    is_done: bool = False
    count: int = 0


@contextmanager
def cut_at(at: int = 0, *, is_done: bool = False) -> Iterator[Cut]:
    """A :class:`Cut` that is in force."""
    import aiohttp

    cut = Cut(at, is_done)

    def counted(ask: Any) -> Any:
        async def call(self: Any, *args: Any, **options: Any) -> Any:
            cut.count += 1
            if cut.at and cut.count >= cut.at:
                if cut.is_done and cut.count == cut.at:
                    answer = await ask(self, *args, **options)
                    if hasattr(answer, "release"):
                        answer.release()
                raise CutError("cut")
            return await ask(self, *args, **options)

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aiohttp.ClientSession, "_request", counted(aiohttp.ClientSession._request))
        patch.setattr(FsspecCalls, "_do", counted(FsspecCalls._do))
        yield cut
