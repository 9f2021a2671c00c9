"""Writing to S3 and to what speaks as it does (docs.aws.amazon.com/AmazonS3/latest/API)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from flowtui.exports.targets.store_calls import MIB, ChangedError, ClientCalls, all_of, part_bytes
from flowtui.storage.clients import s3_code

_CHANGED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412"})
_GONE = frozenset({"NoSuchKey", "404"})


class S3Calls(ClientCalls):
    """S3 and what speaks as it does.

    Attributes:
        most_copied: bytes that one request copies; S3 takes 5 GiB, and answers when they are copied.
        copied_part: bytes of a part of a copy in parts.
    """

    most_copied = 1024 * MIB
    copied_part = 256 * MIB

    async def _call(self, method: str, **options: Any) -> Any:
        return await self._fs._call_s3(method, Bucket=self._bucket, **options)

    async def _pages(self, prefix: str) -> list[Any]:
        pages: list[Any] = []
        more: dict[str, str] = {}
        while True:
            page = await self._call("list_objects_v2", Prefix=prefix, Delimiter="/", **more)
            pages.append(page)
            if not page.get("IsTruncated") or not page.get("NextContinuationToken"):
                return pages
            more = {"ContinuationToken": page["NextContinuationToken"]}

    async def sizes(self, prefix: str, names: Collection[str]) -> dict[str, int]:
        found = (
            (one["Key"][len(prefix) :], one["Size"]) for page in await self._pages(prefix) for one in _objects(page)
        )
        return {name: size for name, size in found if name in names}

    async def folders(self, prefix: str) -> list[str]:
        pages = await self._pages(prefix)
        return [one["Prefix"][len(prefix) : -1] for page in pages for one in page.get("CommonPrefixes", ())]

    async def put(self, key: str, data: bytes, replaces: str | None = None) -> None:
        condition = {} if replaces is None else {"IfMatch": replaces} if replaces else {"IfNoneMatch": "*"}
        try:
            await self._call("put_object", Key=key, Body=data, **condition)
        except OSError as error:
            code = s3_code(error)
            if condition and (code in _CHANGED or (replaces and code in _GONE)):
                raise ChangedError(key) from error
            if not condition or code != "NotImplemented":
                raise
            # A server that is no S3 and knows no conditions.
            await self._call("put_object", Key=key, Body=data)

    async def begin(self, key: str) -> Any:
        return (await self._call("create_multipart_upload", Key=key))["UploadId"]

    async def part(self, key: str, upload: Any, number: int, offset: int, data: bytes) -> Any:
        answer = await self._call("upload_part", Key=key, UploadId=upload, PartNumber=number, Body=data)
        return _receipt(number, answer)

    async def finish(self, key: str, upload: Any, receipts: Sequence[Any], offset: int, tail: bytes) -> None:
        last = await self.part(key, upload, len(receipts) + 1, offset, tail)
        await self._complete(key, upload, [*receipts, last])

    async def _complete(self, key: str, upload: Any, receipts: Sequence[Any]) -> None:
        parts = {"Parts": list(receipts)}
        await self._call("complete_multipart_upload", Key=key, UploadId=upload, MultipartUpload=parts)

    async def abandon(self, key: str, upload: Any) -> None:
        await self._call("abort_multipart_upload", Key=key, UploadId=upload)

    async def abandon_all(self, prefix: str) -> None:
        more: dict[str, str] = {}
        while True:
            page = await self._call("list_multipart_uploads", Prefix=prefix, **more)
            for one in page.get("Uploads", ()):
                # Servers that are no S3 may leave the prefix out of account.
                if one["Key"].startswith(prefix):
                    await self.abandon(one["Key"], one["UploadId"])
            if not page.get("IsTruncated") or not page.get("NextKeyMarker"):
                return
            more = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page.get("NextUploadIdMarker", "")}

    async def copy(self, source: str, target: str, size: int) -> None:
        where = {"Bucket": self._bucket, "Key": source}
        if size <= self.most_copied:
            await self._call("copy_object", Key=target, CopySource=where)
            return
        upload = await self.begin(target)
        step = max(self.copied_part, part_bytes(size, self.most_parts))

        async def part(number: int, start: int) -> Any:
            answer = await self._call(
                "upload_part_copy",
                Key=target,
                UploadId=upload,
                PartNumber=number,
                CopySource=where,
                CopySourceRange=f"bytes={start}-{min(start + step, size) - 1}",
            )
            return _receipt(number, answer["CopyPartResult"])

        try:
            starts = enumerate(range(0, size, step), 1)
            await self._complete(target, upload, await all_of((part(*one) for one in starts), self.parts_at_once))
        except BaseException:
            await self.abandon(target, upload)
            raise

    async def remove(self, key: str) -> None:
        await self._call("delete_object", Key=key)

    async def _remove(self, keys: Sequence[str]) -> None:
        objects = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
        for error in (await self._call("delete_objects", Delete=objects)).get("Errors", ()):
            said = error.get("Message") or error.get("Code", "")
            raise PermissionError(said) if error.get("Code") == "AccessDenied" else OSError(said)


def _objects(page: Any) -> Iterable[Any]:
    found: Iterable[Any] = page.get("Contents", ())
    return found


def _receipt(number: int, answer: Any) -> dict[str, Any]:
    checksums = {
        name: value for name, value in answer.items() if name.startswith("Checksum") and name != "ChecksumType"
    }
    return {"PartNumber": number, "ETag": answer["ETag"], **checksums}
