"""A dataset beside its catalog on the screen: what its values are called, on a key."""

from __future__ import annotations

import pytest

from flowtui.domain.artifact import Artifact, ArtifactFile, RunArtifacts
from flowtui.tui.screens.preview import PreviewScreen
from tests.domain.test_version_diff import run
from tests.preview.sas7bcat_file import CatalogFile
from tests.preview.sas7bdat_file import SasFile, Variable
from tests.tui.conftest import Open
from tests.tui.test_viewer import RUN, put

FILES = {
    "dm.sas7bdat": SasFile([Variable("SEX", format="SEXF", width=8), Variable("N")], [[1.0, 7.0], [2.0, 8.0]]).content,
    "plain.sas7bdat": SasFile([Variable("SEX", format="BEST", width=8)], [[1.0]]).content,
    "formats.sas7bcat": CatalogFile({"SEXF": {1.0: "Male", 2.0: "Female"}}).content,
}


async def test_labels_stand_in_the_place_of_values_on_a_key(at_screen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in FILES.items():
        put(monkeypatch, f"labels/{name}", content)
    things = [
        ArtifactFile("data", "A", name, "", "n0", "o0", (), "present", (f"s3://flyte/labels/{name}",)) for name in FILES
    ]
    async with at_screen((120, 40)) as person:
        context = person.app.context
        context.memory.artifacts[RUN] = RunArtifacts(run("r", "v"), (Artifact("data", "A", tuple(things)),))
        person.app.push_screen(PreviewScreen(context, RUN, things, 0))
        await person.settle()
        assert "1 Male, 2 Female" in person.seen
        assert "V value labels" in person.keys
        await person.press("V")
        rows = [line.split() for line in person.seen.splitlines() if "ale" in line]
        assert ["Male", "7"] in rows
        assert ["Female", "8"] in rows
        await person.press("V")
        assert not any(line.split() == ["Male", "7"] for line in person.seen.splitlines())
        await person.press("n")
        assert "V value labels" not in person.keys
