"""Domino's environment: its login is for Domino's server and for no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.config import AuthSettings, DominoSettings, load_settings
from flowtui.config.domino import TOKEN_URL
from flowtui.errors import ConfigError
from tests.config.conftest import write

RUN = {"DOMINO_TOKEN_FILE": "/var/token", "DOMINO_USER_API_KEY": "hush", "DOMINO_API_PROXY": "http://localhost:8899"}
WHOLE = AuthSettings(token_file=Path("/var/token"), token_url=TOKEN_URL, api_key="hush")


def auth(environ: dict[str, str], **flags: object) -> AuthSettings:
    return load_settings(flags, environ).auth


def test_a_server_that_is_said_to_be_dominos_gets_its_login(environ: dict[str, str]) -> None:
    found = auth(environ | RUN, endpoint="https://domino.example.com/flows", auth_mode="domino")
    assert (found.mode, found.token_file, found.token_url) == ("domino", WHOLE.token_file, WHOLE.token_url)
    assert found.api_key == "hush"
    write(environ, "[contexts.d]\nendpoint = 'https://domino.example.com'\nauth = {mode = 'domino'}")
    settings = load_settings({"context": "d"}, environ | RUN)
    assert settings.auth.api_key == "hush"
    assert settings.sources["auth.api_key"] == "DOMINO_USER_API_KEY"
    assert "hush" not in repr(settings) + repr(settings.sources)


def test_the_same_host_as_dominos_is_dominos(environ: dict[str, str]) -> None:
    environ |= RUN | {"DOMINO_API_HOST": "https://domino.example.com"}
    assert auth(environ, endpoint="https://domino.example.com/flows") == WHOLE
    assert auth(environ, endpoint="https://domino.example.com.evil.com") == AuthSettings()
    assert auth(environ, endpoint="http://domino.example.com/flows") == AuthSettings()
    assert auth(environ, endpoint="https://domino.example.com", auth_mode="pkce") == AuthSettings(mode="pkce")


def test_a_flyte_elsewhere_never_sees_dominos_key(environ: dict[str, str]) -> None:
    environ |= RUN
    assert auth(environ, endpoint="https://flyte.example.com") == AuthSettings()
    # The mode of a variable was said in general, not of the server that a flag names.
    environ["FLOWTUI_AUTH_MODE"] = "domino"
    settings = load_settings({"endpoint": "https://flyte.example.com"}, environ)
    assert settings.auth == AuthSettings(mode="domino")
    assert "auth.domino" in settings.left_out
    assert auth(environ | {"FLOWTUI_ENDPOINT": "https://flyte.example.com"}).api_key == "hush"


def test_dominos_proxy_adds_the_login_itself(environ: dict[str, str]) -> None:
    found = auth(environ | RUN, endpoint="http://localhost:8899/flows")
    assert found.token_url == ""


@pytest.mark.parametrize("key", ["token_file", "token_url"])
def test_what_the_person_names_beats_dominos_environment(environ: dict[str, str], key: str) -> None:
    write(environ, f"endpoint = 'https://host'\n[auth]\nmode = 'domino'\n{key} = 'http://localhost:1/token'")
    assert auth(environ | RUN).api_key == ""


def test_a_run_without_variables_asks_its_access_token_url(environ: dict[str, str]) -> None:
    found = auth(environ, endpoint="https://host", auth_mode="domino")
    assert found == AuthSettings(mode="domino", token_url=TOKEN_URL)


def domino(environ: dict[str, str], **flags: object) -> DominoSettings:
    return load_settings(flags, environ).domino


def test_a_run_of_domino_needs_no_settings(environ: dict[str, str]) -> None:
    environ |= RUN | {"DOMINO_API_HOST": "https://domino.example.com", "DOMINO_PROJECT_NAME": "cdisc"}
    found = load_settings({}, environ | {"DOMINO_PROJECT_OWNER": "ada"})
    # Its proxy adds the login by itself.
    assert found.domino == DominoSettings("http://localhost:8899", "ada/cdisc")
    assert (found.sources["domino.url"], found.sources["domino.project"]) == ("DOMINO_API_PROXY", "DOMINO_PROJECT_NAME")
    assert domino({**environ, "DOMINO_API_PROXY": ""}).url == "https://domino.example.com"
    assert domino({"HOME": environ["HOME"]}) == DominoSettings()


def test_the_ways_to_log_in_have_pythons_order(environ: dict[str, str], tmp_path: Path) -> None:
    environ |= {"FLOWTUI_DOMINO_URL": "https://domino.example.com", "DOMINO_USER_API_KEY": "hush"}
    assert domino(environ).api_key == "hush"
    environ |= {"DOMINO_TOKEN_FILE": "/var/token"}
    assert (domino(environ).token_file, domino(environ).api_key) == (Path("/var/token"), "")
    environ |= {"FLOWTUI_DOMINO_TOKEN_FILE": str(tmp_path / "own")}
    assert domino(environ).token_file == tmp_path / "own"
    environ |= {"FLOWTUI_DOMINO_TOKEN": "bearer-hush"}
    settings = load_settings({}, environ)
    assert (settings.domino.token, settings.domino.token_file) == ("bearer-hush", None)
    assert settings.domino.place("token") == "FLOWTUI_DOMINO_TOKEN"
    assert "hush" not in repr(settings)
    only = {key: value for key, value in environ.items() if key.startswith("FLOWTUI_") and "TOKEN" not in key}
    assert domino(only | {"HOME": environ["HOME"]}).token_url == TOKEN_URL


def test_dominos_login_of_the_environment_goes_to_its_host_only(environ: dict[str, str]) -> None:
    environ |= {"DOMINO_API_HOST": "https://domino.example.com", "DOMINO_USER_API_KEY": "hush"}
    assert domino(environ | {"FLOWTUI_DOMINO_URL": "https://domino.example.com"}).api_key == "hush"
    for other in ("https://other.example.com", "http://domino.example.com", "https://domino.example.com.evil.com"):
        assert domino(environ | {"FLOWTUI_DOMINO_URL": other}) == DominoSettings(other)
    environ["DOMINO_API_PROXY"] = "http://localhost:8899"
    found = domino(environ | {"FLOWTUI_DOMINO_URL": "https://other.example.com"})
    assert found == DominoSettings("https://other.example.com")


def test_a_token_stays_with_the_domino_that_it_stands_beside(environ: dict[str, str]) -> None:
    write(environ, "[domino]\nurl = 'https://a.example.com'\ntoken_file = '/a/token'\nproject = 'cdisc'")
    assert domino(environ) == DominoSettings("https://a.example.com", "cdisc", token_file=Path("/a/token"))
    settings = load_settings({}, environ | {"FLOWTUI_DOMINO_URL": "https://b.example.com"})
    assert settings.domino == DominoSettings("https://b.example.com", token_url=TOKEN_URL)
    assert {"domino.token_file", "domino.project"} <= set(settings.left_out)


def test_a_context_has_a_domino_of_its_own(environ: dict[str, str]) -> None:
    write(
        environ,
        "[domino]\nurl = 'https://a.example.com'\ntoken_file = '/a/token'\n"
        "[contexts.p]\nendpoint = 'https://flyte'\ndomino = {url = 'https://b.example.com', project = 'p'}",
    )
    found = domino(environ, context="p")
    assert (found.url, found.project, found.token_file) == ("https://b.example.com", "p", None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[domino]\ntoken = 'hush'", "a secret is not kept"),
        ("[domino]\nurl = 'ftp://hush@x'", "domino.url"),
        ("[domino]\nurl = 'https://me:hush@x'", "user name or password"),
        ("[domino]\nulr = 'https://x'", "Did you mean domino.url"),
    ],
)
def test_what_is_off_is_told_without_a_secret(environ: dict[str, str], text: str, words: str) -> None:
    write(environ, text)
    with pytest.raises(ConfigError) as caught:
        load_settings({}, environ)
    assert words in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_variable_of_domino_that_is_off_is_named(environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="DOMINO_API_HOST"):
        load_settings({}, environ | {"DOMINO_API_HOST": "https://me:hush@x"})
