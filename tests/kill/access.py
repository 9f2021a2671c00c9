"""What targets reach outside with, as the environment says."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from flowtui.config import StorageSettings
from flowtui.exports import TargetAccess
from flowtui.exports.domino import DominoClient
from flowtui.storage import StoreAccess


@asynccontextmanager
async def target_access() -> AsyncIterator[TargetAccess]:
    """Access to the S3 server and the Domino that the script started, where it did."""
    stores = StoreAccess(
        StorageSettings(endpoint=os.environ.get("KILL_S3", ""), addressing_style="path"), environ=dict(os.environ)
    )
    if "KILL_DOMINO" not in os.environ:
        yield TargetAccess(stores)
        return
    async with DominoClient(os.environ["KILL_DOMINO"], retry_delay=0.1) as client:
        yield TargetAccess(stores, lambda: client)
