"""Pages that shift, are too large, or lead round in a circle."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.admin import TooLargeError
from flowtui.admin.paging import all_pages


@dataclass
class Rows:
    """A page."""

    rows: list[int]
    token: str


@dataclass
class Server:
    """A list with offsets for tokens, that can send ``bearable`` rows at a time.

    Attributes:
        arrivals: rows that come in at the front before each page after the first.
    """

    rows: list[int]
    bearable: int = 10**9
    arrivals: list[int] = field(default_factory=list)
    asked: list[tuple[int, str]] = field(default_factory=list)

    async def page(self, limit: int, token: str) -> Rows:
        self.asked.append((limit, token))
        if token and self.arrivals:
            self.rows.insert(0, self.arrivals.pop())
        start = int(token or 0)
        found = self.rows[start : start + limit]
        if len(found) > self.bearable:
            raise TooLargeError("grpc: received message larger than max (2 vs. 1)", status=429)
        return Rows(found, str(start + limit) if len(found) == limit else "")


async def read(server: Server, limit: int) -> list[int]:
    return await all_pages(server.page, lambda page: page.rows, lambda row: row, limit)


async def test_rows_that_shift_to_the_next_page_come_once() -> None:
    server = Server(list(range(10)), arrivals=[101, 100])
    assert await read(server, 4) == list(range(10))


async def test_a_page_that_is_too_large_is_halved_until_it_fits() -> None:
    server = Server(list(range(20)), bearable=6)
    assert await read(server, 40) == list(range(20))
    assert [limit for limit, _ in server.asked] == [40, 20, 10, 5, 5, 5, 5, 5]


async def test_one_row_that_is_too_large_is_an_error() -> None:
    with pytest.raises(TooLargeError):
        await read(Server([1, 2], bearable=0), 8)


async def test_a_full_last_page_is_followed_by_an_empty_one() -> None:
    server = Server(list(range(4)))
    assert await read(server, 2) == [0, 1, 2, 3]
    assert [token for _, token in server.asked] == ["", "2", "4"]


async def test_tokens_that_lead_in_a_circle_end() -> None:
    async def page(limit: int, token: str) -> Rows:
        return Rows([int(token or 0)], {"": "1", "1": "2"}.get(token, "1"))

    assert await all_pages(page, lambda page: page.rows, lambda row: row, 1) == [0, 1, 2]


@given(st.lists(st.integers(), unique=True, max_size=60), st.integers(1, 80), st.integers(1, 80))
async def test_all_rows_come_in_order(rows: list[int], limit: int, bearable: int) -> None:
    assert await read(Server(rows.copy(), bearable), limit) == rows
