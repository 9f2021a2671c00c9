"""Files that others wrote: whatever they hold, there are settings or a ConfigError, and no secret is repeated."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from flowtui.config import Settings, load_settings
from flowtui.config.checks import KEYS
from flowtui.config.flyte import _OPTIONS
from flowtui.errors import ConfigError

SECRET = "hush-5e8f"

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.sampled_from(["https://host", "host:8088", "pkce", "Pkce", "true", "a 'b", "~/x", "\0", "-", f"u:{SECRET}@h"]),
    st.just(SECRET),
    st.just(f"https://me:{SECRET}@host"),
    st.just(f"http://[{SECRET}"),
    st.just(f"http://host:{SECRET}/"),
    st.just(f"http://{SECRET}\u2100@host"),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
admin_keys = st.sampled_from([path.partition(".")[2] for _, path in _OPTIONS.values() if path.startswith("admin.")])
flyte_files = st.fixed_dictionaries(
    {}, optional={"admin": st.dictionaries(admin_keys, values) | values, "console": st.just({}) | values}
)
ini_options = st.sampled_from([path for path, _ in _OPTIONS.values()])


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def outcome(folder: Path, name: str, text: str, **flags: object) -> Settings | ConfigError:
    """What comes of a file, with a check that its secret is told by neither."""
    (folder / name).write_text(text, encoding="utf-8")
    environ = {"FLOWTUI_HOME": "/nowhere", "HOME": "/nowhere"}
    environ |= {"FLOWTUI_CONFIG" if name.endswith(".toml") else "FLYTECTL_CONFIG": str(folder / name)}
    found: Settings | ConfigError
    try:
        found = load_settings(flags, environ)
        told = repr(found) + repr(found.sources) + repr(found.left_out)
        told = told.replace(repr(found.endpoint), "").replace(repr(found.auth.client_id), "")
        told = told.replace(repr(found.transport.ca_file), "")
    except ConfigError as error:
        found, told = error, f"{error} {error.__cause__}"
    assert isinstance(found, Settings) or found.hint
    if name.endswith((".yaml", ".ini")):
        assert SECRET not in told
    return found


def as_toml(tables: dict[str, dict[str, Any]], top: dict[str, Any]) -> str:
    lines = [f"{key} = {json.dumps(value)}" for key, value in top.items()]
    for table, inner in tables.items():
        lines += [f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in inner.items())]
    return "\n".join(lines)


@given(flyte_files)
def test_any_values_in_flytes_yaml(folder: Path, content: Any) -> None:
    outcome(folder, "any.yaml", yaml.safe_dump(content, allow_unicode=True))


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("admin: !!int ''")
@example("admin: !!timestamp x")
@example("admin: !!bool x")
@example(f"admin: {{clientId: *{SECRET}}}")
@example(f"admin: !{SECRET} x")
@example("a: &a [*a]\nadmin: *a")
@example("admin: " + "[" * 600)
@example("? {}\n: x")
def test_any_text_as_yaml(folder: Path, text: str) -> None:
    outcome(folder, "text.yaml", text)


@given(st.dictionaries(ini_options, st.text(st.characters(exclude_categories=["Cs", "Cc"])) | st.just(SECRET)))
def test_any_values_in_flytekits_ini(folder: Path, options: dict[str, str]) -> None:
    sections: dict[str, list[str]] = {}
    for path, value in options.items():
        section, _, option = path.partition(".")
        sections.setdefault(section, []).append(f"{option} = {value}")
    text = "\n".join(f"[{section}]\n" + "\n".join(lines) for section, lines in sections.items())
    outcome(folder, "any.ini", text)


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example(f"{SECRET}\n")
@example(f"[platform]\n{SECRET}\n")
@example("[platform]\nurl = x\nurl = y\n")
@example("[platform]\n  url\n   = x")
@example("[platform")
@example("[platform]\nurl = %(x)s")
def test_any_text_as_ini(folder: Path, text: str) -> None:
    outcome(folder, "text.ini", text)


@given(
    st.dictionaries(st.sampled_from([key for key in KEYS if "." not in key]), st.text(max_size=20)),
    st.dictionaries(
        st.sampled_from(["auth", "tls", "contexts.a", "contexts.a.auth"]),
        st.dictionaries(
            st.sampled_from([key.partition(".")[2] for key in KEYS if "." in key] + ["endpoint"]),
            st.text(max_size=20) | st.booleans() | st.integers(-9, 9) | st.lists(st.text(max_size=9), max_size=3),
        ),
    ),
)
def test_any_values_in_the_own_file(folder: Path, top: dict[str, str], tables: dict[str, dict[str, Any]]) -> None:
    outcome(folder, "any.toml", as_toml(tables, top))


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("a = " + "[" * 600)
@example("\0")
@example("contexts = 3")
@example("[contexts]\na = 3")
@example("auth = {mode.x = 3}")
def test_any_text_as_toml(folder: Path, text: str) -> None:
    outcome(folder, "text.toml", text)


@given(st.binary(max_size=50))
def test_any_bytes(folder: Path, data: bytes) -> None:
    for name in ("bytes.toml", "bytes.yaml", "bytes.ini"):
        (folder / name).write_bytes(data)
        variable = "FLOWTUI_CONFIG" if name.endswith(".toml") else "FLYTECTL_CONFIG"
        found: object
        try:
            found = load_settings({}, {"FLOWTUI_HOME": "/nowhere", "HOME": "/nowhere", variable: str(folder / name)})
        except ConfigError as error:
            found = error
        assert isinstance(found, Settings | ConfigError)


@pytest.mark.parametrize(
    "line",
    [
        f'token = "{SECRET}"',
        f'token_url = "{SECRET}"',
        f'mode = "{SECRET}"',
        f'store = "{SECRET}"',
        f'scopes = [["{SECRET}"]]',
        f'command = "\'{SECRET}"',
        f"token = {SECRET}",
        f'token = "{SECRET}',
        f'"{SECRET}" "',
    ],
)
def test_what_is_off_in_the_own_file_is_not_repeated(folder: Path, line: str) -> None:
    found = outcome(folder, "off.toml", f'endpoint = "https://host"\n[auth]\n{line}\n')
    assert isinstance(found, ConfigError)
    assert SECRET not in f"{found} {found.__cause__} {found.__context__}"
