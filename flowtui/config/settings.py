"""Settings: flags, then ``FLOWTUI_*``, then flowtui's own file, then Flyte's ``config.yaml``.

flowtui's file is TOML with the keys of ``_KEYS``, a table ``headers``, a table ``keys`` (action = key) and tables
``contexts.NAME`` that hold what differs from server to server. A context that is chosen by a flag beats the
environment, one chosen elsewhere does not. Settings are checked by hand: they are a dozen, every start reads them, and
pydantic would add 180 ms to it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from flowtui.config.access import AuthSettings, TransportSettings
from flowtui.errors import ConfigError
from flowtui.urls import base_url

LOCAL_PROJECT = "flowtui"
"""The project that ``flowtui run`` registers flows in on this machine."""

DEFAULT_DOMAIN = "development"

_MAX_FILE = 1 << 20
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
        auth: how to log in; transport: TLS and proxy.
        timeout: seconds to wait for an answer.
        keymap: action to key, as bound in the file.
        context: name of the chosen context, empty without one.
        sources: setting to where it came from (``--endpoint``, ``FLOWTUI_PROJECT``, a file, ``default``).
    """

    home: Path
    cache: Path
    endpoint: str | None = None
    project: str = LOCAL_PROJECT
    domain: str = DEFAULT_DOMAIN
    local: bool = True
    headers: Mapping[str, str] = field(default=_NOTHING, repr=False)
    auth: AuthSettings = field(default_factory=AuthSettings)
    transport: TransportSettings = field(default_factory=TransportSettings)
    timeout: float = 30.0
    mouse: bool = True
    ascii: bool = False
    color: bool = True
    max_parallelism: int = 4
    keymap: Mapping[str, str] = field(default=_NOTHING)
    context: str = ""
    sources: Mapping[str, str] = field(default=_NOTHING, repr=False)


@dataclass(frozen=True)
class _Layer:
    """Values of one origin; ``name`` tells a key's place in an error message."""

    name: Callable[[str], str]
    values: Mapping[str, Any]
    folder: Path | None = None


def home_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Where flowtui keeps its data: ``FLOWTUI_HOME``, else the user's data folder."""
    if environ.get("FLOWTUI_HOME"):
        return _expanded(environ["FLOWTUI_HOME"]).absolute()
    import platformdirs

    return platformdirs.user_data_path("flowtui")


def cache_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Where flowtui keeps what it may lose: ``cache`` in ``FLOWTUI_HOME``, else the user's cache folder."""
    if environ.get("FLOWTUI_HOME"):
        return home_path(environ) / "cache"
    import platformdirs

    return platformdirs.user_cache_path("flowtui")


def config_path(environ: Mapping[str, str] = os.environ) -> Path:
    """flowtui's own configuration file: ``FLOWTUI_CONFIG``, else ``config.toml`` in the user's configuration folder."""
    if environ.get("FLOWTUI_CONFIG"):
        return _expanded(environ["FLOWTUI_CONFIG"]).absolute()
    import platformdirs

    return platformdirs.user_config_path("flowtui") / "config.toml"


def _expanded(text: str) -> Path:
    # Path.expanduser raises where ~name is nobody; such a name may be one of a file.
    return Path(os.path.expanduser(text))


def _text(value: Any, _: Path | None) -> str:
    if not isinstance(value, str):
        raise ValueError("it is not a text")
    return value.strip()


def _url(value: Any, folder: Path | None) -> str:
    return base_url(_text(value, folder))


def _path(value: Any, folder: Path | None) -> Path:
    text = _text(value, folder)
    if "\0" in text:
        raise ValueError("it holds a NUL")
    path = _expanded(text)
    return path if path.is_absolute() else (folder or Path.cwd()) / path


def _flag(value: Any, _: Path | None) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off"):
        return False
    raise ValueError("it is neither true nor false")


def _seconds(value: Any, _: Path | None) -> float:
    try:
        number = float(value) if not isinstance(value, bool) else -1.0
    except (TypeError, ValueError):
        number = -1.0
    if not 0 < number <= 3600:
        raise ValueError("it is not a number of seconds above 0 and up to 3600")
    return number


def _count(value: Any, _: Path | None) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not (text.isascii() and text.isdecimal()) or not 0 < int(text[:9]) <= 1000:
        raise ValueError("it is not a whole number from 1 to 1000")
    return int(text)


def _texts(value: Any, _: Path | None) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(text, str) for text in value.values()):
        raise ValueError("it is not a table of texts")
    return dict(value)


