"""The snapshot of an export to a dataset, and the tag that names it: each made once, whatever comes in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

from flowtui.errors import AuthError, ExportError, NotFoundError, ServerError, UnreachableError
from flowtui.exports import manifest as manifests
from flowtui.exports.domino.client import ATTEMPTS, DominoClient
from flowtui.exports.domino.datasets import DatasetDetails, add_tag, dataset_details, remove_tag
from flowtui.exports.domino.snapshots import (
    ACTIVE,
    FAILED,
    create_snapshot,
    file_content,
    snapshot,
    snapshots,
)
from flowtui.exports.targets.base import StageRequest, TargetOptions
from flowtui.text import plain

PATIENCE_SECONDS = 1800.0
"""How long Domino may take to copy a snapshot before the export fails; a resumed one goes on to wait."""

_FIRST_LOOK, _LONGEST_PAUSE = 0.1, 5.0


class SnapshotStep:
    """What is done when the files and the manifest are in the head of a dataset."""

    def __init__(
        self, client: DominoClient, dataset: DatasetDetails, request: StageRequest, options: TargetOptions
    ) -> None:
        self._client = client
        self._dataset = dataset
        self._request = request
        self._options = options
        self._notes = request.notes

    def check_tag(self, tags: Mapping[str, str]) -> None:
        """Raises ExportError where the tag names another snapshot and may not be moved."""
        there = tags.get(self._options.tag)
        if there and there != self._notes.get("snapshot") and self._request.if_exists != "replace":
            raise ExportError(
                f"The tag {plain(self._options.tag)} of the dataset {self._dataset.name} names another snapshot.",
                "Choose another tag, or let the export replace.",
            )

    async def done(self) -> str | None:
        """Make the snapshot and the tag where they are not there yet; the snapshot's number, None for no snapshot."""
        if not self._options.snapshot:
            return None
        id_ = self._notes.get("snapshot")
        if not id_:
            id_ = await self._made()
            await self._note("snapshot", id_)
        await self._active(id_)
        if self._options.tag:
            await self._tagged(id_)
        version = next((one.version for one in await snapshots(self._client, self._dataset.id) if one.id == id_), None)
        return str(version) if version is not None else id_

    async def _made(self) -> str:
        noted = self._notes.get("snapshots")
        if noted:
            before = set(json.loads(noted))
            earlier = await self._ours(before)
            if earlier:
                return earlier
        else:
            before = {one.id for one in await snapshots(self._client, self._dataset.id)}
            await self._note("snapshots", json.dumps(sorted(before)))
        for attempt in range(ATTEMPTS):
            try:
                return (await create_snapshot(self._client, self._dataset.id)).id
            except ServerError as error:
                if not _passes(error):
                    raise
                # It may have been made all the same.
                await self._client.pause(attempt)
                found = await self._ours(before)
                if found:
                    return found
                if attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError("the last attempt raises")

    async def _ours(self, before: set[str]) -> str:
        """The snapshot with this export that was not there before; empty where there is none."""
        for one in await snapshots(self._client, self._dataset.id):
            if one.is_head or one.id in before or one.state in FAILED:
                continue
            await self._active(one.id)
            try:
                data = await file_content(self._client, one.id, manifests.NAME, limit=manifests.MOST_BYTES)
                content = await asyncio.to_thread(manifests.parse_manifest, data, one.id)
            except (NotFoundError, ExportError):
                continue
            if self._request.export in content["exports"]:
                return one.id
        return ""

    async def _active(self, id_: str) -> None:
        """Wait until all files of a snapshot are there."""
        now = asyncio.get_running_loop().time
        until, pause = now() + PATIENCE_SECONDS, _FIRST_LOOK
        while True:
            state = (await snapshot(self._client, id_)).state
            if state == ACTIVE:
                return
            if state in FAILED:
                for name in ("snapshot", "snapshots"):
                    await self._note(name, "")
                raise ExportError(
                    f"Domino could not make the snapshot of {self._dataset.name} ({plain(state)}).",
                    "The files are in the dataset. Resume the export: it makes another snapshot.",
                )
            if now() > until:
                raise ExportError(
                    f"Domino still makes the snapshot of {self._dataset.name} ({plain(state) or 'no state'}).",
                    "Resume the export later: it goes on to wait for this snapshot.",
                )
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    async def _tagged(self, snapshot_id: str) -> None:
        tag, dataset = self._options.tag, self._dataset.id
        for attempt in range(ATTEMPTS):
            try:
                tags = (await dataset_details(self._client, dataset)).tags
                if tags.get(tag) == snapshot_id:
                    return
                self.check_tag(tags)
                if tag in tags:
                    await remove_tag(self._client, dataset, tag)
                await add_tag(self._client, dataset, tag, snapshot_id)
                return
            except AuthError:
                raise
            except ServerError as error:
                if not _passes(error) or attempt == ATTEMPTS - 1:
                    raise
            await self._client.pause(attempt)

    async def _note(self, name: str, value: str) -> None:
        await asyncio.to_thread(self._notes.set, name, value)


def _passes(error: ServerError) -> bool:
    return isinstance(error, UnreachableError) or error.status >= 500
