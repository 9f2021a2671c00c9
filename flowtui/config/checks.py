"""What a setting may be: one check for each key, which gives the value as it is used from then on.

A check gets the value as flag, variable or file have it, and the folder that relative paths are seen from. It raises
ValueError with what is off, and never repeats a value, which may be a secret.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flowtui.config.access import AUTH_MODES, DIRECT_ROADS, TOKEN_STORES
from flowtui.config.places import expanded
from flowtui.urls import base_url, is_loopback

IMAGES = ("auto", "kitty", "sixel", "half", "off")
"""How pictures can be drawn; ``auto`` asks the terminal."""

Check = Callable[[Any, "Path | None"], Any]


def _text(value: Any, _: Path | None = None) -> str:
    if not isinstance(value, str):
        raise ValueError("it is not a text")
    return value.strip()


def _url(value: Any, _: Path | None) -> str:
    text = _text(value)
    try:
        return base_url(text)
    except ValueError as error:
        # Some of urllib's own messages repeat what stands before the @.
        if "@" in text and "user name" not in str(error):
            raise ValueError("it is no URL of a server") from None
        raise


def _proxy(value: Any, folder: Path | None) -> str:
    text = _text(value)
    return _plain_url(text if "://" in text else f"http://{text}", folder)


def _plain_url(value: Any, _: Path | None) -> str:
    """A URL as it is: with user and password where it has them, never in a message."""
    text = _text(value)
    try:
        parts = urlsplit(text)
        well = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        well = False
    if not well or any(char.isspace() or not char.isprintable() for char in text):
        raise ValueError("it is not an http:// or https:// URL")
    return parts.geturl()


def _store_url(value: Any, folder: Path | None) -> str:
    text = _text(value)
    if "://" not in text:
        text = f"{'http' if is_loopback(urlsplit(f'//{text}').hostname or '') else 'https'}://{text}"
    if "@" in urlsplit(text).netloc:
        raise ValueError("a user name or password does not belong into the URL")
    return _plain_url(text, folder)


def _path(value: Any, folder: Path | None) -> Path:
    text = _text(value)
    if "\0" in text:
        raise ValueError("it holds a NUL")
    path = expanded(text)
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


def _images(value: Any, _: Path | None) -> str:
    word = _text(value).lower()
    if word not in IMAGES:
        raise ValueError(f"it is none of {', '.join(IMAGES)}")
    return word


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


def _megabytes(value: Any, _: Path | None) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not (text.isascii() and text.isdecimal()) or int(text[:9]) > 100_000:
        raise ValueError("it is not a whole number from 0 to 100000")
    return int(text)


def _texts(value: Any, _: Path | None) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(text, str) for text in value.values()):
        raise ValueError("it is not a table of texts")
    return dict(value)


def _headers(value: Any, folder: Path | None) -> dict[str, str]:
    headers = _texts(value, folder)
    for name, text in headers.items():
        if not name.isascii() or not name or any(ord(char) < 32 or ord(char) == 127 for char in name + text):
            raise ValueError(f"{name[:100]!r} is not a header")
    return headers


def _table(value: Any, _: Path | None) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("it is not a table")
    return dict(value)


def _secret(value: Any, _: Path | None) -> str:
    text = _text(value)
    # It goes into a header.
    if not text.isascii() or not text.isprintable():
        raise ValueError("it holds characters that a header cannot have")
    return text


def _name(value: Any, _: Path | None) -> str:
    text = _text(value)
    if "\0" in text or "=" in text:
        raise ValueError("it is not the name of a variable")
    return text


def _words(value: Any, _: Path | None) -> tuple[str, ...]:
    """The words of a command line: a list as it is, a text as a shell would take it apart; no shell sees it."""
    if isinstance(value, str):
        try:
            value = shlex.split(value)
        except ValueError:
            raise ValueError("a quotation in it has no end") from None
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise ValueError("it is not a list of texts")
    if any("\0" in word for word in value) or (value and not value[0].strip()):
        raise ValueError("it is not a command")
    return tuple(value)


def _scopes(value: Any, _: Path | None) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.replace(",", " ").split()
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise ValueError("it is not a list of texts")
    return tuple(word.strip() for word in value if word.strip())


def _listed(value: Any, separators: str) -> list[str]:
    """The texts of a list, or of a variable that holds several."""
    if isinstance(value, str):
        for separator in separators:
            value = value.replace(separator, "\n")
        value = value.split("\n")
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise ValueError("it is not a list of texts")
    return [word.strip() for word in value if word.strip()]


def _folders(value: Any, folder: Path | None) -> tuple[Path, ...]:
    paths = tuple(_path(word, folder) for word in _listed(value, os.pathsep))
    if any(path.parent == path for path in paths):
        raise ValueError("it names all of this machine")
    return paths


def _hosts(value: Any, _: Path | None) -> tuple[str, ...]:
    words = _listed(value, ", ")
    for word in words:
        if "://" in word or word in ("*", "*.") or word.count("/") > 1:
            raise ValueError("it is not a list of hosts")
    return tuple(words)


def _buckets(value: Any, _: Path | None) -> tuple[str, ...]:
    words = _listed(value, ", ")
    for word in words:
        scheme, separator, rest = word.partition("://")
        if not scheme or not separator or not rest.strip("/") or "/" in rest.rstrip("/"):
            raise ValueError("it is not a list of buckets")
    return tuple(word.rstrip("/") for word in words)


def _one_of(words: tuple[str, ...]) -> Check:
    def check(value: Any, _: Path | None) -> str:
        word = _text(value).lower()
        if word not in words:
            raise ValueError(f"it is none of {', '.join(words)}")
        return word

    return check


AUTH_KEYS: dict[str, Check] = {
    "auth.mode": _one_of(AUTH_MODES),
    "auth.client_id": _text,
    "auth.client_secret": _secret,
    "auth.client_secret_file": _path,
    "auth.client_secret_env": _name,
    "auth.scopes": _scopes,
    "auth.audience": _text,
    "auth.command": _words,
    "auth.proxy_command": _words,
    "auth.header_command": _words,
    "auth.token": _secret,
    "auth.token_file": _path,
    "auth.token_url": _plain_url,
    "auth.store": _one_of(TOKEN_STORES),
    "auth.keyring_service": _text,
}
STORE_KEYS: dict[str, Check] = {
    "storage.direct": _one_of(DIRECT_ROADS),
    "storage.endpoint": _store_url,
    "storage.access_key_id": _secret,
    "storage.secret_access_key": _secret,
    "storage.region": _text,
    "storage.addressing_style": _one_of(("auto", "path", "virtual")),
    "storage.azure_account_name": _text,
    "storage.azure_account_key": _secret,
    "storage.azure_tenant_id": _text,
    "storage.azure_client_id": _text,
    "storage.azure_client_secret": _secret,
    "storage.local": _folders,
    "storage.hosts": _hosts,
    "storage.buckets": _buckets,
}
TLS_KEYS: dict[str, Check] = {"tls.ca_file": _path, "tls.verify": _flag}
DOMINO_KEYS: dict[str, Check] = {
    "domino.url": _url,
    "domino.project": _text,
    "domino.token": _secret,
    "domino.token_file": _path,
}
SERVER_KEYS: dict[str, Check] = {
    "endpoint": _url,
    "project": _text,
    "domain": _text,
    "timeout": _seconds,
    "headers": _headers,
    "proxy": _proxy,
    **AUTH_KEYS,
    **TLS_KEYS,
    **STORE_KEYS,
    **DOMINO_KEYS,
}
"""What a context may have."""

KEYS: dict[str, Check] = {
    **SERVER_KEYS,
    "local": _flag,
    "home": _path,
    "cache": _path,
    "mouse": _flag,
    "ascii": _flag,
    "read_only": _flag,
    "color": _flag,
    "images": _images,
    "max_parallelism": _count,
    "context": _text,
    "keys": _texts,
    "contexts": _table,
    "storage.cache_megabytes": _megabytes,
}

SECRETS = frozenset(
    {
        "auth.client_secret",
        "auth.token",
        "domino.token",
        "storage.secret_access_key",
        "storage.azure_account_key",
        "storage.azure_client_secret",
    }
)
"""What flowtui's file must not have: files that are read by others, backed up and put under version control."""

