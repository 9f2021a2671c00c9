"""Targets of exports that are killed: how each is made ready and read."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from flowtui.exports import IfExists, TargetOptions
from flowtui.exports.manifest import NAME
from flowtui.local.domino import LOCAL_USER, create_domino_app
from flowtui.local.domino.serve import served
from flowtui.local.domino.store import DominoStore
from tests.storage.s3 import KEY, SECRET, s3_client, s3_server


class Servers:
    """The servers that targets are on, each started when the first export goes there.

    Attributes:
        environ: variables by which the exporting process finds them.
    """

    def __init__(self) -> None:
        self.environ: dict[str, str] = {}
        self._stack = ExitStack()
        self._s3: Any = None
        self._domino: tuple[str, Path] | None = None

    def __enter__(self) -> Servers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def bucket(self) -> tuple[Any, str]:
        """boto3's client of the S3 server, and a new bucket there."""
        if self._s3 is None:
            url = self._stack.enter_context(s3_server())
            self.environ |= {"KILL_S3": url, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
            self._s3 = s3_client(url)
        name = f"kill-{secrets.token_hex(6)}"
        self._s3.create_bucket(Bucket=name)
        return self._s3, name

    def domino(self) -> Path:
        """The folder of the embedded Domino, which is served."""
        if self._domino is None:
            folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
            url = self._stack.enter_context(_served_domino(folder))
            self.environ |= {"KILL_DOMINO": url}
            self._domino = url, folder / "domino"
        return self._domino[1]


@contextmanager
def _served_domino(home: Path) -> Iterator[str]:
    """An embedded Domino in a thread; its URL."""
    ready, end = threading.Event(), threading.Event()
    urls: list[str] = []

    async def serve() -> None:
        async with served(lambda url: create_domino_app(home, url=url)) as url:
            urls.append(url)
            ready.set()
            await asyncio.to_thread(end.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        ready.wait()
        yield urls[0]
    finally:
        end.set()
        thread.join()


class Place(Protocol):
    """A target of one seed.

    Attributes:
        target: as ``parse_target`` takes it.
        at_once: it is published as a whole or not at all.
    """

    target: str
    options: TargetOptions
    if_exists: IfExists
    at_once: bool

    def prepare(self, source: Path) -> None:
        """Put there what is there before."""

    def steps(self, files: int) -> int:
        """About how many steps an export of so many files has."""

    def path(self, name: str) -> str:
        """Where a file of the source goes."""

    def content(self) -> dict[str, bytes]:
        """What a person sees there, without the manifest."""

    def manifest(self) -> bytes:
        """The manifest."""

    def leftovers(self) -> list[str]:
        """What should not be there after an export."""

    def publications(self) -> int:
        """How often the export is there."""


def _tree(root: Path) -> dict[str, Path]:
    return {str(path.relative_to(root)): path for path in root.rglob("*") if path.is_file()} if root.is_dir() else {}


class Directory:
    """A directory that is not there yet."""

    if_exists: IfExists = "stop"
    at_once = True

    def __init__(self, folder: Path, servers: Servers, rng: random.Random) -> None:
        self.root = folder / "out" / "here"
        self.target = str(self.root)
        self.options = TargetOptions(folder=rng.choice(("", "a/b")))

    def prepare(self, source: Path) -> None:
        """Nothing is there."""

    def steps(self, files: int) -> int:
        return files + 30

    def path(self, name: str) -> str:
        return "/".join(part for part in (self.options.folder, "ADaM", name) if part)

    def content(self) -> dict[str, bytes]:
        return {
            name: path.read_bytes()
            for name, path in _tree(self.root).items()
            if name != NAME and not name.startswith(".flowtui-")
        }

    def manifest(self) -> bytes:
        return (self.root / NAME).read_bytes()

    def leftovers(self) -> list[str]:
        return [name for name in _tree(self.root.parent) if ".flowtui-" in name or name.endswith(".part")]

    def publications(self) -> int:
        return 1


class Merge(Directory):
    """A directory with files of other people, and with older ones of the same names."""

    if_exists: IfExists = "replace"
    at_once = False

    def prepare(self, source: Path) -> None:
        folder = self.root / self.path("x").rpartition("/")[0]
        folder.mkdir(parents=True)
        (folder / "of somebody.txt").write_bytes(b"precious")
        for number, path in enumerate(sorted(source.iterdir())):
            if number % 3 == 0:
                (folder / path.name).write_bytes(b"old " + os.urandom(9))

    def steps(self, files: int) -> int:
        return 2 * files + 30


class Snapshots(Directory):
    """A directory with a snapshot of an earlier export."""

    def __init__(self, folder: Path, servers: Servers, rng: random.Random) -> None:
        super().__init__(folder, servers, rng)
        self.options = TargetOptions(layout="snapshots", folder=self.options.folder)
        self.number = rng.choice((1, 5))

    def prepare(self, source: Path) -> None:
        for number in range(1, self.number):
            (self.root / "snapshots" / str(number)).mkdir(parents=True)
            (self.root / "snapshots" / str(number) / NAME).write_text('{"version": 2, "files": []}')

    def content(self) -> dict[str, bytes]:
        root = self.root / "snapshots" / str(self.number)
        return {name: path.read_bytes() for name, path in _tree(root).items() if name != NAME}

    def manifest(self) -> bytes:
        return (self.root / "snapshots" / str(self.number) / NAME).read_bytes()

    def publications(self) -> int:
        numbers = [path.name for path in (self.root / "snapshots").iterdir()]
        return len([name for name in numbers if int(name) >= self.number])


class Bucket:
    """A prefix of a bucket of an S3 server, with objects of other people, flat or with snapshots."""

    at_once = False

    def __init__(self, folder: Path, servers: Servers, rng: random.Random) -> None:
        self._client, self._bucket = servers.bucket()
        self.target = f"s3://{self._bucket}/study/adam"
        self._snapshots = rng.random() < 0.5
        self.options = TargetOptions(layout="snapshots" if self._snapshots else "flat")
        self.if_exists: IfExists = rng.choice(("replace", "stop"))
        self._root = "study/adam/snapshots/1" if self._snapshots else "study/adam"

    def prepare(self, source: Path) -> None:
        self._client.put_object(Bucket=self._bucket, Key=f"{self._root}/of somebody", Body=b"precious")
        if self._snapshots:
            # A publication that was cut short is not the latest, and its number is not taken again.
            self._root = "study/adam/snapshots/2"

    def steps(self, files: int) -> int:
        return 6 * files + 40

    def path(self, name: str) -> str:
        return f"ADaM/{name}"

    def _objects(self) -> dict[str, bytes]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket)
        keys = [one["Key"] for page in pages for one in page.get("Contents", ())]
        return {key: self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read() for key in keys}

    def content(self) -> dict[str, bytes]:
        prefix = f"{self._root}/"
        found = {key[len(prefix) :]: body for key, body in self._objects().items() if key.startswith(prefix)}
        return {name: body for name, body in found.items() if name != NAME and not name.startswith(".flowtui/")}

    def manifest(self) -> bytes:
        return self._objects()[f"{self._root}/{NAME}"]

    def leftovers(self) -> list[str]:
        return [key for key in self._objects() if "/.flowtui/" in key]

    def publications(self) -> int:
        return len([key for key in self._objects() if key.endswith(NAME)])


class Dataset:
    """A dataset of Domino with files of other people, that is to be made or is there."""

    at_once = False
    if_exists: IfExists = "replace"

    def __init__(self, folder: Path, servers: Servers, rng: random.Random) -> None:
        self._folder = servers.domino()
        self._name = f"kill-{secrets.token_hex(6)}"
        self._is_there = rng.random() < 0.5
        self.target = f"dataset:quick-start/{self._name}"
        self.options = TargetOptions(create=True, tag="locked")

    def _rows(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self._folder / "domino.sqlite3", timeout=30)) as connection:
            return connection.execute(query, (self._name,)).fetchall()

    def _root(self) -> Path:
        found = self._rows("SELECT id FROM datasets WHERE name = ?")
        return self._folder / "datasets" / (found[0][0] if found else "none")

    def prepare(self, source: Path) -> None:
        if self._is_there:
            store = DominoStore(self._folder, lambda: 0)
            made = store.add_dataset(LOCAL_USER, self._name, store.projects()[0].id, "")
            (store.head(made.id) / "of somebody").write_bytes(b"precious")

    def steps(self, files: int) -> int:
        return 3 * files + 60

    def path(self, name: str) -> str:
        return f"ADaM/{name}"

    def content(self) -> dict[str, bytes]:
        found = {name: path.read_bytes() for name, path in _tree(self._root() / "head").items()}
        snapshot = {name: path.read_bytes() for name, path in _tree(self._root() / "1").items()}
        assert not snapshot or snapshot == found
        return {name: body for name, body in found.items() if name != NAME}

    def manifest(self) -> bytes:
        return (self._root() / "1" / NAME).read_bytes()

    def leftovers(self) -> list[str]:
        # A session that was begun by the last request of a killed process is nobody's; Domino ends it by itself.
        tags = self._rows("SELECT tags.name FROM tags JOIN datasets ON datasets.id = dataset WHERE datasets.name = ?")
        return [] if tags == [("locked",)] else [f"tags {tags}"]

    def publications(self) -> int:
        where = "JOIN datasets ON datasets.id = dataset WHERE datasets.name = ?"
        return len(self._rows(f"SELECT snapshots.id FROM snapshots {where}"))


PLACES: dict[str, Callable[[Path, Servers, random.Random], Place]] = {
    "bucket": Bucket,
    "dataset": Dataset,
    "directory": Directory,
    "merge": Merge,
    "snapshots": Snapshots,
}
"""A new place is one line."""
