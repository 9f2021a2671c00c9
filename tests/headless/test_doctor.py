import json
from pathlib import Path

import pytest

from flowtui.config import load_settings
from flowtui.errors import AuthError, NotFoundError
from flowtui.headless.doctor import DoctorError, examine
from flowtui.headless.style import Style
from flowtui.httpclient import httpx
from flowtui.session import open_session
from tests.headless.conftest import NOW, PROJECT, Server

STEPS = [
    "flowtui", "settings", "home", "server", "certificates",
    "healthcheck", "login", "discovery", "token", "header", "version", "project", "list", "files",
]  # fmt: skip
LAST = ["signed url", "clock"]


class LoggedOut(Server):
    def answer(self, request: httpx.Request, path: str, params: dict[str, str]) -> httpx.Response:
        if path == "/healthcheck":
            return super().answer(request, path, params)
        return httpx.Response(401, headers={"www-authenticate": "token parse error"})


async def report(tmp_path: Path, server: Server, *, project: str = PROJECT, json: bool = True) -> str:
    environ = {"FLOWTUI_HOME": str(tmp_path), "HOME": str(tmp_path), "FLOWTUI_TOKEN": "hush"}
    settings = load_settings({"endpoint": "https://flyte.test", "project": project}, environ)
    return await examine(settings, lambda: open_session(settings, transport=server), Style(json=json, now=NOW))


async def test_all_is_well(tmp_path: Path) -> None:
    output = await report(tmp_path, Server())
    steps = json.loads(output)
    assert [step["step"] for step in steps] == [*STEPS, *LAST]
    assert all(step["ok"] for step in steps)
    found = {step["step"]: step["found"] for step in steps}
    assert found["server"] == "https://flyte.test (--endpoint)"
    assert found["version"] == "Flyte Admin v1.16.8"
    assert found["project"] == "flytesnacks / development"
    assert found["list"].startswith("the newest run is ")
    assert found["files"] == "no files of this machine; by signed URLs of the server"
    assert "hush" not in output
    assert "hush" not in await report(tmp_path, Server(), json=False)


async def test_a_project_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(DoctorError, match="The server has no project nobody, but flytesnacks") as raised:
        await report(tmp_path, Server(), project="nobody")
    assert raised.value.exit_code == NotFoundError.exit_code
    assert "none chosen; the server has flytesnacks" in await report(tmp_path, Server(), project="")


async def test_the_step_that_fails_is_the_last(tmp_path: Path) -> None:
    with pytest.raises(DoctorError) as raised:
        await report(tmp_path, LoggedOut())
    assert raised.value.exit_code == AuthError.exit_code
    assert raised.value.kind == "auth"
    steps = raised.value.details["steps"]
    assert [step["step"] for step in steps] == STEPS[: STEPS.index("version") + 1]
    assert [step["ok"] for step in steps][-2:] == [True, False]
    found = {step["step"]: step["found"] for step in steps}
    assert found["login"] == "token, because FLOWTUI_TOKEN is set"
    assert found["discovery"].startswith("https://flyte.test wants a login before it says how to log in")
    assert "✖ version" in raised.value.report


async def told(tmp_path: Path, flags: dict[str, object], environ: dict[str, str]) -> dict[str, str]:
    environ |= {"FLOWTUI_HOME": str(tmp_path), "HOME": str(tmp_path)}
    settings = load_settings({"project": PROJECT, **flags}, environ)
    output = await examine(settings, lambda: open_session(settings, transport=Server()), Style(json=True, now=NOW))
    return {step["step"]: step["found"] for step in json.loads(output)}


async def test_it_says_how_certificates_are_checked(tmp_path: Path) -> None:
    secure = {"endpoint": "https://flyte.test"}
    assert (await told(tmp_path, secure, {}))["certificates"] == "are checked"
    authority = await told(tmp_path, {**secure, "ca_file": "/ca.pem"}, {})
    assert authority["certificates"] == "are checked, /ca.pem is trusted too"
    insecure = await told(tmp_path, {**secure, "verify": False}, {})
    assert insecure["certificates"].startswith("are NOT checked (--insecure-skip-verify)")
    assert "certificates" not in await told(tmp_path, {"endpoint": "http://flyte.test"}, {})


async def test_it_says_what_is_meant_for_another_server(tmp_path: Path) -> None:
    environ = {"FLOWTUI_ENDPOINT": "https://other.test", "FLOWTUI_TOKEN": "hush"}
    found = await told(tmp_path, {"endpoint": "https://flyte.test"}, environ)
    assert found["left out"] == "auth.token from FLOWTUI_TOKEN, which is for another server"
