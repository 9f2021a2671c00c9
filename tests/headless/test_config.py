"""``flowtui config``: what holds and where it comes from, and never a secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.config import load_settings
from flowtui.headless.config import describe
from flowtui.headless.style import Style
from flowtui.parser import parse

CONFIG = """
endpoint = "https://flyte.example.com/flows"
project = "cdisc01"
proxy = "http://me:hush@proxy.example.com:3128"
[headers]
X-Key = "hush"
[auth]
mode = "client_secret"
client_id = "me"
client_secret_file = "secret"
scopes = ["all", "offline"]
header_command = ["headers", "--password", "hush"]
token_url = "https://me:hush@tokens.example.com/token?key=hush"
[tls]
verify = false
[keys]
refresh = "f5"
[contexts.prod]
endpoint = "https://prod.example.com"
project = "cdisc01"
domain = "production"
[contexts.off]
endpoint = "ftp://off.example.com"
"""


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., str]:
    """What ``flowtui config`` says, as typed, with the folder written as /TMP."""
    file = tmp_path / "config.toml"
    file.write_text(CONFIG)
    flyte = tmp_path / ".flyte" / "config.yaml"
    flyte.parent.mkdir()
    flyte.write_text("admin: {endpoint: flyte.other.com, clientSecretLocation: /hush, caCertFilePath: /ca.pem}")

    def said(*words: str, text: bool = False, width: int | None = None, **environ: str) -> str:
        options = parse(["config", *words]).options
        environ |= {"HOME": str(tmp_path), "FLOWTUI_HOME": str(tmp_path / "home"), "FLOWTUI_CONFIG": str(file)}
        settings = load_settings(vars(options), environ)
        output = describe(options, settings, Style(json=not text, width=width), environ)
        assert "hush" not in output.replace(str(tmp_path), "").replace("/hush", "")
        return output.replace(str(tmp_path), "/TMP")

    return said


def test_as_json(config: Callable[..., str], golden: Callable[[str, str], None]) -> None:
    golden("config.json", config(FLOWTUI_AUTH_CLIENT_SECRET="hush", FLOWTUI_TOKEN="hush"))


def test_contexts_as_json(config: Callable[..., str], golden: Callable[[str, str], None]) -> None:
    golden("config-contexts.json", config("--contexts", "--context", "prod"))


def test_as_text(config: Callable[..., str]) -> None:
    lines = config(text=True, FLOWTUI_TOKEN="hush").splitlines()
    by_key = {line.split()[0]: line for line in lines}
    assert by_key["auth.token"].split() == ["auth.token", "set", "(not", "shown)", "FLOWTUI_TOKEN"]
    assert "http://***@proxy.example.com:3128" in by_key["proxy"]
    assert "https://***@tokens.example.com/token?..." in by_key["auth.token_url"]
    assert "headers and 2 more words (not shown)" in by_key["auth.header_command"]
    assert "all, offline" in by_key["auth.scopes"]
    assert by_key["tls.verify"].split()[1] == "false"
    assert "auth.audience" not in by_key
    assert (
        "left out: tls.ca_file from /TMP/.flyte/config.yaml: admin.caCertFilePath, which is for another server" in lines
    )
    assert lines[-2:] == ["file: /TMP/config.toml", "file: /TMP/.flyte/config.yaml"]
    assert all(
        len(line) <= 80 or line.startswith(("left out", "file")) for line in config(text=True, width=80).splitlines()
    )


def test_contexts_as_text(config: Callable[..., str]) -> None:
    lines = config("--contexts", text=True).splitlines()
    names = [line.split()[0] for line in lines if "ftp://" not in line]
    assert names == ["context", "prod", "off", "local", "flyte"]
    assert "contexts.off.endpoint: ftp:// is not a scheme" in lines[3]
    assert "*" not in "".join(lines)
    assert config("--contexts", "--context", "prod", text=True).splitlines()[1].startswith("*  prod")
    assert config("--contexts", "--local", text=True).splitlines()[4].startswith("*  local")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "FLOWTUI_HOME": str(tmp_path)}
    options = parse(["config", "--json"]).options
    found = json.loads(describe(options, load_settings({}, environ), Style(json=True), environ))
    assert [one["read"] for one in found["files"]] == [False]


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=30))
def test_a_secret_is_told_by_no_form(secret: str) -> None:
    secret = f"Zq{secret.strip()}Zq"
    environ = {"HOME": "/nowhere", "FLOWTUI_HOME": "/nowhere", "FLOWTUI_ENDPOINT": "https://host"}
    environ |= {"FLOWTUI_TOKEN": secret, "FLOWTUI_AUTH_CLIENT_SECRET": secret, "FLOWTUI_AUTH_COMMAND": "a 'b'"}
    settings = load_settings({}, environ)
    assert settings.auth.token == secret
    options = parse(["config"]).options
    for style in (Style(json=True), Style()):
        assert secret not in describe(options, settings, style, environ)
    assert secret not in repr(settings) + repr(settings.sources) + repr(settings.left_out)
