"""URLs that people write or paste: the base URL of an Admin, a run in Flyte's console, ``flyte://`` references."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_CONSOLE = re.compile(
    r"^(?P<base>.*?)/(?:console/)?projects/(?P<project>[^/]+)(?:/domains/(?P<domain>[^/]+))?"
    r"(?:/executions/(?P<name>[^/]+)(?:/nodeId/(?P<node>[^/]+)|/nodes/(?P<node_too>[^/]+))?)?"
)


@dataclass(frozen=True)
class Target:
    """What a text names: a run and perhaps its server; empty where the text does not say.

    Attributes:
        endpoint: base URL of the server, for a URL of the console.
        name: name of the execution; empty for the URL of a project.
        node: id of a node execution.
    """

    name: str = ""
    project: str = ""
    domain: str = ""
    endpoint: str = ""
    node: str = ""


def base_url(text: str, *, insecure: bool | None = None) -> str:
    """The base URL of an Admin from what people write: with or without scheme, of the console, of the API.

    Args:
        text: ``https://host/flows``, ``host:8088``, ``dns:///host``, ``https://host/flows/console/projects/...``.
        insecure: what ``admin.insecure`` of Flyte's file says about a text without scheme.

    Returns:
        Scheme, host and path prefix without a trailing slash.

    Raises:
        ValueError: it is no URL of a server; the text says why.
    """
    address = text.strip()
    for prefix in ("dns:///", "dns://"):
        address = address.removeprefix(prefix)
    has_scheme = "://" in address
    parts = urlsplit(address if has_scheme else f"//{address}")
    if has_scheme and parts.scheme not in ("http", "https"):
        raise ValueError(f"{parts.scheme}:// is not a scheme of a server")
    if parts.username is not None:
        raise ValueError("a user name or password does not belong into the URL")
    if not parts.hostname or any(char.isspace() or not char.isprintable() for char in address):
        raise ValueError("it names no host")
    try:
        _ = parts.port
    except ValueError:
        # urllib's own text repeats what stands there, which may be a password in the wrong place.
        raise ValueError("its port is none") from None
    scheme = parts.scheme
    if not scheme:
        scheme = "http" if insecure or (insecure is None and is_loopback(parts.hostname)) else "https"
    path = parts.path
    for tail in ("/console", "/api/v1"):
        if path.endswith(tail) or f"{tail}/" in path:
            path = path[: path.index(f"{tail}/") if f"{tail}/" in path else -len(tail)]
    return f"{scheme}://{parts.netloc}{path.rstrip('/')}"


def is_loopback(host: str) -> bool:
    """Whether a host name is that of this machine."""
    return host in _LOOPBACK


def parse_target(text: str) -> Target:
    """What ``NAME``, ``PROJECT/DOMAIN/NAME``, a URL of the console or ``flyte://v1/PROJECT/DOMAIN/NAME/...`` names.

    Raises:
        ValueError: it is none of these.
    """
    given = text.strip()
    if given.startswith("flyte://"):
        parts = given.removeprefix("flyte://").split("/")
        if len(parts) < 4 or parts[0] != "v1" or not all(parts[1:4]):
            raise ValueError("a flyte:// reference is flyte://v1/PROJECT/DOMAIN/RUN[/NODE/...]")
        # Behind the run: `n0` is a node, `i` and `o` are the inputs and outputs of the run itself.
        node = parts[4] if len(parts) > 4 and parts[4] not in ("i", "o", "d") else ""
        return Target(parts[3], parts[1], parts[2], node=node)
    if given.startswith(("http://", "https://")):
        parts_ = urlsplit(given)
        match = _CONSOLE.match(parts_.path)
        if match is None:
            raise ValueError("the URL is none of a run or project in Flyte's console")
        found = {key: unquote(value or "") for key, value in match.groupdict().items()}
        return Target(
            found["name"],
            found["project"],
            found["domain"],
            base_url(f"{parts_.scheme}://{parts_.netloc}{match['base']}"),
            found["node"] or found["node_too"],
        )
    if not given:
        raise ValueError("it is empty")
    parts = given.split("/")
    if len(parts) == 3 and all(parts):
        return Target(parts[2], parts[0], parts[1])
    if len(parts) > 1:
        raise ValueError("a slash stands between project, domain and run only")
    return Target(given)
