"""What is selected with space: the class, and the key on every screen that has it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from flowtui.domain.artifact import Artifact, UndeclaredOutput
from flowtui.domain.execution import ExecutionId
from flowtui.tui.screens.export import ExportScreen
from flowtui.tui.selection import FileSelection, files_of
from tests.exports.test_plan import RUN, artifact_file
from tests.tui.conftest import LARGE, SMALL, Open
from tests.tui.test_run import go_to, screen_of

OTHER = ExecutionId("p", "d", "other")
A, B = artifact_file("a.csv", "s3://b/a"), artifact_file("b.csv", "s3://b/b")
ABSENT = replace(artifact_file("c.csv", "s3://b/c"), uris=(), state="not_produced")


def test_files_of_several_runs_are_selected_and_counted() -> None:
    selection = FileSelection()
    assert (len(selection), selection.words, dict(selection.files)) == (0, "", {})
    assert selection.toggle(RUN, (A,))
    assert selection.words == "1 selected"
    assert selection.toggle(OTHER, (A, B))
    assert (len(selection), selection.words) == (3, "3 selected (2 runs)")
    assert selection.files == {RUN: (A,), OTHER: (A, B)}
    selection.clear()
    assert (len(selection), selection.picked(RUN, (A,))) == (0, "")


def test_an_artifact_is_selected_whole_and_then_not_at_all() -> None:
    selection = FileSelection()
    selection.toggle(RUN, (A,))
    assert [selection.picked(RUN, files) for files in ((A,), (B,), (A, B), (A, ABSENT))] == ["all", "", "some", "all"]
    assert selection.toggle(RUN, (A, B, ABSENT))
    assert selection.files == {RUN: (A, B)}
    assert not selection.toggle(RUN, (A, B, ABSENT))
    assert not selection.files


def test_what_does_not_exist_cannot_be_selected() -> None:
    selection = FileSelection()
    assert not selection.toggle(RUN, (ABSENT,))
    assert not selection.files


def test_a_file_is_the_same_when_its_size_becomes_known() -> None:
    selection = FileSelection()
    selection.toggle(RUN, (A,))
    assert selection.picked(RUN, (replace(A, size=7),)) == "all"


def test_files_of_an_artifact_a_file_and_an_output() -> None:
    assert files_of(Artifact("data", "ADaM", (A, B))) == (A, B)
    assert files_of(A) == (A,)
    assert files_of(None) == ()
    (file,) = files_of(UndeclaredOutput("n1", "o0", "csv", ("s3://b/o",), node_name="Make"))
    assert (file.artifact, file.file, file.uris) == ("n1.o0", "o", ("s3://b/o",))
    several = UndeclaredOutput("n1", "o0", "csv", ("s3://b/1/o.csv", "s3://b/2/o.csv"), places=("[0]", "[2]"))
    selection = FileSelection()
    selection.toggle(RUN, files_of(several.parts[1]))
    assert [file.uris for file in selection.files[RUN]] == [("s3://b/2/o.csv",)]
    assert selection.picked(RUN, files_of(several)) == "some"
    assert [file.file for file in files_of(several)] == ["o.csv", "o.csv"]


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_space_selects_across_runs_and_e_exports_all_of_it(
    at_screen: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.chdir(tmp_path)
    async with at_screen(size) as person:
        await person.open("clinical-1")
        await go_to(person, "ADaM Datasets", "adsl.csv")
        await person.press("space")
        assert any(line.startswith("✓> ") and "└ adsl.csv" in line for line in person.seen.splitlines())
        assert person.line_of("ADaM Datasets ").startswith("◐")
        assert person.keys.endswith("1 selected")
        assert "e export" in person.keys
        await person.press("escape")
        assert person.keys.endswith("1 selected")
        await person.open("nested-1")
        file = next(row.key for row in screen_of(person).artifacts_view.rows.rows if row.openable and "f\0" in row.key)
        assert screen_of(person).artifacts_view.rows.move_to(file)
        await person.press("space")
        assert person.keys.endswith("2 selected (2 runs)")
        await person.press("k", "e")
        assert isinstance(person.app.screen, ExportScreen)
        assert "2 files of 2 runs" in person.seen
        assert "2 files, " in person.seen
        await person.press("enter")
        await person.exported()
        assert (tmp_path / "exports" / "ADaM Datasets" / "adsl.csv").read_bytes().startswith(b"USUBJID")
        assert "selected" not in person.keys
        assert "✓" not in person.seen


async def test_u_unselects_and_escape_still_goes_back(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        await person.open("clinical-1")
        await go_to(person, "ADaM Datasets", "adsl.csv")
        assert "unselect" not in person.keys
        await person.press("space", "escape")
        assert "1 Runs" in person.seen
        await person.open("clinical-1")
        assert "✓" in person.seen
        await person.press("u")
        assert "✓" not in person.seen
        assert "selected" not in person.keys


async def test_whole_artifacts_are_selected_in_their_place(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        await person.press("2", "slash")
        await person.type("artifact:ADaM run:clinical-1")
        await person.press("enter", "space")
        assert person.line_of("ADaM Datasets").startswith("✓> ")
        assert person.keys.endswith(" selected")
        await person.press("enter")
        assert screen_of(person).artifacts_view.rows.rows[0].picked == "all"
        assert person.line_of("adsl.csv").startswith("✓")
        await person.press("u", "escape")
        assert "✓" not in person.seen


async def test_versions_are_selected(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        await person.open("cached-2")
        first = next(row.key for row in screen_of(person).artifacts_view.rows.rows if row.openable and "f\0" in row.key)
        assert screen_of(person).artifacts_view.rows.move_to(first)
        await person.press("v", "g", "space", "j", "space")
        assert person.keys.endswith("2 selected (2 runs)")
        assert sum(line.startswith("✓") for line in person.seen.splitlines()) == 2


async def test_bookmarks_are_selected_without_opening_their_run(at_screen: Open, tmp_path: Path) -> None:
    async with at_screen(SMALL) as person:
        await person.open("clinical-1")
        await go_to(person, "ADaM Datasets", "adsl.csv")
        await person.press("b", "escape")
        person.app.context.memory.artifacts.clear()
        await person.press("3", "space")
        assert person.line_of("adsl.csv").startswith("✓> ")
        assert person.keys.endswith("1 selected")
        await person.press("space")
        assert "selected" not in person.keys
        await person.press("e")
        assert isinstance(person.app.screen, ExportScreen)
        assert "ADaM Datasets/adsl.csv" in person.seen
