"""Reading with the clients of fsspec's filesystems: S3 by s3fs, Google's by gcsfs, Azure's by adlfs.

Each client answers a range, its object's size and its version in one request, which fsspec's own calls do not. The
coroutines run on fsspec's event loop, in its thread, where the libraries may load files and certificates.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import errno
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from flowtui.storage.answers import content_range, md5_of
from flowtui.storage.backend import Chunk, Entry, Stat

EXTRA = "stores"
"""The extra that brings the libraries where flytekit has not."""

_ATTEMPTS = 3
_PAGE = 1000


class StoreClient(Protocol):
    """One store. Raises FileNotFoundError, PermissionError, other OSErrors, and those in ``errors``.

    Attributes:
        fs: fsspec's filesystem.
        loop: the event loop that the coroutines have to run on.
        errors: what the libraries raise beside OSError.
    """

    fs: Any
    loop: asyncio.AbstractEventLoop
    errors: tuple[type[Exception], ...]

    async def read(self, bucket: str, key: str, start: int, length: int) -> Chunk: ...

    async def stat(self, bucket: str, key: str) -> Stat: ...

    async def list(self, bucket: str, prefix: str, most: int) -> list[Entry]:
        """Objects whose keys begin with the prefix, by the rest of their keys, ``most`` at most."""

    async def close(self) -> None: ...


def store_client(store: str, options: Mapping[str, Any]) -> StoreClient:
    """The client of ``s3``, ``gs`` or ``abfs``; blocks while libraries are imported.

    Raises ImportError where the library is not installed, ValueError and the like where it takes no such options.
    """
    clients: dict[str, Callable[[dict[str, Any]], StoreClient]]
    clients = {"s3": S3Client, "gs": GoogleClient, "abfs": AzureClient}
    # What the libraries say of old versions of Python would be painted over the screen.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return clients[store](dict(options))


def _part(start: int, length: int, data: bytes, told: str, whole: int | None, etag: str) -> Chunk:
    """The answer as a chunk, once it is what was asked for."""
    first, end, size = content_range(told)
    if first is None:
        if start:
            raise OSError(errno.ENOTSUP, "the store does not serve parts of an object")
        first, size = 0, whole
        end = whole if whole is not None and whole <= length else None
    if first != start or (end is not None and len(data) != end - start) or (size or 0) < 0:
        raise OSError(errno.EIO, "the store answered with other bytes than those asked for")
    if len(data) < length and size is not None and start + len(data) < size:
        raise OSError(errno.EIO, "the store answered with fewer bytes than those asked for")
    return Chunk(data, size, etag)


class S3Client:
    def __init__(self, options: dict[str, Any]) -> None:
        import aiohttp
        import botocore.exceptions as botocore
        from s3fs import S3FileSystem

        self.fs: Any = S3FileSystem(**options, skip_instance_cache=True, use_listings_cache=False)
        self.fs.retries = _ATTEMPTS
        self._broken = (aiohttp.ClientError, botocore.IncompleteReadError, botocore.ResponseStreamingError)
        self.loop: asyncio.AbstractEventLoop = self.fs.loop
        self.errors: tuple[type[Exception], ...] = (botocore.BotoCoreError, botocore.ClientError, aiohttp.ClientError)

    async def read(self, bucket: str, key: str, start: int, length: int) -> Chunk:
        for attempt in range(_ATTEMPTS):
            try:
                return await self._read(bucket, key, start, length)
            except self._broken:
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError

    async def _read(self, bucket: str, key: str, start: int, length: int) -> Chunk:
        ranged = f"bytes={start}-{start + length - 1}"
        try:
            answer = await self.fs._call_s3("get_object", Bucket=bucket, Key=key, Range=ranged)
        except OSError as error:
            if s3_code(error) not in ("InvalidRange", "416"):
                raise
            found = await self.stat(bucket, key)
            return Chunk(b"", found.size, found.etag)
        data = bytearray()
        async with answer["Body"] as body:
            while len(data) < length:
                piece = await body.read(length - len(data))
                if not piece:
                    break
                data += piece
        told = answer.get("ContentRange", "")
        return _part(start, length, bytes(data), told, answer.get("ContentLength"), answer.get("ETag", ""))

    async def stat(self, bucket: str, key: str) -> Stat:
        answer = await self.fs._call_s3("head_object", Bucket=bucket, Key=key)
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        return Stat(answer["ContentLength"], md5=md5_of(headers), etag=answer.get("ETag", ""))

    async def list(self, bucket: str, prefix: str, most: int) -> list[Entry]:
        entries: list[Entry] = []
        more: dict[str, str] = {}
        while len(entries) < most:
            page = await self.fs._call_s3(
                "list_objects_v2", Bucket=bucket, Prefix=prefix, MaxKeys=min(most - len(entries), _PAGE), **more
            )
            entries += [
                Entry(one["Key"][len(prefix) :], one["Size"], one.get("ETag", "")) for one in page.get("Contents", ())
            ]
            if not page.get("IsTruncated") or not page.get("NextContinuationToken"):
                break
            more = {"ContinuationToken": page["NextContinuationToken"]}
        return entries

    async def close(self) -> None:
        creator = getattr(self.fs, "_s3creator", None)
        if creator is not None:
            await creator.__aexit__(None, None, None)


def s3_code(error: OSError) -> str:
    """What S3 calls the error that s3fs has made an OSError of; empty where it is none of S3's."""
    response = getattr(error.__cause__, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, Mapping) else ""


