"""The contexts that can be chosen by name, and what a switch takes along."""

from __future__ import annotations

import pytest

from flowtui.config import ContextEntry, list_contexts, load_settings, switched_settings
from flowtui.errors import ConfigError
from tests.config.conftest import write, write_flyte

CONFIG = """
project = "everywhere"
[contexts.prod]
endpoint = "https://prod.example.com"
[contexts.off]
endpoint = "https://me:hush@off"
[contexts.worse]
endpiont = "x"
"""


def test_contexts_of_the_file_then_this_machine_then_flyte(environ: dict[str, str]) -> None:
    file = write(environ, CONFIG)
    flyte = write_flyte(environ, "admin: {endpoint: 'dns:///flyte.example.com'}")
    prod, off, worse, local, theirs = list_contexts({}, environ)
    assert prod == ContextEntry("prod", "https://prod.example.com", "everywhere", "development", file)
    assert (off.name, off.endpoint) == ("off", None)
    assert "user name or password" in off.problem
    assert "hush" not in off.problem
    assert worse.problem == "contexts.worse.endpiont is not a setting."
    assert local == ContextEntry("local", None, "flowtui", "development", "this machine")
    assert (theirs.endpoint, theirs.source) == ("https://flyte.example.com", str(flyte))


def test_a_context_that_is_off_does_not_hinder_another(environ: dict[str, str]) -> None:
    write(environ, CONFIG)
    assert load_settings({"context": "prod"}, environ).endpoint == "https://prod.example.com"
    with pytest.raises(ConfigError, match=r"contexts\.worse\.endpiont"):
        load_settings({"context": "worse"}, environ)


def test_flyte_is_listed_where_it_names_a_server_or_is_off(environ: dict[str, str]) -> None:
    def names() -> list[str]:
        return [one.name for one in list_contexts({}, environ)]

    assert names() == ["local"]
    write_flyte(environ, "storage: {}")
    assert names() == ["local"]
    path = write_flyte(environ, "admin: [")
    assert names() == ["local", "flyte"]
    assert list_contexts({}, environ)[1].problem.startswith(f"{path} is not YAML")
    path.unlink()
    environ["FLYTE_PLATFORM_URL"] = "host"
    assert list_contexts({}, environ)[1].source == "FLYTE_PLATFORM_*"


def test_a_context_of_the_file_may_have_the_name_of_ours(environ: dict[str, str]) -> None:
    write(environ, "contexts = {local = {endpoint = 'https://mine'}}")
    assert [(one.name, one.endpoint) for one in list_contexts({}, environ)] == [("local", "https://mine")]
    assert load_settings({"context": "local"}, environ).endpoint == "https://mine"


def test_the_server_of_the_start_can_be_gone_back_to(environ: dict[str, str]) -> None:
    file = write(environ, CONFIG)
    start = load_settings({"endpoint": "https://start", "verify": False}, environ)
    first = list_contexts({}, environ, start=start)[0]
    assert first == ContextEntry("start", "https://start", "everywhere", "development", "--endpoint")
    assert switched_settings(start, {}, environ, context="start") is start
    named = load_settings({"context": "prod"}, environ)
    assert "start" not in [one.name for one in list_contexts({}, environ, start=named)]
    write(environ, CONFIG + "[contexts.start]\nendpoint = 'https://mine'")
    assert switched_settings(start, {}, environ, context="start").endpoint == "https://mine"
    assert [one.source for one in list_contexts({}, environ, start=start) if one.name == "start"] == [file]


def test_a_switch_keeps_the_network_and_leaves_the_rest(environ: dict[str, str]) -> None:
    write(environ, CONFIG)
    flags: dict[str, object] = {
        "endpoint": "https://start",
        "project": "mine",
        "domain": "production",
        "verify": False,
        "auth_mode": "device",
        "proxy": "http://proxy:1",
        "ca_file": "/ca.pem",
        "timeout": "7",
    }
    start = load_settings(flags, environ)
    there = switched_settings(start, flags, environ, context="prod")
    assert (there.endpoint, there.project, there.domain) == ("https://prod.example.com", "everywhere", "development")
    assert (there.transport.verify, there.auth.mode) == (True, "")
    assert (there.transport.proxy, str(there.transport.ca_file), there.timeout) == ("http://proxy:1", "/ca.pem", 7)
    assert switched_settings(start, flags, environ, endpoint="localhost:8088").endpoint == "http://localhost:8088"
    assert switched_settings(start, flags, environ, context="local").local
    with pytest.raises(ConfigError, match="no context 'nobody'"):
        switched_settings(start, flags, environ, context="nobody")


def test_a_token_of_the_environment_stays_with_the_server_of_the_start(environ: dict[str, str]) -> None:
    write(environ, CONFIG)
    environ |= {"FLOWTUI_TOKEN": "hush", "FLOWTUI_AUTH_CLIENT_ID": "me", "FLOWTUI_TLS_VERIFY": "false"}
    start = load_settings({"endpoint": "https://start"}, environ)
    assert (start.auth.token, start.transport.verify) == ("hush", False)
    there = switched_settings(start, {}, environ, context="prod")
    assert (there.auth.token, there.auth.client_id, there.transport.verify) == ("", "", True)
    same = switched_settings(start, {}, environ, endpoint="https://start/flows")
    assert same.auth.token == "hush"
    # Where flowtui was started with the runs of this machine, the token is for the first server that is chosen.
    here = load_settings({"local": True}, environ)
    assert switched_settings(here, {}, environ, context="prod").auth.token == "hush"
