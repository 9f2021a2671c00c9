"""The embedded Admin signs and serves; the storage reads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flowtui.admin import AdminClient
from flowtui.domain.signed import SignedUrl
from flowtui.errors import NotFoundError
from flowtui.httpclient import httpx
from flowtui.local.app import create_app
from flowtui.local.home import Home
from flowtui.storage import Storage
from tests.trusting import TrustsAll

BODY = bytes(index * 11 % 253 for index in range(200_000))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.blobs.mkdir(parents=True)
    (home.blobs / "a dataset 100%").write_bytes(BODY)
    return home


@pytest.fixture
async def storage(home: Home) -> AsyncIterator[Storage]:
    """A storage on another machine: the home's paths are not there under their names."""
    app = create_app(home.path)
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), AdminClient("http://127.0.0.1", transport=transport) as client:

        async def sign(uri: str) -> SignedUrl:
            return await client.sign(uri.replace("/elsewhere", str(home.blobs)))

        async with Storage(TrustsAll(), sign=sign, transport=transport, retry_delay=0) as storage:
            yield storage


@pytest.mark.parametrize("uri", ["/elsewhere/a dataset 100%", "file:///elsewhere/a dataset 100%"])
async def test_paths_of_another_machine_are_read_through_its_server(storage: Storage, uri: str) -> None:
    async with storage.open(uri) as reader:
        assert await reader.read(70_000, 10) == BODY[70_000:70_010]
        assert await reader.size() == len(BODY)
        assert reader.requests == 1
    assert (await storage.stat(uri)).size == len(BODY)
    with pytest.raises(NotFoundError):
        await storage.stat(uri, remote=False)
    assert b"".join([chunk async for chunk in storage.stream(uri, 150_000)]) == BODY[150_000:]


async def test_a_file_that_is_nowhere_is_not_found(storage: Storage) -> None:
    for uri in ("/elsewhere/none", "/not/below/the/home"):
        with pytest.raises(NotFoundError, match="There is no file"):
            await storage.stat(uri)
        with pytest.raises(NotFoundError):
            _ = [chunk async for chunk in storage.stream(uri)]


async def test_a_file_of_this_machine_costs_no_request(storage: Storage, home: Home) -> None:
    async with storage.open(str(home.blobs / "a dataset 100%")) as reader:
        assert await reader.read(0, 10) == BODY[:10]
        assert reader.requests == 0
