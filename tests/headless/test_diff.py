"""``flowtui diff``: its JSON, its text, its exit codes, of runs and of paths."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from flowtui import cli
from flowtui.config import Settings
from flowtui.domain.artifact import ArtifactFile, FileState
from flowtui.domain.execution import ExecutionId
from flowtui.domain.version_diff import FilePair
from flowtui.errors import NotFoundError, UsageError
from flowtui.headless import diff
from flowtui.headless.style import Style
from flowtui.parser import parse
from flowtui.preview.comparison.looks import Options
from flowtui.preview.comparison.pairs import FileAnswer, compare_pair
from flowtui.session import open_session
from tests.headless.conftest import DOMAIN, NOW, PROJECT, Server
from tests.replay import BASE_URL, expected
from tests.storage.store import Store

Diff = Callable[..., Awaitable[diff.Answer]]
Golden = Callable[[str, str], None]
OLDER = b"USUBJID,AGE,ARM\n01-1,63,A\n01-2,64,B\n01-3,70,A\n"
NEWER = b"USUBJID,ARM,AGE,SEX\n01-1,A,63,F\n01-3,A,71.5,M\n01-4,B,50,M\n"


def keys(name: str) -> dict[str, str]:
    """The keys in the store of a run's files, by file."""
    return {file["file"]: file["uris"][0].partition("://")[2] for file in expected()[name]["files"]}


@pytest.fixture
def store() -> Store:
    older, newer = keys("clinical-1"), keys("clinical-4")
    return Store(
        {
            older["adsl.csv"]: OLDER, newer["adsl.csv"]: NEWER,
            older["adae dataset"]: b"one\ntwo\n", newer["adae dataset"]: b"one\ntwo\n",
            older["t_ae.txt"]: b"one\ntwo\nthree\n", newer["t_ae.txt"]: b"one\n2\nthree\n",
            older["dm.csv"]: b"A,B\n1,2\n",
        }
    )  # fmt: skip


@pytest.fixture
def run_diff(tmp_path: Path, store: Store) -> Diff:
    """Runs ``diff`` over the recordings, as typed."""
    settings = Settings(home=tmp_path / "h", cache=tmp_path / "c", endpoint=BASE_URL, project=PROJECT, local=False)

    async def run(*words: str, text: bool = False, style: Style | None = None) -> diff.Answer:
        options = parse(("diff", *words)).options
        options.left, options.right = (ExecutionId(PROJECT, DOMAIN, name) for name in (options.left, options.right))
        style = style or Style(json=not text, now=NOW)
        async with open_session(settings, transport=Server(), storage_transport=store.transport) as session:
            return await diff.execute(session, options, style)

    return run


async def test_a_file_of_two_runs(run_diff: Diff, golden: Golden) -> None:
    answer = await run_diff("clinical-1", "clinical-4", "ADaM Datasets/adsl.csv")
    assert not answer.same
    golden("diff-adsl.json", answer.text)
    text = await run_diff("clinical-1", "clinical-4", "ADaM Datasets/adsl.csv", text=True)
    golden("diff-adsl.txt", text.text)


async def test_an_artifact_of_two_runs(run_diff: Diff, golden: Golden) -> None:
    answer = await run_diff("clinical-1", "clinical-4", "ADaM Datasets")
    golden("diff-artifact.json", answer.text)
    text = await run_diff("clinical-1", "clinical-4", "ADaM Datasets", text=True)
    golden("diff-artifact.txt", text.text)
    results = {file["file"]: file["result"] for file in json.loads(answer.text)["files"]}
    assert results == {"adae dataset": "identical", "adsl.csv": "different"}


async def test_a_text_of_two_runs(run_diff: Diff, golden: Golden) -> None:
    golden("diff-text.json", (await run_diff("clinical-1", "clinical-4", "TFL/Reports/t_ae.txt")).text)


async def test_a_file_that_cannot_be_read_does_not_hide_the_others(run_diff: Diff) -> None:
    found = json.loads((await run_diff("clinical-1", "clinical-4", "SDTM")).text)
    (file,) = found["files"]
    assert (file["state"], file["result"], file["table"]) == ("failed", None, None)
    assert "There is no object" in file["summary"]