def _table(value: Any, _: Path | None) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("it is not a table")
    return dict(value)


_SERVER_KEYS: dict[str, Callable[[Any, Path | None], Any]] = {
    "endpoint": _url,
    "project": _text,
    "domain": _text,
    "timeout": _seconds,
    "headers": _texts,
}
_KEYS: dict[str, Callable[[Any, Path | None], Any]] = {
    **_SERVER_KEYS,
    "local": _flag,
    "home": _path,
    "cache": _path,
    "mouse": _flag,
    "ascii": _flag,
    "color": _flag,
    "max_parallelism": _count,
    "context": _text,
    "keys": _texts,
    "contexts": _table,
}
_TABLES = ("headers", "keys", "contexts")


class _Reader:
    """Looks settings up in layers, the strongest first, checks them and notes where each came from."""

    def __init__(self, layers: list[_Layer]) -> None:
        self.layers = layers
        self.sources: dict[str, str] = {}

    def get(self, key: str, default: Any, layers: list[_Layer] | None = None) -> Any:
        for layer in self.layers if layers is None else layers:
            value = layer.values.get(key)
            if value is None or value == "":
                continue
            name = layer.name(key)
            try:
                checked = _KEYS[key](value, layer.folder)
            except ValueError as error:
                shown = f" ({str(value)[:200]!r})" if key in ("timeout", "max_parallelism") else ""
                raise ConfigError(f"{name}{shown}: {error}.", f"Correct it or take it out: {_REMEDY[key]}") from error
            self.sources[key] = name
            return checked
        self.sources.setdefault(key, "default")
        return default


_REMEDY = {
    "endpoint": "an endpoint is a base URL such as https://flyte.example.com or https://example.com/flows.",
    "timeout": "a timeout is in seconds, such as 30.",
    "headers": 'headers are a table such as {X-Team = "biostat"}.',
    "keys": 'keys are a table such as {refresh = "f5"}.',
    "contexts": "contexts are tables such as [contexts.prod] with an endpoint.",
    "max_parallelism": "it is how many nodes run at the same time, such as 4.",
    **dict.fromkeys(("project", "domain", "context", "home", "cache"), "it is a text in quotes."),
    **dict.fromkeys(("local", "mouse", "ascii", "color"), "it is true or false."),
}


