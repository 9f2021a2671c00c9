"""From an answer that says no, or is not Flyte's, to an error that a person understands.

Flyte Admin sends ``google.rpc.Status`` in binary or JSON; proxies in front of it send web pages, plain text or
redirects to a login. HTTP statuses are those of grpc-gateway: 429 is ``RESOURCE_EXHAUSTED``, most often an answer that
is larger than the gateway's gRPC limit, not a rate limit.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from google.protobuf.message import DecodeError
from google.rpc import status_pb2

from flowtui import text
from flowtui.admin.pages import Page, is_login_address, is_page, read_page
from flowtui.admin.unreachable import GRPC_HINT, PROXY_LOGIN_HINT
from flowtui.admin.wire import BINARY, mime_type
from flowtui.errors import AuthError, FlowtuiError, NotFoundError, ServerError

RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})
"""Statuses after which a read is tried again."""

_GRPC_WORDS = re.compile(rb"invalid gRPC request|gRPC requires HTTP/2")
_TLS_WORDS = re.compile(rb"(?i)HTTP request (?:was sent )?to (?:an )?HTTPS (?:server|port)")
_TOO_LARGE = re.compile(r"larger than max")
_MESSAGE_LENGTH = 2000
LOGIN_HINT = "Log in with `flowtui login`, or check the headers and tokens of this server in the configuration."
PAGE_LOGIN_HINT = (
    "A login for browsers stands in front of Flyte Admin: ask for an address for programs, use `flowtui login`,"
    " or send what it wants as a header ([headers] in flowtui's file)."
)


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


class ElsewhereError(ServerError):
    """Something answers at this address, and it is not Flyte Admin of version 1."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an answer that says no holds: gRPC code (None where there is none), message, and the page that came."""

    code: int | None
    message: str
    page: Page | None = None
    already_terminal: bool = False


def read_refusal(body: bytes, content_type: str) -> Refusal:
    """Read the body of an answer that says no; never raises, whatever the body holds."""
    mime = mime_type(content_type)
    if is_page(body, content_type) or body[:200].lstrip()[:1] == b"<":
        page = read_page(body)
        return Refusal(None, page.title, page)
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
    return Refusal(None, _short(head))


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda upper: "_" + upper[1].lower(), name)


def _short(message: str) -> str:
    return text.plain(message[:_MESSAGE_LENGTH]).strip()


def failure(
    status: int, body: bytes, content_type: str, *, what: str, server: str, location: str = "", address: str = ""
) -> FlowtuiError:
    """The error for an answer with a status of 300 or more.

    Args:
        what: what was asked for, as the subject of a message (``execution p/d/run-1``).
        server: its address without user and password, or another name of it.
        location: the Location header of a redirect.
        address: its address, where ``server`` is another name.
    """
    address = address or server
    if 300 <= status < 400:
        return _redirect(status, what, server, location, address)
    if speaks_grpc(status, body, content_type):
        return ElsewhereError(f"{server} speaks gRPC only, not Flyte Admin's REST protocol.", GRPC_HINT, status=status)
    if status == 400 and _TLS_WORDS.search(body[:2000]):
        # What Go's and nginx's servers say to plain HTTP where TLS is expected.
        return ElsewhereError(
            f"{server} speaks TLS.", "Write the endpoint with https:// instead of http://.", status=status
        )
    refusal = read_refusal(body, content_type)
    said = refusal.message or f"HTTP {status}"
    if status == 407:
        return AuthError("The proxy on the way wants a login.", PROXY_LOGIN_HINT)
    if refusal.page is not None and refusal.page.kind in ("login", "cookies") and status < 500:
        return page_error(refusal.page, what=what, server=server, address=address)
    if status == 401:
        return AuthError(f"{server} wants a login for {what}.", LOGIN_HINT)
    if status == 403:
        return AuthError(f"{server} does not allow {what}: {said}", LOGIN_HINT)
    if status == 404:
        return _not_found(refusal, what, server, address)
    if refusal.page is not None and status >= 500:
        hint = "A proxy in front of it says so; try again in a minute." if status in RETRIED_STATUSES else ""
        return ServerError(
            f"{server} answered {status} with a web page: {said}", hint or endpoint_hint(address), status=status
        )
    if refusal.page is not None:
        return ElsewhereError(
            f"{server} answered {status} with a web page: {said}", endpoint_hint(address), status=status
        )
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
        return ServerError(f"{server} does not offer {what}: {said}", endpoint_hint(address), status=status)
    hint = "Try again in a minute." if status in RETRIED_STATUSES else ""
    return ServerError(f"{server} failed on {what} ({status}): {said}", hint, status=status)


