"""Snapshots of a dataset, and the files in them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from flowtui.errors import ServerError
from flowtui.exports.domino.client import DominoClient, segment
from flowtui.exports.domino.fields import flag, inner, items, moment, number, text

ACTIVE, FAILED = (
    "active",
    frozenset({"failed", "deleted", "deletioninprogress", "markfordeletion", "markedfordeletion"}),
)
"""The state of a snapshot whose files are all there, and those that lead to none, in lower case."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot.

    Attributes:
        version: its number; None where Domino does not tell.
        state: in lower case, as Domino names it.
        is_head: it is the read-write one.
    """

    id: str
    state: str
    version: int | None = None
    is_head: bool = False


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file or directory of a snapshot."""

    name: str
    size: int | None
    modified: datetime | None
    directory: bool


async def snapshots(client: DominoClient, dataset: str) -> tuple[Snapshot, ...]:
    """The snapshots of a dataset, its head included. Raises as ``DominoClient.get``."""
    path = f"/v4/datasetrw/snapshots/{segment(dataset)}"
    answer = await client.get(path, what=f"the snapshots of dataset {dataset}")
    return tuple(
        Snapshot(
            text(one, "id"),
            text(one, "lifecycleStatus").lower(),
            number(one, "version"),
            flag(one, "isReadWrite"),
        )
        for one in items(answer)
        if text(one, "id")
    )


async def create_snapshot(client: DominoClient, dataset: str) -> Snapshot:
    """Make a snapshot of all files of the head. Raises as ``DominoClient.call``."""
    path = f"/api/datasetrw/v1/datasets/{segment(dataset)}/snapshots"
    answer = await client.call("POST", path, {"relativeFilePaths": [""]}, what=f"a snapshot of dataset {dataset}")
    return _snapshot(inner(answer, "snapshot"))


async def snapshot(client: DominoClient, id_: str) -> Snapshot:
    """One snapshot. Raises as ``DominoClient.get``."""
    answer = await client.get(f"/api/datasetrw/v1/snapshots/{segment(id_)}", what=f"snapshot {id_}")
    return _snapshot(inner(answer, "snapshot"))


def _snapshot(found: object) -> Snapshot:
    id_ = text(found, "id")
    if not id_:
        raise ServerError("Domino does not tell the id of a snapshot.")
    return Snapshot(id_, text(found, "status").lower())


async def folder(client: DominoClient, snapshot: str, path: str) -> dict[str, FileEntry]:
    """What lies directly in a folder of a snapshot, by name; ``path`` is empty for its root.

    Raises:
        NotFoundError, AuthError, ServerError, UnreachableError: as ``DominoClient.get``.
    """
    where = f"/v4/datasetrw/files/{segment(snapshot)}"
    answer = await client.get(where, [("path", path)], what=f"the files of snapshot {snapshot}")
    found = {}
    for row in items(answer, "rows"):
        name, size = inner(row, "name"), inner(row, "size")
        label = (text(name, "label") or text(name, "fileName")).rstrip("/").rpartition("/")[2]
        if label:
            bytes_ = number(size, "sizeInBytes")
            bytes_ = number(name, "sizeInBytes") if bytes_ is None else bytes_
            found[label] = FileEntry(label, bytes_, moment(row, "lastModified"), flag(name, "isDirectory"))
    return found


async def entries(client: DominoClient, snapshot: str, paths: Iterable[str]) -> dict[str, FileEntry]:
    """What lies at these paths of a snapshot, one request for every folder; the others are left out.

    Folders are gone through from the root on, since Domino does not say in one way that one is not there.
    """
    wanted: dict[str, list[str]] = {}
    for path in paths:
        parent, _, _ = path.rpartition("/")
        wanted.setdefault(parent, []).append(path)
    folders = {""}
    for parent in wanted:
        parts = parent.split("/")
        folders.update("/".join(parts[:count]) for count in range(1, len(parts) + 1))
    found: dict[str, FileEntry] = {}
    level = [""]
    while level:
        listed = await asyncio.gather(*(folder(client, snapshot, one) for one in level))
        below = []
        for here, content in zip(level, listed, strict=True):
            found.update(
                {path: content[name] for path in wanted.get(here, ()) if (name := path.rpartition("/")[2]) in content}
            )
            for name, entry in content.items():
                inside = f"{here}/{name}" if here else name
                if entry.directory and inside in folders:
                    below.append(inside)
        level = below
    return found


async def file_content(client: DominoClient, snapshot: str, path: str, *, limit: int) -> bytes:
    """The bytes of a small file of a snapshot.

    Args:
        limit: bytes that it may have.

    Raises:
        NotFoundError: it is not there.
        ServerError: it is larger, and as ``DominoClient.get``.
    """
    where = f"/v4/datasetrw/snapshot/{segment(snapshot)}/file/raw"
    return await client.content(where, [("path", path), ("download", "true")], limit=limit, what=f"file {path}")
