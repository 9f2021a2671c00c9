"""What tests of exports share: a storage over the test's own store, and a journal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flowtui.exports import Journal
from flowtui.storage import Storage
from tests.storage.store import Store
from tests.trusting import TrustsAll


@pytest.fixture
async def storage(store: Store) -> AsyncIterator[Storage]:
    async with Storage(TrustsAll(), sign=store.sign, transport=store.transport, retry_delay=0) as storage:
        yield storage


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "state.sqlite3")