OF_ONE_SERVER = frozenset({"headers", *AUTH_KEYS, *TLS_KEYS, *STORE_KEYS})
"""What is meant for the server that it stands beside and goes to no other."""

REMEDY = {
    "endpoint": "an endpoint is a base URL such as https://flyte.example.com or https://example.com/flows.",
    "timeout": "a timeout is in seconds, such as 30.",
    "headers": 'headers are a table such as {X-Team = "biostat"}.',
    "keys": 'keys are a table such as {refresh = "f5"}.',
    "contexts": "contexts are tables such as [contexts.prod] with an endpoint.",
    "max_parallelism": "it is how many nodes run at the same time, such as 4.",
    "proxy": "it is the URL of an HTTP proxy, such as http://proxy.example.com:3128.",
    "auth.mode": f"it is one of {', '.join(AUTH_MODES)}.",
    "auth.store": f"it is one of {', '.join(TOKEN_STORES)}.",
    "storage.direct": f"it is one of {', '.join(DIRECT_ROADS)}.",
    "storage.endpoint": "it is the base URL of an S3-compatible store, such as http://localhost:30002.",
    "storage.addressing_style": "it is auto, path or virtual.",
    "storage.cache_megabytes": "it is how much of remote files is kept on disk, such as 256; 0 for nothing.",
    "storage.local": 'it is a list of folders such as ["/mnt/data"].',
    "storage.hosts": 'it is a list of hosts such as ["files.example.com", "*.lab.example.com", "10.1.0.0/16"].',
    "storage.buckets": 'it is a list of buckets such as ["s3://study-data"].',
    "domino.url": "it is the address of Domino, such as https://domino.example.com.",
    "auth.scopes": 'scopes are a list such as ["all", "offline"].',
    "auth.token_url": "it is a URL that answers with a token, such as http://localhost:8899/access-token.",
    "auth.client_secret_env": "it is the name of a variable, such as FLYTE_SECRET.",
    **dict.fromkeys(
        ("auth.command", "auth.proxy_command", "auth.header_command"),
        'a command is a list such as ["print-token", "--for", "flyte"].',
    ),
    **dict.fromkeys(
        (
            "project", "domain", "context", "home", "cache", "tls.ca_file", "auth.client_id", "auth.client_secret",
            "auth.client_secret_file", "auth.audience", "auth.token", "auth.token_file", "auth.keyring_service",
            "storage.access_key_id", "storage.secret_access_key", "storage.region", "storage.azure_account_name",
            "storage.azure_account_key", "storage.azure_tenant_id", "storage.azure_client_id",
            "storage.azure_client_secret", "domino.project", "domino.token", "domino.token_file",
        ),
        "it is a text in quotes.",
    ),
    "images": "it is how pictures are drawn, such as half.",
    **dict.fromkeys(("local", "mouse", "ascii", "read_only", "color", "tls.verify"), "it is true or false."),
}  # fmt: skip
"""How a value of each key looks, to end a hint."""
