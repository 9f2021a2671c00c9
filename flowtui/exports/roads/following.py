"""Follows an export that is carried out elsewhere, and keeps the journal's record of it up to date."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from flowtui.errors import ExportError, UnreachableError
from flowtui.exports.journal import Journal
from flowtui.exports.records import ExportRecord
from flowtui.exports.roads.base import RemoteState, Road
from flowtui.exports.targets.base import Publication

REMOTE = "remote"
"""The note that has what the road calls the export."""

_LINES = "lines"
"""The note that has how many lines of its log are in the journal."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
_SILENCES = 30
"""Looks without an answer after which it is not followed any more; it may go on all the same."""


class Follower:
    """Looks at one export elsewhere until its end.

    Args:
        changed: is called after every look.
    """

    def __init__(self, id_: str, road: Road, journal: Journal, changed: Callable[[], None]) -> None:
        self.id = id_
        self._road = road
        self._journal = journal
        self._changed = changed

    async def run(self) -> None:
        """Follow it. Raises ExportError where it failed, and FlowtuiError where it cannot be looked at."""
        pause, silences = _FIRST_PAUSE, 0
        while True:
            try:
                record = await self.look()
                silences = 0
            except UnreachableError:
                silences += 1
                if silences >= _SILENCES:
                    raise
            else:
                if record.state != "running":
                    break
            await asyncio.sleep(pause)
            pause = min(pause * 1.3, _LONGEST_PAUSE)
        if record.state != "done":
            raise ExportError(record.error or f"Export {self.id} is {record.state}.", "Its log says more.")

    async def look(self) -> ExportRecord:
        """Look once; what the journal has then. Raises as the road's ``look``."""
        now = await self._road.look(await asyncio.to_thread(self._journal.notes(self.id).get, REMOTE))
        record = await asyncio.to_thread(self._record, now)
        self._changed()
        return record

    def _record(self, now: RemoteState) -> ExportRecord:
        notes = self._journal.notes(self.id)
        # Another process may have followed it before.
        known = int(notes.get(_LINES) or 0)
        if len(now.lines) > known:
            self._journal.tell(self.id, *now.lines[known:])
            notes.set(_LINES, str(len(now.lines)))
        record = self._journal.get(self.id)
        if now.state == "running":
            return record
        publication = Publication(record.target, "") if now.state == "done" else None
        return self._journal.finish(self.id, now.state, error=now.error, publication=publication)
