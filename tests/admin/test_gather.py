"""All of several requests, or none."""

from __future__ import annotations

import asyncio

import pytest

from flowtui.admin.gather import gather


async def test_results_come_in_order() -> None:
    async def after(number: int) -> int:
        for _ in range(5 - number):
            await asyncio.sleep(0)
        return number

    assert await gather(after(number) for number in range(5)) == [0, 1, 2, 3, 4]
    assert await gather([]) == []


async def test_an_error_cancels_the_others_and_waits_for_them() -> None:
    ended: list[str] = []
    never = asyncio.Event()

    async def waits() -> None:
        try:
            await never.wait()
        finally:
            await asyncio.sleep(0)
            ended.append("cancelled")

    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await gather([waits(), fails(), waits()])
    assert ended == ["cancelled", "cancelled"]


async def test_cancelling_cancels_all() -> None:
    ended: list[str] = []
    begun = asyncio.Event()

    async def waits() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    whole = asyncio.ensure_future(gather([waits(), waits()]))
    await begun.wait()
    whole.cancel()
    with pytest.raises(asyncio.CancelledError):
        await whole
    assert ended == ["cancelled", "cancelled"]
