"""flytekit's FlyteRemote and pyflyte against ``flowtui serve``, each in a process of its own.

They find server and token by the configuration file that ``flowtui serve`` writes, as a person's would.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from flowtui.httpclient import httpx
from tests.local.recorded import Recorded
from tests.replay import expected

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("flytekit") is None, reason="flytekit supports Python below 3.13 only"
)

ROOT = Path(__file__).parents[2]
PYFLYTE = Path(sys.executable).with_name("pyflyte")
_FLOW = """
    from flytekit import dynamic, task, workflow
    from flytekit.types.file import FlyteFile
    from words import text

    @task
    def write(n: int) -> FlyteFile["txt"]:
        # One each: tasks that run at the same time share the folder.
        with open(f"words-{n}.txt", "w") as file:
            file.write(text(n))
        return FlyteFile(f"words-{n}.txt")

    @dynamic
    def fan(n: int) -> list[FlyteFile["txt"]]:
        return [write(n=number) for number in range(n)]

    @workflow
    def flow(n: int = 2) -> list[FlyteFile["txt"]]:
        return fan(n=n)

    @task
    def wait() -> None:
        import time
        time.sleep(600)

    @workflow
    def endless() -> None:
        wait()
"""


def environment(home: Path, **more: str) -> dict[str, str]:
    """No setting of the person, and a home folder of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLYTE", "FLOWTUI_", "DOMINO_"))}
    folders = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), str(home / "person"))
    (home / "person").mkdir(exist_ok=True)
    return {**kept, **folders, "FLYTE_SDK_LOGGING_LEVEL": "40", **more}


@contextmanager
def serving(home: Path, *words: str) -> Iterator[dict[str, Any]]:
    """``flowtui serve --json`` on free ports: what it says, while it runs."""
    command = [sys.executable, "-m", "flowtui", "serve", "--port", "0", "--json", "--home", str(home), *words]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment(home)
    )
    assert process.stdout is not None
    try:
        said = ""
        while not said.endswith("}\n"):
            line = process.stdout.readline()
            assert line, process.communicate()
            said += line
        yield json.loads(said)
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (-signal.SIGTERM, "")


def run(code: str, home: Path, *arguments: str, **more: str) -> Any:
    """What Python code with a ``remote`` leaves in ``answer``."""
    head = """
        import json, sys, time, typing
        from flytekit.configuration import Config
        from flytekit.remote import FlyteRemote
        from flytekit.types.file import FlyteFile
        remote = FlyteRemote(Config.auto(), default_project=sys.argv[1], default_domain="development")
    """
    whole = textwrap.dedent(head) + textwrap.dedent(code) + "\nprint('\\n' + json.dumps(answer))"
    done = subprocess.run(
        [sys.executable, "-c", whole, *arguments],
        capture_output=True,
        text=True,
        env=environment(home, **more),
        cwd=home,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def pyflyte(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PYFLYTE, *words], capture_output=True, text=True, env=environment(folder, **more), cwd=folder, check=False
    )


_SYNC = """
    answer = {}
    for name in sys.argv[2:]:
        execution = remote.sync(remote.fetch_execution(name=name), sync_nodes=True)
        nodes = execution.node_executions
        answer[name] = [execution.closure.phase, sorted(nodes), sorted(
            node for node, one in nodes.items() if node not in ("start-node", "end-node") and one.closure is None)]
"""


def test_flyte_remote_syncs_every_recorded_execution(tmp_path: Path) -> None:
    admin = Recorded(tmp_path)
    with admin.app.state.admin.store.read() as db:
        rows = db.execute(
            "SELECT execution_name, node_id FROM node_executions WHERE parent_id IS NULL AND "
            "parent_task_execution_id IS NULL"
        ).fetchall()
    admin.app.state.admin.store.close()
    names = sorted(expected())
    with serving(tmp_path) as said:
        found = run(_SYNC, tmp_path, "flytesnacks", *names, FLYTECTL_CONFIG=said["flyte_config"])
    for name, one in expected().items():
        phase, nodes, missing = found[name]
        assert (_PHASES[phase], missing) == (one["phase"], []), name
        assert nodes == sorted(node for execution, node in rows if execution == name), name
    assert len(found) == 44


