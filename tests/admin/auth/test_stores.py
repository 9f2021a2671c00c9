"""Where tokens are kept: pyflyte's slots, flytectl's, a file that only its owner reads."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.admin.auth import keyring_slots
from flowtui.admin.auth.discovery import Discovery
from flowtui.admin.auth.keyring_slots import KeyringError, KeyringSlots, flytectl_token
from flowtui.admin.auth.known_logins import KEPT_SECONDS, KnownLogins
from flowtui.admin.auth.private_file import read_private, write_private
from flowtui.admin.auth.stores import TokenStores, keyring_services
from flowtui.admin.auth.tokens import Token
from flowtui.config import AuthSettings
from flowtui.errors import ConfigError
from tests.oauth.keyrings import BrokenKeyring, MemoryKeyring

SERVER = "https://flyte.test/flows"


@pytest.fixture
def slots() -> Iterator[MemoryKeyring]:
    before, memory = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def test_services_of_a_server() -> None:
    assert keyring_services(SERVER) == ("flyte.test", "flyte.test:443")
    assert keyring_services("https://Flyte.test:8443") == ("flyte.test:8443",)
    assert keyring_services("http://localhost:30080", "dns:///localhost:30081") == (
        "localhost:30081",
        "localhost:30080",
    )


async def test_the_keyring_of_pyflyte(slots: MemoryKeyring, tmp_path: Path) -> None:
    stores = TokenStores(SERVER, AuthSettings(keyring_service="dns:///grpc.flyte.test"), tmp_path)
    assert await stores.read() is None
    assert await stores.write(Token("a", "r", "i", 5.0)) == "keyring: grpc.flyte.test"
    assert slots.passwords == {
        ("grpc.flyte.test", "access_token"): "a",
        ("grpc.flyte.test", "refresh_token"): "r",
        ("grpc.flyte.test", "id_token"): "i",
    }
    # A login without a refresh token leaves none of the one before.
    await stores.write(Token("b"))
    assert slots.passwords == {("grpc.flyte.test", "access_token"): "b"}
    assert await stores.read() == (Token("b"), "keyring: grpc.flyte.test")
    slots.passwords["flyte.test", "access_token"] = "c"
    assert await stores.forget() == ["keyring: grpc.flyte.test", "keyring: flyte.test"]
    assert slots.passwords == {}
    assert names(tmp_path) == []


async def test_what_is_no_token_is_not_taken_for_one(slots: MemoryKeyring, tmp_path: Path) -> None:
    slots.passwords["flyte.test", "access_token"] = "two words"
    slots.passwords["flyte.test:443", "access_token"] = "good"
    slots.passwords["flyte.test:443", "refresh_token"] = "two words"
    assert await TokenStores(SERVER, AuthSettings(), tmp_path).read() == (Token("good"), "keyring: flyte.test:443")


async def test_flytectl_is_read_and_left_alone(slots: MemoryKeyring, tmp_path: Path) -> None:
    kept = json.dumps({"access_token": "of-flytectl", "refresh_token": "r", "expiry": "2026-11-26T01:00:00.123456789Z"})
    slots.passwords["flytectl", "dns:///flyte.test:flytectl-user"] = kept
    stores = TokenStores(SERVER, AuthSettings(), tmp_path)
    found = await stores.read()
    assert found == (Token("of-flytectl", expires_at=1795654800.0), "keyring: flytectl, dns:///flyte.test")
    assert await stores.forget() == []
    assert list(slots.passwords.values()) == [kept]
    encoded = "go-keyring-base64:" + base64.b64encode(kept.encode()).decode()
    assert flytectl_token(encoded) == found[0]


@given(st.text() | st.binary().map(lambda data: "go-keyring-base64:" + base64.b64encode(data).decode()))
def test_any_text_of_flytectl(kept: str) -> None:
    flytectl_token(kept)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner)))
def test_any_expiry_of_flytectl(expiry: object) -> None:
    found = flytectl_token(json.dumps({"access_token": "a", "expiry": expiry}))
    assert found is not None
    assert found.access == "a"


async def test_a_file_where_it_is_asked_for(tmp_path: Path) -> None:
    stores = TokenStores(SERVER, AuthSettings(store="file"), tmp_path / "home")
    other = TokenStores("https://other.test", AuthSettings(store="file"), tmp_path / "home")
    path = tmp_path / "home" / "tokens.json"
    assert await stores.write(Token("a", "r", "", 5.0)) == str(path)
    await other.write(Token("b"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert names(path.parent) == ["tokens.json"]
    assert await stores.read() == (Token("a", "r", "", 5.0), str(path))
    await stores.renew(Token("c", "s"))
    assert await stores.read() == (Token("c", "s"), str(path))
    assert await stores.forget() == [str(path)]
    assert await stores.read() is None
    assert await other.read() == (Token("b"), str(path))


async def test_a_new_login_in_the_keyring_takes_the_files_place(slots: MemoryKeyring, tmp_path: Path) -> None:
    await TokenStores(SERVER, AuthSettings(store="file"), tmp_path).write(Token("old"))
    stores = TokenStores(SERVER, AuthSettings(), tmp_path)
    assert await stores.read() == (Token("old"), str(tmp_path / "tokens.json"))
    await stores.write(Token("new"))
    assert await stores.read() == (Token("new"), "keyring: flyte.test")


async def test_nowhere(slots: MemoryKeyring, tmp_path: Path) -> None:
    slots.passwords["flyte.test", "access_token"] = "a"
    stores = TokenStores(SERVER, AuthSettings(store="none"), tmp_path)
    assert await stores.read() is None
    assert await stores.write(Token("b")) == ""
    assert slots.passwords == {("flyte.test", "access_token"): "a"}


async def test_no_keyring(tmp_path: Path) -> None:
    stores = TokenStores(SERVER, AuthSettings(), tmp_path)
    assert await stores.read() is None
    assert stores.complaint == "This machine has no keyring."
    with pytest.raises(KeyringError, match="has no keyring") as raised:
        await stores.write(Token("a"))
    assert "--store file" in raised.value.hint
    assert await stores.forget() == []


async def test_a_broken_keyring_does_not_tell_what_it_was_given() -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(BrokenKeyring())
    try:
        for call in (
            KeyringSlots(["a"]).read(),
            KeyringSlots(["a"]).delete(),
            KeyringSlots(["a"]).write(Token("hush")),
        ):
            with pytest.raises(KeyringError, match=r"does not work \(RuntimeError\)") as raised:
                await call
            assert "hush" not in repr(raised.value)
            assert raised.value.__cause__ is None
    finally:
        keyring.set_keyring(before)


async def test_a_keyring_that_waits_for_somebody(slots: MemoryKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(slots, "get_password", lambda *_: released.wait(60) and None)
    monkeypatch.setattr(keyring_slots, "KEYRING_SECONDS", 0.01)
    try:
        with pytest.raises(KeyringError, match="did not answer"):
            await KeyringSlots(["a"]).read()
    finally:
        released.set()


def test_private_files(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    assert read_private(path) is None
    write_private(path, b"one")
    write_private(path, b"two")
    assert read_private(path) == b"two"
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="can be read by others") as raised:
        read_private(path)
    assert f"chmod 600 {path}" in raised.value.hint
    path.unlink()
    os.mkfifo(path, 0o600)
    with pytest.raises(ConfigError, match="is no file"):
        read_private(path)
    path.unlink()
    with path.open("wb") as file:
        file.truncate(2**20 + 1)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="larger than 1 MB"):
        read_private(path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_private(tmp_path / "file" / "below", b"")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_private(path, b"one")
    os.chown(path, 12_345, 12_345)
    with pytest.raises(ConfigError, match="belongs to another user"):
        read_private(path)


@pytest.mark.parametrize("content", [b"[]", b"{", b"\xff", b"[" * 100_000, b'"x"'])
async def test_a_file_that_holds_something_else(content: bytes, tmp_path: Path) -> None:
    write_private(tmp_path / "tokens.json", content)
    stores = TokenStores(SERVER, AuthSettings(store="file"), tmp_path)
    with pytest.raises(ConfigError, match="does not hold tokens"):
        await stores.read()
    assert KnownLogins(tmp_path / "tokens.json").get(SERVER, 0) is None


@pytest.mark.parametrize("kept", [[], {"access_token": 1}, {"access_token": "a b"}, {"refresh_token": "r"}, None])
async def test_an_entry_without_a_token(kept: object, tmp_path: Path) -> None:
    write_private(tmp_path / "tokens.json", json.dumps({SERVER: kept}).encode())
    assert await TokenStores(SERVER, AuthSettings(store="file"), tmp_path).read() is None


def test_what_servers_said_is_kept_for_a_day(tmp_path: Path) -> None:
    path = tmp_path / "logins.json"
    said = Discovery(
        "flytectl", "http://localhost:1/c", ("all",), "", "x-flyte", SERVER, "", f"{SERVER}/t", "", "", ("a",)
    )
    KnownLogins(path).put(SERVER, said, 1_000.0)
    assert path.stat().st_mode & 0o777 == 0o600
    assert KnownLogins(path).get(SERVER, 1_000.0 + KEPT_SECONDS - 1) == said
    assert KnownLogins(path).get(SERVER, 1_000.0 + KEPT_SECONDS) is None
    assert KnownLogins(path).get(SERVER, 999.0) is None
    assert KnownLogins(path).get("https://other.test", 1_000.0) is None
    path.chmod(0o666)
    assert KnownLogins(path).get(SERVER, 1_000.0) is None
    path.chmod(0o600)
    KnownLogins(path).forget(SERVER)
    assert KnownLogins(path).get(SERVER, 1_000.0) is None
