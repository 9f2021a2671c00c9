"""The import path ``flytekitplugins.domino.*``, in fresh processes."""

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

FLOW = """
from typing import TypeVar
from flytekit import task, workflow
from flytekit.types.file import FlyteFile
from flytekitplugins.domino.artifact import Artifact, DATA

Data = Artifact("Study Data", DATA)

@task
def make(text: str) -> Data.File("note.txt"):
    with open("note.txt", "w") as file:
        file.write(text)
    return FlyteFile("note.txt")

@workflow
def once(text: str) -> Data.File("note.txt"):
    return make(text=text)

@workflow
def twice(text: str) -> Data.File("note.txt"):
    make(text=text)
    return make(text=text)

@workflow
def both(text: str) -> Data.File("note.txt"):
    make(text=text)
    return passed(text=text)

@task
def passed(text: str) -> FlyteFile:
    return FlyteFile("note.txt")
"""


def python(*arguments: str, folder: Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(path) if path else "", "NO_COLOR": "1", "COLUMNS": "300"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_a_module_is_one_object_under_both_paths(tmp_path: Path) -> None:
    script = """
        import sys
        import flytekit
        from flytekitplugins.domino.artifact import Artifact
        import flytekitplugins.domino.helpers
        from flytekitplugins.domino import task
        import flytekitplugins.domino as domino
        import importlib
        for name in ("artifact", "task", "helpers", "file"):
            alias = importlib.import_module(f"flytekitplugins.domino.{name}")
            core = importlib.import_module(f"flowtui.plugin.{name}")
            assert alias is core is getattr(domino, name), name
            assert core.__name__ == core.__spec__.name == f"flowtui.plugin.{name}"
        importlib.reload(domino.file)
        try:
            import flytekitplugins.domino.other
        except ModuleNotFoundError as error:
            print(error)
    """
    (tmp_path / "plain.py").write_text(dedent(script))
    done = python("plain.py", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "No module named 'flytekitplugins.domino.other'"


def test_an_installed_plugin_wins(tmp_path: Path) -> None:
    package = tmp_path / "site" / "flytekitplugins" / "domino"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "artifact.py").write_text("REAL = True\n")
    script = """
        import flytekit
        from flytekitplugins.domino.artifact import REAL
        try:
            import flytekitplugins.domino.task
        except ModuleNotFoundError as error:
            print(error)
    """
    (tmp_path / "plain.py").write_text(dedent(script))
    done = python("plain.py", folder=tmp_path, path=tmp_path / "site")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "No module named 'flytekitplugins.domino.task'"


@pytest.mark.parametrize(("regular", "late"), [(False, False), (False, True), (True, False)])
def test_other_plugins_of_the_namespace_stay_importable(tmp_path: Path, regular: bool, late: bool) -> None:
    site = tmp_path / "site"
    other = site / "flytekitplugins" / "other"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("NAME = 'other'\n")
    if regular:
        (site / "flytekitplugins" / "__init__.py").touch()
    script = f"""
        import sys
        import flytekit
        if {late}:
            import flytekitplugins.domino.file
            sys.path.append({str(site)!r})
        from flytekitplugins.other import NAME
        from flytekitplugins.domino.artifact import Artifact
        assert Artifact.__module__ == "flowtui.plugin.artifact"
    """
    (tmp_path / "plain.py").write_text(dedent(script))
    done = python("plain.py", folder=tmp_path, path=None if late else site)
    assert done.returncode == 0, done.stderr


def test_artifacts_imported_before_flytekit_are_checked_too(tmp_path: Path) -> None:
    script = """
        from flowtui.plugin.artifact import Artifact, DATA
        Data = Artifact("Study Data", DATA)
        from flytekit import workflow
        from flytekit.core.workflow import PythonFunctionWorkflow
        from flowtui.plugin import duplicates
        before = PythonFunctionWorkflow.compile
        duplicates.install()
        assert PythonFunctionWorkflow.compile is before
    """
    (tmp_path / "plain.py").write_text(dedent(script))
    done = python("plain.py", folder=tmp_path)
    assert done.returncode == 0, done.stderr


def test_pyflyte_resolves_the_path_refuses_two_declarations_and_warns_of_two_nodes(tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text(FLOW)
    entry = "import sys; from flytekit.clis.sdk_in_container.pyflyte import main; sys.exit(main())"
    once = python("-c", entry, "run", "flow.py", "once", "--text", "hello", folder=tmp_path)
    assert once.returncode == 0, once.stderr + once.stdout
    twice = python("-c", entry, "run", "flow.py", "twice", "--text", "hello", folder=tmp_path)
    assert twice.returncode == 0, twice.stderr + twice.stdout
    assert len(re.findall(r"flow\.py:\d+: ArtifactWarning", twice.stderr)) == 1
    assert 'has the file "note.txt" from 2 nodes of workflow flow.twice: n0 "make", n1 "make"' in twice.stderr
    both = python("-c", entry, "run", "flow.py", "both", "--text", "hello", folder=tmp_path)
    assert both.returncode != 0
    assert 'has the file "note.txt" twice' in both.stderr + both.stdout
