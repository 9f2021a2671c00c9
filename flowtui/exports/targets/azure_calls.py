"""Writing block blobs to Azure (learn.microsoft.com/rest/api/storageservices/blob-service-rest-api)."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Collection, Sequence
from typing import Any

from flowtui.exports.targets.store_calls import ChangedError, ClientCalls, KeptBytes

_CHANGED = frozenset({"BlobAlreadyExists", "ConditionNotMet"})
_COPY_SECONDS = (0.05, 2.0)


class AzureCalls(ClientCalls):
    """Azure's block blobs, by azure-storage-blob."""

    most_parts = 50_000

    def _blob(self, key: str) -> Any:
        return self._fs.service_client.get_blob_client(self._bucket, key)

    async def _children(self, prefix: str) -> list[tuple[str, int | None]]:
        """Names below a prefix with their sizes, None for what has blobs below it."""
        found: list[tuple[str, int | None]] = []
        async with self._fs.service_client.get_container_client(self._bucket) as container:
            async for one in container.walk_blobs(name_starts_with=prefix, delimiter="/"):
                name = one.name[len(prefix) :]
                found.append((name[:-1], None) if name.endswith("/") else (name, one.size))
        return found

    async def sizes(self, prefix: str, names: Collection[str]) -> dict[str, int]:
        return {name: size for name, size in await self._children(prefix) if size is not None and name in names}

    async def folders(self, prefix: str) -> list[str]:
        return [name for name, size in await self._children(prefix) if size is None]

    async def put(self, key: str, data: bytes, replaces: str | None = None) -> None:
        from azure.core import MatchConditions
        from azure.core.exceptions import HttpResponseError

        condition = {"etag": replaces, "match_condition": MatchConditions.IfNotModified} if replaces else {}
        async with self._blob(key) as blob:
            try:
                await blob.upload_blob(
                    KeptBytes(data), length=len(data), overwrite=replaces != "", validate_content=True, **condition
                )
            except HttpResponseError as error:
                # 409 is also the answer of a container that keeps what it has, or is being deleted.
                if replaces is not None and getattr(error, "error_code", None) in _CHANGED:
                    raise ChangedError(key) from error
                raise

    async def begin(self, key: str) -> Any:
        return secrets.token_hex(8)

    async def part(self, key: str, upload: Any, number: int, offset: int, data: bytes) -> Any:
        block = f"{upload}{number:06d}"
        async with self._blob(key) as blob:
            await blob.stage_block(block, KeptBytes(data), length=len(data), validate_content=True)
        return block

    async def finish(self, key: str, upload: Any, receipts: Sequence[Any], offset: int, tail: bytes) -> None:
        from azure.storage.blob import BlobBlock

        last = await self.part(key, upload, len(receipts) + 1, offset, tail)
        async with self._blob(key) as blob:
            await blob.commit_block_list([BlobBlock(block_id=block) for block in (*receipts, last)])

    async def abandon(self, key: str, upload: Any) -> None:
        """Azure forgets blocks of no blob after a week."""

    async def abandon_all(self, prefix: str) -> None:
        """Azure forgets blocks of no blob after a week."""

    async def copy(self, source: str, target: str, size: int) -> None:
        async with self._blob(source) as there, self._blob(target) as blob:
            answer = await blob.start_copy_from_url(there.url)
            state, pause = str(answer.get("copy_status", "success")), _COPY_SECONDS[0]
            while state == "pending":
                await asyncio.sleep(pause)
                pause = min(2 * pause, _COPY_SECONDS[1])
                state = str((await blob.get_blob_properties()).copy.status)
            if state != "success":
                raise OSError(f"the copy within the store ended as {state}")

    async def remove(self, key: str) -> None:
        from azure.core.exceptions import ResourceNotFoundError

        async with self._blob(key) as blob:
            with contextlib.suppress(ResourceNotFoundError):
                await blob.delete_blob(delete_snapshots="include")
