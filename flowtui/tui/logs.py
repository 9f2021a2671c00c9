"""The tail of a node's log, where the log is a file that can be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flowtui.domain.execution import Log
from flowtui.errors import FlowtuiError
from flowtui.text import plain, plain_block

if TYPE_CHECKING:
    from flowtui.storage import Storage

TAIL_BYTES = 16 * 1024
TAIL_LINES = 200


async def log_tail(storage: Storage, logs: Sequence[Log]) -> tuple[tuple[str, ...], str]:
    """The last lines of the first log that can be read, and what it is called or why there is none.

    A web address is the page of a log viewer, for a browser: it is not read.
    """
    if not logs:
        return (), ""
    reasons = []
    for log in logs:
        if log.uri.startswith(("http://", "https://")):
            reasons.append(f"{plain(log.name)} is a web page: {plain(log.uri)}")
            continue
        try:
            async with storage.open(log.uri) as reader:
                size = await reader.size() or 0
                data = await reader.read(max(size - TAIL_BYTES, 0), TAIL_BYTES)
        except FlowtuiError as error:
            reasons.append(plain(error.message))
            continue
        lines = plain_block(data.decode("utf-8", "replace")).splitlines()
        if size > TAIL_BYTES:
            lines = lines[1:]
        cut = len(lines) > TAIL_LINES or size > TAIL_BYTES
        name = plain(log.name)
        return tuple(lines[-TAIL_LINES:]), f"the end of {name}" if cut else name if lines else f"{name} is empty"
    return (), "; ".join(reasons)
