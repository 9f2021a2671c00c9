"""Flyte's own configuration: its files in flytekit's order, its variables, every key of ``admin:``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from flowtui.config import AuthSettings, TransportSettings, load_settings
from flowtui.errors import ConfigError
from tests.config.conftest import write, write_flyte

YAML = """
admin:
  endpoint: dns:///flyte.example.com
  insecure: false
  insecureSkipVerify: true
  caCertFilePath: /ca.pem
  authType: DeviceFlow
  clientId: theirs
  scopes: [all, offline]
  audience: flyte
  command: [print-token, "--for", "flyte admin"]
  proxyCommand: [proxy-token]
  httpProxyURL: http://proxy.example.com:3128
console:
  endpoint: https://flyte.example.com/flows/console
storage: {connection: {secret-key: hush}}
"""
INI = """
[platform]
url = dns:///flyte.example.com
insecure = True
insecure_skip_verify = yes
console_endpoint =
ca_cert_file_path = /ca.pem
http_proxy_url = http://proxy.example.com:3128
[credentials]
auth_mode = DeviceFlow
client_id = theirs
scopes = all,offline
audience = flyte
command = print-token,--for,flyte admin
proxy_command = proxy-token
"""
AUTH = AuthSettings(
    mode="device",
    client_id="theirs",
    scopes=("all", "offline"),
    audience="flyte",
    command=("print-token", "--for", "flyte admin"),
    proxy_command=("proxy-token",),
    keyring_service="flyte.example.com",
)
TRANSPORT = TransportSettings(verify=False, ca_file=Path("/ca.pem"), proxy="http://proxy.example.com:3128")


def test_every_key_of_the_yaml(environ: dict[str, str]) -> None:
    path = write_flyte(environ, YAML)
    settings = load_settings({}, environ)
    assert settings.endpoint == "https://flyte.example.com/flows"
    assert (settings.auth, settings.transport) == (AUTH, TRANSPORT)
    assert settings.sources["tls.verify"] == f"{path}: admin.insecureSkipVerify"
    assert settings.files[-1] == path


def test_every_option_of_the_ini(environ: dict[str, str]) -> None:
    path = write_flyte(environ, INI, "config")
    settings = load_settings({}, environ)
    assert settings.endpoint == "http://flyte.example.com"
    assert (settings.auth, settings.transport) == (AUTH, TRANSPORT)
    assert settings.sources["auth.client_id"] == f"{path}: [credentials] client_id"


def test_flytekit_reads_the_same(environ: dict[str, str]) -> None:
    """flytekit itself, in a process of its own, over the same two files."""
    pytest.importorskip("flytekit")
    code = (
        "import sys; from flytekit.configuration import PlatformConfig as P\n"
        "for file in sys.argv[1:]:\n"
        "    p = P.auto(file); print((p.insecure_skip_verify, p.ca_cert_file_path, p.command, p.proxy_command,"
        " p.client_id, p.scopes, p.auth_mode, p.audience, p.http_proxy_url))"
    )
    files = [str(write_flyte(environ, YAML)), str(write_flyte(environ, INI, "config"))]
    done = subprocess.run([sys.executable, "-c", code, *files], capture_output=True, text=True, check=True, env=environ)
    theirs = (
        TRANSPORT.verify is False,
        str(TRANSPORT.ca_file),
        list(AUTH.command),
        list(AUTH.proxy_command),
        AUTH.client_id,
        list(AUTH.scopes),
        "DeviceFlow",
        AUTH.audience,
        TRANSPORT.proxy,
    )
    assert done.stdout.splitlines() == [str(theirs)] * 2


def test_the_order_of_the_files(environ: dict[str, str], tmp_path: Path) -> None:
    def chosen() -> str | None:
        return load_settings({}, environ).endpoint

    write_flyte(environ, "admin: {endpoint: 'localhost:30080', insecure: true}", "config-sandbox.yaml")
    assert chosen() == "http://localhost:30080"
    write_flyte(environ, "admin: {endpoint: yaml.example.com}")
    assert chosen() == "https://yaml.example.com"
    write_flyte(environ, "[platform]\nurl = ini.example.com", "config")
    assert chosen() == "https://ini.example.com"
    Path("flytekit.config").write_text("[platform]\nurl = here.example.com")
    assert chosen() == "https://here.example.com"
    named = tmp_path / "named.yaml"
    named.write_text("admin: {endpoint: named.example.com}")
    environ["FLYTECTL_CONFIG"] = str(named)
    assert chosen() == "https://named.example.com"
    override = tmp_path / "override.ini"
    override.write_text("[platform]\nurl = override.example.com")
    environ["_FLYTECTL_CONFIG_PYFLYTE_OVERRIDE"] = str(override)
    assert chosen() == "https://override.example.com"
    environ["FLYTE_PLATFORM_URL"] = "variable.example.com"
    assert chosen() == "https://variable.example.com"
    environ["FLYTE_PLATFORM_CONSOLE_ENDPOINT"] = "https://console.example.com/console"
    assert chosen() == "https://console.example.com"
    write(environ, "endpoint = 'https://own.example.com'")
    assert chosen() == "https://own.example.com"


def test_a_variable_beats_the_file(environ: dict[str, str]) -> None:
    write_flyte(environ, YAML)
    environ |= {
        "FLYTE_PLATFORM_INSECURE_SKIP_VERIFY": "False",
        "FLYTE_PLATFORM_CA_CERT_FILE_PATH": "/other.pem",
        "FLYTE_PLATFORM_HTTP_PROXY_URL": "http://other:1",
        "FLYTE_CREDENTIALS_AUTH_MODE": "standard",
        "FLYTE_CREDENTIALS_CLIENT_ID": "mine",
        "FLYTE_CREDENTIALS_SCOPES": "one,two",
        "FLYTE_CREDENTIALS_AUDIENCE": "mine",
        "FLYTE_CREDENTIALS_COMMAND": "mine,arg",
        "FLYTE_CREDENTIALS_PROXY_COMMAND": "my-proxy",
        "FLYTE_CREDENTIALS_CLIENT_SECRET": "hush",
    }
    settings = load_settings({}, environ)
    assert settings.auth == AuthSettings(
        mode="pkce",
        client_id="mine",
        client_secret="hush",
        scopes=("one", "two"),
        audience="mine",
        command=("mine", "arg"),
        proxy_command=("my-proxy",),
        keyring_service="flyte.example.com",
    )
    assert settings.transport == TransportSettings(verify=True, ca_file=Path("/other.pem"), proxy="http://other:1")
    assert "hush" not in repr(settings) + repr(settings.sources)


def test_pyflytes_slots_are_those_of_the_place_that_names_the_server(environ: dict[str, str]) -> None:
    write_flyte(
        environ, "admin: {endpoint: 'dns:///grpc.example.com:443'}\nconsole: {endpoint: 'https://flyte.example.com'}"
    )
    settings = load_settings({}, environ)
    assert settings.endpoint == "https://flyte.example.com"
    assert settings.auth.keyring_service == "grpc.example.com:443"
    # Another server does not get what the file's one was given.
    environ["FLYTE_PLATFORM_CONSOLE_ENDPOINT"] = "https://elsewhere.example.com"
    assert load_settings({}, environ).auth.keyring_service == ""
    assert load_settings({"endpoint": "https://elsewhere.example.com"}, environ).auth.keyring_service == ""


@pytest.mark.parametrize(
    ("mode", "known"),
    [
        ("Pkce", "pkce"),
        ("standard", "pkce"),
        ("DeviceFlow", "device"),
        ("ClientSecret", "client_secret"),
        ("client_credentials", "client_secret"),
        ("basic", "client_secret"),
        ("ExternalCommand", "command"),
        ("external_process", "command"),
    ],
)
def test_every_mode_of_flyte(environ: dict[str, str], mode: str, known: str) -> None:
    write_flyte(environ, f"admin: {{endpoint: host, authType: {mode}}}")
    assert load_settings({}, environ).auth.mode == known


def test_a_secret_at_hand_is_used_as_flytekit_does(environ: dict[str, str]) -> None:
    write_flyte(environ, "admin: {endpoint: host, authType: Pkce, clientSecretLocation: /secret}")
    auth = load_settings({}, environ).auth
    assert (auth.mode, auth.client_secret_file) == ("client_secret", Path("/secret"))
    write_flyte(environ, "admin: {endpoint: host, authType: Pkce, clientSecretEnvVar: MINE}")
    assert load_settings({}, environ).auth.mode == "pkce"
    auth = load_settings({}, environ | {"MINE": "hush"}).auth
    assert (auth.mode, auth.client_secret_env) == ("client_secret", "MINE")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("admin: {endpoint: host, authType: Magic}", "admin.authType: it is no authType"),
        ("admin: {endpoint: host, scopes: [1]}", "admin.scopes: it is not a list"),
        ("admin: {endpoint: host, clientId: [1]}", "admin.clientId: it is not a text"),
        ("admin: {endpoint: 'https://me:hush@host'}", "admin.endpoint: it is no URL"),
        ("admin:\n  clientId: *hush", "is not YAML, see line 2."),
        ("admin:\n  clientId: !!timestamp hush", "is not YAML"),
    ],
)
def test_an_error_names_file_and_key_and_no_value(environ: dict[str, str], text: str, said: str) -> None:
    path = write_flyte(environ, text)
    with pytest.raises(ConfigError) as raised:
        load_settings({}, environ)
    assert str(path) in raised.value.message
    assert said in raised.value.message
    assert "hush" not in str(raised.value)
    assert "hush" not in str(raised.value.__cause__)


def test_a_bad_file_is_noted_where_it_is_not_needed(environ: dict[str, str]) -> None:
    path = write_flyte(environ, "admin: [")
    settings = load_settings({"endpoint": "https://host"}, environ)
    assert str(path) in settings.left_out["flyte"]


def test_the_file_of_the_working_folder_gives_an_address_and_nothing_that_harms(environ: dict[str, str]) -> None:
    """It may lie in a folder that somebody else made: it runs nothing, reads no secret, and gets none."""
    Path("flytekit.config").write_text(
        INI.replace("[credentials]", "[credentials]\nclient_secret_location=/etc/shadow")
    )
    environ |= {
        "FLOWTUI_TOKEN": "hush",
        "FLOWTUI_AUTH_COMMAND": "mine",
        "FLYTE_CREDENTIALS_CLIENT_SECRET": "hush",
        "FLYTE_CREDENTIALS_COMMAND": "mine",
        "DOMINO_USER_API_KEY": "hush",
    }
    settings = load_settings({}, environ)
    assert settings.endpoint == "http://flyte.example.com"
    assert settings.auth == AuthSettings(client_id="theirs", scopes=("all", "offline"), audience="flyte")
    assert settings.transport == TransportSettings()
    assert not settings.headers
    assert {"auth.token", "auth.client_secret", "auth.command"} <= set(settings.left_out)
    assert load_settings({"auth_mode": "device"}, environ).auth.mode == "device"
    named = load_settings({}, environ | {"FLYTECTL_CONFIG": "flytekit.config"})
    assert (named.auth.token, named.transport.verify) == ("hush", False)


def test_flytes_configuration_is_a_context_of_its_own(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="names no server"):
        load_settings({"context": "flyte"}, environ)
    path = write(environ, "endpoint = 'https://own.example.com'\nproject = 'p'\nauth = {client_id = 'own'}")
    write_flyte(environ, YAML)
    settings = load_settings({"context": "flyte"}, environ)
    assert (settings.endpoint, settings.context) == ("https://flyte.example.com/flows", "flyte")
    assert (settings.project, settings.auth) == ("p", AUTH)
    write(environ, Path(path).read_text() + "\n[contexts.flyte]\nendpoint = 'https://named.example.com'")
    assert load_settings({"context": "flyte"}, environ).endpoint == "https://named.example.com"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("admin: dns:///hush.example.com", "admin: it is no section"),
        ("admin: [hush]", "admin: it is no section"),
        ("endpoint: dns:///hush.example.com\nadmin: {insecure: false}", "endpoint: it stands alone"),
        ("storage: {connection: hush}", "storage.connection: it is no section"),
        ("- hush", "it has no sections"),
    ],
)
def test_what_stands_where_flyte_does_not_look_is_noted(environ: dict[str, str], text: str, said: str) -> None:
    path = write_flyte(environ, text)
    settings = load_settings({}, environ)
    assert settings.endpoint is None
    assert settings.left_out["flyte"].startswith(f"{path}: {said}")
    assert "hush" not in settings.left_out["flyte"]


@pytest.mark.parametrize("text", ["", "admin:\n", YAML, "logger: {show-source: true}\n"])
def test_a_file_that_is_read_as_it_is_meant_has_no_notice(environ: dict[str, str], text: str) -> None:
    write_flyte(environ, text)
    assert "flyte" not in load_settings({}, environ).left_out
