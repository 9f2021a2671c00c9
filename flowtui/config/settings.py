"""Where settings come from: flags, a context chosen by a flag, the environment, flowtui's file, then Flyte's.

Flyte's variables (``FLYTE_PLATFORM_*``, ``FLYTE_CREDENTIALS_*``, ``FLYTE_AWS_*``, ``FLYTE_AZURE_*``) beat Flyte's file
and stand below flowtui's own file: they say what pyflyte does, and flowtui's file says where flowtui differs from it.

What stands beside an endpoint belongs to that server: headers, the login and TLS of a layer are used where it names no
endpoint, or one on the same host as the chosen one, and not over http where it says https. The rest is listed in
``Settings.left_out``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from flowtui.config.access import AuthSettings, DominoSettings, StorageSettings, TransportSettings
from flowtui.config.checks import KEYS
from flowtui.config.domino import domino_login, domino_settings
from flowtui.config.flyte import flyte_layers
from flowtui.config.layers import Layer, Reader
from flowtui.config.own_file import context_layers, own_layer
from flowtui.config.places import cache_path, config_path, expanded, home_path
from flowtui.errors import ConfigError

LOCAL_PROJECT = "flowtui"
"""The project that ``flowtui run`` registers flows in on this machine."""

DEFAULT_DOMAIN = "development"

LOCAL_CONTEXT = "local"
"""The context of this machine's runs, where the file has none of that name."""

