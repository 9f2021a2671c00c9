"""Targets of exports that are killed: how each is made ready and read."""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from flowtui.exports import IfExists, TargetOptions
from flowtui.exports.manifest import NAME
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


PLACES: dict[str, Callable[[Path, Servers, random.Random], Place]] = {
    "bucket": Bucket,
    "directory": Directory,
    "merge": Merge,
    "snapshots": Snapshots,
}
"""A new place is one line."""
