"""Settings of one origin each, and the reader that looks them up, the strongest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flowtui.config.checks import KEYS, OF_ONE_SERVER, REMEDY
from flowtui.errors import ConfigError
from flowtui.urls import base_url, is_loopback


@dataclass(frozen=True, eq=False)
class Layer:
    """Values of one origin, by key (``auth.mode`` is ``mode`` of the table ``auth``).

    Attributes:
        name: tells a key's place in a message.
        folder: what relative paths are seen from; the working folder where None.
        trusted: False for a file that lies where anybody could have put it: the server that it names gets no
            credentials but those of flags.
        one_server: everything in it is meant for the server that it names, the proxy too.
    """

    name: Callable[[str], str]
    values: Mapping[str, Any]
    folder: Path | None = None
    trusted: bool = True
    one_server: bool = False


class Reader:
    """Looks settings up in layers, the strongest first, checks them and notes where each came from.

    Attributes:
        sources: setting to the place that it came from, or ``default``.
        left_out: setting to the place where it stands without being used, since it is meant for another server.
    """

    def __init__(self, layers: list[Layer]) -> None:
        self.layers = layers
        self.sources: dict[str, str] = {}
        self.left_out: dict[str, str] = {}
        self._endpoint: tuple[Layer, str] | None = None
        self._places: dict[str, int] = {}

    def get(self, key: str, default: Any, layers: list[Layer] | None = None) -> Any:
        """The value of the strongest layer that has one.

        Raises:
            ConfigError: it is off; the message names the place, the hint the remedy.
        """
        for layer in self.layers if layers is None else layers:
            value = layer.values.get(key)
            if value is None or value == "":
                continue
            name = layer.name(key)
            if not self._is_for_the_server(layer, key):
                self.left_out.setdefault(key, name)
                continue
            try:
                checked = KEYS[key](value, layer.folder)
            except ValueError as error:
                shown = f" ({str(value)[:200]!r})" if key in ("timeout", "max_parallelism") else ""
                raise ConfigError(f"{name}{shown}: {error}.", f"Correct it or take it out: {REMEDY[key]}") from None
            self.sources[key] = name
            self._places[key] = self.layers.index(layer)
            if key == "endpoint":
                self._endpoint = layer, checked
            return checked
        self.sources.setdefault(key, "default")
        return default

    def is_said_of_the_server(self, key: str) -> bool:
        """Whether a value comes from the layer that names the server, or from a stronger one."""
        return key in self._places and self._places[key] <= self._places.get("endpoint", -1)

    def _is_for_the_server(self, layer: Layer, key: str) -> bool:
        """Whether a value may be used with the endpoint that was read before.

        What stands beside an endpoint belongs to that server: a token, a header, or that certificates are not checked.
        Where a layer names no server, its values are for any that is chosen.
        """
        if self._endpoint is None or not (layer.one_server or key in OF_ONE_SERVER):
            return True
        chosen_by, endpoint = self._endpoint
        if layer is chosen_by:
            return True
        if not chosen_by.trusted:
            return layer is self.layers[0]
        own = layer.values.get("endpoint")
        return not own or is_meant_for(str(own), endpoint)


def is_meant_for(named: str, endpoint: str) -> bool:
    """Whether what is said of one address holds for an endpoint: the same server, and not http where it is https."""
    if not same_server(named, endpoint):
        return False
    is_private = endpoint.startswith("https://") or is_loopback(urlsplit(endpoint).hostname or "")
    return is_private or base_url(named).startswith("http://")


def same_server(one: str, other: str) -> bool:
    """Whether two addresses name the same host; on this machine, where each port is another server, the same port."""
    try:
        first, second = (urlsplit(base_url(text)) for text in (one, other))
    except ValueError:
        return False
    if is_loopback(first.hostname or ""):
        return is_loopback(second.hostname or "") and first.port == second.port
    return first.hostname == second.hostname