async def test_files_that_are_not_there_are_listed() -> None:
    made, missing = await diff_of_states("present", "not_produced"), await diff_of_states("pending", "pending")
    assert (made.state, made.message) == ("only_left", "present -> not produced")
    assert (missing.state, missing.message) == ("neither", "pending -> pending")


async def diff_of_states(left: FileState, right: FileState) -> FileAnswer:
    def file(state: FileState) -> ArtifactFile:
        uris = ("s3://b/x",) if state == "present" else ()
        return ArtifactFile("data", "A", "x", "csv", "n0", "o0", ("",), state, uris)

    pair = FilePair(file(left), file(right))
    return await compare_pair(None, None, pair, Options())  # type: ignore[arg-type]


async def test_the_same_run_is_the_same(run_diff: Diff, store: Store) -> None:
    answer = await run_diff("clinical-1", "clinical-1", "ADaM Datasets")
    assert answer.same
    assert json.loads(answer.text)["runs"] == {"facts": [], "inputs": []}
    assert store.seen == []


async def test_a_key_that_is_no_column_is_bad_usage(run_diff: Diff) -> None:
    with pytest.raises(UsageError, match="NOPE"):
        await run_diff("clinical-1", "clinical-4", "ADaM Datasets/adsl.csv", "--key", "NOPE")
    with pytest.raises(NotFoundError):
        await run_diff("clinical-1", "clinical-4", "ADaM Datasets/none.csv")


async def test_colour_is_never_alone(run_diff: Diff) -> None:
    words = ("clinical-1", "clinical-4", "ADaM Datasets/adsl.csv")
    plain = (await run_diff(*words, text=True)).text
    coloured = (await run_diff(*words, style=Style(now=NOW, color=True))).text
    assert re.sub(r"\x1b\[[0-9]*m", "", coloured) == plain
    signs = {"31": "-", "32": "+"}
    for code, text in re.findall(r"\x1b\[(3[12])m(.)", coloured):
        assert text == signs[code]
    narrow = (await run_diff(*words, style=replace(Style(now=NOW), width=40))).text
    assert max(map(len, narrow.splitlines())) <= 40


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    for name, content in (("a.csv", OLDER), ("b.csv", NEWER), ("same.csv", OLDER)):
        (tmp_path / name).write_bytes(content)
    return str(tmp_path / "a.csv"), str(tmp_path / "b.csv")


def test_two_paths(files: tuple[str, str], capsys: pytest.CaptureFixture[str], golden: Golden, tmp_path: Path) -> None:
    assert cli.main(["diff", *files, "--json"]) == 0
    golden("diff-paths.json", capsys.readouterr().out.replace(str(tmp_path), "/TMP"))
    assert cli.main(["diff", *files]) == 0
    assert "different: 1 row added, 1 row removed, 1 row changed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("other", "options", "code"),
    [
        ("b.csv", [], 0),
        ("b.csv", ["--exit-code"], 5),
        ("same.csv", ["--exit-code"], 0),
        ("a.csv", ["--exit-code"], 0),
        ("none.csv", ["--exit-code"], 3),
        ("b.csv", ["--key", "X", "--exit-code"], 2),
        ("b.csv", ["--tolerance", "-1"], 2),
        ("b.csv", ["--tolerance", "nan"], 2),
    ],
)
def test_exit_codes(
    files: tuple[str, str], other: str, options: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    second = str(Path(files[0]).with_name(other))
    assert cli.main(["diff", files[0], second, *options]) == code
    assert bool(capsys.readouterr().out) is (code in (0, 5))


def test_names_that_are_no_files_are_taken_for_runs_in_the_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["diff", "run-1", "run-2", "--json"]) == 3
    hint = json.loads(capsys.readouterr().err)["error"]["hint"]
    assert "flowtui diff RUN RUN ARTIFACT" in hint


def test_runs_of_two_servers_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    urls = [f"http://127.0.0.1:{port}/console/projects/p/domains/d/executions/r" for port in (1, 2)]
    assert cli.main(["diff", *urls, "A", "--json"]) == 2
    assert "two servers" in json.loads(capsys.readouterr().err)["error"]["message"]
    assert cli.main(["diff", urls[0], urls[0].removesuffix("/executions/r"), "A", "--json"]) == 2
    assert "names a project and no run" in json.loads(capsys.readouterr().err)["error"]["message"]
