"""What Domino puts into the environment of its runs and workspaces, for servers that are Domino's.

As python-domino reads it: ``DOMINO_API_PROXY``, ``DOMINO_TOKEN_FILE`` and ``DOMINO_USER_API_KEY``; and the URL
``http://localhost:8899/access-token``, which answers in a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from flowtui.config.access import DominoSettings
from flowtui.config.checks import KEYS
from flowtui.config.layers import Reader, is_meant_for, same_server
from flowtui.errors import ConfigError

TOKEN_URL = "http://localhost:8899/access-token"  # noqa: S105
"""Answers with a token of the person whose run or workspace this is."""

_HOSTS = ("DOMINO_API_PROXY", "DOMINO_API_HOST", "DOMINO_USER_HOST")
"""In the order in which they are asked for Domino's address."""


@dataclass(frozen=True, repr=False)
class DominoLogin:
    """What the environment has to log in to Domino with.

    Attributes:
        places: field to the variable that it came from.
    """

    token_file: Path | None
    token_url: str
    api_key: str
    places: Mapping[str, str]


def domino_login(
    mode: str, endpoint: str, environ: Mapping[str, str], *, is_said_of_the_server: bool = True
) -> DominoLogin | None:
    """Domino's login for a server, None where nobody has said that the server is Domino's.

    It is Domino's where ``auth.mode`` says ``domino`` of it, or where the environment names its host as Domino's and no
    other mode is set. A Flyte elsewhere never gets to see Domino's key, even from inside a Domino run.

    Args:
        mode: ``auth.mode``; empty to find out.
        endpoint: base URL of the server.
        is_said_of_the_server: the mode is set where the endpoint is, or more strongly: not by a file or variable in
            general, while a flag names the server.
    """
    is_named = mode in ("", "domino") and any(is_meant_for(host, endpoint) for host in _hosts(environ))
    if not is_named and not (mode == "domino" and is_said_of_the_server):
        return None
    places: dict[str, str] = {}
    file, key = environ.get("DOMINO_TOKEN_FILE", ""), environ.get("DOMINO_USER_API_KEY", "").strip()
    proxy = environ.get("DOMINO_API_PROXY", "")
    url = ""
    if file:
        places["token_file"] = "DOMINO_TOKEN_FILE"  # noqa: S105
    if key and key.isascii() and key.isprintable():
        places["api_key"] = "DOMINO_USER_API_KEY"
    else:
        key = ""
    if proxy and same_server(proxy, endpoint):
        # Domino's proxy on this machine adds the login by itself.
        return DominoLogin(Path(file) if file else None, "", key, places)
    if proxy:
        url = _token_url(proxy)
        places["token_url"] = "DOMINO_API_PROXY"  # noqa: S105
    elif not places and mode == "domino":
        url = TOKEN_URL
        places["token_url"] = "auth.mode domino"  # noqa: S105
    return DominoLogin(Path(file) if file else None, url, key, places)


def domino_settings(reader: Reader, environ: Mapping[str, str]) -> DominoSettings:
    """The section ``domino`` of the settings; what it leaves open is that of the environment of a Domino run.

    Domino's own login of the environment goes to the host that the environment names as Domino's; where it names none,
    to the ``domino.url`` of the person. A token that stands beside another ``domino.url`` than the chosen one is left
    out.

    Raises:
        ConfigError: a value is off.
    """
    url = reader.get("domino.url", "") or _url_of(environ, reader)
    if not url:
        return DominoSettings()
    layers = []
    for layer in reader.layers:
        beside = layer.values.get("domino.url")
        if not beside or is_meant_for(str(beside), url):
            layers.append(layer)
            continue
        for key in ("domino.token", "domino.token_file", "domino.project"):
            if layer.values.get(key):
                reader.left_out.setdefault(key, layer.name(key))
    token = reader.get("domino.token", "", layers)
    token_file = reader.get("domino.token_file", None, layers)
    hosts = _hosts(environ)
    is_of_environment = not hosts or any(is_meant_for(host, url) for host in hosts)
    project = reader.get("domino.project", "", layers)
    if not project and is_of_environment and environ.get("DOMINO_PROJECT_NAME"):
        owner = environ.get("DOMINO_PROJECT_OWNER", "")
        project = f"{owner}/{environ['DOMINO_PROJECT_NAME']}".lstrip("/")
        reader.sources["domino.project"] = "DOMINO_PROJECT_NAME"
    places = {name: reader.sources.get(f"domino.{name}", "") for name in ("token", "token_file")}
    proxy = environ.get("DOMINO_API_PROXY", "")
    if proxy and same_server(proxy, url):
        return DominoSettings(url, project)
    if token:
        return DominoSettings(url, project, token=token, places=places)
    if token_file is not None:
        return DominoSettings(url, project, token_file=token_file, places=places)
    login = domino_login("domino", url, environ) if is_of_environment else None
    if login is None:
        return DominoSettings(url, project)
    for name, place in login.places.items():
        reader.sources[f"domino.{name}"] = place
    if login.token_file is not None:
        return DominoSettings(url, project, token_file=login.token_file, places=login.places)
    if login.api_key:
        return DominoSettings(url, project, api_key=login.api_key, places=login.places)
    places = {**login.places}
    if places.get("token_url") == "auth.mode domino":
        places["token_url"] = reader.sources["domino.token_url"] = "default"  # noqa: S105
    return DominoSettings(url, project, token_url=login.token_url, places=places)


def _hosts(environ: Mapping[str, str]) -> list[str]:
    return [environ[name] for name in _HOSTS if environ.get(name)]


def _url_of(environ: Mapping[str, str], reader: Reader) -> str:
    """Domino's address of the environment, empty where it names none."""
    for name in _HOSTS:
        if environ.get(name):
            try:
                url: str = KEYS["domino.url"](environ[name], None)
            except ValueError as error:
                raise ConfigError(f"{name}: {error}.", "Correct it, or set FLOWTUI_DOMINO_URL.") from None
            reader.sources["domino.url"] = name
            return url
    return ""


def _token_url(proxy: str) -> str:
    address = proxy if "://" in proxy else f"http://{proxy}"
    return f"{address.rstrip('/')}/access-token" if urlsplit(address).hostname else ""
