"""Serves the files behind signed URLs, with ranges, and takes uploads."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import BinaryIO
from xml.sax.saxutils import escape

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from flowtui.local.call import Admin
from flowtui.local.dataproxy import decoded_md5, is_signed

_CHUNK = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})$")


def blob_endpoint(admin: Admin) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint for GET and PUT of signed URLs."""

    async def endpoint(request: Request) -> Response:
        relative = request.path_params["rest"]
        md5 = request.headers.get("content-md5", "") if request.method == "PUT" else ""
        if not is_signed(admin, request.method, relative, request.query_params, md5):
            return _error(403, "AccessDenied", "The signature is missing, wrong or has expired.")
        path = admin.home.resolve(str(admin.home.path / relative))
        if path is None:
            return _error(403, "AccessDenied", "The file is not below this home.")
        if request.method == "PUT":
            return await _store(request, path, md5)
        return await _serve(request, path)

    return endpoint


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    """An answer as an object store words it."""
    inner = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'
    return Response(body, status, media_type="application/xml", headers=headers)


async def _serve(request: Request, path: Path) -> Response:
    try:
        file = await run_in_threadpool(_open, path)
    except OSError:
        return _error(404, "NoSuchKey", "The specified key does not exist.")
    facts = os.fstat(file.fileno())
    etag = f'"{hashlib.sha256(f"{facts.st_mtime_ns}-{facts.st_size}-{facts.st_ino}".encode()).hexdigest()[:32]}"'
    headers = {
        "accept-ranges": "bytes",
        "etag": etag,
        # What a flow wrote is data: a browser shall not run it with this origin's rights.
        "content-security-policy": "sandbox",
        "x-content-type-options": "nosniff",
    }
    start, stop, status = 0, facts.st_size, 200
    asked = request.headers.get("range")
    if asked is not None and request.headers.get("if-range", etag) == etag:
        span = byte_range(asked, facts.st_size)
        if span is None:
            file.close()
            return _error(
                416,
                "InvalidRange",
                "The requested range is not satisfiable",
                {"content-range": f"bytes */{facts.st_size}"},
            )
        if span != (0, facts.st_size) or _RANGE.match(asked):
            start, stop = span
            status = 206
            headers["content-range"] = f"bytes {start}-{stop - 1}/{facts.st_size}"
    headers["content-length"] = str(stop - start)
    # In the headers, since Starlette would add a charset that nobody knows.
    headers["content-type"] = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return StreamingResponse(_chunks(file, start, stop), status, headers)


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """Start and stop of a Range header's one range, None where none of it exists.

    What is no single range is the whole file, as RFC 9110 allows.
    """
    match = _RANGE.match(header.replace(" ", ""))
    if match is None or match[1] == match[2] == "":
        return 0, size
    if match[1] == "":
        length = min(int(match[2]), size)
        return (size - length, size) if length else None
    start = int(match[1])
    stop = min(int(match[2]) + 1, size) if match[2] else size
    if match[2] and int(match[2]) < start:
        return 0, size
    return (start, stop) if start < size else None


def _open(path: Path) -> BinaryIO:
    if not path.is_file():
        raise FileNotFoundError(path)
    return path.open("rb")


async def _chunks(file: BinaryIO, start: int, stop: int) -> AsyncIterator[bytes]:
    with file:
        file.seek(start)
        left = stop - start
        while left > 0:
            chunk = await run_in_threadpool(file.read, min(_CHUNK, left))
            if not chunk:
                return
            left -= len(chunk)
            yield chunk


async def _store(request: Request, path: Path, md5: str) -> Response:
    """Write the body to ``path``: whole and with the announced digest, or not at all."""
    expected = decoded_md5(md5) if md5 else None
    if md5 and expected is None:
        return _error(400, "InvalidDigest", "The Content-MD5 you specified is not valid.")
    digest = hashlib.md5(usedforsecurity=False)
    scratch = path.with_name(f".{secrets.token_hex(8)}")
    await run_in_threadpool(path.parent.mkdir, parents=True, exist_ok=True)
    file = await run_in_threadpool(scratch.open, "xb")
    try:
        with file:
            async for part in request.stream():
                digest.update(part)
                await run_in_threadpool(file.write, part)
        if expected is not None and digest.digest() != expected:
            return _error(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
        await run_in_threadpool(os.replace, scratch, path)
    finally:
        scratch.unlink(missing_ok=True)
    return Response(headers={"etag": f'"{digest.hexdigest()}"'})
