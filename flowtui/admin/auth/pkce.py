"""A person's login in a browser: authorization code with PKCE (RFC 6749, 4.1; RFC 7636, S256; RFC 8252)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from urllib.parse import parse_qs, urlencode, urlsplit

from flowtui.admin.auth.discovery import Discovery
from flowtui.admin.auth.listener import ListenerError, redirect_listener
from flowtui.admin.auth.token_endpoint import LOGIN_HINT, RefusedError, TokenEndpoint
from flowtui.admin.auth.tokens import Token, redacted
from flowtui.errors import AuthError

LOGIN_SECONDS = 600.0
"""How long a person may take in the browser."""

_LONGEST_LINE = 100_000

Tell = Callable[[str], None]
Lines = Callable[[], AsyncIterator[str]]


async def log_in_with_browser(
    endpoint: TokenEndpoint,
    discovery: Discovery,
    *,
    tell: Tell,
    browser: bool,
    lines: Lines | None = None,
    seconds: float = LOGIN_SECONDS,
) -> Token:
    """The token of a person who logs in in a browser, on this machine or another one.

    Args:
        tell: takes what the person must know, a line at a time.
        browser: whether to open one; the URL is told in any case.
        lines: gives the lines that the person types or pastes; without it nothing is read.

    Raises:
        AuthError: the server has no such login, the person or the server says no, the answer is one to another login,
            or nobody answers in time.
        ServerError, UnreachableError: the authorization server fails.
    """
    if not (discovery.authorization_endpoint and discovery.redirect_uri and endpoint.client_id):
        raise AuthError("The server offers no login in a browser.", "`flowtui login --mode device` may be offered.")
    client = endpoint.client()
    verifier = client.create_code_verifier(64)
    state = client.state_generator()
    query = {
        "response_type": "code",
        "client_id": endpoint.client_id,
        "redirect_uri": discovery.redirect_uri,
        "scope": " ".join(endpoint.scopes),
        "state": state,
        "audience": endpoint.audience,
        "code_challenge": client.create_code_challenge(verifier, "S256"),
        "code_challenge_method": "S256",
    }
    joint = "&" if urlsplit(discovery.authorization_endpoint).query else "?"
    url = f"{discovery.authorization_endpoint}{joint}{urlencode({key: text for key, text in query.items() if text})}"
    answer = await _answer(url, discovery.redirect_uri, tell, browser, lines, seconds)
    return await endpoint.for_code(code_of(answer, state), verifier, discovery.redirect_uri)


async def _answer(url: str, redirect_uri: str, tell: Tell, browser: bool, lines: Lines | None, seconds: float) -> str:
    """The URL that the browser is sent back to, from the listener or from what the person pastes."""
    waits: set[asyncio.Future[str]] = set()
    with contextlib.ExitStack() as stack:
        try:
            waits.add(stack.enter_context(redirect_listener(redirect_uri)))
        except ListenerError as error:
            tell(f"No answer can be taken from a browser of this machine: {error}.")
        tell("Log in in a browser:")
        tell(url)
        if lines is not None:
            tell("Is the browser on another machine? Then paste the address that it ends at, and press enter.")
            waits.add(asyncio.ensure_future(_pasted(lines, redirect_uri, tell)))
        if not waits:
            raise AuthError("Nothing can be told back to this login.", "Free the port, or run it in a terminal.")
        if browser:
            await open_browser(url)
        try:
            done, _ = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
    if not done:
        raise AuthError(f"Nobody logged in within {seconds / 60:g} minutes.", LOGIN_HINT)
    return done.pop().result()


async def _pasted(lines: Lines, redirect_uri: str, tell: Tell) -> str:
    """The first line that is an answer; waits for ever at the end of input, since the listener may still have one."""
    place = urlsplit(redirect_uri)
    async for line in lines():
        pasted = line.strip()
        try:
            parts = urlsplit(pasted)
        except ValueError:
            parts = urlsplit("")
        if parts.path == place.path and parts.query:
            return pasted
        if pasted:
            tell(f"That is not it: the address begins with {redirect_uri}?")
    never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    return await never


def code_of(url: str, state: str) -> str:
    """The authorization code of the URL that the browser was sent back to.

    Raises:
        AuthError: the answer is not one to this login, or says no.
    """
    try:
        found = parse_qs(urlsplit(url).query, max_num_fields=50, errors="replace")
    except ValueError:
        found = {}
    # The state first: an answer to another login says nothing about this one (RFC 6749, 10.12).
    if found.get("state") != [state]:
        raise AuthError("The answer of the browser is not one to this login.", "Start again: `flowtui login`.")
    if "error" in found:
        code = found["error"][0]
        said = redacted(found.get("error_description", [code])[0])
        raise RefusedError(f"The login was refused: {said}", LOGIN_HINT, code[:100])
    if len(found.get("code", [])) != 1:
        raise AuthError("The answer of the browser holds no code.", "Start again: `flowtui login`.")
    return found["code"][0]


def can_open_browser(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """Whether a browser of this machine shows where the person sits: there is a display, and no SSH between."""
    if any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")):
        return False
    if platform in ("darwin", "win32"):
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


async def open_browser(url: str) -> None:
    """Opens a browser, if there is one; what it prints goes nowhere, since stdout is for data."""
    null = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "webbrowser", url, stdin=null, stdout=null, stderr=null, start_new_session=True
        )
        await asyncio.wait_for(process.wait(), 10)
    except (OSError, asyncio.TimeoutError):
        return  # the URL has been told


async def typed_lines() -> AsyncIterator[str]:
    """Lines of stdin, a terminal; read without a thread, which would hold stdin's lock at the end of the process."""
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[bytes] = asyncio.Queue()
    descriptor = sys.stdin.fileno()

    def read() -> None:
        try:
            chunk = os.read(descriptor, 65_536)
        except OSError:
            chunk = b""
        if not chunk:
            loop.remove_reader(descriptor)
        chunks.put_nowait(chunk)

    loop.add_reader(descriptor, read)
    try:
        rest = b""
        while chunk := await chunks.get():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line.decode(errors="replace")
            rest = rest[-_LONGEST_LINE:]
    finally:
        loop.remove_reader(descriptor)