class GoogleClient:
    def __init__(self, options: dict[str, Any]) -> None:
        import aiohttp
        from gcsfs import GCSFileSystem
        from gcsfs.retry import HttpError
        from google.auth.exceptions import GoogleAuthError

        try:
            self.fs: Any = GCSFileSystem(**options, skip_instance_cache=True, use_listings_cache=False)
        except GoogleAuthError as error:
            raise ValueError("no credentials") from error
        self.loop: asyncio.AbstractEventLoop = self.fs.loop
        self.errors: tuple[type[Exception], ...] = (
            HttpError,
            GoogleAuthError,
            aiohttp.ClientError,
            RuntimeError,
            ValueError,
        )
        self._http_error = HttpError

    async def read(self, bucket: str, key: str, start: int, length: int) -> Chunk:
        ranged = {"Range": f"bytes={start}-{start + length - 1}"}
        try:
            headers, data = await self.fs._call("GET", "b/{}/o/{}", bucket, key, headers=ranged, alt="media")
        except (RuntimeError, ValueError, self._http_error) as error:
            if "416" not in str(error) and "satisf" not in str(error):
                raise
            found = await self.stat(bucket, key)
            return Chunk(b"", found.size, found.etag)
        told = {name.lower(): value for name, value in headers.items()}
        etag = _generation(told.get("x-goog-generation", "")) or told.get("etag", "")
        return _part(start, length, data[:length], told.get("content-range", ""), len(data), etag)

    async def stat(self, bucket: str, key: str) -> Stat:
        found = await self.fs._call("GET", "b/{}/o/{}", bucket, key, json_out=True)
        etag = _generation(found.get("generation", "")) or found.get("etag", "")
        return Stat(int(found["size"]), md5=_hex(found.get("md5Hash", "")), etag=etag)

    async def list(self, bucket: str, prefix: str, most: int) -> list[Entry]:
        entries: list[Entry] = []
        more: dict[str, str] = {}
        while len(entries) < most:
            count = min(most - len(entries), _PAGE)
            page = await self.fs._call("GET", "b/{}/o", bucket, prefix=prefix, maxResults=count, json_out=True, **more)
            entries += [
                Entry(one["name"][len(prefix) :], int(one["size"]), _generation(one.get("generation", "")))
                for one in page.get("items", ())
            ]
            if not page.get("nextPageToken"):
                break
            more = {"pageToken": page["nextPageToken"]}
        return entries[:most]

    async def close(self) -> None:
        session = getattr(self.fs, "_session", None)
        if session is not None:
            await session.close()


def _generation(number: object) -> str:
    return f'"{number}"' if number else ""


def _hex(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).hex()
    except (binascii.Error, ValueError):
        return ""


class AzureClient:
    def __init__(self, options: dict[str, Any]) -> None:
        import aiohttp
        from adlfs import AzureBlobFileSystem
        from azure.core.exceptions import (
            AzureError,
            HttpResponseError,
            ResourceNotFoundError,
        )

        try:
            self.fs: Any = AzureBlobFileSystem(**options, skip_instance_cache=True, use_listings_cache=False)
        except AzureError as error:
            raise ValueError("no credentials") from error
        self.loop: asyncio.AbstractEventLoop = self.fs.loop
        self.errors: tuple[type[Exception], ...] = (AzureError, aiohttp.ClientError, ValueError)
        self._missing = ResourceNotFoundError
        self._http_error = HttpResponseError

    async def read(self, bucket: str, key: str, start: int, length: int) -> Chunk:
        async with self.fs.service_client.get_blob_client(bucket, key) as blob:
            try:
                found = await blob.download_blob(offset=start, length=length)
                data = await found.readall()
            except self._missing as error:
                raise FileNotFoundError(key) from error
            except self._http_error as error:
                if error.status_code != 416:
                    raise
                stat = await self.stat(bucket, key)
                return Chunk(b"", stat.size, stat.etag)
            # Azure's client has checked the range; the one that it tells is the one that was asked for, with the total.
            total = (found.properties.content_range or "").rpartition("/")[2]
            return Chunk(data, int(total) if total.isdecimal() else None, found.properties.etag or "")

    async def stat(self, bucket: str, key: str) -> Stat:
        async with self.fs.service_client.get_blob_client(bucket, key) as blob:
            try:
                found = await blob.get_blob_properties()
            except self._missing as error:
                raise FileNotFoundError(key) from error
        md5 = found.content_settings.content_md5
        return Stat(found.size, md5=bytes(md5).hex() if md5 else "", etag=found.etag or "")

    async def list(self, bucket: str, prefix: str, most: int) -> list[Entry]:
        entries: list[Entry] = []
        async with self.fs.service_client.get_container_client(bucket) as container:
            async for one in container.list_blobs(name_starts_with=prefix, results_per_page=min(most, _PAGE)):
                entries.append(Entry(one.name[len(prefix) :], one.size, one.etag or ""))
                if len(entries) >= most:
                    break
        return entries

    async def close(self) -> None:
        await self.fs.service_client.close()
        if self.fs.credential is not None and hasattr(self.fs.credential, "close"):
            await self.fs.credential.close()
