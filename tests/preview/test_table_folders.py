"""Folders of Delta, Iceberg and Zarr, in the files that their specifications say."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from flowtui.preview.registry import preview_folder
from flowtui.preview.result import Preview
from flowtui.storage import Storage
from tests.trusting import TrustsAll

SCHEMA = {"type": "struct", "fields": [{"name": "id", "type": "long"}, {"name": "tags", "type": {"type": "array"}}]}
FIRST: list[dict[str, Any]] = [
    {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
    {"metaData": {"name": "dm", "schemaString": json.dumps(SCHEMA), "partitionColumns": ["SITE"]}},
    {"add": {"path": "SITE=A%20B/part-0.parquet", "size": 10, "stats": json.dumps({"numRecords": 3})}},
    {"add": {"path": "part-1.parquet", "size": 10, "stats": json.dumps({"numRecords": 4})}},
]
SECOND: list[dict[str, Any]] = [
    {"remove": {"path": "part-1.parquet"}},
    {"add": {"path": "part-2.parquet", "size": 10, "stats": json.dumps({"numRecords": 5})}},
]
FILES = ("SITE=A B/part-0.parquet", "part-1.parquet", "part-2.parquet")


def delta(folder: Path, *commits: list[dict[str, Any]], first: int = 0) -> Path:
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"PAR1 and so on")
    (folder / "_delta_log").mkdir()
    for version, actions in enumerate(commits, first):
        path = folder / "_delta_log" / f"{version:020}.json"
        path.write_text("\n".join(json.dumps(action) for action in actions) + "\n")
    return folder


def shown(folder: Path) -> Preview:
    async def look() -> Preview:
        async with Storage(TrustsAll()) as storage:
            return await preview_folder(storage, str(folder))

    return asyncio.run(look())


def states(found: Preview) -> dict[Any, Any]:
    assert [column.name for column in found.columns] == ["name", "size", "state"]
    return {row[0]: row[2] for row in found.rows}


def test_replaced_files_of_a_delta_table_are_told_from_live_ones(tmp_path: Path) -> None:
    found = shown(delta(tmp_path, FIRST, SECOND))
    assert states(found) == {
        "SITE=A B/part-0.parquet": "live", "part-1.parquet": "replaced", "part-2.parquet": "live",
        "_delta_log/00000000000000000000.json": "log", "_delta_log/00000000000000000001.json": "log",
    }  # fmt: skip
    assert dict(found.facts) == {
        "table": "Delta", "version": "1", "name": "dm", "live files": "2", "rows": "8",
        "columns": "id long, tags array", "partitioned by": "SITE", "protocol": "reader 1, writer 2",
    }  # fmt: skip
    assert (found.format, found.notices) == ("delta", ())


def test_what_is_live_is_not_guessed(tmp_path: Path) -> None:
    found = shown(delta(tmp_path / "a", SECOND, first=7))
    assert [column.name for column in found.columns] == ["name", "size"]
    assert any("does not begin with version 0" in notice for notice in found.notices)
    folder = delta(tmp_path / "b", FIRST, SECOND)
    (folder / "_delta_log" / f"{1:020}.json").write_text('{"add": ')
    assert any("cannot be read as a whole" in notice for notice in shown(folder).notices)


def test_missing_files_and_deletion_vectors_are_told(tmp_path: Path) -> None:
    third = [
        {"add": {"path": "gone.parquet"}},
        {"add": {"path": "part-2.parquet", "deletionVector": {"storageType": "u"}}},
    ]
    found = shown(delta(tmp_path, FIRST, third))
    assert any(notice == "1 live files are not there: gone.parquet" for notice in found.notices)
    assert any("deletion vectors" in notice for notice in found.notices)


def test_iceberg(tmp_path: Path) -> None:
    (tmp_path / "metadata").mkdir()
    old = {"format-version": 2, "snapshots": []}
    new = {
        "format-version": 2, "current-snapshot-id": 7, "current-schema-id": 1,
        "snapshots": [
            {"snapshot-id": 7, "summary": {"total-records": "12", "total-data-files": "2"}}, {"snapshot-id": 6},
        ],
        "schemas": [{"schema-id": 1, "fields": [{"name": "id", "type": "long"}]}],
    }  # fmt: skip
    (tmp_path / "metadata" / "00001-a.metadata.json").write_text(json.dumps(old))
    (tmp_path / "metadata" / "00010-b.metadata.json").write_text(json.dumps(new))
    found = shown(tmp_path)
    assert found.format == "iceberg"
    assert dict(found.facts) == {
        "table": "Iceberg", "metadata": "metadata/00010-b.metadata.json", "format version": "2", "snapshots": "2",
        "rows": "12", "live files": "2", "columns": "id long",
    }  # fmt: skip


def test_zarr(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / ".zgroup").write_text('{"zarr_format": 2}')
    (tmp_path / "x" / ".zarray").write_text('{"zarr_format": 2, "shape": [3, 4], "dtype": "<f8"}')
    found = shown(tmp_path)
    assert (found.format, dict(found.facts)) == ("zarr", {"array store": "Zarr, format 2", "arrays": "x"})
    assert dict(shown(tmp_path / "x").facts) == {"array store": "Zarr, format 2", "shape": "3 x 4", "type": "<f8"}


def test_any_other_folder_is_a_list_of_files(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    found = shown(tmp_path)
    assert (found.format, found.rows, found.facts) == ("directory", (("a.csv", 1),), ())
