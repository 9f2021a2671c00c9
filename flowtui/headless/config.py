"""``flowtui config``: the settings that hold, where each comes from, and the contexts. It shows no secret."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flowtui.config import ContextEntry, Settings, list_contexts, read_origins
from flowtui.headless.json import dumps
from flowtui.headless.style import Style
from flowtui.headless.table import Column, table
from flowtui.text import plain

NOT_SHOWN = "set (not shown)"
"""Stands for a secret."""

_PLAIN = (
    "endpoint",
    "project",
    "domain",
    "context",
    "timeout",
    "home",
    "cache",
    "mouse",
    "ascii",
    "read_only",
    "color",
    "max_parallelism",
)
_SECRETS = ("client_secret", "token", "api_key")
_STORE_SECRETS = ("access_key_id", "secret_access_key", "azure_account_key", "azure_client_secret")
_COMMANDS = ("command", "proxy_command", "header_command")


def describe(options: Namespace, settings: Settings, style: Style, environ: Mapping[str, str] = os.environ) -> str:
    """The settings, or the contexts with ``options.contexts``.

    Raises:
        ConfigError: flowtui's own file is off.
    """
    if options.contexts:
        return _contexts(list_contexts(vars(options), environ), settings, style)
    return _settings(settings, read_origins(vars(options), environ).file, style)


def _settings(settings: Settings, own_file: Path, style: Style) -> str:
    """Every setting with its value and its source; in text those that have a value."""
    rows = list(_rows(settings))
    sources = settings.sources
    listed = [{"setting": key, "value": value, "source": _source(key, sources)} for key, value in rows]
    files = [*({own_file: None} | dict.fromkeys(settings.files))]
    if style.json:
        return dumps(
            {
                "settings": listed,
                "left_out": [{"setting": key, "source": where} for key, where in sorted(settings.left_out.items())],
                "files": [{"file": str(file), "read": file in settings.files} for file in files],
            }
        )
    shown = [
        (str(one["setting"]), _words(one["value"]), str(one["source"])) for one in listed if one["value"] is not None
    ]
    text = table((Column("setting"), Column("value", least=12), Column("from", leaves=1, least=12)), shown, style)
    for key, where in sorted(settings.left_out.items()):
        why = where if key == "flyte" else f"{key} from {where}, which is for another server"
        text += f"left out: {plain(why)}\n"
    for file in files:
        text += f"file: {plain(str(file))}{'' if file in settings.files else ' (not there)'}\n"
    return text


def _contexts(contexts: tuple[ContextEntry, ...], settings: Settings, style: Style) -> str:
    """The contexts that ``--context`` and ``:ctx`` take; a star at the current one."""
    current = settings.context or ("local" if settings.local else "")
    if style.json:
        return dumps(
            [
                {
                    "name": one.name,
                    "endpoint": one.endpoint,
                    "project": one.project or None,
                    "domain": one.domain or None,
                    "current": one.name == current,
                    "source": one.source,
                    "problem": one.problem or None,
                }
                for one in contexts
            ]
        )
    rows = [
        (
            "*" if one.name == current else "",
            one.name,
            one.endpoint or ("" if one.problem else "this machine"),
            one.project,
            one.domain,
            one.source,
        )
        for one in contexts
    ]
    columns = (
        Column(""),
        Column("context"),
        Column("server", least=16),
        Column("project", leaves=2, least=8),
        Column("domain", leaves=3),
        Column("from", leaves=4, least=12),
    )
    notes = {index: one.problem for index, one in enumerate(contexts) if one.problem}
    return table(columns, rows, style, notes, keep_empty=True)


def _rows(settings: Settings) -> Iterator[tuple[str, Any]]:
    for key in _PLAIN:
        value = getattr(settings, key)
        yield key, str(value) if isinstance(value, Path) else None if value == "" else value
    for name in sorted(settings.headers):
        # The token's own header is told as auth.token.
        if not (settings.auth.token and name.lower() == "authorization"):
            yield f"headers.{name}", NOT_SHOWN
    for field in fields(settings.auth):
        value = getattr(settings.auth, field.name)
        if field.name in _SECRETS:
            value = NOT_SHOWN if value else None
        elif field.name in _COMMANDS:
            value = _program(value)
        elif field.name == "token_url":
            value = _without_secrets(value)
        elif isinstance(value, tuple):
            value = list(value)
        yield f"auth.{field.name}", str(value) if isinstance(value, Path) else value or None
    ca_file = settings.transport.ca_file
    yield "tls.ca_file", str(ca_file) if ca_file is not None else None
    yield "tls.verify", settings.transport.verify
    yield "proxy", _without_secrets(settings.transport.proxy) or None
    for field in fields(settings.storage):
        value = getattr(settings.storage, field.name)
        shown = NOT_SHOWN if value and field.name in _STORE_SECRETS else value
        yield f"storage.{field.name}", None if shown == "" else shown
    domino = settings.domino
    yield "domino.url", domino.url or None
    yield "domino.project", domino.project or None
    yield "domino.token", NOT_SHOWN if domino.token else None
    yield "domino.token_file", str(domino.token_file) if domino.token_file is not None else None
    yield "domino.token_url", _without_secrets(domino.token_url) or None
    yield "domino.api_key", NOT_SHOWN if domino.api_key else None
    for action, key in sorted(settings.keymap.items()):
        yield f"keys.{action}", key


def _source(key: str, sources: Any) -> str:
    table_of_it = key.partition(".")[0]
    return str(sources.get(table_of_it if table_of_it in ("headers", "keys") else key, "default"))


def _program(command: tuple[str, ...]) -> str | None:
    """The program of a command; its words may hold a secret."""
    if not command:
        return None
    return command[0] + (f" and {len(command) - 1} more words (not shown)" if len(command) > 1 else "")


def _without_secrets(url: str) -> str:
    """A URL without user, password and query."""
    if not url:
        return ""
    parts = urlsplit(url)
    user = "***@" if "@" in parts.netloc else ""
    return f"{parts.scheme}://{user}{parts.netloc.rpartition('@')[2]}{parts.path}" + ("?..." if parts.query else "")


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(value) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else str(value)
