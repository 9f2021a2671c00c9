"""What a fresh process loads: fast starts, and no library where it does not belong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

_PROBE = """
import json, sys
{code}
top = {{name.partition(".")[0] for name, module in sys.modules.items() if module is not None}}
print("\\n" + json.dumps(sorted(top | {{name for name, module in sys.modules.items() if module is not None}})))
"""


def loaded(code: str, home: Path) -> set[str]:
    """The modules of a fresh process after some code."""
    environ = {"HOME": str(home), "FLOWTUI_HOME": str(home / "flowtui"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", _PROBE.format(code=code)], capture_output=True, text=True, env=environ, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def command(*words: str) -> str:
    return f"from flowtui.cli import main; assert main({list(words)!r}) == 0"


def test_the_version_needs_nothing(tmp_path: Path) -> None:
    found = loaded(command("--version"), tmp_path)
    assert not found & {"httpx", "pydantic", "textual", "rich", "argparse", "yaml", "flyteidl", "google", "asyncio"}


def test_help_needs_only_argparse(tmp_path: Path) -> None:
    found = loaded(command("artifacts", "--help"), tmp_path)
    assert not found & {"httpx", "pydantic", "textual", "rich", "yaml", "flyteidl", "google", "asyncio", "inspect"}


@pytest.mark.parametrize("words", [("runs",), ("artifacts",), ("bookmark", "list"), ("exports",)])
def test_a_command_loads_no_screen_and_no_flytekit(words: tuple[str, ...], tmp_path: Path) -> None:
    found = loaded(command(*words, "--json"), tmp_path)
    assert not found & {
        "textual",
        "rich",
        "flytekit",
        "pandas",
        "pyarrow",
        "uvicorn",
        "httpx._main",
        "click",
        "pydantic",
        "grpc",
    }
    assert "flowtui.admin" in found
    # The runs of this machine need no login.
    assert "flowtui.admin.auth" not in found


@pytest.mark.parametrize("auth", ["token = 'given'", "token_url = 'http://127.0.0.1:9/x'"])
def test_a_token_at_hand_loads_no_library_for_logins(auth: str, tmp_path: Path) -> None:
    code = """
import asyncio, contextlib
from dataclasses import replace
from pathlib import Path
from flowtui.config import AuthSettings, Settings
from flowtui.errors import FlowtuiError
from flowtui.session import open_session
settings = Settings(Path('home'), Path('cache'), endpoint='http://127.0.0.1:9', local=False, timeout=1.0)
settings = replace(settings, auth=AuthSettings(AUTH))
async def main():
    async with open_session(settings) as session:
        with contextlib.suppress(FlowtuiError):
            await session.auth.choice()
asyncio.run(main())
"""
    found = loaded(f"import os; os.chdir({str(tmp_path)!r})" + code.replace("AUTH", auth), tmp_path)
    assert "flowtui.admin.auth.authenticator" in found
    assert not found & {"keyring", "oauthlib", "segno", "http.server", "webbrowser", "flowtui.admin.auth.login"}


def test_a_preview_of_a_path_loads_no_server(tmp_path: Path) -> None:
    path = tmp_path / "dm.csv"
    path.write_text("a,b\n1,2\n")
    found = loaded(command("preview", str(path), "--json"), tmp_path)
    assert not found & {"textual", "rich", "flytekit", "starlette", "httpx", "flyteidl", "google"}


def test_a_comparison_of_paths_loads_no_server(tmp_path: Path) -> None:
    for name, value in (("a.csv", 1), ("b.csv", 2)):
        (tmp_path / name).write_text(f"a,b\n1,{value}\n")
    found = loaded(command("diff", str(tmp_path / "a.csv"), str(tmp_path / "b.csv"), "--json"), tmp_path)
    assert not found & {"textual", "rich", "flytekit", "starlette", "httpx", "flyteidl", "google", "pandas", "pyarrow"}


def test_settings_load_no_library_without_a_file(tmp_path: Path) -> None:
    found = loaded("from flowtui.config import load_settings; load_settings({})", tmp_path)
    assert not found & {"httpx", "pydantic", "textual", "yaml", "tomllib", "tomli"}


def test_the_screen_loads_no_flytekit(tmp_path: Path) -> None:
    found = loaded("import flowtui.tui.app", tmp_path)
    assert "textual" in found
    assert not found & {"flytekit", "pandas", "pyarrow", "starlette", "uvicorn", "pydantic"}


def test_the_embedded_admin_of_the_screen_loads_no_flytekit(tmp_path: Path) -> None:
    found = loaded(
        """
import asyncio
from flowtui.embedded import session_of
from flowtui.config import load_settings
async def main():
    async with session_of(load_settings({}), launches=True) as session:
        await session.catalog.executions("flowtui", "development")
asyncio.run(main())
""",
        tmp_path,
    )
    assert "flowtui.local.runner.runner" in found
    assert not found & {"flytekit", "pandas", "pyarrow", "uvicorn", "textual", "rich", "pydantic", "grpc"}


def test_httpx_comes_without_its_command_line(tmp_path: Path) -> None:
    found = loaded("from flowtui.httpclient import httpx; httpx.AsyncClient", tmp_path)
    assert "httpx" in found
    assert not found & {"httpx._main", "rich", "click", "pygments"}


@pytest.mark.parametrize("room", ["domain.artifact", "domain.lineage", "domain.execution", "errors", "text", "words"])
def test_the_innermost_rooms_load_no_other(room: str, tmp_path: Path) -> None:
    found = loaded(f"import flowtui.{room}", tmp_path)
    assert not found & {"httpx", "pydantic", "textual", "google", "flyteidl", "flowtui.admin", "flowtui.config"}