FLYTE_CONTEXT = "flyte"
"""The context of Flyte's own configuration, where the file has none of that name."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Settings:
    """What flags, environment and files say together.

    Attributes:
        endpoint: base URL of Flyte Admin with its path prefix and without a trailing slash; None on this machine.
        project: empty where none is chosen, which occurs with an endpoint only.
        home: where flowtui keeps its data; cache: what it may lose.
        local: the embedded Admin of this machine is meant, because it was asked for or nothing else is configured.
        headers: sent with every request; may hold secrets, so it is not in the repr.
        auth: how to log in; transport: TLS and proxy; storage: how object stores are read.
        domino: which Domino exports go to, and its login.
        timeout: seconds to wait for an answer.
        read_only: nothing is written (``flowtui.permission``).
        images: how pictures are drawn: ``auto``, ``kitty``, ``sixel``, ``half`` or ``off``.
        keymap: action to key, as bound in the file.
        context: name of the chosen context, empty without one.
        sources: setting to where it came from (``--endpoint``, ``FLOWTUI_PROJECT``, a file, ``default``).
        left_out: setting to where it stands unused, since it belongs to another server; or ``flyte`` to why its file
            was not read.
        files: the configuration files that were read.
    """

    home: Path
    cache: Path
    endpoint: str | None = None
    project: str = LOCAL_PROJECT
    domain: str = DEFAULT_DOMAIN
    local: bool = True
    headers: Mapping[str, str] = field(default_factory=lambda: _NOTHING, repr=False)
    auth: AuthSettings = field(default_factory=AuthSettings)
    transport: TransportSettings = field(default_factory=TransportSettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    domino: DominoSettings = field(default_factory=DominoSettings)
    timeout: float = 30.0
    mouse: bool = True
    ascii: bool = False
    read_only: bool = False
    color: bool = True
    images: str = "auto"
    max_parallelism: int = 4
    keymap: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    context: str = ""
    sources: Mapping[str, str] = field(default_factory=lambda: _NOTHING, repr=False)
    left_out: Mapping[str, str] = field(default_factory=lambda: _NOTHING, repr=False)
    files: tuple[Path, ...] = field(default=(), repr=False)

    def at(self, endpoint: str | None) -> Settings:
        """The same for another server, or for this machine: nothing that belongs to the configured one goes with it.

        Project and domain are kept where flags name them.
        """
        project = self.project if self.sources.get("project") == "--project" else ""
        return replace(
            self,
            endpoint=endpoint,
            local=endpoint is None,
            context="",
            project=project or (LOCAL_PROJECT if endpoint is None else ""),
            domain=self.domain if self.sources.get("domain") == "--domain" else DEFAULT_DOMAIN,
            headers=_NOTHING,
            auth=AuthSettings(store=self.auth.store),
            transport=replace(self.transport, verify=True),
            storage=StorageSettings(direct=self.storage.direct, cache_megabytes=self.storage.cache_megabytes),
        )


_FLAGS = {"auth.mode": "auth_mode", "tls.ca_file": "ca_file", "tls.verify": "verify"}
_FLAG_NAMES = {"tls.verify": "--insecure-skip-verify"}
_VARIABLES = {"auth.token": "FLOWTUI_TOKEN"}
_ONLY_IN_FILES = ("headers", "keys", "contexts")


def _variable(key: str) -> str:
    return _VARIABLES.get(key) or f"FLOWTUI_{key.upper().replace('.', '_')}"


def _by_flag(flags: Mapping[str, object]) -> Layer:
    values = {key: flags.get(_FLAGS.get(key, key)) for key in KEYS if "." not in key or key in _FLAGS}
    return Layer(lambda key: _FLAG_NAMES.get(key) or f"--{_FLAGS.get(key, key).replace('_', '-')}", values)


def _by_environ(environ: Mapping[str, str]) -> Layer:
    return Layer(_variable, {key: environ.get(_variable(key)) for key in KEYS if key not in _ONLY_IN_FILES})


@dataclass
class Origins:
    """The layers as they were found, before anything is chosen.

    Attributes:
        contexts: of flowtui's file, or what is wrong with one.
        file: flowtui's own, whether it is there or not.
    """

    flag: Layer
    environ: Layer
    own: Layer | None
    contexts: Mapping[str, Layer | ConfigError]
    file: Path
    environment: Mapping[str, str]

    def context(self, name: str) -> Layer:
        """The layer of a context of the file.

        Raises:
            ConfigError: there is none of that name, or it is off.
        """
        found = self.contexts.get(name)
        if isinstance(found, ConfigError):
            raise found
        if found is None:
            names = ", ".join(sorted(self.contexts))
            hint = f"It has: {names}." if names else f"Add a table [contexts.{name}] with an endpoint to it."
            raise ConfigError(f"{self.file} has no context {name!r}.", hint)
        return found


def read_origins(flags: Mapping[str, object], environ: Mapping[str, str]) -> Origins:
    """Flags, environment and flowtui's own file; Flyte's is read where it is needed.

    Raises:
        ConfigError: the file cannot be read, or has something that is no setting.
    """
    config = flags.get("config")
    file = expanded(str(config)).absolute() if config else config_path(environ)
    own = own_layer(file, must_exist=bool(config or environ.get("FLOWTUI_CONFIG")))
    contexts = context_layers(own, file) if own is not None else {}
    return Origins(_by_flag(flags), _by_environ(environ), own, contexts, file, environ)


def load_settings(flags: Mapping[str, object], environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from flags (``endpoint``, ``project``, ...; None where not given), environment and files.

    Raises:
        ConfigError: a value is off; the message names the flag, variable or file and key, the hint the remedy.
    """
    found = read_origins(flags, environ)
    path = Reader([found.flag]).get("home", None)
    own = [found.own] if found.own is not None else []
    files = [found.file] if own else []
    reader = Reader([found.flag, found.environ, *own])
    context = reader.get("context", "")
    by_flag = reader.sources["context"] == "--context"
    local = reader.get("local", False)
    if local and flags.get("local") and flags.get("endpoint"):
        raise ConfigError("--local and --endpoint exclude each other.", "Leave one of them out.")
    if local and (flags.get("endpoint") or (context and by_flag)):
        local = bool(flags.get("local"))
    chosen: list[Layer] = []
    if context in found.contexts or context not in ("", LOCAL_CONTEXT, FLYTE_CONTEXT):
        chosen = [found.context(context)]
    elif context == LOCAL_CONTEXT and not flags.get("endpoint"):
        local = True
    flyte: list[Layer] = []
    if not local:
        wanted = context == FLYTE_CONTEXT and not chosen
        flyte, file = _flyte(reader, environ, must_hold=wanted or not _names_a_server([*reader.layers, *chosen]))
        files += [file] if file is not None else []
        if wanted:
            chosen, flyte = flyte, []
    at = 1 if by_flag else 2
    reader.layers = [*reader.layers[:at], *chosen, *reader.layers[at:], *flyte]
    endpoint = None if local else reader.get("endpoint", None)
    if context == FLYTE_CONTEXT and endpoint is None and not local:
        raise ConfigError(
            "Flyte's own configuration names no server.", "FLYTECTL_CONFIG names its file; --endpoint names a server."
        )
    # What is configured for a cluster says nothing about the runs here, so with --local only flags count.
    where = [found.flag] if local else None
    home = path or reader.get("home", None) or home_path(environ)
    moved = reader.sources.get("home", "default") != "default"
    auth = _auth(reader, endpoint, environ) if endpoint else AuthSettings()
    domino = domino_settings(reader, environ)
    return Settings(
        endpoint=endpoint,
        local=endpoint is None,
        project=reader.get("project", LOCAL_PROJECT if endpoint is None else "", where),
        domain=reader.get("domain", DEFAULT_DOMAIN, where),
        home=home,
        cache=reader.get("cache", home / "cache" if moved or path else cache_path(environ)),
        headers=MappingProxyType(reader.get("headers", {})) if endpoint else _NOTHING,
        auth=auth,
        transport=_transport(reader) if endpoint or domino.url else TransportSettings(),
        storage=_storage(reader),
        domino=domino,
        timeout=reader.get("timeout", 30.0),
        mouse=reader.get("mouse", True),
        ascii=reader.get("ascii", False),
        read_only=reader.get("read_only", False),
        images=reader.get("images", "auto"),
        color=reader.get("color", not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"),
        max_parallelism=reader.get("max_parallelism", 4),
        keymap=MappingProxyType(reader.get("keys", {})),
        context=context,
        sources=MappingProxyType(reader.sources),
        left_out=MappingProxyType(reader.left_out),
        files=tuple(files),
    )


def _names_a_server(layers: list[Layer]) -> bool:
    return any(layer.values.get("endpoint") for layer in layers)


def _flyte(reader: Reader, environ: Mapping[str, str], *, must_hold: bool) -> tuple[list[Layer], Path | None]:
    """Flyte's layers; where another one names the server, what is wrong with them is only noted."""
    noted: list[str] = []
    try:
        found = flyte_layers(environ, noted.append)
    except ConfigError as error:
        if must_hold:
            raise
        reader.left_out["flyte"] = error.message
        return [], None
    if noted:
        reader.left_out["flyte"] = "; ".join(noted)
    return found


def _auth(reader: Reader, endpoint: str, environ: Mapping[str, str]) -> AuthSettings:
    def get(key: str, default: Any) -> Any:
        return reader.get(f"auth.{key}", default)

    mode = get("mode", "")
    auth = AuthSettings(
        mode=mode,
        client_id=get("client_id", ""),
        client_secret=get("client_secret", ""),
        client_secret_file=get("client_secret_file", None),
        client_secret_env=get("client_secret_env", ""),
        scopes=get("scopes", ()),
        audience=get("audience", ""),
        command=get("command", ()),
        proxy_command=get("proxy_command", ()),
        header_command=get("header_command", ()),
        token=get("token", ""),
        token_file=get("token_file", None),
        token_url=get("token_url", ""),
        store=get("store", "keyring"),
        keyring_service=get("keyring_service", ""),
    )
    domino = domino_login(mode, endpoint, environ, is_said_of_the_server=reader.is_said_of_the_server("auth.mode"))
    if domino is None or auth.token or auth.token_file or auth.token_url:
        if domino is None and mode == "domino":
            reader.left_out["auth.domino"] = "the environment of Domino"
        return auth
    reader.sources.update({f"auth.{key}": place for key, place in domino.places.items()})
    return replace(auth, token_file=domino.token_file, token_url=domino.token_url, api_key=domino.api_key)


def _transport(reader: Reader) -> TransportSettings:
    return TransportSettings(
        verify=reader.get("tls.verify", True), ca_file=reader.get("tls.ca_file", None), proxy=reader.get("proxy", "")
    )


def _storage(reader: Reader) -> StorageSettings:
    return StorageSettings(
        **{one.name: reader.get(f"storage.{one.name}", one.default) for one in fields(StorageSettings)}
    )
