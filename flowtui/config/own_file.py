"""flowtui's own file: TOML with settings at the top, and tables ``[contexts.NAME]`` with those of one server each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flowtui.config.checks import KEYS, REMEDY, SECRETS, SERVER_KEYS
from flowtui.config.files import file_text
from flowtui.config.layers import Layer
from flowtui.errors import ConfigError

_TABLES = ("auth", "tls", "storage", "domino")


def own_layer(file: Path, *, must_exist: bool) -> Layer | None:
    """The settings of the file, None where there is none.

    Raises:
        ConfigError: it cannot be read, is no TOML, or has something that is no setting.
    """
    text = file_text(file, must_exist=must_exist, remedy="Name another file, or take --config away.")
    if text is None:
        return None
    import sys

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # What is at fault may be a secret, so of the reason only the place is told.
        _, found, place = str(error).rpartition("(at ")
        where = f", see {place.rstrip(')')}" if found else ""
        raise ConfigError(f"{file} is not TOML{where}.", "Correct that line.") from None
    except RecursionError:
        raise ConfigError(f"{file} is not TOML: it is nested too deeply.", "Correct it.") from None
    flat = _flat(values, file, "")
    _known(flat, KEYS, file, "")
    return Layer(lambda key: f"{file}: {key}", flat, file.parent)


def context_layers(own: Layer, file: Path) -> dict[str, Layer | ConfigError]:
    """The contexts of the file by name; in place of one that is off, what is wrong with it.

    Raises:
        ConfigError: ``contexts`` itself is no table.
    """
    contexts = own.values.get("contexts") or {}
    if not isinstance(contexts, Mapping):
        raise ConfigError(f"{file}: contexts: it is not a table.", f"Correct it: {REMEDY['contexts']}")
    found: dict[str, Layer | ConfigError] = {}
    for name, values in contexts.items():
        try:
            found[name] = _context_layer(name, values, file)
        except ConfigError as error:
            found[name] = error
    return found


def _context_layer(context: str, values: Any, file: Path) -> Layer:
    if not isinstance(values, Mapping):
        raise ConfigError(f"{file}: contexts.{context}: it is not a table.", REMEDY["contexts"])
    flat = _flat(values, file, f"contexts.{context}.")
    _known(flat, SERVER_KEYS, file, f"contexts.{context}.")
    return Layer(lambda key: f"{file}: contexts.{context}.{key}", flat, file.parent)


def _flat(values: Mapping[str, Any], file: Path, prefix: str) -> dict[str, Any]:
    """The values by key, with those of a table such as ``auth`` as ``auth.KEY``."""
    flat = {key: value for key, value in values.items() if key not in _TABLES}
    for table in _TABLES:
        inner = values.get(table, {})
        if not isinstance(inner, Mapping):
            raise ConfigError(f"{file}: {prefix}{table}: it is not a table.", f"Write it as [{prefix}{table}].")
        flat |= {f"{table}.{key}": value for key, value in inner.items()}
    return flat


def _known(values: Mapping[str, Any], keys: Mapping[str, object], file: Path, prefix: str) -> None:
    for key in values:
        if key in SECRETS:
            raise ConfigError(f"{file}: {prefix}{key}: a secret is not kept in this file.", _elsewhere(key))
        if key not in keys:
            import difflib

            near = difflib.get_close_matches(key, keys, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"It may have: {', '.join(sorted(set(keys) - SECRETS))}."
            raise ConfigError(f"{file}: {prefix}{key} is not a setting.", hint)


def _elsewhere(secret: str) -> str:
    """Where a secret may be."""
    if secret.startswith("storage."):
        return f"Keep it where the store's own tools look, or in FLOWTUI_{secret.upper().replace('.', '_')}."
    variables = {"auth.token": "in FLOWTUI_TOKEN", "domino.token": "in FLOWTUI_DOMINO_TOKEN"}
    other = variables.get(secret, "in a variable (auth.client_secret_env)")
    return f"Keep it in a file of its own ({secret}_file) or {other}."
