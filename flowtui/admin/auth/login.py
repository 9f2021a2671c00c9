"""A login that ``flowtui login`` makes: by the way that fits the place, proved at the server, and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

from flyteidl.service import identity_pb2

from flowtui.admin.auth.authenticator import Authenticator
from flowtui.admin.auth.choice import Choice
from flowtui.admin.auth.device import DeviceCode, log_in_with_device
from flowtui.admin.auth.discovery import Discovery, revocation_endpoint
from flowtui.admin.auth.pkce import Lines, Tell, can_open_browser, log_in_with_browser
from flowtui.admin.auth.sources import GivenToken
from flowtui.admin.auth.token_endpoint import TokenEndpoint
from flowtui.admin.auth.tokens import Token, claims
from flowtui.admin.client import AdminClient
from flowtui.errors import AuthError, NotFoundError, ServerError

OF_PEOPLE = ("pkce", "device")
"""Modes that need a person."""

Connect = Callable[["Authenticator"], AbstractAsyncContextManager[AdminClient]]


@dataclass(frozen=True)
class Terminal:
    """How a login speaks with the person.

    Attributes:
        tell: takes a line.
        show: puts a device's code before the person.
        lines: gives typed lines; None where nothing can be typed.
        browser: whether one may be opened.
        environ: tells whether the person sits here.
    """

    tell: Tell
    show: Callable[[DeviceCode], None]
    lines: Lines | None
    browser: bool
    environ: Mapping[str, str]


@dataclass(frozen=True)
class Login:
    """What a login came to.

    Attributes:
        mode: one of ``config.access.AUTH_MODES``; ``none`` where the server lets everybody in.
        subject, name, email: who the server says it is; empty where it does not say.
        expires_at: of the access token, seconds since the epoch; None where unknown.
        renewable: whether it goes on without a person after that.
        where: where the token comes from, or is kept; empty where it is not kept.
    """

    mode: str
    subject: str = ""
    name: str = ""
    email: str = ""
    expires_at: float | None = None
    renewable: bool = False
    where: str = ""


async def log_in(auth: Authenticator, terminal: Terminal, connect: Connect) -> tuple[Login, Token | None]:
    """Logs in and proves it; a person's token is returned, to be kept.

    Args:
        connect: gives a client of the server that is logged in by an authenticator.

    Raises:
        AuthError: the server, or the person in the browser, says no.
        ServerError, UnreachableError: a server fails, or does not answer.
    """
    choice = await auth.choice(wants_login=True)
    if choice.mode not in OF_PEOPLE:
        return await _prove(auth, choice, connect), None
    discovery = await auth.server.discovery(fresh=True)
    if discovery is None:
        return await _prove_open(auth, connect), None
    await auth.stores.read()
    if auth.stores.complaint:
        terminal.tell(
            f"{auth.stores.complaint} The login will not be kept. `--store file` keeps it in a file of mode 0600."
        )
    mode = auth.settings.mode or suitable_mode(discovery, terminal)
    endpoint = await auth.server.token_endpoint()
    token = await _token(mode, endpoint, discovery, auth, terminal)
    fresh = auth.with_source(GivenToken(token.access, "this login", mode=mode))
    login = await _prove(fresh, await fresh.choice(), connect)
    return replace(login, expires_at=token.expires_at, renewable=bool(token.refresh), where=""), token


def suitable_mode(discovery: Discovery, terminal: Terminal) -> str:
    """The way that needs least of the person: a browser that is here, else a code for one elsewhere."""
    has_browser = terminal.browser and can_open_browser(terminal.environ)
    if discovery.device_authorization_endpoint and not (has_browser and discovery.authorization_endpoint):
        return "device"
    return "pkce"


async def _token(
    mode: str, endpoint: TokenEndpoint, discovery: Discovery, auth: Authenticator, terminal: Terminal
) -> Token:
    if mode == "device":
        return await log_in_with_device(endpoint, discovery, auth.channel, tell=terminal.tell, show=terminal.show)
    return await log_in_with_browser(
        endpoint,
        discovery,
        tell=terminal.tell,
        browser=terminal.browser and can_open_browser(terminal.environ),
        lines=terminal.lines,
    )


async def _prove_open(auth: Authenticator, connect: Connect) -> Login:
    """Whether a server that offers no login lets everybody in is seen by asking it for something."""
    nobody = auth.without_login()
    try:
        return await _prove(nobody, await nobody.choice(), connect)
    except AuthError as error:
        raise AuthError(
            f"{auth.endpoint} wants a login, and offers none of its own.",
            "Give it a token: FLOWTUI_TOKEN, auth.token_file or auth.command; or headers: auth.header_command.",
        ) from error


async def _prove(auth: Authenticator, choice: Choice, connect: Connect) -> Login:
    """Asks who it is, and where the server does not say, for the projects, which only those who are in may see."""
    info = identity_pb2.UserInfoResponse()
    async with connect(auth) as client:
        try:
            info = await client.get("/me", None, identity_pb2.UserInfoResponse, what="the user")
        except (NotFoundError, ServerError) as error:
            if isinstance(error, ServerError) and error.status != 501:
                raise
            await client.list_projects()
    token = auth.current_token
    source = choice.source
    said = claims(token.access) if token is not None else {}
    subject = info.preferred_username or info.subject or str(said.get("sub", ""))
    return Login(
        mode=choice.mode,
        subject=subject or str(said.get("client_id", "")),
        name=info.name,
        email=info.email,
        expires_at=token.expires_at if token is not None else None,
        renewable=bool(source is not None and (source.renewable or source.volatile)),
        where=source.where if source is not None else ("the headers" if auth.sends_given_headers else ""),
    )


async def log_out(auth: Authenticator) -> tuple[list[str], bool]:
    """Forgets the tokens of the server here, and has the server forget them where it offers that.

    Returns:
        Where there were tokens, and whether the server has revoked one.

    Raises:
        ConfigError: the file of tokens cannot be used.
    """
    found = await auth.stores.read()
    revoked = False
    if found is not None:
        try:
            discovery = await auth.server.discovery()
            url = await revocation_endpoint(auth.channel, discovery) if discovery is not None else ""
            if url:
                revoked = await (await auth.server.token_endpoint()).revoke(url, found[0])
        except (AuthError, ServerError):
            revoked = False
    forgotten = await auth.stores.forget()
    auth.server.forget()
    return forgotten, revoked
