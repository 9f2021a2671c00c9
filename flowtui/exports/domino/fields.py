"""Fields of JSON from outside: whatever comes, they have the type that is asked for and a bearable length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from flowtui.exports.domino.client import DominoClient, Params
from flowtui.text import cut, plain

_LONGEST = 2000
_MOST_ITEMS = 200_000
_MOST = 2**63
_PAGE = 200
_MOST_PAGES = 500


def text(value: Any, key: str, longest: int = _LONGEST) -> str:
    """A text on one line, empty where there is none."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return cut(plain(found[: longest + 1]), longest) if isinstance(found, str) else ""


def number(value: Any, key: str) -> int | None:
    """A whole number from 0 on, None where there is none."""
    found = value.get(key) if isinstance(value, Mapping) else None
    if not isinstance(found, int | float) or isinstance(found, bool) or not 0 <= found < _MOST:
        return None
    return int(found)


def flag(value: Any, key: str) -> bool:
    """Whether a field is true."""
    return isinstance(value, Mapping) and value.get(key) is True


def inner(value: Any, key: str) -> Mapping[str, Any]:
    """An object, empty where there is none."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def items(value: Any, key: str = "") -> Iterator[Mapping[str, Any]]:
    """The objects of a list, of a field where ``key`` is given; what is no object is left out."""
    found = value.get(key) if key and isinstance(value, Mapping) else value
    for one in found[:_MOST_ITEMS] if isinstance(found, list) else ():
        if isinstance(one, Mapping):
            yield one


def texts(value: Any, key: str) -> tuple[str, ...]:
    """The texts of a list."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return (
        tuple(plain(one[:_LONGEST]) for one in found[:_MOST_ITEMS] if isinstance(one, str))
        if isinstance(found, list)
        else ()
    )


def moment(value: Any, key: str) -> datetime | None:
    """A time (UTC) of ISO 8601 or of milliseconds since 1970, None where there is none."""
    found = value.get(key) if isinstance(value, Mapping) else None
    try:
        if isinstance(found, str):
            read = datetime.fromisoformat(found[:40].replace("Z", "+00:00"))
            return read.astimezone(timezone.utc) if read.tzinfo else read.replace(tzinfo=timezone.utc)
        milliseconds = number(value, key)
        # In whole microseconds: a float would not give the same time each time.
        return (
            datetime.fromtimestamp(milliseconds // 1000, timezone.utc).replace(microsecond=milliseconds % 1000 * 1000)
            if milliseconds is not None
            else None
        )
    except (ValueError, OverflowError, OSError):
        return None


async def every(client: DominoClient, path: str, params: Params, key: str, *, what: str) -> list[Mapping[str, Any]]:
    """All objects of a list of Domino's public API, page by page.

    Args:
        key: the field of an answer that has the list.

    Raises:
        NotFoundError, AuthError, ServerError, UnreachableError: as the client.
    """
    found: list[Mapping[str, Any]] = []
    for _ in range(_MOST_PAGES):
        answer = await client.get(path, [*params, ("offset", len(found)), ("limit", _PAGE)], what=what)
        page = list(items(answer, key))
        found += page
        metadata = inner(answer, "metadata")
        total = number(metadata, "totalCount")
        if total is None:
            total = number(inner(metadata, "pagination"), "totalCount")
        if not page or (len(found) >= total if total is not None else len(page) < _PAGE):
            break
    return found
