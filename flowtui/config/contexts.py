"""The contexts that can be chosen by name, and settings for another server than the one flowtui was started with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from flowtui.config.flyte import flyte_layers
from flowtui.config.layers import same_server
from flowtui.config.settings import FLYTE_CONTEXT, LOCAL_CONTEXT, Settings, load_settings, read_origins
from flowtui.errors import ConfigError

START_CONTEXT = "start"
"""The server that flowtui was started with where no context names it, and the file has none of that name."""

_KEPT = ("home", "config", "timeout", "mouse", "ascii", "read_only", "color", "images", "ca_file", "proxy")
"""Flags that are about the person and the network, not about one server."""

_OF_ITS_SERVER = (
    "FLOWTUI_TOKEN",
    "FLOWTUI_AUTH_",
    "FLOWTUI_TLS_VERIFY",
    *(f"FLOWTUI_STORAGE_{name}" for name in ("ENDPOINT", "ACCESS_", "SECRET_", "REGION", "ADDRESSING_", "AZURE_")),
)


@dataclass(frozen=True)
class ContextEntry:
    """A context by its name.

    Attributes:
        endpoint: None for the runs of this machine, and where something is wrong.
        source: the file, or what stands for it.
        problem: why it cannot be chosen; empty where it can.
    """

    name: str
    endpoint: str | None
    project: str
    domain: str
    source: str
    problem: str = ""


def list_contexts(
    flags: Mapping[str, object], environ: Mapping[str, str] = os.environ, *, start: Settings | None = None
) -> tuple[ContextEntry, ...]:
    """The contexts of flowtui's file, then this machine, then Flyte's own configuration where it names a server.

    Args:
        start: what flowtui was started with; it comes first where no context names its server.

    Raises:
        ConfigError: flowtui's own file is off.
    """
    found = read_origins(flags, environ)
    sources = {name: str(found.file) for name in found.contexts}
    sources.setdefault(LOCAL_CONTEXT, "this machine")
    if FLYTE_CONTEXT not in sources:
        try:
            layers, file = flyte_layers(environ)
            if any(layer.values.get("endpoint") for layer in layers):
                sources[FLYTE_CONTEXT] = str(file) if file is not None else "FLYTE_PLATFORM_*"
        except ConfigError:
            sources[FLYTE_CONTEXT] = "Flyte's configuration"
    entries = []
    if start is not None and start.endpoint and not start.context and START_CONTEXT not in sources:
        source = start.sources.get("endpoint", "")
        entries.append(ContextEntry(START_CONTEXT, start.endpoint, start.project, start.domain, source))
    for name, source in sources.items():
        try:
            settings = load_settings(_flags(flags) | {"context": name}, environ)
        except ConfigError as error:
            problem = error.message.removeprefix(f"{source}: ")
            entries.append(ContextEntry(name, None, "", "", source, problem))
        else:
            entries.append(ContextEntry(name, settings.endpoint, settings.project, settings.domain, source))
    return tuple(entries)


def switched_settings(
    start: Settings,
    flags: Mapping[str, object],
    environ: Mapping[str, str] = os.environ,
    *,
    context: str = "",
    endpoint: str = "",
) -> Settings:
    """Settings for a context or a URL, chosen while flowtui runs.

    A token and the like of the environment are for the server that flowtui was started with, so another one gets none.

    Args:
        start: what flowtui was started with; flags: those of that start.

    Raises:
        ConfigError: there is no such context, or it is off; or the URL is none of a server.
    """
    if context == START_CONTEXT and context not in read_origins(flags, environ).contexts:
        return start
    chosen = _flags(flags) | ({"context": context} if context else {"endpoint": endpoint})
    settings = load_settings(chosen, environ)
    if start.endpoint and settings.endpoint and not same_server(start.endpoint, settings.endpoint):
        kept = {name: value for name, value in environ.items() if not name.startswith(_OF_ITS_SERVER)}
        settings = load_settings(chosen, kept)
    return settings


def _flags(flags: Mapping[str, object]) -> dict[str, object]:
    return {name: flags.get(name) for name in _KEPT}
