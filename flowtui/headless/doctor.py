"""``flowtui doctor``: step by step, what is configured and whether the server answers. It shows no secret."""

from __future__ import annotations

import platform
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flowtui import __version__
from flowtui.admin.auth.steps import login_steps
from flowtui.config import Settings
from flowtui.errors import AuthError, ConfigError, FlowtuiError, NotFoundError, ServerError
from flowtui.headless.json import dumps
from flowtui.headless.stores import road
from flowtui.headless.style import Style
from flowtui.text import plain
from flowtui.words import duration

if TYPE_CHECKING:
    from flowtui.session import Session

_WIDTH = 12
_CLOCK_LIMIT = timedelta(minutes=2)
"""Signatures and tokens hold for some minutes, and servers bear a difference of about this much."""

_NOWHERE = "s3://flowtui-doctor/nothing"
"""Admin signs a URL for any object, whether it exists or not."""

Check = Callable[["Session"], Awaitable[str]]


class _Complaint(Exception):
    """A step failed that no other needs."""

    def __init__(self, error: FlowtuiError) -> None:
        super().__init__(error.message)
        self.error = error


class DoctorError(FlowtuiError):
    """A step failed; ``report`` is everything up to it."""

    def __init__(self, error: FlowtuiError, steps: list[dict[str, Any]], report: str) -> None:
        super().__init__(error.message, error.hint)
        self.kind = error.kind
        self.exit_code = error.exit_code
        self.details = {"steps": steps}
        self.report = report


async def examine(
    settings: Settings, open_session: Callable[[], AbstractAsyncContextManager[Session]], style: Style
) -> str:
    """The steps, each with what was tried and answered.

    Raises:
        DoctorError: a step failed. Those that need it were not taken.
    """
    steps: list[dict[str, Any]] = []

    def note(step: str, found: str) -> None:
        steps.append({"step": step, "ok": True, "found": found})

    note("flowtui", f"{__version__}, Python {platform.python_version()}, {sys.platform}")
    note("settings", _origins(settings))
    note("home", f"{settings.home} ({settings.sources.get('home', 'default')})")
    where = f"{settings.endpoint} ({settings.sources.get('endpoint', 'default')})"
    note("server", "the embedded Flyte Admin of this machine" if settings.local else where)
    if settings.headers:
        note("headers", ", ".join(sorted(settings.headers)) + " (values not shown)")
    if settings.endpoint and settings.endpoint.startswith("https://"):
        note("certificates", _certificates(settings))
    if settings.left_out:
        note("left out", _left_out(settings))
    step = "session"
    failed: FlowtuiError | None = None
    try:
        async with open_session() as session:
            for step, check in _checks(session):
                try:
                    note(step, await check(session))
                except _Complaint as complaint:
                    # What comes behind it can be tried all the same.
                    steps.append(_failure(step, complaint.error))
                    failed = failed or complaint.error
                if step == "healthcheck" and session.auth is not None:
                    step = "login"
                    for name, found in await login_steps(session.auth):
                        note(name, found)
    except FlowtuiError as error:
        steps.append(_failure(step, error))
        failed = error
    if failed is not None:
        raise DoctorError(failed, steps, _report(steps, style)) from failed
    return dumps(steps) if style.json else _report(steps, style)


def _failure(step: str, error: FlowtuiError) -> dict[str, Any]:
    return {"step": step, "ok": False, "found": error.message, "hint": error.hint}


def _checks(session: Session) -> list[tuple[str, Check]]:
    """The steps to take, in order, each on what the ones before it found."""
    connection = session.client.connection
    checks: list[tuple[str, Check]] = []
    if connection.is_network:
        from flowtui.headless import network

        checks += [("proxy", network.proxy)] if connection.proxy else []
        checks += [("name", network.name), ("connect", network.connection)]
        checks += [("tls", network.tls)] if connection.base_url.startswith("https://") else []
    checks += [("healthcheck", _diagnosed(_healthcheck)), ("version", _diagnosed(_version))]
    checks += [("project", _project), ("list", _list), ("files", road)]
    if not session.settings.local:
        checks += [("signed url", _signed_url), ("clock", _clock)]
    if session.settings.domino.url:
        checks.append(("domino", _domino))
    return checks


