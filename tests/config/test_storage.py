"""How object stores are read: flowtui's own table, Flyte's files and variables, and whose server they are for."""

from __future__ import annotations

import json
from argparse import Namespace

import pytest

from flowtui.config import Settings, StorageSettings, load_settings, switched_settings
from flowtui.errors import ConfigError
from flowtui.headless.config import describe
from flowtui.headless.style import Style
from tests.config.conftest import write, write_flyte

YAML = """
admin: {endpoint: dns:///flyte.example.com}
storage:
  type: minio
  connection:
    endpoint: http://localhost:30002
    access-key: minio
    secret-key: miniostorage
    region: us-east-2
    addressing-style: path
"""
INI = """
[platform]
url = flyte.example.com
[aws]
endpoint = http://localhost:30002
access_key_id = minio
secret_access_key = miniostorage
addressing_style = path
[azure]
storage_account_name = account
storage_account_key = a-key
tenant_id = tenant
client_id = client
client_secret = c-secret
"""
OWN = """
[storage]
direct = "always"
endpoint = "minio.example.com:9000"
access_key_id = "mine"
region = "eu-west-1"
cache_megabytes = 7
"""
MINIO = StorageSettings(
    endpoint="http://localhost:30002",
    access_key_id="minio",
    secret_access_key="miniostorage",
    addressing_style="path",
)


def same_but(settings: StorageSettings, **changes: object) -> StorageSettings:
    from dataclasses import replace

    return replace(settings, **changes)  # type: ignore[arg-type]


def test_flytes_yaml(environ: dict[str, str]) -> None:
    path = write_flyte(environ, YAML)
    settings = load_settings({}, environ)
    assert settings.storage == same_but(MINIO, region="us-east-2")
    assert settings.sources["storage.secret_access_key"] == f"{path}: storage.connection.secret-key"


def test_flytekits_ini_and_variables(environ: dict[str, str]) -> None:
    write_flyte(environ, INI, "config")
    azure = {
        "azure_account_name": "account",
        "azure_account_key": "a-key",
        "azure_tenant_id": "tenant",
        "azure_client_id": "client",
        "azure_client_secret": "c-secret",
    }
    assert load_settings({}, environ).storage == same_but(MINIO, **azure)
    environ["FLYTE_AWS_ACCESS_KEY_ID"] = "of the variable"
    environ["FLYTE_AWS_SECRET_ACCESS_KEY"] = "too"
    assert load_settings({}, environ).storage == same_but(
        MINIO, **azure, access_key_id="of the variable", secret_access_key="too"
    )


def test_flowtuis_own_table_and_variables(environ: dict[str, str]) -> None:
    write(environ, OWN)
    environ["FLOWTUI_STORAGE_SECRET_ACCESS_KEY"] = "hush"
    assert load_settings({}, environ).storage == StorageSettings(
        "always", "https://minio.example.com:9000", "mine", "hush", "eu-west-1", cache_megabytes=7
    )


def test_a_store_is_read_without_any_server(environ: dict[str, str]) -> None:
    write_flyte(environ, YAML.replace("admin:", "other:"))
    settings = load_settings({}, environ)
    assert settings.endpoint is None
    assert settings.storage.access_key_id == "minio"


@pytest.mark.parametrize("flags", [{"endpoint": "https://elsewhere.example.com"}, {"context": "other"}])
def test_the_store_of_one_server_is_not_taken_for_anothers(environ: dict[str, str], flags: dict[str, object]) -> None:
    write(environ, '[contexts.other]\nendpoint = "https://elsewhere.example.com"\n')
    write_flyte(environ, YAML)
    settings = load_settings(flags, environ)
    assert settings.storage == StorageSettings()
    assert "storage.access_key_id" in settings.left_out


def test_a_context_has_a_store_of_its_own(environ: dict[str, str]) -> None:
    write(
        environ,
        '[contexts.a]\nendpoint = "https://a.example.com"\nstorage = {endpoint = "https://s3.a.example.com"}\n'
        '[contexts.b]\nendpoint = "https://b.example.com"\n',
    )
    environ["FLOWTUI_STORAGE_SECRET_ACCESS_KEY"] = "of a"
    first = load_settings({"context": "a"}, environ)
    assert (first.storage.endpoint, first.storage.secret_access_key) == ("https://s3.a.example.com", "of a")
    second = switched_settings(first, {}, environ, context="b")
    assert second.storage == StorageSettings()
    assert first.at("https://c.example.com").storage == StorageSettings()


def test_the_working_folders_file_names_no_store(environ: dict[str, str]) -> None:
    from pathlib import Path

    Path("flytekit.config").write_text(INI)
    assert load_settings({}, environ).storage == StorageSettings()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('secret_access_key = "hush"', "a secret is not kept in this file"),
        ('azure_account_key = "hush"', "a secret is not kept in this file"),
        ('direct = "perhaps"', "none of auto, always, never"),
        ('endpoint = "ftp://hush"', "not an http"),
        ('endpoint = "http://user:hush@host"', "does not belong into the URL"),
        ("cache_megabytes = -1", "not a whole number"),
        ("cache_megabytes = true", "not a whole number"),
        ('addressing_style = "hush"', "none of auto, path, virtual"),
        ('bucket = "x"', "is not a setting"),
    ],
)
def test_what_is_off_is_told_without_its_value(environ: dict[str, str], text: str, words: str) -> None:
    write(environ, f"[storage]\n{text}\n")
    with pytest.raises(ConfigError, match=words) as caught:
        load_settings({}, environ)
    assert "hush" not in str(caught.value)
    if "secret" in words:
        assert "FLOWTUI_STORAGE_" in caught.value.hint


def test_no_secret_is_in_a_repr_or_in_flowtui_config(environ: dict[str, str]) -> None:
    write_flyte(environ, INI, "config")
    settings: Settings = load_settings({}, environ)
    secrets = ("miniostorage", "a-key", "c-secret", "'minio'")
    assert not [secret for secret in secrets if secret in repr(settings) + str(settings.storage)]
    for style in (Style(json=True), Style()):
        shown = describe(Namespace(contexts=False), settings, style, environ)
        assert not [secret for secret in secrets if secret in shown]
        assert "http://localhost:30002" in shown
    found = json.loads(describe(Namespace(contexts=False), settings, Style(json=True), environ))["settings"]
    values = {one["setting"]: one["value"] for one in found}
    assert values["storage.secret_access_key"] == "set (not shown)"
    assert (values["storage.direct"], values["storage.cache_megabytes"]) == ("auto", 256)
