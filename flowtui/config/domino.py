"""What Domino puts into the environment of its runs and workspaces, for servers that are Domino's.

As python-domino reads it: ``DOMINO_API_PROXY``, ``DOMINO_TOKEN_FILE`` and ``DOMINO_USER_API_KEY``; and the URL
``http://localhost:8899/access-token``, which answers in a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from flowtui.config.layers import is_meant_for, same_server

TOKEN_URL = "http://localhost:8899/access-token"  # noqa: S105
"""Answers with a token of the person whose run or workspace this is."""

_HOSTS = ("DOMINO_API_HOST", "DOMINO_USER_HOST", "DOMINO_API_PROXY")


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
    hosts = [environ[name] for name in _HOSTS if environ.get(name)]
    is_named = mode in ("", "domino") and any(is_meant_for(host, endpoint) for host in hosts)
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


def _token_url(proxy: str) -> str:
    address = proxy if "://" in proxy else f"http://{proxy}"
    return f"{address.rstrip('/')}/access-token" if urlsplit(address).hostname else ""
