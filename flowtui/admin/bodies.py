"""The body of an answer: whole, decompressed, and within limits.

A list that was cut off between two rows is still a valid protobuf message, with fewer rows. So a body counts only where
its end can be told: by a length, by chunks (RFC 9112 section 6.3), or by the end mark of gzip (RFC 1952).
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowtui.httpclient import httpx

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_STEP = 1 << 20


class DamagedBodyError(Exception):
    """The body is cut off, or not encoded as its headers say."""


class LargeBodyError(Exception):
    """The body is larger than the limit."""


async def whole_body(response: httpx.Response, limit: int) -> bytes:
    """Read the body of an open answer.

    Args:
        limit: bytes, decompressed.

    Raises:
        DamagedBodyError, LargeBodyError: as said there.
        httpx.TransportError: the connection broke.
    """
    if response.is_stream_consumed:
        # A transport in process gave the body with its headers, decompressed.
        if len(response.content) > limit:
            raise LargeBodyError
        return response.content
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding in ("", "identity"):
        inflater = None
    elif coding in ("gzip", "x-gzip", "deflate"):
        inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
    else:
        raise DamagedBodyError(f"it is encoded as {coding!r}, which was not asked for")
    body = bytearray()
    async for chunk in response.aiter_raw():
        if inflater is None:
            body += chunk
        else:
            _inflate(inflater, chunk, body, limit)
        if len(body) > limit:
            raise LargeBodyError
    if inflater is not None and not inflater.eof and response.num_bytes_downloaded:
        raise DamagedBodyError("its compressed end is missing")
    return bytes(body)


def has_end(response: httpx.Response) -> bool:
    """Whether the end of the body is told; without it, a broken connection looks like the end.

    To be asked before the body is read.
    """
    headers = response.headers
    return (
        response.is_stream_consumed
        or "content-length" in headers
        or "chunked" in headers.get("transfer-encoding", "").lower()
        or headers.get("content-encoding", "").strip().lower() in ("gzip", "x-gzip")
        or not response.http_version.startswith("HTTP/1")
    )


def downloaded(response: httpx.Response) -> int:
    """Bytes of the body as they came over the wire."""
    return response.num_bytes_downloaded or (len(response.content) if hasattr(response, "_content") else 0)


def _inflate(inflater: zlib._Decompress, chunk: bytes, body: bytearray, limit: int) -> None:
    """Decompress in steps, so that a few bytes that stand for gigabytes do not become them."""
    try:
        body += inflater.decompress(chunk, _STEP)
        while inflater.unconsumed_tail and len(body) <= limit:
            body += inflater.decompress(inflater.unconsumed_tail, _STEP)
    except zlib.error as error:
        raise DamagedBodyError("it cannot be decompressed") from error
