"""What is kept on disk about one server's executions."""

from __future__ import annotations

from collections.abc import Mapping

from flowtui.catalog.cache import Entry, ResponseCache
from flowtui.domain.execution import ExecutionId


class Kept:
    """Messages about executions of one server, in binary; nothing where there is no cache.

    Args:
        server: the address of the server.
    """

    def __init__(self, cache: ResponseCache | None, server: str) -> None:
        self._cache = cache
        self._server = server

    def get(self, kind: str, id_: ExecutionId, key: str = "") -> bytes | None:
        """The message of a kind that was kept of an execution."""
        return None if self._cache is None else self._cache.get(self._server, kind, _owner(id_), key)

    def get_all(self, kind: str, id_: ExecutionId) -> dict[str, bytes]:
        """All messages of a kind by key."""
        return {} if self._cache is None else self._cache.get_all(self._server, kind, _owner(id_))

    def put(self, id_: ExecutionId, bodies: Mapping[tuple[str, str], bytes]) -> None:
        """Keep messages by kind and key, all of them or none."""
        if self._cache is not None:
            entries = [Entry(kind, _owner(id_), key, body) for (kind, key), body in bodies.items()]
            self._cache.put(self._server, entries)


def _owner(id_: ExecutionId) -> tuple[str, ...]:
    return id_.project, id_.domain, id_.name
