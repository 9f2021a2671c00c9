from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from flowtui.catalog.bookmarks import Bookmarks
from flowtui.domain.artifact import ArtifactVersionId
from flowtui.domain.execution import ExecutionId
from flowtui.errors import ConfigError
from flowtui.exports import Journal, Plan, TargetOptions, parse_target

RUN = ExecutionId("cdisc01", "development", "adam-tfl-7f2")
ADAM = ArtifactVersionId(RUN, "ADaM Datasets", "data")
ADSL = ArtifactVersionId(RUN, "ADaM Datasets", "data", "adsl.csv", "n2")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "state.sqlite3"


def test_bookmarks_are_kept_newest_first(path: Path) -> None:
    bookmarks = Bookmarks(path)
    assert bookmarks.list() == ()
    assert bookmarks.add(ADAM)
    assert bookmarks.add(ADSL, "for the DMC")
    assert [bookmark.id for bookmark in Bookmarks(path).list()] == [ADSL, ADAM]
    assert bookmarks.list()[0].note == "for the DMC"
    assert bookmarks.list()[0].created_at >= bookmarks.list()[1].created_at
    assert path.stat().st_mode & 0o077 == 0


def test_adding_again_changes_only_the_note(path: Path) -> None:
    bookmarks = Bookmarks(path)
    bookmarks.add(ADAM, "first")
    before = bookmarks.list()[0]
    assert not bookmarks.add(ADAM)
    assert bookmarks.list() == (before,)
    assert not bookmarks.add(ADAM, "second")
    after = bookmarks.list()[0]
    assert (after.note, after.created_at) == ("second", before.created_at)


def test_removing_and_toggling(path: Path) -> None:
    bookmarks = Bookmarks(path)
    assert not bookmarks.remove(ADAM)
    assert bookmarks.toggle(ADAM)
    assert bookmarks.contains(ADAM)
    assert not bookmarks.contains(ADSL)
    assert not bookmarks.toggle(ADAM)
    assert not bookmarks.contains(ADAM)
    bookmarks.add(ADSL)
    assert bookmarks.remove(ADSL)
    assert bookmarks.list() == ()


def test_what_differs_in_any_part_is_another_bookmark(path: Path) -> None:
    bookmarks = Bookmarks(path)
    others = (
        ArtifactVersionId(RUN, "ADaM Datasets", "report"),
        ArtifactVersionId(RUN, "adam datasets", "data"),
        ArtifactVersionId(RUN, "ADaM Datasets", "data", "adsl.csv", "n3"),
        ArtifactVersionId(ExecutionId("cdisc01", "production", RUN.name), "ADaM Datasets", "data"),
    )
    for id_ in (ADAM, ADSL, *others):
        assert bookmarks.add(id_)
    assert {bookmark.id for bookmark in bookmarks.list()} == {ADAM, ADSL, *others}
    assert {bookmark.id.execution for bookmark in bookmarks.list(RUN)} == {RUN}


def test_servers_have_their_own_bookmarks(path: Path) -> None:
    Bookmarks(path, server="https://one").add(ADAM)
    assert Bookmarks(path, server="https://two").list() == ()
    assert Bookmarks(path, server="https://one").contains(ADAM)


def test_several_processes_write_at_once(path: Path) -> None:
    script = """
import sys
from pathlib import Path
from flowtui.catalog.bookmarks import Bookmarks
from flowtui.domain.artifact import ArtifactVersionId
from flowtui.domain.execution import ExecutionId
bookmarks = Bookmarks(Path(sys.argv[1]))
for index in range(20):
    bookmarks.add(ArtifactVersionId(ExecutionId("p", "d", sys.argv[2]), f"a{index}", "data"))
"""
    processes = [subprocess.Popen([sys.executable, "-c", script, str(path), f"r{number}"]) for number in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert len(Bookmarks(path).list()) == 60


def test_the_file_is_shared_with_the_record_of_exports(path: Path) -> None:
    bookmarks, journal = Bookmarks(path), Journal(path)
    bookmarks.add(ADAM)
    journal.add(Plan(parse_target("/data"), "stop", ()), TargetOptions())
    assert (len(bookmarks.list()), len(journal.list())) == (1, 1)


def test_a_file_that_is_deleted_while_in_use_is_made_anew(path: Path) -> None:
    bookmarks = Bookmarks(path)
    bookmarks.add(ADAM)
    for file in path.parent.iterdir():
        file.unlink()
    assert bookmarks.list() == ()
    assert bookmarks.add(ADAM)


def test_files_that_cannot_be_used_are_named(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(ConfigError, match="cannot be used"):
        Bookmarks(path).list()
    path.unlink()
    path.mkdir()
    with pytest.raises(ConfigError, match="cannot be used"):
        Bookmarks(path).add(ADAM)


def test_a_newer_schema_is_left_alone(path: Path) -> None:
    Bookmarks(path).add(ADAM)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE schema_versions SET version = 99 WHERE owner = 'bookmarks'")
        connection.commit()
    with pytest.raises(ConfigError, match="newer flowtui"):
        Bookmarks(path).list()
