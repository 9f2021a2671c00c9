"""Login, TLS and proxy: every key from every place, and nothing to a server that it is not meant for."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.config import AuthSettings, TransportSettings, load_settings
from flowtui.errors import ConfigError
from tests.config.conftest import write, write_flyte

WHOLE = """
endpoint = "https://flyte.example.com/flows"
proxy = "proxy.example.com:3128"
[auth]
mode = "client_secret"
client_id = "me"
client_secret_file = "secret"
client_secret_env = "FLYTE_SECRET"
scopes = ["all", "offline"]
audience = "flyte"
command = ["print-token", "--for", "flyte admin"]
proxy_command = "print-token --for 'the proxy'"
header_command = "headers"
token_file = "~/token"
token_url = "http://localhost:8899/access-token"
store = "file"
[tls]
ca_file = "ca.pem"
verify = false
"""


def test_every_key_of_the_own_file(environ: dict[str, str], tmp_path: Path) -> None:
    write(environ, WHOLE)
    settings = load_settings({}, environ)
    assert settings.auth == AuthSettings(
        mode="client_secret",
        client_id="me",
        client_secret_file=tmp_path / "secret",
        client_secret_env="FLYTE_SECRET",
        scopes=("all", "offline"),
        audience="flyte",
        command=("print-token", "--for", "flyte admin"),
        proxy_command=("print-token", "--for", "the proxy"),
        header_command=("headers",),
        token_file=Path("~/token").expanduser(),
        token_url="http://localhost:8899/access-token",
        store="file",
    )
    assert settings.transport == TransportSettings(
        verify=False, ca_file=tmp_path / "ca.pem", proxy="http://proxy.example.com:3128"
    )


def test_a_context_has_the_same_tables_and_beats_the_top(environ: dict[str, str], tmp_path: Path) -> None:
    path = write(
        environ,
        """
        context = "prod"
        [auth]
        store = "none"
        client_id = "everywhere"
        [tls]
        ca_file = "ca.pem"
        [contexts.prod]
        endpoint = "https://prod.example.com"
        proxy = "http://me:hush@proxy:3128"
        auth = {mode = "Device", client_id = "prod"}
        tls = {verify = false}
        """,
    )
    settings = load_settings({}, environ)
    assert (settings.auth.mode, settings.auth.client_id, settings.auth.store) == ("device", "prod", "none")
    assert settings.transport == TransportSettings(False, tmp_path / "ca.pem", "http://me:hush@proxy:3128")
    assert settings.sources["auth.client_id"] == f"{path}: contexts.prod.auth.client_id"
    assert "hush" not in repr(settings)


def test_a_variable_beats_the_file_and_a_flag_the_variable(environ: dict[str, str], tmp_path: Path) -> None:
    write(environ, WHOLE)
    environ |= {
        "FLOWTUI_AUTH_MODE": "pkce",
        "FLOWTUI_AUTH_SCOPES": "all,offline f.x",
        "FLOWTUI_AUTH_COMMAND": "token 'of mine'",
        "FLOWTUI_AUTH_CLIENT_SECRET": "hush",
        "FLOWTUI_TLS_VERIFY": "true",
        "FLOWTUI_TLS_CA_FILE": str(tmp_path / "environ.pem"),
        "FLOWTUI_PROXY": "http://environ:1",
    }
    settings = load_settings({}, environ)
    assert (settings.auth.mode, settings.auth.scopes) == ("pkce", ("all", "offline", "f.x"))
    assert (settings.auth.command, settings.auth.client_secret) == (("token", "of mine"), "hush")
    assert settings.transport == TransportSettings(True, tmp_path / "environ.pem", "http://environ:1")
    flags = {"auth_mode": "device", "verify": False, "ca_file": str(tmp_path / "flag.pem"), "proxy": "https://flag:1"}
    settings = load_settings(flags, environ)
    assert settings.auth.mode == "device"
    assert settings.transport == TransportSettings(False, tmp_path / "flag.pem", "https://flag:1")
    assert settings.sources["tls.verify"] == "--insecure-skip-verify"
    assert settings.sources["tls.ca_file"] == "--ca-file"
    assert "hush" not in repr(settings) + repr(settings.sources)


def test_certificates_are_checked_and_nothing_is_sent_by_default(environ: dict[str, str]) -> None:
    settings = load_settings({"endpoint": "https://host"}, environ)
    assert settings.auth == AuthSettings()
    assert settings.transport == TransportSettings(verify=True, ca_file=None, proxy="")


@pytest.mark.parametrize("place", ["", "contexts.prod."])
@pytest.mark.parametrize(
    ("key", "remedy"), [("client_secret", "auth.client_secret_file"), ("token", "auth.token_file")]
)
def test_a_secret_is_refused_in_the_file(environ: dict[str, str], place: str, key: str, remedy: str) -> None:
    path = write(environ, f'[contexts.prod]\nendpoint = "https://host"\n[{place}auth]\n{key} = "hush"')
    with pytest.raises(ConfigError) as raised:
        load_settings({"context": "prod"}, environ)
    assert raised.value.message == f"{path}: {place}auth.{key}: a secret is not kept in this file."
    assert remedy in raised.value.hint
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[auth]\nmode = 'oauth'", "auth.mode: it is none of pkce"),
        ("[auth]\nmod = 'pkce'", "auth.mod is not a setting"),
        ("[auth]\nscopes = [1]", "auth.scopes: it is not a list of texts"),
        ('[auth]\ncommand = "a \'b"', "auth.command: a quotation in it has no end"),
        ("[auth]\ncommand = ['']", "auth.command: it is not a command"),
        ("[auth]\ntoken_url = 'file:///etc/passwd'", "auth.token_url: it is not an http"),
        ("[auth]\nstore = 'cloud'", "auth.store: it is none of keyring"),
        ("auth = 3", "auth: it is not a table"),
        ("[tls]\nverify = 'perhaps'", "tls.verify: it is neither"),
        ("proxy = 'socks5://hush@h'", "proxy: it is not an http"),
    ],
)
def test_an_error_names_the_key_and_no_value(environ: dict[str, str], text: str, said: str) -> None:
    path = write(environ, f"endpoint = 'https://host'\n{text}" if "[" in text else f"{text}\nendpoint = 'https://host'")
    with pytest.raises(ConfigError) as raised:
        load_settings({}, environ)
    assert raised.value.message.startswith(f"{path}: {said}")
    assert raised.value.hint
    assert "hush" not in str(raised.value)


def test_what_stands_beside_an_endpoint_goes_to_no_other_server(environ: dict[str, str]) -> None:
    path = write(environ, WHOLE + "[headers]\nX-Key = 'hush'")
    settings = load_settings({"endpoint": "https://elsewhere.example.com"}, environ)
    assert settings.auth == AuthSettings()
    assert not settings.headers
    assert settings.transport == TransportSettings(verify=True, proxy="http://proxy.example.com:3128")
    assert settings.left_out["auth.client_id"] == f"{path}: auth.client_id"
    assert {"headers", "tls.verify"} <= set(settings.left_out)
    again = load_settings({"endpoint": "https://flyte.example.com:8443/other"}, environ)
    assert (again.auth.client_id, again.headers, again.transport.verify) == ("me", {"X-Key": "hush"}, False)
    assert not again.left_out


def test_another_port_of_this_machine_is_another_server(environ: dict[str, str]) -> None:
    write(environ, "endpoint = 'http://localhost:8088'\nauth = {client_id = 'me'}")
    assert load_settings({"endpoint": "127.0.0.1:8088"}, environ).auth.client_id == "me"
    assert load_settings({"endpoint": "localhost:8089"}, environ).auth.client_id == ""


def test_a_login_for_https_is_not_sent_over_http(environ: dict[str, str]) -> None:
    write(environ, WHOLE)
    settings = load_settings({"endpoint": "http://flyte.example.com/flows"}, environ)
    assert settings.auth == AuthSettings()
    assert "auth.token_file" in settings.left_out


def test_a_token_of_the_environment_is_for_its_endpoint(environ: dict[str, str]) -> None:
    write(environ, "[contexts.prod]\nendpoint = 'https://prod.example.com'")
    environ["FLOWTUI_TOKEN"] = " hush "
    settings = load_settings({"context": "prod"}, environ)
    assert settings.auth.token == "hush"
    assert not settings.headers
    assert settings.sources["auth.token"] == "FLOWTUI_TOKEN"
    environ["FLOWTUI_ENDPOINT"] = "https://test.example.com"
    assert load_settings({}, environ).auth.token == "hush"
    settings = load_settings({"context": "prod"}, environ)
    assert (settings.auth.token, dict(settings.headers)) == ("", {})
    assert settings.left_out["auth.token"] == "FLOWTUI_TOKEN"


def test_a_token_that_is_no_header_is_refused_unseen(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="FLOWTUI_TOKEN: it holds characters") as raised:
        load_settings({"endpoint": "https://host"}, environ | {"FLOWTUI_TOKEN": "hush\nX: y"})
    assert "hush" not in str(raised.value)


def test_the_runs_of_this_machine_need_no_login(environ: dict[str, str]) -> None:
    write(environ, WHOLE)
    settings = load_settings({"local": True}, environ | {"FLOWTUI_TOKEN": "hush"})
    assert settings.auth == AuthSettings()
    assert settings.transport == TransportSettings()
    assert load_settings({"context": "local"}, environ).endpoint is None


def test_settings_at_another_server_take_nothing_along(environ: dict[str, str]) -> None:
    write(environ, WHOLE + "[headers]\nX-Key = 'hush'")
    there = load_settings({}, environ | {"FLOWTUI_TOKEN": "hush"}).at("https://other")
    assert there.endpoint == "https://other"
    assert there.auth == AuthSettings(store="file")
    assert not there.headers
    assert there.transport.verify
    assert (there.project, there.domain) == ("", "development")
    here = there.at(None)
    assert (here.local, here.project) == (True, "flowtui")


def test_project_and_domain_of_flags_are_kept_at_another_server(environ: dict[str, str]) -> None:
    write(environ, "endpoint = 'https://host'\nproject = 'theirs'\ndomain = 'production'")
    assert load_settings({}, environ).at(None).project == "flowtui"
    flags = {"project": "mine", "domain": "staging"}
    for there in (load_settings(flags, environ).at("https://other"), load_settings(flags, environ).at(None)):
        assert (there.project, there.domain) == ("mine", "staging")


def test_flytes_file_gives_the_login_of_the_same_host(environ: dict[str, str]) -> None:
    write_flyte(environ, "admin: {endpoint: 'dns:///flyte.example.com', authType: Pkce, clientId: theirs}")
    assert load_settings({"endpoint": "https://flyte.example.com/flows"}, environ).auth.client_id == "theirs"
    settings = load_settings({"endpoint": "https://elsewhere"}, environ)
    assert settings.auth.client_id == ""
    assert "auth.client_id" in settings.left_out