_PHASES = {2: "RUNNING", 4: "SUCCEEDED", 6: "FAILED", 7: "ABORTED"}


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any], str]]:
    """A server, and a flow that was registered with ``pyflyte register``: home, what the server says, version."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("flow")
    (folder / "some_flow.py").write_text(textwrap.dedent(_FLOW))
    (folder / "words.py").write_text("def text(n):\n    return 'ab' * n\n")
    with serving(home) as said:
        config = {"FLYTECTL_CONFIG": said["flyte_config"]}
        done = pyflyte(folder, "register", "-p", "flowtui", "--version", "v1", "some_flow.py", **config)
        assert done.returncode == 0, done.stdout + done.stderr
        # What runs is the uploaded code, not what lies in the folder.
        (folder / "some_flow.py").unlink()
        yield home, said, "v1"


_FETCH_AND_RUN = """
    plan = remote.fetch_launch_plan(name="some_flow.flow")
    run = remote.wait(remote.execute(plan, inputs={"n": 3}), poll_interval=1)
    run = remote.sync(run, sync_nodes=True)
    texts = [open(file).read() for file in run.outputs.get("o0", typing.List[FlyteFile])]
    stopped = remote.execute(remote.fetch_launch_plan(name="some_flow.endless"), inputs={})
    while not remote.sync(stopped, sync_nodes=True).node_executions:
        time.sleep(0.2)
    remote.terminate(stopped, "enough")
    answer = {
        "workflow": remote.fetch_workflow(name="some_flow.flow").id.version,
        "task": remote.fetch_task(name="some_flow.write", version="v1").id.name,
        "plan": plan.id.version,
        "phase": run.closure.phase,
        "nodes": sorted(run.node_executions),
        "inner": sorted(run.node_executions["n0"].subworkflow_node_executions),
        "texts": texts,
        "stopped": remote.wait(stopped, poll_interval=1).closure.phase,
        "cause": remote.fetch_execution(name=stopped.id.name).closure.abort_metadata.cause,
        "recent": sorted(one.id.name for one in remote.recent_executions(limit=9)) == sorted(
            [run.id.name, stopped.id.name]),
        "tasks": sorted(one.id.name for one in remote.list_tasks_by_version("v1")),
    }
"""


def test_what_pyflyte_registers_runs_here(registered: tuple[Path, dict[str, Any], str]) -> None:
    home, said, version = registered
    found = run(_FETCH_AND_RUN, home, "flowtui", FLYTECTL_CONFIG=said["flyte_config"])
    assert found == {
        "workflow": version,
        "task": "some_flow.write",
        "plan": version,
        "phase": 4,
        "nodes": ["end-node", "n0", "start-node"],
        "inner": found["inner"],
        "texts": ["", "ab", "abab"],
        "stopped": 7,
        "cause": "enough",
        "recent": True,
        "tasks": ["some_flow.fan", "some_flow.wait", "some_flow.write"],
    }
    assert len(found["inner"]) == 5


_TWO_WAYS = """
    from flytekit.configuration import PlatformConfig
    answer = [remote.fetch_workflow(name="some_flow.flow").id.version]
    bare = PlatformConfig(endpoint=remote.config.platform.endpoint, insecure=True)
    try:
        FlyteRemote(Config(platform=bare), "flowtui", "development").fetch_workflow(name="some_flow.flow")
    except Exception as error:
        answer.append(str(error))
"""


def test_the_environment_alone_leads_there_and_without_the_token_it_is_named(
    registered: tuple[Path, dict[str, Any], str],
) -> None:
    home, said, version = registered
    settings = {
        "FLYTE_PLATFORM_URL": said["grpc_endpoint"],
        "FLYTE_PLATFORM_INSECURE": "true",
        "FLYTE_CREDENTIALS_AUTH_MODE": "ExternalCommand",
        "FLYTE_CREDENTIALS_COMMAND": f"cat,{said['token_file']}",
    }
    found, told = run(_TWO_WAYS, home, "flowtui", **settings)
    assert found == version
    assert "set-authType-to-ExternalCommand" in told


def test_the_file_that_flyte_reads_has_no_secret(registered: tuple[Path, dict[str, Any], str]) -> None:
    _, said, _ = registered
    text = Path(said["flyte_config"]).read_text()
    assert said["token"] not in text
    assert said["grpc_endpoint"] in text
    with httpx.Client(base_url=said["url"]) as client:
        assert client.get("/healthcheck").status_code == 200


def test_without_grpcio_rest_is_served_and_the_rest_is_said(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['grpc'] = None\n"
        "from flowtui.cli import main\n"
        "sys.exit(main(['serve', '--port', '0', '--home', sys.argv[1]]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stderr=subprocess.PIPE, text=True, env=environment(tmp_path)
    )
    assert process.stderr is not None
    lines = [process.stderr.readline() for _ in range(4)]
    url = lines[0].split(" at ")[1].split()[0]
    with httpx.Client(base_url=url) as client:
        assert client.get("/healthcheck").status_code == 200
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == (None, "")
    assert process.returncode == 0
    assert "grpcio" in lines[3]
