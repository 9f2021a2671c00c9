"""Reads of signed URLs under the faults of a network: the right bytes or an error, in time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from flowtui.errors import FlowtuiError, StorageError
from flowtui.storage import Storage
from tests.faults import HANGING, LASTING, PASSING, Faulty, Stream, changes, sends
from tests.storage.store import Store, socket_server
from tests.trusting import TrustsAll

BODY = bytes(index * 7 % 251 for index in range(200_000))
URI = "s3://bucket/adam/adsl.csv"
PATIENCE = 30.0

# A body is taken as it is sent: without a checksum nobody can tell one that another one was put in its place.
OTHER_BYTES = {"gzip cut", "gzip damaged", "encoding not asked for", "drip without end"}
FAULTS = {name: fault for name, fault in {**PASSING, **LASTING, **HANGING}.items() if name not in OTHER_BYTES}
PAGES = {
    "login page": sends(200, b"<html><title>Sign in</title></html>", "text/html"),
    "empty 206": sends(206, b"", "text/csv", content_range=f"bytes 0-9/{len(BODY)}"),
    "other range": sends(206, BODY[100:110], "text/csv", content_range=f"bytes 100-109/{len(BODY)}"),
    "range that is none": sends(206, BODY[:10], "text/csv", content_range="bytes 9-0/5"),
}


async def ranged(storage: Storage) -> bytes:
    async with storage.open(URI) as reader:
        return await reader.read(70_000, 1000)


async def streamed(storage: Storage) -> bytes:
    return b"".join([chunk async for chunk in storage.stream(URI)])


async def sized(storage: Storage) -> bytes:
    return str((await storage.stat(URI)).size).encode()


async def outcome(call: Awaitable[bytes]) -> bytes | FlowtuiError:
    try:
        return await asyncio.wait_for(call, PATIENCE)
    except FlowtuiError as error:
        return error


CALLS: dict[str, tuple[Callable[[Storage], Awaitable[bytes]], bytes]] = {
    "range": (ranged, BODY[70_000:71_000]),
    "stream": (streamed, BODY),
    "size": (sized, str(len(BODY)).encode()),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", [*FAULTS, *PAGES])
async def test_a_lasting_fault_is_an_error_or_the_right_bytes(name: str, call: str) -> None:
    store = Store({"bucket/adam/adsl.csv": BODY})
    faulty = Faulty(store.transport, {**FAULTS, **PAGES}[name])
    read, right = CALLS[call]
    async with Storage(TrustsAll(), sign=store.sign, transport=faulty, retry_delay=0, timeout=0.05) as storage:
        found = await outcome(read(storage))
    if isinstance(found, FlowtuiError):
        assert found.message.isprintable()
        assert "signature" not in found.message
        # Of a read of which half comes each time, half is asked for again.
        assert len(faulty.seen) <= 40
    else:
        assert found == right or (call == "size" and name in PAGES)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", [name for name in FAULTS if name not in LASTING and name not in HANGING])
async def test_a_passing_fault_is_got_over(name: str, call: str) -> None:
    store = Store({"bucket/adam/adsl.csv": BODY})
    faulty = Faulty(store.transport, FAULTS[name], times=1)
    read, right = CALLS[call]
    async with Storage(TrustsAll(), sign=store.sign, transport=faulty, retry_delay=0) as storage:
        assert await asyncio.wait_for(read(storage), PATIENCE) == right


async def test_a_store_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowtui.storage.http._LEAST_BYTES", 1 << 40)
    store = Store({"bucket/adam/adsl.csv": BODY})
    faulty = Faulty(store.transport, changes(lambda body, headers: Stream(drips=True)))
    async with Storage(TrustsAll(), sign=store.sign, transport=faulty, retry_delay=0, timeout=0.02) as storage:
        for read in (ranged, streamed):
            with pytest.raises(StorageError, match="next to nothing"):
                await asyncio.wait_for(read(storage), PATIENCE)


async def test_headers_that_drip_are_given_up() -> None:
    drip = b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: y\r\n" % number for number in range(20))
    async with (
        socket_server(drip, endless=True) as (url, _),
        Storage(TrustsAll(), retry_delay=0, timeout=0.2) as storage,
    ):
        with pytest.raises(StorageError):
            await asyncio.wait_for(storage.stat(f"{url}/x"), PATIENCE)