def unreadable(body: bytes, content_type: str, said: str, *, what: str, server: str, address: str) -> FlowtuiError:
    """The error for a successful answer that is not Flyte's: a web page, or something that cannot be parsed.

    Args:
        said: what came, in words (``wire.UnreadableAnswerError``).
    """
    if speaks_grpc(200, body, content_type):
        return ElsewhereError(f"{server} speaks gRPC only, not Flyte Admin's REST protocol.", GRPC_HINT)
    if is_page(body, content_type):
        return page_error(read_page(body), what=what, server=server, address=address)
    return ElsewhereError(
        f"{server} answered about {what} with {said} instead of Flyte's protocol.", endpoint_hint(address)
    )


def page_error(page: Page, *, what: str, server: str, address: str) -> FlowtuiError:
    """The error for a web page that came in the place of an answer."""
    named = f" ({page.title})" if page.title else ""
    if page.kind == "login":
        return AuthError(f"{server} answers about {what} with a login page{named}.", PAGE_LOGIN_HINT)
    if page.kind == "cookies":
        return AuthError(
            f"{server} answers about {what} with a web page{named} that wants a browser with cookies.", PAGE_LOGIN_HINT
        )
    if page.kind == "console":
        return ElsewhereError(f"That is Flyte's console{named}, a web page, not Flyte Admin.", endpoint_hint(address))
    if page.kind == "domino":
        return ElsewhereError(
            f"{server} is Domino's web page{named}, not Flyte Admin: the path is missing or wrong.",
            endpoint_hint(address),
        )
    return ElsewhereError(
        f"{server} answered about {what} with a web page{named} instead of Flyte's protocol.", endpoint_hint(address)
    )


def speaks_grpc(status: int, body: bytes, content_type: str) -> bool:
    """Whether an answer is that of a gRPC server without a REST gateway (grpc-go's words, and AWS's status 464)."""
    return (
        mime_type(content_type).startswith("application/grpc")
        or status == 464
        or (status >= 400 and bool(_GRPC_WORDS.search(body[:200])))
    )


def endpoint_hint(address: str) -> str:
    """How to write an endpoint, by what is odd about this one."""
    parts = urlsplit(address)
    path = parts.path.rstrip("/")
    origin = text.plain(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")
    for wrong in ("/console", "/api/v1", "/healthcheck", "/v2"):
        before, found, _ = f"{path}/".partition(f"{wrong}/")
        if found:
            return f"Leave {wrong} and what follows away: the endpoint is {origin}{text.plain(before)}."
    half = path[: len(path) // 2]
    if half and half * 2 == path:
        return f"The path {text.plain(half)} stands twice: the endpoint is {origin}{text.plain(half)}."
    if path:
        return f"Check the path {text.plain(path)}: an endpoint is Flyte Admin's address, such as https://host/flows."
    return "Check the endpoint: it is the address of Flyte Admin with its path, such as https://host/flows for Domino."


def _not_found(refusal: Refusal, what: str, server: str, address: str) -> FlowtuiError:
    if refusal.page is not None and refusal.page.kind != "other":
        return page_error(refusal.page, what=what, server=server, address=address)
    if refusal.code is None:
        hint = f"{endpoint_hint(address)} `flowtui doctor` finds out what is there instead."
        return ElsewhereError(f"{server} has nothing at the place of {what}.", hint, status=404)
    if refusal.message == "Not Found":
        # The gateway's word for a path that this version does not serve.
        return NotFoundError(f"{server} has nothing at the place of {what}.", endpoint_hint(address))
    return NotFoundError(f"There is no {what} on {server}.", "Check the name, the project and the domain.")


def _redirect(status: int, what: str, server: str, location: str, address: str) -> FlowtuiError:
    own = urlsplit(address)
    try:
        target = urlsplit(location)
    except ValueError:
        target = urlsplit("")
    place = text.plain(f"{target.scheme or own.scheme}://{target.hostname or own.hostname}")
    same = not target.hostname or target.hostname == own.hostname
    if target.scheme == "https" and own.scheme == "http" and target.hostname == own.hostname:
        return ServerError(f"{server} sends on to {place}.", f"Use {place} as the endpoint.", status=status)
    if not same or is_login_address(f"{target.hostname or ''}{target.path}"):
        return AuthError(f"{server} sends on to {place}, which looks like a login.", PAGE_LOGIN_HINT)
    if status in (307, 308) and not target.scheme:
        # How Go's router answers a path with an empty segment.
        return NotFoundError(f"{server} has nothing at the place of {what}.", endpoint_hint(address))
    return ElsewhereError(
        f"{server} sends on to {place}{text.plain(target.path)} for {what}.", endpoint_hint(address), status=status
    )
