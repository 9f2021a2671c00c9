"""Exit codes, where output goes, and options before and after the command."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from flowtui import __version__, cli
from flowtui.config import AuthSettings, Settings, TransportSettings
from flowtui.domain.execution import ExecutionId
from flowtui.local.app import create_app
from flowtui.parser import COMMANDS, parse


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home: the embedded Admin answers, and knows no run."""
    monkeypatch.setenv("FLOWTUI_HOME", str(tmp_path))
    return tmp_path


@contextmanager
def server(status: int, body: bytes = b"", **headers: str) -> Iterator[str]:
    """An HTTP server on loopback that answers everything alike."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


@contextmanager
def served(app: Any) -> Iterator[str]:
    """An ASGI app on a loopback port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    # Who asks before the server is up waits instead of being refused.
    listener.listen(128)
    uvicorn_server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=uvicorn_server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        uvicorn_server.should_exit = True
        thread.join()
        listener.close()


def failure(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The one error object on stderr; stdout must be empty."""
    out, err = capsys.readouterr()
    assert out == ""
    error: dict[str, Any] = json.loads(err)["error"]
    assert list(error)[:3] == ["kind", "message", "hint"]
    return error


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"flowtui {__version__}\n"


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"\n  {name}" in out for name in COMMANDS)
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: flowtui {name}")


@pytest.mark.parametrize(
    "words",
    [
        ["nodes"],
        ["runs", "--limit", "0"],
        ["runs", "--limit", "many"],
        ["runs", "--no-such"],
        ["runs", "extra"],
        ["lineage", "r", "--mermaid", "--dot"],
        ["get", "r"],
        ["diff", "a"],
        ["diff", "a", "b", "--tolerance", "much"],
        ["diff", "a", "b", "--rows", "0"],
        ["bookmark", "keep"],
        ["bookmark", "add", "r"],
        ["bookmark", "list", "r"],
        ["export", "r", "--to", "d"],
        ["export", "r", "a", "--to", "dir", "--if-exists", "ask"],
        ["run"],
        ["run", "flow.py"],
        ["serve", "--port", "70000"],
        ["serve", "--grpc-port", "-1"],
        ["runs", "--timeout", "soon"],
        ["runs", "--endpoint", "ftp://host"],
        ["runs", "--local", "--endpoint", "https://host"],
        ["nodes", "flyte://v1/p"],
        ["nodes", "https://host/console/projects/p"],
        ["artefact", "r"],
    ],
)
def test_bad_usage_is_2_and_says_what_to_do(words: list[str], here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--json", *words]) == 2
    error = failure(capsys)
    assert error["kind"] in ("usage", "config")
    assert error["message"]
    assert error["hint"]


@pytest.mark.parametrize(
    ("words", "port"),
    [
        ([], 8189),
        (["--port", "7000"], 7001),
        (["--port", "0"], 0),
        (["--port", "65535"], 0),
        (["--grpc-port", "9"], 9),
    ],
)
def test_grpc_takes_the_port_behind_that_of_rest(
    words: list[str], port: int, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flowtui.local import serve

    asked: dict[str, Any] = {}
    monkeypatch.setattr(serve, "serve", lambda home, **options: asked.update(options))
    assert cli.main(["serve", *words]) == 0
    assert asked["grpc_port"] == port


def test_a_command_that_is_nearly_one_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["artifcts", "run-1"]) == 2
    assert "Did you mean `flowtui artifacts`?" in capsys.readouterr().err


def test_global_options_work_before_and_after_the_command() -> None:
    before = parse(["-p", "mine", "--json", "--endpoint", "https://h", "runs", "--limit", "3"])
    after = parse(["runs", "--limit", "3", "--endpoint=https://h", "-pmine", "--json"])
    assert before == after
    assert before.options.project == "mine"


def test_a_run_may_be_called_like_a_command() -> None:
    assert parse(["open", "runs"]).options.run == "runs"
    assert parse(["run-1"]).command == "open"
    assert parse(["-p", "runs"]).command == "open"
    assert parse([]).options.run is None


def test_options_may_stand_between_positionals() -> None:
    found = parse(["lineage", "run-1", "--mermaid", "ADaM/adsl.csv"]).options
    assert (found.run, found.selector, found.mermaid) == ("run-1", "ADaM/adsl.csv", True)
    assert parse(["export", "run-1", "A", "--to", "d", "B"]).options.selectors == ["A", "B"]
    assert parse(["preview", "run-1", "--", "-odd/name"]).options.selector == "-odd/name"


def test_behind_the_workflow_every_option_is_an_input() -> None:
    found = parse(["run", "--name", "x", "flow.py", "--max-parallelism", "2", "wf", "--json", "-p", "3", "--name", "y"])
    assert (found.options.file, found.options.workflow) == ("flow.py", "wf")
    assert found.inputs == ("--json", "-p", "3", "--name", "y")
    assert (found.options.name, found.options.max_parallelism) == ("x", 2)
    assert not found.options.json
    assert found.options.project is None
    assert parse(["-p", "mine", "run", "flow.py", "wf", "--help"]).inputs == ("--help",)


def settings_for(tmp_path: Path, **more: object) -> Settings:
    return Settings(home=tmp_path, cache=tmp_path, **more)  # type: ignore[arg-type]


def test_a_url_of_the_console_names_server_project_domain_and_run(tmp_path: Path) -> None:
    url = "https://other/flows/console/projects/p/domains/d/executions/run-1"
    mine = settings_for(
        tmp_path,
        endpoint="https://host/flows",
        local=False,
        headers={"authorization": "Bearer hush"},
        auth=AuthSettings(token="hush", command=("print-token",)),
        transport=TransportSettings(verify=False, proxy="http://proxy:3128"),
    )
    settings, run = cli._aim(mine, url)
    assert (settings.endpoint, run) == ("https://other/flows", ExecutionId("p", "d", "run-1"))
    assert not settings.headers
    assert settings.auth == AuthSettings()
    assert settings.transport == TransportSettings(verify=True, proxy="http://proxy:3128")
    settings, run = cli._aim(mine, url.replace("other", "host"))
    assert (settings.endpoint, settings.headers, settings.auth) == (mine.endpoint, mine.headers, mine.auth)
    settings, _ = cli._aim(settings_for(tmp_path), url)
    assert (settings.endpoint, settings.local) == ("https://other/flows", False)
    settings, _ = cli._aim(settings_for(tmp_path, sources={"local": "--local"}), url)
    assert (settings.endpoint, settings.local, settings.project) == (None, True, "p")


def test_a_name_keeps_project_and_domain_of_the_settings(tmp_path: Path) -> None:
    settings, run = cli._aim(settings_for(tmp_path, project="mine"), "run-1")
    assert run == ExecutionId("mine", "development", "run-1")
    settings, run = cli._aim(settings, "p/d/run-1")
    assert (settings.project, settings.domain, run.name) == ("p", "d", "run-1")


def test_json_behind_the_workflow_is_an_input(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "/no/flow.py", "wf", "--json"]) == 2
    assert capsys.readouterr().err.startswith("flowtui: There is no file")
    assert cli.main(["run", "--json", "/no/flow.py", "wf"]) == 2
    assert failure(capsys)["kind"] == "usage"


def test_without_a_project_a_command_names_them(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app = create_app(here)
    try:
        with served(app) as url:
            assert cli.main(["runs", "--endpoint", url, "--json"]) == 2
            assert failure(capsys)["hint"].startswith("Choose one with --project: ")
            assert cli.main(["runs", "--endpoint", url, "-p", "flowtui", "--json"]) == 0
            assert capsys.readouterr().out == "[]\n"
    finally:
        app.state.admin.store.close()


def test_nothing_there_is_an_empty_list(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["runs", "--json"]) == 0
    assert capsys.readouterr().out == "[]\n"
    assert cli.main(["runs"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "words",
    [
        ["nodes", "none"],
        ["artifacts", "none"],
        ["lineage", "none"],
        ["preview", "none", "a/b"],
        ["preview", "/no/file"],
    ],
)
def test_what_is_not_there_is_3(words: list[str], here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*words, "--json"]) == 3
    assert failure(capsys)["kind"] == "not_found"


def test_a_server_that_wants_a_login_is_4(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with server(401, WWW_Authenticate="token parse error") as url:
        assert cli.main(["runs", "-p", "x", "--endpoint", url, "--json"]) == 4
    assert failure(capsys)["kind"] == "auth"


def test_a_server_that_is_not_flyte_is_1(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with server(200, b"<html>hello</html>", Content_Type="text/html") as url:
        assert cli.main(["runs", "-p", "x", "--endpoint", url, "--json"]) == 1
    assert failure(capsys)["kind"] == "server"


def test_nobody_there_is_1(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    assert cli.main(["runs", "-p", "x", "--endpoint", url, "--json"]) == 1
    assert failure(capsys)["kind"] == "unreachable"


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_run", interrupted)
    assert cli.main(["runs", "--json"]) == 130
    assert failure(capsys)["kind"] == "interrupted"


def test_a_defect_is_shown_and_its_traceback_on_demand(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> int:
        raise ZeroDivisionError("a\x1b[31mb")

    monkeypatch.setattr(cli, "_run", broken)
    assert cli.main(["runs"]) == 1
    err = capsys.readouterr().err
    assert "ZeroDivisionError: ab" in err
    assert "FLOWTUI_DEBUG=1" in err
    assert "Traceback" not in err
    monkeypatch.setenv("FLOWTUI_DEBUG", "1")
    assert cli.main(["runs"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_foreign_name_in_an_error_moves_no_cursor(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["nodes", "evil\x1b[2J\u202ename"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert "\x1b" not in err
    assert "\u202e" not in err


def test_the_screen_needs_a_terminal(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "needs a terminal" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["runs", "--json"]])
def test_a_broken_pipe_is_quiet(words: list[str], here: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        command = [sys.executable, "-m", "flowtui", *words]
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is full")
def test_a_full_device_is_told_as_such(here: Path) -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "flowtui", "runs", "--json"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert json.loads(done.stderr)["error"]["message"] == "There is no room left."


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_a_closed_stream_is_no_defect(closed: str, here: Path) -> None:
    line = f'exec "$0" -m flowtui runs --json {closed}'
    done = subprocess.run(["sh", "-c", line, sys.executable], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("" if closed == ">&-" else "[]\n")


def test_preview_of_a_path_needs_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dm.csv").write_text("USUBJID,AGE\n01-701-1015,63\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLOWTUI_HOME", str(tmp_path / "home"))
    assert cli.main(["preview", "dm.csv", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["kind"], shown["rows"]) == ("table", [["01-701-1015", "63"]])
    assert shown["uri"] == str(tmp_path / "dm.csv")
    assert not (tmp_path / "home").exists()
    assert cli.main(["preview", "dm.csv"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == ["USUBJID      AGE", "01-701-1015   63"]
    assert "dm.csv" in err


def test_where_there_is_nothing_a_person_is_told_so(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, said in [
        (["runs"], "No runs in flowtui/development.\n"),
        (["runs", "--query", "adam"], "No run of flowtui/development matches.\n"),
        (["artifacts"], "No run of flowtui/development declares such artifacts.\n"),
    ]:
        assert cli.main(words) == 0
        assert capsys.readouterr() == ("", said)
        assert cli.main([*words, "--json"]) == 0
        assert capsys.readouterr() == ("[]\n", "")


def test_a_preview_of_a_run_alone_tells_how_to_name_its_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["preview", "run-1"]) == 3
    assert "flowtui preview RUN ARTIFACT/FILE" in capsys.readouterr().err
    assert cli.main(["preview", "no.csv"]) == 3
    assert "ARTIFACT/FILE" not in capsys.readouterr().err