def _diagnosed(check: Check) -> Check:
    """A check whose failure is looked into with a few more requests."""

    async def checked(session: Session) -> str:
        try:
            return await check(session)
        except FlowtuiError as error:
            if not session.client.connection.is_network:
                raise
            from flowtui.admin.diagnosis import diagnosis

            raise await diagnosis(error, session.client.connection) from error

    return checked


def _report(steps: list[dict[str, Any]], style: Style) -> str:
    signs = ("+", "x") if style.ascii else ("✔", "✖")
    lines = []
    for step in steps:
        sign = style.paint(signs[0], "green") if step["ok"] else style.paint(signs[1], "red")
        lines.append(f"{sign} {step['step']:<{_WIDTH}} {plain(step['found'])}\n")
    return "".join(lines)


def _origins(settings: Settings) -> str:
    chosen = [f"{key} from {where}" for key, where in sorted(settings.sources.items()) if where != "default"]
    return "; ".join(chosen) or "nothing is configured"


def _certificates(settings: Settings) -> str:
    transport = settings.transport
    if not transport.verify:
        return f"are NOT checked ({settings.sources.get('tls.verify')}): whoever is in between can read all"
    return "are checked" + (f", {transport.ca_file} is trusted too" if transport.ca_file else "")


def _left_out(settings: Settings) -> str:
    return "; ".join(
        found if key == "flyte" else f"{key} from {found}, which is for another server"
        for key, found in sorted(settings.left_out.items())
    )


async def _healthcheck(session: Session) -> str:
    await session.client.healthcheck()
    return "answers" if session.settings.local else f"GET {session.client.base_url}/healthcheck answers"


async def _version(session: Session) -> str:
    version = plain(await session.client.version())
    return f"Flyte Admin {version}" if version != "unknown" else "Flyte Admin, which does not tell its version"


async def _project(session: Session) -> str:
    projects = await session.catalog.projects()
    names = [project.id for project in projects]
    chosen = session.settings.project
    shown = ", ".join(names[:12]) + (f" and {len(names) - 12:,} more" if len(names) > 12 else "")
    if not chosen:
        return f"none chosen; the server has {shown or 'none'}"
    if chosen not in names and session.settings.local:
        return f"{chosen} / {session.settings.domain}; the first run makes it"
    if chosen not in names:
        raise NotFoundError(f"The server has no project {chosen}, but {shown or 'none'}.", "Choose one with --project.")
    domain = session.settings.domain
    domains = next(project.domains for project in projects if project.id == chosen)
    if domain not in domains:
        has = ", ".join(domains) or "none"
        raise NotFoundError(f"The project {chosen} has no domain {domain}, but {has}.", "Choose one with --domain.")
    return f"{chosen} / {domain}"


async def _list(session: Session) -> str:
    settings = session.settings
    if settings.project not in [project.id for project in await session.catalog.projects()]:
        return "not asked for without a project"
    page = await session.catalog.executions(settings.project, settings.domain, limit=1)
    return f"the newest run is {page.executions[0].id.name}" if page.executions else "no runs yet"


async def _signed_url(session: Session) -> str:
    try:
        signed = await session.client.sign(_NOWHERE)
    except AuthError:
        raise
    except FlowtuiError as error:
        hint = "Previews, downloads and exports need it; ask for /api/v1/dataproxy/artifact_urn (GetDownloadLocation)."
        raise _Complaint(ServerError(f"No URL is signed for files: {error.message}", hint)) from error
    return f"files are read from {plain(urlsplit(signed.url).netloc.rpartition('@')[2])}"


async def _domino(session: Session) -> str:
    from flowtui.exports.domino import current_user

    domino = session.settings.domino
    try:
        client = session.target_access.domino()
        user = await current_user(client)
    except FlowtuiError as error:
        raise _Complaint(error) from error
    where = client.auth.where if client.auth is not None else "no login is sent"
    project = f", project {plain(domino.project)}" if domino.project else ""
    return f"{plain(client.url)} knows you as {user.name or user.id or 'nobody'} ({plain(where)}){project}"


async def _clock(session: Session) -> str:
    skew = session.client.skew
    if session.client.server_time is None:
        return "the server tells no time"
    if abs(skew) < _CLOCK_LIMIT:
        return "as the server's"
    told = f"The clock of this machine is {duration(60 * round(abs(skew).total_seconds() / 60))}"
    told += " behind the server's." if skew > timedelta(0) else " ahead of the server's."
    raise _Complaint(
        ConfigError(told, "Set it right (NTP): signed URLs and logins are refused with a clock that is off.")
    )
