"""How far the exports of this process are, for the header of every screen."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from flowtui.domain.artifact import ArtifactVersionId
from flowtui.domain.size import human_size
from flowtui.tui.formatting import UNICODE, Cell, Mark, Signs

if TYPE_CHECKING:
    from flowtui.exports import ExportRecord, Progress
    from flowtui.session import Session

    Exported = Mapping[ArtifactVersionId, ExportRecord]
    """The latest export of artifact versions and files of them."""


async def read_exported(session: Session, versions: Sequence[ArtifactVersionId]) -> Exported:
    """What was exported of these versions on the server of the session. Raises ConfigError."""
    found = await asyncio.to_thread(session.journal.exported, versions)
    # Runs of another server may have the same names.
    server = session.settings.endpoint or ""
    return {version: record for version, record in found.items() if record.server == server}


class Exporting:
    """The exports that move now.

    Attributes:
        moving: how far each is, by its id.
    """

    def __init__(self) -> None:
        self.moving: dict[str, Progress] = {}

    def __len__(self) -> int:
        return len(self.moving)

    def note(self, id_: str, progress: Progress | None) -> bool:
        """Take down how far an export is; None: it ended. Whether it began, ended, or is in another state."""
        before = self.moving.get(id_)
        if progress is None:
            return self.moving.pop(id_, None) is not None
        self.moving[id_] = progress
        return before is None or before.state != progress.state

    def live(self, record: ExportRecord) -> ExportRecord:
        """The record of an export with what is known of it at this moment."""
        now = self.moving.get(record.id)
        if now is None:
            return record
        return replace(record, state=now.state, bytes_done=now.bytes_done, speed=now.speed)

    def mark(self, signs: Signs = UNICODE) -> Cell:
        """``⇡ 43% 12 MB/s``, of several ``⇡ 2 exports 43%``; empty where nothing moves."""
        moving = list(self.moving.values())
        if not moving:
            return ()
        whole, done = sum(one.bytes for one in moving), sum(one.bytes_done for one in moving)
        share = f" {min(done * 100 // whole, 100)}%" if whole else ""
        if len(moving) > 1:
            return (Mark(f"{signs.up} {len(moving)} exports{share}", "busy"),)
        speed = sum(one.speed for one in moving)
        rate = f" {human_size(round(speed))}/s" if speed else ""
        word = {"planned": " waits", "publishing": " publishing"}.get(moving[0].state, share + rate)
        return (Mark(f"{signs.up}{word or ' exporting'}", "busy"),)
