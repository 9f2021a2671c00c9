"""Flyte's own configuration: flytectl's YAML, flytekit's ini, and ``FLYTE_PLATFORM_*``, ``FLYTE_CREDENTIALS_*``,
``FLYTE_AWS_*`` and ``FLYTE_AZURE_*``.

Where files lie, how keys are called and that a variable beats the file is as in flytekit 1.16
(flytekit/configuration/file.py and internal.py) and flyteidl (clients/go/admin/config.go).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowtui.config.files import file_text
from flowtui.config.layers import Layer
from flowtui.config.places import expanded
from flowtui.errors import ConfigError
from flowtui.urls import base_url

_OTHER_FILE = "Name another file, or unset the variable."

_OPTIONS = {
    # setting: (section and option of the ini file, key of the YAML)
    "url": ("platform.url", "admin.endpoint"),
    "insecure": ("platform.insecure", "admin.insecure"),
    "console": ("platform.console_endpoint", "console.endpoint"),
    "skip_verify": ("platform.insecure_skip_verify", "admin.insecureSkipVerify"),
    "tls.ca_file": ("platform.ca_cert_file_path", "admin.caCertFilePath"),
    "proxy": ("platform.http_proxy_url", "admin.httpProxyURL"),
    "auth.mode": ("credentials.auth_mode", "admin.authType"),
    "auth.client_id": ("credentials.client_id", "admin.clientId"),
    "auth.client_secret": ("credentials.client_secret", ""),
    "auth.client_secret_file": ("credentials.client_secret_location", "admin.clientSecretLocation"),
    "auth.client_secret_env": ("credentials.client_secret_env_var", "admin.clientSecretEnvVar"),
    "auth.scopes": ("credentials.scopes", "admin.scopes"),
    "auth.audience": ("credentials.audience", "admin.audience"),
    "auth.command": ("credentials.command", "admin.command"),
    "auth.proxy_command": ("credentials.proxy_command", "admin.proxyCommand"),
    "storage.endpoint": ("aws.endpoint", "storage.connection.endpoint"),
    "storage.access_key_id": ("aws.access_key_id", "storage.connection.access-key"),
    "storage.secret_access_key": ("aws.secret_access_key", "storage.connection.secret-key"),
    "storage.addressing_style": ("aws.addressing_style", "storage.connection.addressing-style"),
    "storage.region": ("", "storage.connection.region"),
    "storage.azure_account_name": ("azure.storage_account_name", ""),
    "storage.azure_account_key": ("azure.storage_account_key", ""),
    "storage.azure_tenant_id": ("azure.tenant_id", ""),
    "storage.azure_client_id": ("azure.client_id", ""),
    "storage.azure_client_secret": ("azure.client_secret", ""),
}
_LISTS = ("auth.scopes", "auth.command", "auth.proxy_command")
_AUTH_TYPES = {
    "pkce": "pkce",
    "standard": "pkce",
    "deviceflow": "device",
    "clientsecret": "client_secret",
    "client_credentials": "client_secret",
    "basic": "client_secret",
    "externalcommand": "command",
    "external_process": "command",
}
"""``authType`` and flytekit's ``auth_mode`` in lower case, as a mode of ``AuthSettings``."""

_OF_ANY_FOLDER = ("url", "insecure", "console", "auth.client_id", "auth.scopes", "auth.audience")
"""What the working folder's file may say: nothing that runs a program, reads a secret or weakens TLS."""


@dataclass(frozen=True)
class _Found:
    """A value and the place that it stands at."""

    value: Any
    place: str


def flyte_layers(
    environ: Mapping[str, str], notice: Callable[[str], None] = lambda _: None
) -> tuple[list[Layer], Path | None]:
    """What Flyte's variables and its file say, the strongest first, and the file that was read.

    Args:
        notice: is told what of the file says nothing to Flyte though it looks as if it did.

    Raises:
        ConfigError: the file was named and is not there, or cannot be read; or a value of it is off.
    """
    by_environ = {
        key: _Found(_from_text(key, environ[name]), name)
        for key, (option, _) in _OPTIONS.items()
        if option and environ.get(name := f"FLYTE_{option.replace('.', '_').upper()}")
    }
    for file, must_exist, trusted in _files(environ):
        by_file = _values(file, must_exist, notice)
        if by_file is None:
            continue
        if trusted:
            return _layer(environ, by_file | by_environ, by_environ), file
        safe = {key: found for key, found in by_file.items() if key in _OF_ANY_FOLDER}
        insecure = {key: found for key, found in by_environ.items() if key == "insecure"}
        return _layer(environ, by_environ, by_environ) + _layer(environ, safe | insecure, {}, trusted=False), file
    return _layer(environ, by_environ, by_environ), None


def _files(environ: Mapping[str, str]) -> Iterator[tuple[Path, bool, bool]]:
    """The places of Flyte's file in flytekit's order; whether it must be there, and whether the person put it there."""
    named = environ.get("_FLYTECTL_CONFIG_PYFLYTE_OVERRIDE", environ.get("FLYTECTL_CONFIG"))
    if named:
        yield expanded(named).absolute(), True, True
        return
    folder = Path(environ.get("HOME") or Path.home()) / ".flyte"
    yield Path("flytekit.config").absolute(), False, False
    yield folder / "config", False, True
    yield folder / "config.yaml", False, True
    yield folder / "config-sandbox.yaml", False, True


def _values(file: Path, must_exist: bool, notice: Callable[[str], None]) -> dict[str, _Found] | None:
    if file.is_dir() and not must_exist:
        return None
    text = file_text(file, must_exist=must_exist, remedy=_OTHER_FILE)
    if text is None:
        return None
    return _yaml_values(file, text, notice) if file.suffix in (".yaml", ".yml") else _ini_values(file, text)


