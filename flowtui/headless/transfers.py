"""An export in the foreground of a command: its progress on stderr, and what to do when it is interrupted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from flowtui.exports import ExportRecord
from flowtui.headless.progress import progress
from flowtui.headless.style import Style

if TYPE_CHECKING:
    from flowtui.session import Session


async def carried_out(session: Session, id_: str, style: Style) -> ExportRecord:
    """Wait for an export of this process; what the journal has of it then.

    An interrupted one is paused when the session ends, and the person is told how to go on.

    Raises the error that it failed with.
    """
    with progress(style) as show:

        def listener(told: str) -> None:
            now = session.transfers.progress(told)
            if show is not None and now is not None:
                show(now)

        unlisten = session.transfers.listen(listener)
        try:
            return await session.transfers.wait(id_)
        except asyncio.CancelledError:
            style.tell(f"Export {id_} is paused: `flowtui exports resume {id_}` goes on with it.")
            raise
        finally:
            unlisten()
