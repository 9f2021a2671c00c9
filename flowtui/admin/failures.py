"""From an HTTP answer that says no to an error that a person understands.

Flyte Admin sends ``google.rpc.Status`` in binary or JSON; proxies in front of it send web pages, plain text or
redirects to a login. HTTP statuses are those of grpc-gateway: 429 is ``RESOURCE_EXHAUSTED``, most often an answer that
is larger than the gateway's gRPC limit, not a rate limit.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urlsplit

from google.protobuf.message import DecodeError
from google.rpc import status_pb2

from flowtui import text
from flowtui.admin.wire import BINARY, mime_type
from flowtui.errors import AuthError, FlowtuiError, NotFoundError, ServerError

RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})
"""Statuses after which a read is tried again."""

_TOO_LARGE = re.compile(r"larger than max")
_MESSAGE_LENGTH = 2000
_LOGIN_HINT = "Log in again, or check the headers and tokens of this server in the configuration."
_ENDPOINT_HINT = "Check the endpoint: it is the address of Flyte Admin with its path, such as https://host/flows."


class TooLargeError(ServerError):
    """The answer is larger than the server can send; a list is asked for again with a smaller ``limit``."""


class ConflictError(ServerError):
    """409: the thing exists already, or the event was recorded before."""


class BadRequestError(ServerError):
    """400: the request is wrong, or not allowed in the present state.

    Attributes:
        terminal: True where Admin says that the execution or node has ended already.
    """

    def __init__(self, message: str, hint: str = "", *, status: int = 400, terminal: bool = False) -> None:
        super().__init__(message, hint, status=status)
        self.terminal = terminal


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an answer that says no holds: gRPC code (None where there is none), message, and kind of body."""

    code: int | None
    message: str
    web_page: bool = False
    already_terminal: bool = False


class _PageTitle(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_title = tag == "title"

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data


def read_refusal(body: bytes, content_type: str) -> Refusal:
    """Read the body of an answer that says no; never raises, whatever the body holds."""
    mime = mime_type(content_type)
    if mime == BINARY:
        status = status_pb2.Status()
        try:
            status.ParseFromString(body)
        except DecodeError:
            return _read_text(body)
        return Refusal(status.code, _short(status.message), already_terminal=_is_terminal(status))
    return _read_text(body)


def _is_terminal(status: status_pb2.Status) -> bool:
    from flyteidl.admin import event_pb2

    reason = event_pb2.EventFailureReason()
    try:
        return any(
            detail.Unpack(reason) and reason.WhichOneof("reason") == "already_in_terminal_state"
            for detail in status.details
        )
    except DecodeError:
        return False


def _read_text(body: bytes) -> Refusal:
    head = body[:200_000].decode(errors="replace")
    stripped = head.lstrip()
    if stripped[:1] == "{":
        try:
            found = json.loads(head)
        except (ValueError, RecursionError):
            return Refusal(None, _short(head))
        code, message = found.get("code"), found.get("message") or found.get("error_description") or found.get("error")
        details = found.get("details")
        terminal = isinstance(details, list) and "terminal_state" in _snake(json.dumps(details))
        return Refusal(
            code if isinstance(code, int) else None,
            _short(message if isinstance(message, str) else ""),
            already_terminal=terminal,
        )
    if stripped[:1] == "<":
        page = _PageTitle()
        page.feed(head)
        return Refusal(None, _short(page.title), web_page=True)
    return Refusal(None, _short(head))


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda upper: "_" + upper[1].lower(), name)


def _short(message: str) -> str:
    return text.plain(message[:_MESSAGE_LENGTH]).strip()


def failure(status: int, body: bytes, content_type: str, *, what: str, server: str, location: str = "") -> FlowtuiError:
    """The error for an answer with a status of 300 or more.

    Args:
        what: what was asked for, as the subject of a message (``execution p/d/run-1``).
        server: its address without user and password, or another name of it.
        location: the Location header of a redirect.
    """
    if 300 <= status < 400:
        return _redirect(status, what, server, location)
    refusal = read_refusal(body, content_type)
    said = refusal.message or f"HTTP {status}"
    if status == 401:
        return AuthError(f"{server} wants a login for {what}.", _LOGIN_HINT)
    if status == 403:
        return AuthError(f"{server} does not allow {what}: {said}", _LOGIN_HINT)
    if status == 404:
        return _not_found(refusal, what, server)
    if refusal.web_page:
        return ServerError(f"{server} answered {status} with a web page: {said}", _ENDPOINT_HINT, status=status)
    if status == 429 and _TOO_LARGE.search(refusal.message):
        return TooLargeError(
            f"The answer for {what} is larger than {server} can send: {said}",
            "The administrator of the server can raise server.grpc.maxMessageSizeBytes.",
            status=status,
        )
    if status == 429:
        return ServerError(f"{server} is asked too often: {said}", "Try again in a minute.", status=status)
    if status == 409:
        return ConflictError(f"{what}: {said}", status=status)
    if status == 400:
        return BadRequestError(f"{what}: {said}", terminal=refusal.already_terminal)
    if status == 501:
        return ServerError(f"{server} does not offer {what}: {said}", _ENDPOINT_HINT, status=status)
    hint = "Try again in a minute." if status in RETRIED_STATUSES else ""
    return ServerError(f"{server} failed on {what} ({status}): {said}", hint, status=status)


def _not_found(refusal: Refusal, what: str, server: str) -> FlowtuiError:
    if refusal.web_page or refusal.code is None or refusal.message == "Not Found":
        return NotFoundError(f"{server} has nothing at the place of {what}.", _ENDPOINT_HINT)
    return NotFoundError(f"There is no {what} on {server}.", "Check the name, the project and the domain.")


def _redirect(status: int, what: str, server: str, location: str) -> FlowtuiError:
    own = urlsplit(server)
    try:
        target = urlsplit(location)
    except ValueError:
        target = urlsplit("")
    place = text.plain(f"{target.scheme or own.scheme}://{target.hostname or own.hostname}")
    if target.scheme == "https" and own.scheme == "http" and target.hostname == own.hostname:
        return ServerError(f"{server} sends on to {place}.", f"Use {place} as the endpoint.", status=status)
    if status in (307, 308) and not target.scheme:
        return NotFoundError(f"{server} has nothing at the place of {what}.", _ENDPOINT_HINT)
    return AuthError(f"{server} sends on to {place}, which looks like a login.", _LOGIN_HINT)
