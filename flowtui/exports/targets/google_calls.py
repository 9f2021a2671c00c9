"""Writing to Google Cloud Storage by its JSON API (cloud.google.com/storage/docs/json_api)."""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Collection, Sequence
from typing import Any

from flowtui.exports.targets.store_calls import ChangedError, ClientCalls, KeptBytes

_JSON = "Content-Type: application/json; charset=UTF-8"
_BYTES = "Content-Type: application/octet-stream"


class GoogleCalls(ClientCalls):
    """Google Cloud Storage."""

    # A resumable upload takes one part after the other.
    parts_at_once = 1

    async def _call(self, method: str, path: str, *names: str, **options: Any) -> Any:
        return await self._fs._call(method, path, self._bucket, *names, json_out=True, **options)

    async def _pages(self, prefix: str) -> list[Any]:
        pages: list[Any] = []
        more: dict[str, str] = {}
        while True:
            page = await self._call("GET", "b/{}/o", prefix=prefix, delimiter="/", **more)
            pages.append(page)
            if not page.get("nextPageToken"):
                return pages
            more = {"pageToken": page["nextPageToken"]}

    async def sizes(self, prefix: str, names: Collection[str]) -> dict[str, int]:
        pages = await self._pages(prefix)
        found = ((one["name"][len(prefix) :], int(one["size"])) for page in pages for one in page.get("items", ()))
        return {name: size for name, size in found if name in names}

    async def folders(self, prefix: str) -> list[str]:
        pages = await self._pages(prefix)
        return [one[len(prefix) : -1] for page in pages for one in page.get("prefixes", ())]

    def _upload_url(self) -> str:
        return f"{self._fs._location}/upload/storage/v1/b/{self._bucket}/o"

    async def put(self, key: str, data: bytes, replaces: str | None = None) -> None:
        # gcsfs has one boundary for all, which the data may hold, and asks for the kind of the bucket by gRPC first.
        boundary = secrets.token_hex(16)
        facts = json.dumps({"name": key})
        head = f"--{boundary}\r\n{_JSON}\r\n\r\n{facts}\r\n--{boundary}\r\n{_BYTES}\r\n\r\n"
        body = KeptBytes(b"".join((head.encode(), data, f"\r\n--{boundary}--".encode())))
        headers = {"Content-Type": f"multipart/related; boundary={boundary}"}
        failures: tuple[type[Exception], ...] = (OSError, *self.errors)
        condition = {}
        if replaces is not None and (generation := replaces.strip('"') or "0").isdecimal():
            condition["ifGenerationMatch"] = generation
        try:
            await self._fs._call(
                "POST", self._upload_url(), uploadType="multipart", headers=headers, data=body, **condition
            )
        except failures as error:
            # gcsfs makes a FileExistsError of a 412; older versions leave it as it is.
            if condition and (isinstance(error, FileExistsError) or getattr(error, "code", None) == 412):
                raise ChangedError(key) from error
            raise

    async def begin(self, key: str) -> Any:
        headers, _ = await self._fs._call(
            "POST",
            self._upload_url(),
            uploadType="resumable",
            name=key,
            json={"name": key},
            headers={"X-Upload-Content-Type": "application/octet-stream"},
        )
        return headers["Location"]

    async def part(self, key: str, upload: Any, number: int, offset: int, data: bytes) -> Any:
        await self._send(upload, offset, data, "*")

    async def finish(self, key: str, upload: Any, receipts: Sequence[Any], offset: int, tail: bytes) -> None:
        await self._send(upload, offset, tail, str(offset + len(tail)))

    async def _send(self, upload: str, offset: int, data: bytes, total: str) -> None:
        end = offset + len(data)
        while True:
            head = {"Content-Range": f"bytes {offset}-{end - 1}/{total}", "Content-Type": "application/octet-stream"}
            headers, _ = await self._fs._call("POST", upload, headers=head, data=KeptBytes(data))
            kept = str(headers.get("Range", "")).rpartition("-")[2]
            if not kept.isdecimal() or int(kept) + 1 >= end:
                return
            # Google may keep less than it got.
            if int(kept) + 1 <= offset:
                raise OSError("the store does not take the bytes of an object")
            data, offset = data[int(kept) + 1 - offset :], int(kept) + 1

    async def abandon(self, key: str, upload: Any) -> None:
        """Google forgets parts of no object after a week, and takes no money for them."""

    async def abandon_all(self, prefix: str) -> None:
        """Google forgets them after a week, and has no list of them."""

    async def copy(self, source: str, target: str, size: int) -> None:
        more: dict[str, str] = {}
        while True:
            answer = await self._call(
                "POST",
                "b/{}/o/{}/rewriteTo/b/{}/o/{}",
                source,
                self._bucket,
                target,
                headers={"Content-Type": "application/json"},
                **more,
            )
            if answer.get("done", True):
                return
            more = {"rewriteToken": answer["rewriteToken"]}

    async def remove(self, key: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            await self._fs._call("DELETE", "b/{}/o/{}", self._bucket, key)
