"""From an answer of Domino that says no to an error that a person understands.

Its public API has ``{"error": text}`` or ``{"errors": [...]}``, the API below ``/v4`` ``{"message": text}``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flowtui.admin.pages import is_page, read_page
from flowtui.errors import AuthError, FlowtuiError, NotFoundError, ServerError
from flowtui.text import cut, plain

if TYPE_CHECKING:
    from flowtui.exports.domino.login import DominoLogin
    from flowtui.httpclient import httpx

PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which a read, or a chunk, is sent again."""

LOGIN_HINT = (
    "Set FLOWTUI_DOMINO_TOKEN to a token of Domino, or domino.token_file to a file that has one; in a run or workspace"
    " of Domino there is one already."
)
_MESSAGE_LENGTH = 500
_READ = 100_000


class BusyError(ServerError):
    """A refusal that may pass.

    Attributes:
        seconds: how long the server asks to wait; None where it does not say.
    """

    def __init__(self, message: str, hint: str = "", *, status: int, seconds: float | None) -> None:
        super().__init__(message, hint, status=status)
        self.seconds = seconds


def seconds_to_wait(error: ServerError) -> float | None:
    """How long the server asks to wait before a request is repeated."""
    return error.seconds if isinstance(error, BusyError) else None


def refusal(response: httpx.Response, body: bytes, *, what: str, url: str, login: DominoLogin | None) -> FlowtuiError:
    """The error for an answer with a status of 300 or more.

    Args:
        what: what was asked for, as the subject of a message.
        url: Domino's address.
    """
    status = response.status_code
    if status < 400:
        return _redirect(status, response.headers.get("location", ""), url)
    said = said_by(body, response.headers.get("content-type", ""))
    because = f": {said}" if said else "."
    if status == 401:
        where = f" The one of {plain(login.where)} is not accepted." if login is not None and login.where else ""
        return AuthError(f"Domino at {plain(url)} wants a login for {what}.{where}", LOGIN_HINT)
    if status == 403:
        return AuthError(f"Domino does not allow you {what}{because}", "Ask the owner for the permission.")
    if status == 407:
        return AuthError("The proxy on the way wants a login.", "Put user and password into the proxy's URL.")
    if status == 404:
        return NotFoundError(f"Domino has no {what}{because}", "Check its name, and Domino's address.")
    if status in PASSING_STATUSES:
        wait = _seconds(response.headers.get("retry-after", ""))
        return BusyError(f"Domino failed on {what} ({status}){because}", "Try again.", status=status, seconds=wait)
    return ServerError(f"Domino refuses {what} ({status}){because}", status=status)


def said_by(body: bytes, content_type: str) -> str:
    """What an answer says, on one line without control codes; never raises, whatever the body holds."""
    if is_page(body, content_type) or body[:200].lstrip()[:1] == b"<":
        return cut(plain(read_page(body).title), _MESSAGE_LENGTH)
    head = body[:_READ].decode(errors="replace").strip()
    try:
        found = json.loads(head)
    except (ValueError, RecursionError):
        return cut(head, _MESSAGE_LENGTH)
    return cut(plain(_words(found)), _MESSAGE_LENGTH)


def _words(found: Any) -> str:
    if isinstance(found, str):
        return found
    if isinstance(found, list):
        return "; ".join(words for words in map(_words, found[:5]) if words)
    if isinstance(found, Mapping):
        for key in ("message", "error", "errors", "errorMessage", "detail"):
            words = _words(found.get(key))
            if words:
                return words
    return ""


def _redirect(status: int, location: str, url: str) -> FlowtuiError:
    own = urlsplit(url)
    try:
        place = urlsplit(location)
        host, scheme = place.hostname or own.hostname, place.scheme or own.scheme
    except ValueError:
        host, scheme = own.hostname, own.scheme
    named = plain(f"{scheme}://{host}")
    if host == own.hostname and scheme == "https" and own.scheme == "http":
        return ServerError(f"Domino sends on to {named}.", f"Use {named} as its address.", status=status)
    return AuthError(f"Domino at {plain(url)} sends on to {named}, which looks like a login.", LOGIN_HINT)


def _seconds(header: str) -> float | None:
    return float(header) if header.isascii() and header.isdecimal() and len(header) < 6 else None
