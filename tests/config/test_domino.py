"""Domino's environment: its login is for Domino's server and for no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.config import AuthSettings, load_settings
from flowtui.config.domino import TOKEN_URL
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
