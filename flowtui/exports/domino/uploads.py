"""Upload sessions of a dataset: files come in chunks and get their places when the session ends.

As python-domino uploads (domino/datasets.py): chunks of 8 MiB, each with its MD5 in upper-case hex, as the one part of
a form.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from flowtui.errors import NotFoundError, ServerError
from flowtui.exports.domino.client import DominoClient, Params, segment
from flowtui.httpclient import httpx
from flowtui.text import plain

CHUNK = 8 * 1024 * 1024
"""Bytes of a chunk."""

Collision = Literal["Ignore", "Overwrite", "Rename"]
"""What becomes of a file whose place is taken (``FileCollisionRequest``)."""

END_SECONDS = 600.0
"""How long Domino may take to bring the files of a session to their places."""

_JOINED = 128 * 1024
_LONGEST_KEY = 500


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a file.

    Attributes:
        path: where the file goes in the dataset.
        identifier: names the file and its version in the session.
        number: from 1; total: of how many.
        pieces: its bytes, in parts.
    """

    path: str
    identifier: str
    number: int
    total: int
    pieces: Sequence[bytes]
    size: int

    def checksum(self) -> str:
        """MD5 in upper-case hex."""
        digest = hashlib.md5(usedforsecurity=False)
        for piece in self.pieces:
            digest.update(piece)
        return digest.hexdigest().upper()


async def start_upload(client: DominoClient, dataset: str, paths: Iterable[str], collision: Collision) -> str:
    """Begin a session; its key. Raises as ``DominoClient.call``."""
    body = {"filePaths": list(paths), "fileCollisionSetting": collision}
    answer = await client.call("POST", f"{_base(dataset)}/start", body, what=f"an upload to dataset {dataset}")
    if (
        not isinstance(answer, str)
        or not 0 < len(answer) <= _LONGEST_KEY
        or not answer.isascii()
        or not answer.isprintable()
    ):
        raise ServerError("Domino gave no key for the upload.", "Try again.")
    return answer


async def is_open(client: DominoClient, dataset: str, key: str) -> bool:
    """Whether a session is still there. Raises as ``DominoClient.get``."""
    try:
        answer = await client.get(f"/v4/datasetrw/snapshot/upload/{_key(key)}", what="the upload")
    except NotFoundError:
        return False
    except ServerError as error:
        # A key that Domino no longer knows is a bad request to some of its versions.
        if error.status == 400:
            return False
        raise
    return isinstance(answer, dict) and answer.get("datasetId") == dataset


async def has_chunk(client: DominoClient, dataset: str, key: str, chunk: Chunk, checksum: str) -> bool:
    """Whether a session has a chunk. Raises as ``DominoClient.get``."""
    params: Params = [
        ("key", key),
        ("resumableChunkNumber", chunk.number),
        ("resumableTotalChunks", chunk.total),
        ("resumableIdentifier", chunk.identifier),
        ("checksum", checksum),
    ]
    return await client.status(f"{_base(dataset)}/test", params, what=f"a chunk of {plain(chunk.path)}") == 200


async def send_chunk(client: DominoClient, dataset: str, key: str, chunk: Chunk, checksum: str) -> None:
    """Send a chunk, several times where an error may pass. Raises as ``DominoClient.get``."""
    params: Params = [
        ("key", key),
        ("resumableChunkNumber", chunk.number),
        ("resumableChunkSize", CHUNK),
        ("resumableCurrentChunkSize", chunk.size),
        ("resumableTotalChunks", chunk.total),
        ("resumableIdentifier", chunk.identifier),
        ("resumableRelativePath", chunk.path),
        ("checksum", checksum),
    ]
    boundary = secrets.token_hex(16)
    body = _form(chunk, boundary)
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    if isinstance(body, _Form):
        headers["Content-Length"] = str(body.size)
    try:
        await client.send(_base(dataset), params, body, headers, what=f"a chunk of {plain(chunk.path)}")
    finally:
        if isinstance(body, _Form):
            body.forget()


async def end_upload(client: DominoClient, dataset: str, key: str) -> None:
    """Have the files brought to their places. Raises as ``DominoClient.call``."""
    await client.call("GET", f"{_base(dataset)}/end/{_key(key)}", what="the end of the upload", timeout=END_SECONDS)


async def cancel_upload(client: DominoClient, dataset: str, key: str) -> None:
    """Drop a session. Raises as ``DominoClient.call``."""
    await client.call("GET", f"{_base(dataset)}/cancel/{_key(key)}", what="the end of the upload")


def _base(dataset: str) -> str:
    return f"/v4/datasetrw/datasets/{segment(dataset)}/snapshot/file"


def _key(key: str) -> str:
    if set(key) <= {"."}:
        raise ServerError("Domino gave no key for the upload.", "Try again.")
    return quote(key, safe="")


class _Form(httpx.AsyncByteStream):
    """A form whose one file is not copied; it can be read several times."""

    def __init__(self, head: bytes, chunk: Chunk, tail: bytes) -> None:
        self._parts: tuple[bytes, ...] = (head, *chunk.pieces, tail)
        self.size = len(head) + chunk.size + len(tail)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part

    def forget(self) -> None:
        """Let go of the bytes: httpx's request and answer refer to each other, and would keep them for a while."""
        self._parts = ()


def _form(chunk: Chunk, boundary: str) -> _Form | bytes:
    path = chunk.path.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{path}"; filename="{path.rpartition("/")[2]}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode(errors="replace")
    tail = f"\r\n--{boundary}--\r\n".encode()
    # Small ones go in one write.
    return b"".join((head, *chunk.pieces, tail)) if chunk.size <= _JOINED else _Form(head, chunk, tail)