def load_settings(flags: Mapping[str, object], environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from flags (``endpoint``, ``project``, ...; None where not given), environment and files.

    Raises:
        ConfigError: a value is off; the message names the flag, variable or file and key, the hint the remedy.
    """
    by_flag = _Layer(lambda key: f"--{key}", flags)
    by_environ = _Layer(
        lambda key: f"FLOWTUI_{key.upper()}",
        {key: environ.get(f"FLOWTUI_{key.upper()}") for key in _KEYS if key not in _TABLES},
    )
    path = _Reader([by_flag]).get("home", None)
    config = flags.get("config")
    file = _expanded(str(config)).absolute() if config else config_path(environ)
    own = _own_file(file, must_exist=bool(config or environ.get("FLOWTUI_CONFIG")))
    reader = _Reader([by_flag, by_environ, own])
    context = reader.get("context", "")
    if context:
        chosen = _context(own, file, context)
        at = 1 if reader.sources["context"] == "--context" else 2
        reader.layers = [*reader.layers[:at], chosen, *reader.layers[at:]]
    local = reader.get("local", False)
    if local and flags.get("local") and flags.get("endpoint"):
        raise ConfigError("--local and --endpoint exclude each other.", "Leave one of them out.")
    if local and (flags.get("endpoint") or (context and reader.sources["context"] == "--context")):
        local = bool(flags.get("local"))
    endpoint = None if local else reader.get("endpoint", None)
    if endpoint is None and not local:
        endpoint = _flyte_endpoint(environ, reader.sources)
    # What is configured for a cluster says nothing about the runs here, so with --local only flags count.
    where = [by_flag] if local else None
    home = path or reader.get("home", None) or home_path(environ)
    moved = reader.sources.get("home", "default") != "default"
    return Settings(
        endpoint=endpoint,
        local=endpoint is None,
        project=reader.get("project", LOCAL_PROJECT if endpoint is None else "", where),
        domain=reader.get("domain", DEFAULT_DOMAIN, where),
        home=home,
        cache=reader.get("cache", home / "cache" if moved or path else cache_path(environ)),
        headers=MappingProxyType(_headers(reader, environ)) if endpoint else _NOTHING,
        timeout=reader.get("timeout", 30.0),
        mouse=reader.get("mouse", True),
        ascii=reader.get("ascii", False),
        color=reader.get("color", not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"),
        max_parallelism=reader.get("max_parallelism", 4),
        keymap=MappingProxyType(reader.get("keys", {})),
        context=context,
        sources=MappingProxyType(reader.sources),
    )


def _headers(reader: _Reader, environ: Mapping[str, str]) -> dict[str, str]:
    headers: dict[str, str] = dict(reader.get("headers", {}))
    if environ.get("FLOWTUI_TOKEN"):
        headers["authorization"] = f"Bearer {environ['FLOWTUI_TOKEN'].strip()}"
        reader.sources["token"] = "FLOWTUI_TOKEN"  # noqa: S105
    for name, value in headers.items():
        if not name.isascii() or not name or any(ord(char) < 32 or ord(char) == 127 for char in name + value):
            raise ConfigError(f"{reader.sources['headers']}: {name[:100]!r} is not a header.", _REMEDY["headers"])
    return headers


def _read(file: Path, must_exist: bool) -> str | None:
    try:
        with file.open("rb") as stream:
            data = stream.read(_MAX_FILE + 1)
        if len(data) > _MAX_FILE:
            raise ConfigError(f"{file} is larger than 1 MB.", "Is it a configuration file?")
        return data.decode()
    except (FileNotFoundError, NotADirectoryError) as error:
        if must_exist:
            raise ConfigError(f"{file} does not exist.", "Name another file, or take --config away.") from error
        return None
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.", "Check its permissions.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8 text.", "Save it as UTF-8.") from error


def _own_file(file: Path, *, must_exist: bool) -> _Layer:
    text = _read(file, must_exist)

    def name(key: str) -> str:
        return f"{file}: {key}"

    if text is None:
        return _Layer(name, {})
    import sys

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not TOML: {error}.", "Correct that line.") from error
    _known(values, _KEYS, file, "")
    return _Layer(name, values, file.parent)


def _context(own: _Layer, file: Path, context: str) -> _Layer:
    contexts = _Reader([own]).get("contexts", {})
    if context not in contexts:
        names = ", ".join(sorted(contexts))
        hint = f"It has: {names}." if names else f"Add a table [contexts.{context}] with an endpoint to it."
        raise ConfigError(f"{file} has no context {context!r}.", hint)
    values = contexts[context]
    if not isinstance(values, Mapping):
        raise ConfigError(f"{file}: contexts.{context}: it is not a table.", _REMEDY["contexts"])
    _known(values, _SERVER_KEYS, file, f"contexts.{context}.")
    return _Layer(lambda key: f"{file}: contexts.{context}.{key}", values, file.parent)


def _known(values: Mapping[str, Any], keys: Mapping[str, object], file: Path, prefix: str) -> None:
    for key in values:
        if key not in keys:
            import difflib

            near = difflib.get_close_matches(key, keys, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"It may have: {', '.join(keys)}."
            raise ConfigError(f"{file}: {prefix}{key} is not a setting.", hint)


def _flyte_files(environ: Mapping[str, str]) -> Iterator[tuple[Path, bool]]:
    if environ.get("FLYTECTL_CONFIG"):
        yield _expanded(environ["FLYTECTL_CONFIG"]), True
    else:
        yield Path(environ.get("HOME") or Path.home()) / ".flyte" / "config.yaml", False


def _flyte_endpoint(environ: Mapping[str, str], sources: dict[str, str]) -> str | None:
    """The endpoint that flytectl and flytekit use: the console's URL, else the host of ``admin.endpoint``."""
    for file, must_exist in _flyte_files(environ):
        if file.suffix not in (".yaml", ".yml"):
            continue
        text = _read(file, must_exist)
        if text is None:
            continue
        import yaml

        try:
            values = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            where = first if (first := str(error).split("\n")[0]) else type(error).__name__
            raise ConfigError(f"{file} is not YAML: {where}.", "Correct it, or give --endpoint.") from error
        for section, key in (("console", "endpoint"), ("admin", "endpoint")):
            table = values.get(section) if isinstance(values, Mapping) else None
            address = table.get(key) if isinstance(table, Mapping) else None
            if not address:
                continue
            name = f"{file}: {section}.{key}"
            try:
                insecure = table.get("insecure") is True if section == "admin" and isinstance(table, Mapping) else None
                url = base_url(_text(address, None), insecure=insecure)
            except ValueError as error:
                raise ConfigError(f"{name}: {error}.", "Correct it, or give --endpoint.") from error
            sources["endpoint"] = name
            return url
    return None