def _yaml_values(file: Path, text: str, notice: Callable[[str], None]) -> dict[str, _Found]:
    import yaml

    try:
        values = yaml.safe_load(text)
    # A tag on a text that does not fit it raises whatever its conversion does.
    except (yaml.YAMLError, ValueError, RecursionError, LookupError, AttributeError, TypeError) as error:
        # The reason may repeat a value, which may be a secret: the place is enough.
        mark = getattr(error, "problem_mark", None)
        where = f", see line {mark.line + 1}" if mark is not None else ""
        raise ConfigError(f"{file} is not YAML{where}.", "Correct it, or give --endpoint.") from None
    for why in _misplaced(values):
        notice(f"{file}: {why}")
    found = {}
    for key, (_, path) in _OPTIONS.items():
        value = values
        for step in path.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
        if value is not None and value != "" and value != []:
            found[key] = _Found(_from_text(key, value), f"{file}: {path}")
    return found


def _misplaced(values: Any) -> Iterator[str]:
    """What is not read of a YAML, since it stands where flytectl doesn't look; the values are not told."""
    if values is None:
        return
    if not isinstance(values, Mapping):
        yield "it has no sections, such as `admin:`"
        return
    for section in dict.fromkeys(path.partition(".")[0] for _, path in _OPTIONS.values() if path):
        if values.get(section) is not None and not isinstance(values[section], Mapping):
            yield f"{section}: it is no section with keys below it"
    connection = values["storage"].get("connection") if isinstance(values.get("storage"), Mapping) else None
    if connection is not None and not isinstance(connection, Mapping):
        yield "storage.connection: it is no section with keys below it"
    keys = {path.rpartition(".")[2] for _, path in _OPTIONS.values() if path.startswith("admin.")}
    for key in sorted(keys & {one for one in values if isinstance(one, str)}):
        yield f"{key}: it stands alone, and is read below `admin:`"


def _ini_values(file: Path, text: str) -> dict[str, _Found]:
    import configparser

    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error as error:
        line = getattr(error, "lineno", None) or next(iter(getattr(error, "errors", ())), (None,))[0]
        where = f", see line {line}" if line else ""
        raise ConfigError(f"{file} is not an ini file{where}.", "Correct it, or give --endpoint.") from None
    except (AttributeError, TypeError):
        # configparser's own stumble over a continued line that continues nothing.
        raise ConfigError(f"{file} is not an ini file.", "Correct it, or give --endpoint.") from None
    found = {}
    for key, (path, _) in _OPTIONS.items():
        section, _, option = path.partition(".")
        value = parser.get(section, option, fallback=None)
        if value:
            found[key] = _Found(_from_text(key, value), f"{file}: [{section}] {option}")
    return found


def _from_text(key: str, value: Any) -> Any:
    """A value as flytekit reads it: lists are parted by commas, and what is not plainly false is true."""
    if isinstance(value, str):
        if key in _LISTS:
            return [word.strip() for word in value.split(",")]
        if key in ("insecure", "skip_verify"):
            return value.strip().lower() not in ("false", "0", "off", "no", "")
    return value


def _layer(
    environ: Mapping[str, str], found: dict[str, _Found], first: dict[str, _Found], *, trusted: bool = True
) -> list[Layer]:
    """What was found as a layer, or none; ``first`` is what of it names the server before the rest does."""
    values = {
        key: _auth_mode(one) if key == "auth.mode" else one.value
        for key, one in found.items()
        if key not in ("url", "insecure", "console", "skip_verify")
    }
    places = {key: one.place for key, one in found.items()}
    if "skip_verify" in found and found["skip_verify"].value is True:
        values["tls.verify"] = False
        places["tls.verify"] = places["skip_verify"]
    # As in flytekit: where a secret is at hand, it is used.
    for key in ("auth.client_secret_file", "auth.client_secret_env"):
        if key in values and (key != "auth.client_secret_env" or environ.get(str(values[key]))):
            values["auth.mode"] = "client_secret"
            places["auth.mode"] = places[key]
    insecure = "insecure" in found and found["insecure"].value is True
    named_first = _endpoint(first, insecure)
    named = named_first or _endpoint(found, insecure)
    if named is not None:
        values["endpoint"], places["endpoint"] = named.value, named.place
        # pyflyte keeps tokens under its gRPC endpoint, which has to be named in the same place as the server.
        grpc = (first if named_first is not None else found).get("url")
        if grpc is not None and trusted:
            values["auth.keyring_service"] = str(grpc.value).replace("dns:///", "")
            places["auth.keyring_service"] = grpc.place
    if not values:
        return []
    return [Layer(lambda key: places.get(key, key), values, trusted=trusted, one_server=True)]


def _endpoint(found: dict[str, _Found], insecure: bool) -> _Found | None:
    """The console's URL, which is where HTTP is answered, else the host of ``admin.endpoint``."""
    for key in ("console", "url"):
        if key not in found:
            continue
        one = found[key]
        try:
            if not isinstance(one.value, str):
                raise ValueError("it is not a text")
            return _Found(base_url(one.value, insecure=insecure if key == "url" else None), one.place)
        except ValueError as error:
            reason = "it is no URL of a server" if "@" in str(one.value) else error
            raise ConfigError(f"{one.place}: {reason}.", "Correct it, or give --endpoint.") from None
    return None


def _auth_mode(found: _Found) -> str:
    mode = _AUTH_TYPES.get(str(found.value).strip().lower())
    if mode is None:
        raise ConfigError(
            f"{found.place}: it is no authType of Flyte.",
            "There are Pkce, DeviceFlow, ClientSecret and ExternalCommand.",
        )
    return mode
