"""The buckets that a server has shown to be its own, remembered from session to session."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from flowtui.database import Database
from flowtui.errors import ConfigError

_MIGRATIONS = ("CREATE TABLE known_buckets (server TEXT, bucket TEXT, PRIMARY KEY (server, bucket)) WITHOUT ROWID",)


class KnownBuckets:
    """Buckets of one server, as ``s3://bucket``. A file that cannot be used knows none and keeps none.

    Args:
        path: the SQLite file, which others may share.
        server: its endpoint.
    """

    def __init__(self, path: Path, server: str) -> None:
        self._database = Database(path, "known buckets", _MIGRATIONS)
        self._server = server

    def __contains__(self, bucket: str) -> bool:
        return bucket in self._earlier

    @cached_property
    def _earlier(self) -> frozenset[str]:
        with contextlib.suppress(ConfigError), self._database.transaction(write=False) as connection:
            rows = connection.execute("SELECT bucket FROM known_buckets WHERE server = ?", (self._server,))
            return frozenset(row["bucket"] for row in rows)
        return frozenset()

    def add(self, buckets: Iterable[str]) -> None:
        """Remember buckets for later sessions."""
        with contextlib.suppress(ConfigError), self._database.transaction(durable=False) as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO known_buckets VALUES (?, ?)", [(self._server, one) for one in buckets]
            )
