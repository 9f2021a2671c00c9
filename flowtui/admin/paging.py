"""Lists that come in pages.

Admin's token is an offset, so pages shift when rows are added while they are read: rows are de-duplicated by id. A page
that is larger than the server can send is asked for again with half the limit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Generic, Protocol, TypeVar

from flowtui.admin.failures import TooLargeError

T = TypeVar("T")


class Page(Protocol):
    """An answer with a ``token`` for the next page, empty on the last."""

    token: str


P = TypeVar("P", bound=Page)


class Pager(Generic[P]):
    """Asks for pages of one list; remembers the limit that the server can bear.

    Args:
        fetch: asks for one page with a limit and a token.
        limit: rows per page to begin with.
    """

    def __init__(self, fetch: Callable[[int, str], Awaitable[P]], limit: int) -> None:
        self._fetch = fetch
        self.limit = limit

    async def page(self, token: str = "") -> P:
        """One page, with a smaller limit where the first is too much.

        Raises:
            TooLargeError: a single row is larger than the server can send.
        """
        while True:
            try:
                return await self._fetch(self.limit, token)
            except TooLargeError:
                if self.limit <= 1:
                    raise
                self.limit //= 2


async def all_pages(
    fetch: Callable[[int, str], Awaitable[P]],
    rows: Callable[[P], Iterable[T]],
    key: Callable[[T], Hashable],
    limit: int,
) -> list[T]:
    """All rows of a list in the server's order, each id once.

    Args:
        fetch: asks for one page with a limit and a token.
        rows: the rows of a page.
        key: the id of a row.
        limit: rows per page to begin with.
    """
    pager = Pager(fetch, limit)
    found: dict[Hashable, T] = {}
    tokens = {""}
    token = ""
    while True:
        page = await pager.page(token)
        for row in rows(page):
            found.setdefault(key(row), row)
        token = page.token
        # A token that was there before would lead round in a circle.
        if not token or token in tokens:
            return list(found.values())
        tokens.add(token)
