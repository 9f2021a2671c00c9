"""``export-artifacts`` over recordings: what it says, and that it goes on with an export that an earlier try began."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from flowtui.config import Settings
from flowtui.domain.execution import ExecutionId
from flowtui.domain.export_request import ExportRequest, ExportSpec, Wanted, parse_request
from flowtui.errors import ExportError, UsageError
from flowtui.exports import Selection, make_plan, source_run
from flowtui.headless import export_artifacts
from flowtui.headless.export_places import MOUNTS_VARIABLE, mount, place_of
from flowtui.headless.style import Style
from flowtui.session import Session, open_session
from tests.headless.conftest import DOMAIN, NOW, PROJECT, Server
from tests.replay import BASE_URL
from tests.storage.store import Store

RUN = ExecutionId(PROJECT, DOMAIN, "clinical-1")
WANTED = Wanted("ADaM Datasets", "data", "adsl.csv")
SPEC = ExportSpec("netAppVolume", "vol-1", (WANTED,), "adam")
REQUEST = ExportRequest((SPEC,), 60.0)


@pytest.fixture
def volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mounts" / "vol-1"
    folder.mkdir(parents=True)
    monkeypatch.setenv(MOUNTS_VARIABLE, str(folder.parent))
    return folder


def session(tmp_path: Path, store: Store) -> Any:
    settings = Settings(
        home=tmp_path / "home", cache=tmp_path / "cache", endpoint=BASE_URL, project=PROJECT, local=False
    )
    return open_session(settings, transport=Server(), storage_transport=store.transport)


async def answer(opened: Session, request: ExportRequest = REQUEST) -> Any:
    options = Namespace(run=RUN, request=request, allow_elsewhere=False)
    return json.loads(await export_artifacts.execute(opened, options, Style(json=True, now=NOW)))


async def test_the_answer_has_the_export(tmp_path: Path, store: Store, volume: Path) -> None:
    async with session(tmp_path, store) as opened:
        (done,) = await answer(opened)
        (record,) = opened.journal.list()
    assert (done["kind"], done["state"], done["target"]) == ("netAppVolume", "done", str(volume / "adam"))
    assert [file["path"] for file in done["files"]] == ["ADaM Datasets/adsl.csv"]
    assert (record.id, record.server, record.executions) == (done["id"], BASE_URL, (str(RUN),))
    assert (volume / "adam" / "ADaM Datasets" / "adsl.csv").read_text().startswith("USUBJID")


async def test_an_export_that_an_earlier_try_began_goes_on(tmp_path: Path, store: Store, volume: Path) -> None:
    async with session(tmp_path, store) as opened:
        artifacts = await opened.catalog.artifacts(RUN)
        files = tuple(file for file in artifacts.files if file.file == "adsl.csv" and file.artifact == "ADaM Datasets")
        run = source_run(artifacts.execution, await opened.catalog.inputs(RUN))
        plan = await make_plan([Selection(run, files)], place_of(SPEC, opened, RUN), opened.storage)
        begun = opened.journal.add(plan, export_artifacts.OPTIONS, server=BASE_URL)
        other = opened.journal.add(plan, export_artifacts.OPTIONS, server="http://elsewhere")
        (done,) = await answer(opened)
        states = {record.id: record.state for record in opened.journal.list()}
    assert (done["id"], done["state"]) == (begun, "done")
    assert states == {begun: "done", other: "planned"}


async def test_of_several_places_each_is_tried(tmp_path: Path, store: Store, volume: Path) -> None:
    (volume / "in-the-way").write_text("no folder")
    request = ExportRequest((ExportSpec("netAppVolume", "vol-1", (WANTED,), "in-the-way"), SPEC))
    async with session(tmp_path, store) as opened:
        with pytest.raises(ExportError, match="1 of 2 exports failed"):
            await answer(opened, request)
    assert (volume / "adam" / "ADaM Datasets" / "adsl.csv").exists()


def test_a_volume_is_found_by_its_id_or_by_name(tmp_path: Path) -> None:
    roots = [tmp_path / "a", tmp_path / "b"]
    (roots[1] / "vol-1").mkdir(parents=True)
    both = os.pathsep.join(map(str, roots))
    assert mount("vol-1", {MOUNTS_VARIABLE: both}) == roots[1] / "vol-1"
    assert mount("vol-2", {MOUNTS_VARIABLE: f"{both}{os.pathsep}vol-2={roots[1]}"}) == roots[1]
    with pytest.raises(ExportError, match="there is no such folder"):
        mount("vol-2", {MOUNTS_VARIABLE: f"vol-2={tmp_path}/gone"})
    with pytest.raises(ExportError, match="none of /domino/netapp-volumes, /mnt/netapp-volumes"):
        mount("no-such-volume", {})
    for outside in ("..", ".", "../b", f"{roots[1]}/vol-1"):
        with pytest.raises(ExportError, match="not mounted here"):
            mount(outside, {MOUNTS_VARIABLE: str(roots[1])})


@pytest.mark.parametrize(
    ("environ", "run"),
    [
        (
            {
                "FLYTE_INTERNAL_EXECUTION_ID": "x",
                "FLYTE_INTERNAL_EXECUTION_PROJECT": "p",
                "FLYTE_INTERNAL_EXECUTION_DOMAIN": "d",
            },
            "p/d/x",
        ),
        ({"FLOWTUI_RUN": "q/d/y", "FLYTE_INTERNAL_EXECUTION_ID": "x"}, "q/d/y"),
    ],
)
def test_the_run_is_that_of_the_environment(environ: dict[str, str], run: str) -> None:
    assert export_artifacts.run_of_environment(environ) == run
    with pytest.raises(UsageError, match="is not known"):
        export_artifacts.run_of_environment({"FLYTE_INTERNAL_EXECUTION_ID": "x"})


def test_a_request_is_prepared_before_a_server_is_spoken_to(tmp_path: Path) -> None:
    file = tmp_path / "request.json"
    spec = {"kind": "dataset", "artifactName": "A", "artifactType": "data", "datasetId": "../up"}
    file.write_text(json.dumps({"specs": [spec]}))
    options = Namespace(request=str(file), run="p/d/x")
    export_artifacts.prepare(options, {})
    assert options.request == parse_request(file.read_bytes())
    assert export_artifacts.datasets(options) == ["___up"]
