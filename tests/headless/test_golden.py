"""The JSON of every command is a promise: it may grow, and ``pytest --update-golden`` shows how."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from flowtui.catalog import bookmarks
from tests.headless.conftest import ADSL, Command, Server
from tests.preview.documents import picture
from tests.storage.store import Store

Golden = Callable[[str, str], None]
RUNS = (
    "clinical-1",
    "nested-1",
    "fails-1",
    "hostile-names-1",
    "cached-2",
    "mapped-1",
    "plain-outputs-1",
    "lp-parent-1",
)


@pytest.mark.parametrize("name", [*RUNS, "partial-1-recovered", "dynamics-1", "duplicates-1"])
async def test_artifacts(name: str, command: Command, golden: Golden) -> None:
    golden(f"artifacts-{name}.json", await command("artifacts", name))


async def test_artifacts_of_a_run_that_runs(command: Command, golden: Golden) -> None:
    golden("artifacts-long-running-1.json", await command("artifacts", "long-running-1", server=Server(running=True)))


async def test_undeclared_outputs(command: Command, golden: Golden) -> None:
    golden("artifacts-clinical-1-undeclared.json", await command("artifacts", "clinical-1", "--undeclared"))


async def test_sizes(command: Command, golden: Golden) -> None:
    golden("artifacts-clinical-1-sizes.json", await command("artifacts", "clinical-1", "--sizes", "--type", "data"))


async def test_artifacts_of_the_newest_runs(command: Command, golden: Golden) -> None:
    golden("artifacts.json", await command("artifacts", "--limit", "3"))


@pytest.mark.parametrize("name", [*RUNS, "retried-1", "mapped-fail-1", "dynamics-1", "branches-1"])
async def test_nodes(name: str, command: Command, golden: Golden) -> None:
    golden(f"nodes-{name}.json", await command("nodes", name))


@pytest.mark.parametrize("name", ["clinical-1", "nested-1", "cached-2", "hostile-names-1"])
async def test_lineage(name: str, command: Command, golden: Golden) -> None:
    golden(f"lineage-{name}.json", await command("lineage", name))


async def test_lineage_of_a_file(command: Command, golden: Golden) -> None:
    golden("lineage-clinical-1-adsl.json", await command("lineage", "clinical-1", "ADaM Datasets/adsl.csv"))


async def test_runs(command: Command, golden: Golden) -> None:
    golden("runs.json", await command("runs", "--limit", "50"))


async def test_preview(command: Command, golden: Golden) -> None:
    golden("preview.json", await command("preview", "clinical-1", "ADaM Datasets/adsl.csv"))


RTF = rb"{\rtf1\ansi{\info{\title Table 14.1}{\author Biostat}}First page\par\page Second page\par}"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("columns", b"USUBJID,AGE,SEX\n01-701-1015,63,F\n01-701-1023,,M\n", ("--columns", "sex,AGE", "--rows", "1")),
        ("picture", picture("BMP", 8, 6), ()),
        ("page", RTF, ("--page", "2")),
    ],
)
async def test_preview_of(
    name: str, content: bytes, words: tuple[str, ...], command: Command, store: Store, golden: Golden
) -> None:
    store.objects[ADSL.partition("://")[2]] = content
    golden(f"preview-{name}.json", await command("preview", "clinical-1", "ADaM Datasets/adsl.csv", *words))


async def test_bookmarks(command: Command, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock(bookmarks.datetime):  # type: ignore[name-defined, misc]
        @classmethod
        def now(cls, tz: object = None) -> bookmarks.datetime:  # type: ignore[name-defined]
            return bookmarks.datetime(2026, 11, 24, tzinfo=bookmarks.timezone.utc)

    monkeypatch.setattr(bookmarks, "datetime", Clock)
    await command("bookmark", "add", "clinical-1", "ADaM Datasets")
    await command("bookmark", "add", "clinical-1", "ADaM Datasets/adsl.csv")
    golden("bookmark-list.json", await command("bookmark", "list"))
    assert len(json.loads(await command("bookmark", "rm", "clinical-1", "ADaM Datasets"))) == 1
    assert len(json.loads(await command("bookmark", "list"))) == 1


async def test_export_and_its_record(command: Command, golden: Golden, tmp_path: Path) -> None:
    words = ("export", "clinical-1", "ADaM Datasets/adsl.csv", "--to", str(tmp_path / "out"))
    plan = await command(*words, "--dry-run")
    assert not (tmp_path / "out").exists()
    golden("export-dry-run.json", plan.replace(str(tmp_path), "/TMP"))
    done = json.loads(await command(*words))
    assert (done.pop("id"), done["state"]) == (json.loads(await command("exports"))[0]["id"], "done")
    golden("export.json", json.dumps(done, indent=2).replace(str(tmp_path), "/TMP") + "\n")
    assert (tmp_path / "out" / "ADaM Datasets" / "adsl.csv").read_text().startswith("USUBJID")
    (record,) = json.loads(await command("exports"))
    for key in ("id", "created_at", "started_at", "finished_at"):
        assert record.pop(key)
    golden("exports.json", json.dumps(record, indent=2).replace(str(tmp_path), "/TMP") + "\n")


async def test_get(command: Command, golden: Golden, tmp_path: Path) -> None:
    output = await command("get", "clinical-1", "ADaM Datasets/adsl.csv", "-o", str(tmp_path / "out"))
    golden("get.json", output.replace(str(tmp_path), "/TMP"))
    again = json.loads(await command("get", "clinical-1", "ADaM Datasets/adsl.csv", "-o", str(tmp_path / "out")))
    assert again["files"][0]["action"] == "same"
