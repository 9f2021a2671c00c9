"""One request to the embedded Domino, taken apart."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from starlette.requests import ClientDisconnect, Request

from flowtui.local.domino import shapes
from flowtui.local.domino.refusals import Refusal, bad_request
from flowtui.local.domino.uploads import MAX_CHUNK
from flowtui.local.domino.users import User

_BOUNDARY = re.compile(r"""multipart/form-data;.*boundary="?([^";,]+)"?""", re.IGNORECASE)
_MOST_JSON = 16 * 1024 * 1024
_PAGE = 10


class Call:
    """One request: who sends it and what it says."""

    def __init__(self, request: Request, user: User, body: Any) -> None:
        self.request = request
        self.user = user
        self.body = body
        self.path = request.path_params
        self.query = request.query_params

    def text(self, name: str) -> str:
        """A text of the JSON body. Raises a Refusal (400) where it has none."""
        value = self.body.get(name) if isinstance(self.body, dict) else None
        if not isinstance(value, str):
            raise bad_request(f"{name} is missing")
        return value

    def optional(self, name: str) -> str | None:
        """A text of the JSON body, None where it is left out."""
        value = self.body.get(name) if isinstance(self.body, dict) else None
        return value if isinstance(value, str) else None

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number of the query."""
        try:
            value = int(self.query[name]) if name in self.query or default is None else default
        except (KeyError, ValueError):
            raise bad_request(f"{name} is no number") from None
        if value < 0:
            raise bad_request(f"{name} is less than zero")
        return value

    def paged(self, items: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        """The page that the query asks for, and its metadata."""
        offset, limit = self.number("offset", 0), self.number("limit", _PAGE)
        return list(items[offset : offset + limit]), shapes.page(offset, limit, len(items))


async def body_of(request: Request) -> Any:
    """The JSON of a request, or the bytes of the one file of a form."""
    kind = request.headers.get("content-type", "")
    boundary = _BOUNDARY.match(kind)
    most = MAX_CHUNK + 64 * 1024 if boundary else _MOST_JSON
    data = bytearray()
    try:
        async for piece in request.stream():
            data += piece
            if len(data) > most:
                raise Refusal(413, "The request is too large")
    except ClientDisconnect:
        raise bad_request("The request ended early") from None
    if boundary:
        return _file_of_form(data, boundary.group(1))
    if not data:
        return None
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise bad_request("The body is no JSON") from None


def _file_of_form(data: bytearray, boundary: str) -> memoryview:
    """The content of a form's only part, without copying it."""
    start = data.find(b"\r\n\r\n")
    end = data.rfind(b"\r\n--" + boundary.encode("latin-1", "replace") + b"--")
    if start < 0 or end < start + 4:
        raise bad_request("The form has no file")
    return memoryview(data)[start + 4 : end]
