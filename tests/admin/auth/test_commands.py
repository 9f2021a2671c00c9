"""Commands that print tokens and headers: whatever they do, nothing hangs and nothing of their output is shown."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.admin.auth import Authenticator
from flowtui.admin.auth.commands import output_of
from flowtui.admin.auth.edge import EdgeHeaders, parse_headers
from flowtui.config import AuthSettings
from flowtui.errors import AuthError
from flowtui.httpclient import httpx


def python(code: str) -> tuple[str, ...]:
    return sys.executable, "-c", code


async def test_what_it_prints() -> None:
    assert await output_of(python("print('tök' * 2)"), "auth.command") == "töktök\n"


async def test_no_shell_reads_it(tmp_path: Path) -> None:
    code = "import sys; print(sys.argv[1])"
    assert await output_of((*python(code), f"$(touch {tmp_path}/x); a b"), "auth.command") == (
        f"$(touch {tmp_path}/x); a b\n"
    )
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys; sys.exit(3)", "ended with exit code 3"),
        ("import sys; print('tok-secret'); sys.exit('it is\\x1b[31m off')", "ended with exit code 1: it is off"),
        ("import sys; sys.exit('Bearer eyJhbGciOi.eyJzdWIi.c2ln ' + 'A' * 40)", "ended with exit code 1: Bearer … …"),
        ("print('x' * 100_000)", "printed more than 64 KiB"),
        ("import sys; sys.stderr.write('x' * 100_000)", "printed more than 64 KiB"),
        ("import sys; sys.stdout.buffer.write(b'tok-secret\\xff')", "is not UTF-8"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "ended with exit code -15"),
    ],
)
async def test_a_command_that_fails(code: str, said: str) -> None:
    with pytest.raises(AuthError) as raised:
        await output_of(python(code), "auth.command")
    assert raised.value.message.startswith("auth.command: ")
    assert said in raised.value.message
    assert "tok-secret" not in str(raised.value)


async def test_a_command_that_hangs_ends_with_what_it_started(tmp_path: Path) -> None:
    marker = tmp_path / "started"
    child = f"import pathlib, time; pathlib.Path({str(marker)!r}).write_text('x'); time.sleep(600)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with pytest.raises(AuthError, match=r"did not end within 0\.5 s"):
        await output_of(python(code), "auth.command", seconds=0.5)


async def test_a_command_that_is_not_there() -> None:
    with pytest.raises(AuthError, match="cannot be started: No such file"):
        await output_of(("/no/such\x1bthing",), "auth.header_command")
    with pytest.raises(AuthError, match="cannot be started: its words hold a NUL"):
        await output_of(("a\0b",), "auth.header_command")


def test_headers_of_its_output() -> None:
    printed = "X-Team: bio:stat\r\n\n  Cookie :a=b; c=d\nX-Empty:\n"
    assert parse_headers(printed) == {"x-team": "bio:stat", "cookie": "a=b; c=d", "x-empty": ""}
    assert parse_headers("") == {}


@pytest.mark.parametrize(
    "line", ["tok-secret", "na me: tok-secret", ": tok-secret", "X: töken", "X: a\x1bb", "Host: elsewhere", "TE: x"]
)
def test_a_line_that_is_no_header_is_told_by_its_number(line: str) -> None:
    with pytest.raises(AuthError, match="line 2 of what it printed") as raised:
        parse_headers(f"A: b\n{line}")
    assert "tok-secret" not in str(raised.value)


@given(st.text())
def test_any_output_gives_headers_that_may_be_sent_or_an_error(printed: str) -> None:
    try:
        headers = parse_headers(printed)
    except AuthError:
        return
    httpx.Request("GET", "https://flyte.test", headers=headers)
    assert not any("\n" in name + value or "\r" in name + value for name, value in headers.items())


async def test_both_commands_run_once_until_they_are_forgotten(tmp_path: Path) -> None:
    log = tmp_path / "runs"
    counting = f"open({str(log)!r}, 'a').write('x'); print("
    settings = AuthSettings(
        header_command=python(counting + "'X-Key: ' + str(len(open(" + repr(str(log)) + ").read())))"),
        proxy_command=python("print('for-the-proxy')"),
    )
    edge = EdgeHeaders(settings)
    first = await asyncio.gather(*(edge.get() for _ in range(8)))
    assert first == [{"proxy-authorization": "Bearer for-the-proxy", "x-key": "1"}] * 8
    edge.forget()
    assert (await edge.get())["x-key"] == "2"


async def test_headers_of_a_command_are_renewed_once_on_401(tmp_path: Path) -> None:
    log = tmp_path / "runs"
    code = f"open({str(log)!r}, 'a').write('x'); print('X-Key: ' + str(len(open({str(log)!r}).read())))"
    good = "2"
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["x-key"])
        return httpx.Response(200 if seen[-1] == good else 401)

    transport = httpx.MockTransport(answer)
    url = "https://flyte.test"
    auth = Authenticator(
        url, AuthSettings(mode="none", header_command=python(code)), headers={}, home=tmp_path, transport=transport
    )
    async with httpx.AsyncClient(auth=auth, transport=transport) as client:
        assert (await client.get(url)).status_code == 200
        assert seen == ["1", "2"]
        good = "never"
        with pytest.raises(AuthError, match="does not accept what the configuration says"):
            await client.get(url)
        assert seen == ["1", "2", "2", "3"]


@pytest.mark.parametrize("code", ["print('two words')", "pass", "print('a' * 20_000)"])
async def test_a_token_command_that_prints_garbage(code: str, tmp_path: Path) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    for settings, name in (
        (AuthSettings(command=python(code)), r"auth\.command printed no token"),
        (AuthSettings(proxy_command=python(code)), r"auth\.proxy_command printed no token"),
    ):
        auth = Authenticator("https://flyte.test", settings, headers={}, home=tmp_path, transport=transport)
        async with httpx.AsyncClient(auth=auth, transport=transport) as client:
            with pytest.raises(AuthError, match=name):
                await client.get("https://flyte.test")
