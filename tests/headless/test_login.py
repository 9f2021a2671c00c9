"""`flowtui login` and `logout` as typed, over real sockets: authlib's server in front of the embedded Admin."""

from __future__ import annotations

import json
import logging
import os
import re
import select
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keyring
import pytest

from flowtui import cli
from flowtui.config import Settings, load_settings
from tests.oauth.authorization_server import ROBOT, SECRET, CodeGrant
from tests.oauth.flyte_with_login import FlyteWithLogin, flyte_with_login
from tests.oauth.keyrings import BrokenKeyring, MemoryKeyring
from tests.test_cli import failure

BROWSER = """
import sys, urllib.request
urllib.request.urlopen(sys.argv[1]).read()
"""


@pytest.fixture
def flyte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlyteWithLogin]:
    """A Flyte with login, named by the environment."""
    with flyte_with_login(tmp_path / "flyte") as (url, app):
        monkeypatch.setenv("FLOWTUI_ENDPOINT", url)
        monkeypatch.setenv("FLOWTUI_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("FLOWTUI_PROJECT", "flowtui")
        yield app


@pytest.fixture
def slots() -> Iterator[MemoryKeyring]:
    """A keyring in memory."""
    before, memory = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


@pytest.fixture
def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A display, and a browser that follows redirects."""
    script = tmp_path / "browser.py"
    script.write_text(BROWSER)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("BROWSER", f"{sys.executable} {script} %s")


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert cli.main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def configure(monkeypatch: pytest.MonkeyPatch, **auth: Any) -> None:
    """Settings of the table ``auth`` beside what flags and environment say."""

    def load(flags: Mapping[str, object]) -> Settings:
        settings = load_settings(flags)
        return replace(settings, auth=replace(settings.auth, **auth))

    monkeypatch.setattr("flowtui.config.load_settings", load)


def place(app: FlyteWithLogin) -> str:
    return app.world.issuer.partition("://")[2]


@pytest.mark.usefixtures("browser")
def test_login_in_a_browser_then_runs_then_logout(
    flyte: FlyteWithLogin, slots: MemoryKeyring, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["runs", "--json"]) == 4
    error = failure(capsys)
    assert error["kind"] == "auth"
    assert "You are not logged in" in error["message"]
    assert "flowtui login" in error["hint"]

    said = answer(capsys, "login")
    assert (said["subject"], said["name"], said["email"]) == ("jane", "Jane Doe", "jane@example.com")
    assert (said["mode"], said["renewable"], said["kept"]) == ("pkce", True, f"keyring: {place(flyte)}")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", said["expires_at"])
    # Where pyflyte looks.
    issued = flyte.world.tokens[-1]
    assert slots.passwords == {
        (place(flyte), "access_token"): issued.access,
        (place(flyte), "refresh_token"): issued.refresh,
    }

    flyte.requests.clear()
    assert answer(capsys, "runs") == []
    # A token at hand costs no round trip.
    assert dict(flyte.requests) == {"/api/v1/executions/flowtui/development": 1}

    assert answer(capsys, "logout") == {
        "endpoint": flyte.world.issuer,
        "forgotten": [f"keyring: {place(flyte)}"],
        "revoked": True,
    }
    assert slots.passwords == {}
    assert issued.revoked
    assert cli.main(["runs", "--json"]) == 4
    failure(capsys)
    assert cli.main(["logout"]) == 0
    assert capsys.readouterr().out == f"No login at {flyte.world.issuer} is kept here.\n"


def test_a_login_of_pyflyte_is_one_of_ours(
    flyte: FlyteWithLogin, slots: MemoryKeyring, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("flytekit")
    from flytekit.clients.auth.keyring import Credentials, KeyringStore

    token = flyte.world.generate(
        client=flyte.world.client("flytectl"), user="jane", scope="all", include_refresh_token=True
    )
    request = type("Request", (), {"client": flyte.world.client("flytectl"), "user": "jane"})()
    flyte.server.save_token(token, request)
    KeyringStore.store(Credentials(token["access_token"], token["refresh_token"], place(flyte)))
    assert answer(capsys, "runs") == []
    # And the reverse: what we renew, pyflyte finds.
    flyte.world.tokens[-1].access = "revoked"
    assert answer(capsys, "runs") == []
    found = KeyringStore.retrieve(place(flyte))
    assert found is not None
    assert (found.access_token, found.refresh_token) == (flyte.world.tokens[-1].access, flyte.world.tokens[-1].refresh)
    assert flyte.world.grants == {"refresh_token": 1}


def test_no_secret_is_anywhere(
    flyte: FlyteWithLogin,
    slots: MemoryKeyring,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    script = tmp_path / "browser.py"
    script.write_text(f"import sys\nopen({str(tmp_path / 'argv')!r}, 'w').write(str(sys.argv))\n{BROWSER}")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("BROWSER", f"{sys.executable} {script} %s")
    monkeypatch.setenv("FLOWTUI_DEBUG", "1")
    caplog.set_level(logging.DEBUG)
    codes: list[str] = []
    save = CodeGrant.save_authorization_code
    monkeypatch.setattr(
        CodeGrant,
        "save_authorization_code",
        lambda self, code, request: codes.append(code) or save(self, code, request),
    )
    assert cli.main(["login"]) == 0
    assert cli.main(["doctor"]) == 0
    # A refresh token that is used up already.
    flyte.world.tokens[-1].revoked = True
    for words in (["runs"], ["runs", "--json"], ["doctor"], ["logout"]):
        cli.main(words)
    secrets = [text for token in flyte.world.tokens for text in (token.access, token.refresh) if text] + codes
    assert len(secrets) >= 3
    out, err = capsys.readouterr()
    assert "has ended" in err
    logged = "".join(record.getMessage() for record in caplog.records if not record.name.startswith("authlib"))
    argv = (tmp_path / "argv").read_text()
    assert "code_challenge" in argv
    for text in (out, err, logged, argv):
        assert not [secret for secret in secrets if secret in text]


@pytest.mark.usefixtures("browser")
def test_without_a_keyring_it_is_said_once_and_a_file_helps(
    flyte: FlyteWithLogin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["login"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"Logged in at {flyte.world.issuer} as jane (Jane Doe, jane@example.com) until 20")
    assert out.endswith("not kept.\n")
    assert err.count("This machine has no keyring.") == 1
    assert "--store file" in err

    said = answer(capsys, "login", "--store", "file")
    path = tmp_path / "home" / "tokens.json"
    assert said["kept"] == str(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert answer(capsys, "runs") == []
    path.chmod(0o644)
    assert cli.main(["runs", "--json"]) == 2
    assert "can be read by others" in failure(capsys)["message"]


@pytest.mark.usefixtures("browser", "slots")
def test_who_refuses_in_the_browser_is_not_let_in(flyte: FlyteWithLogin, capsys: pytest.CaptureFixture[str]) -> None:
    flyte.world.person = ""
    assert cli.main(["login"]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert "The login was refused" in err
    assert "flowtui login" in err


@pytest.mark.usefixtures("slots")
def test_a_code_for_another_device(flyte: FlyteWithLogin, capsys: pytest.CaptureFixture[str]) -> None:
    done = threading.Event()

    def person() -> None:
        while not done.wait(0.02):
            for device in flyte.world.devices.values():
                flyte.world.agreed[device["user_code"]] = True

    thread = threading.Thread(target=person)
    thread.start()
    try:
        # No display: a code is what is left of itself.
        assert cli.main(["login", "--json"]) == 0
    finally:
        done.set()
        thread.join()
    out, err = capsys.readouterr()
    assert json.loads(out)["mode"] == "device"
    (device,) = flyte.world.devices.values()
    assert device["user_code"] in err
    assert device["verification_uri"] in err
    assert device["device_code"] not in err


@pytest.mark.usefixtures("slots")
def test_a_client_secret_for_scripts(
    flyte: FlyteWithLogin, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(monkeypatch, mode="client_secret", client_id=ROBOT, client_secret_env="ROBOT_SECRET")
    assert cli.main(["runs", "--json"]) == 4
    assert "ROBOT_SECRET is not set" in failure(capsys)["message"]
    monkeypatch.setenv("ROBOT_SECRET", "wrong")
    assert cli.main(["login", "--json"]) == 4
    error = failure(capsys)
    assert "client" in error["hint"]
    assert "wrong" not in json.dumps(error)
    monkeypatch.setenv("ROBOT_SECRET", SECRET)
    assert answer(capsys, "runs") == []
    said = answer(capsys, "login")
    assert (said["mode"], said["subject"], said["renewable"]) == ("client_secret", ROBOT, True)


def test_a_server_without_login(flyte: FlyteWithLogin, capsys: pytest.CaptureFixture[str]) -> None:
    flyte.offers_login = False
    assert cli.main(["login", "--json"]) == 4
    assert "wants a login, and offers none of its own" in failure(capsys)["message"]
    flyte.accepted.add("")
    assert cli.main(["login"]) == 0
    assert capsys.readouterr().out == f"{flyte.world.issuer} lets everybody in.\n"


def test_this_machine_needs_no_login(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["login", "--json"]) == 2
    assert "this machine needs no login" in failure(capsys)["message"]
    assert cli.main(["logout", "--json"]) == 2
    failure(capsys)


def test_a_broken_keyring_shows_no_secret(flyte: FlyteWithLogin, capsys: pytest.CaptureFixture[str]) -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(BrokenKeyring())
    try:
        assert cli.main(["runs"]) == 4
    finally:
        keyring.set_keyring(before)
    out, err = capsys.readouterr()
    assert "The keyring does not work (RuntimeError)" in err
    assert "hush" not in out + err


class Typist:
    """`flowtui login` in a process of its own, on a terminal that the test types on.

    Args:
        sees: stderr is the terminal too.
    """

    def __init__(self, *words: str, sees: bool = False) -> None:
        import pty

        self.ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flowtui", *words],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs if sees else subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, "PYTHONUTF8": "1"},
        )
        os.close(theirs)
        self.reads = self.ours if sees else self.process.stderr.fileno()
        self.said = ""

    def until(self, pattern: str) -> re.Match[str]:
        """Reads stderr up to a match."""
        while not (found := re.search(pattern, self.said)):
            ready, _, _ = select.select([self.reads], [], [], 60)
            chunk = os.read(self.reads, 65_536) if ready else b""
            assert chunk, self.said
            self.said += chunk.decode(errors="replace")
        return found

    def type(self, line: str) -> None:
        os.write(self.ours, line.encode() + b"\n")

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=60)
        os.close(self.ours)
        return self.process.returncode, out.decode(), self.said + (err or b"").decode()


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Stops at the address of the person's own machine."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        return None if "/callback?" in newurl else super().redirect_request(req, fp, code, msg, headers, newurl)


def final_address(url: str) -> str:
    """Where a browser on another machine ends: at an address that nobody answers there."""
    try:
        urllib.request.build_opener(NoRedirect).open(url)
    except urllib.error.HTTPError as error:
        return str(error.headers["location"])
    raise AssertionError("the walk ends with a redirect")


def test_the_browser_is_on_another_machine(flyte: FlyteWithLogin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 5 10.0.0.2 22")
    typist = Typist("login", "--mode", "pkce", "--store", "file", "--json")
    url = typist.until(r"http://\S+/oauth2/authorize\?\S+")[0]
    typist.until("paste the address")
    typist.type("what address?")
    typist.until("That is not it")
    typist.type(final_address(url))
    code, out, err = typist.end()
    assert code == 0, err
    assert json.loads(out)["subject"] == "jane"
    assert flyte.world.tokens[-1].access not in out + err


def test_an_answer_to_another_login_is_refused(flyte: FlyteWithLogin) -> None:
    typist = Typist("login", "--mode", "pkce", "--store", "none", "--json")
    url = typist.until(r"http://\S+/oauth2/authorize\?\S+")[0]
    typist.until("paste the address")
    typist.type(re.sub("state=[^&]*", "state=another", final_address(url)))
    code, out, err = typist.end()
    assert (code, out) == (4, "")
    assert "not one to this login" in err
    assert flyte.world.grants == {}


def test_ctrl_c_ends_it(flyte: FlyteWithLogin) -> None:
    typist = Typist("login", "--mode", "pkce", "--store", "none")
    typist.until("paste the address")
    typist.process.send_signal(signal.SIGINT)
    code, out, err = typist.end()
    assert (code, out) == (130, "")
    assert "Interrupted" in err


def test_a_code_is_shown_to_be_scanned(flyte: FlyteWithLogin) -> None:
    typist = Typist("login", "--mode", "device", "--store", "none", sees=True)
    typist.until("good for 30 minutes")
    # The finder pattern of a QR code.
    assert "██ ▄▄▄▄▄ █" in typist.said
    (device,) = flyte.world.devices.values()
    assert device["user_code"] in typist.said
    flyte.world.agreed[device["user_code"]] = True
    code, out, _ = typist.end()
    assert code == 0
    assert out.startswith(f"Logged in at {flyte.world.issuer} as jane")
