"""A blob store whose answers can be held back, so that an export stands still while it is looked at."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from tests.storage.store import Store


class HeldStore(Store):
    """Answers for objects whose key holds :attr:`held` wait until :meth:`let_go`."""

    held: str | None = None
    _gate: asyncio.Event | None = None

    def hold(self, key: str) -> None:
        """From now on hold back what has this in its key."""
        self.held, self._gate = key, asyncio.Event()

    def let_go(self) -> None:
        """Answer again."""
        self.held = None
        if self._gate is not None:
            self._gate.set()

    async def _get(self, request: Request) -> Response:
        if self.held is not None and self.held in request.path_params["key"] and self._gate is not None:
            await self._gate.wait()
        return await super()._get(request)
