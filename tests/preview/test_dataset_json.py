"""Datasets of CDISC's Dataset-JSON 1.1: one object, NDJSON, compressed."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest

from flowtui.preview.comparison.tables import table_difference
from flowtui.preview.limits import Limits
from flowtui.preview.result import Column
from tests.preview.look import look, violations

_COLUMNS: list[dict[str, Any]] = [
    {"itemOID": "IT.USUBJID", "name": "USUBJID", "label": "Subject", "dataType": "string", "keySequence": 2},
    {"itemOID": "IT.STUDYID", "name": "STUDYID", "label": "Study", "dataType": "string", "keySequence": 1},
    {"itemOID": "IT.AGE", "name": "AGE", "label": "Age", "dataType": "integer"},
    {"itemOID": "IT.BMI", "name": "BMI", "label": "Body mass index", "dataType": "decimal", "displayFormat": "8.2"},
    {"itemOID": "IT.W", "name": "W", "label": "Weight", "dataType": "float"},
    {"itemOID": "IT.DT", "name": "DT", "label": "Day", "dataType": "date", "targetDataType": "integer",
     "displayFormat": "DATE9."},
    {"itemOID": "IT.TM", "name": "TM", "label": "At", "dataType": "datetime"},
    {"itemOID": "IT.FL", "name": "FL", "label": "Flag", "dataType": "boolean"},
]  # fmt: skip
_ROWS: list[list[Any]] = [
    ["S1-01", "S1", 34, "22.55", 70.5, "2020-02-29", "2020-02-29T10:00:00", True],
    ["S1-02", "S1", None, "0.12345678901234567890", 71, None, None, False],
    ["S1-03", "S1", 51, None, None, "2021-12-31", None, None],
]


def dataset(rows: list[list[Any]] = _ROWS, *, lines: bool = False, **more: Any) -> bytes:
    attributes = {
        "datasetJSONCreationDateTime": "2026-01-02T03:04:05",
        "datasetJSONVersion": "1.1.0",
        "itemGroupOID": "IG.DM",
        "records": len(rows),
        "name": "DM",
        "label": "Demographics",
        "columns": _COLUMNS,
        **more,
    }
    if lines:
        return "".join(f"{json.dumps(part)}\n" for part in (attributes, *rows)).encode()
    return json.dumps({**attributes, "rows": rows}).encode()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (dataset(), "dm.json"),
        (dataset(), "dm"),
        (dataset(lines=True), "dm.ndjson"),
        (dataset(lines=True), "dm.json"),
        (zlib.compress(dataset(lines=True)), "dm.dsjc"),
        (gzip.compress(dataset(lines=True)), "dm.dsjc"),
        (gzip.compress(dataset(lines=True)), "dm.ndjson.gz"),
    ],
)
async def test_a_dataset_is_a_table_with_labels_types_and_formats(content: bytes, name: str) -> None:
    found = await look(content, name)
    assert (found.kind, found.format, found.total_rows, found.more) == ("table", "dataset-json", 3, False)
    assert found.columns == (
        Column("USUBJID", "text", "Subject"),
        Column("STUDYID", "text", "Study"),
        Column("AGE", "integer", "Age"),
        Column("BMI", "number", "Body mass index", "8.2"),
        Column("W", "number", "Weight"),
        Column("DT", "date", "Day", "DATE9."),
        Column("TM", "datetime", "At"),
        Column("FL", "boolean", "Flag"),
    )
    assert found.rows == (
        ("S1-01", "S1", 34, 22.55, 70.5, "2020-02-29", "2020-02-29T10:00:00", True),
        # A decimal that no double holds stays as it stands.
        ("S1-02", "S1", None, "0.12345678901234567890", 71, None, None, False),
        ("S1-03", "S1", 51, None, None, "2021-12-31", None, None),
    )
    assert found.key == ("STUDYID", "USUBJID")
    facts = dict(found.facts)
    assert (facts["dataset"], facts["dataset label"], facts["key"]) == ("DM", "Demographics", "STUDYID, USUBJID")


@pytest.mark.parametrize("lines", [True, False])
async def test_a_large_dataset_is_read_at_its_head(lines: bool) -> None:
    rows = [[f"S1-{at:06}", "S1", at, "1.5", 2.5, None, None, True] for at in range(100_000)]
    found = await look(dataset(rows, lines=lines), "dm.ndjson" if lines else "dm.json")
    assert (len(found.rows), found.total_rows, found.more) == (100, 100_000, True)
    assert found.rows[99][0] == "S1-000099"
    assert found.notices[0] == "first 100 of 100,000 rows"
    assert "read" in found.notices[1]


async def test_what_is_not_as_it_says_is_told() -> None:
    rows = [["S1-01", "S1", "34", "x", 1, 5, None, True], ["S1-02", "S1"]]
    found = await look(dataset(rows, records=7), "dm.json")
    assert found.rows == (
        ("S1-01", "S1", "34", "x", 1, 5, None, True),
        ("S1-02", "S1", None, None, None, None, None, None),
    )
    assert found.notices == (
        "the dataset says that it has 7 records, and has 2",
        "1 of these rows has another length than the columns",
        "3 values are not of the type of the column",
    )


@pytest.mark.parametrize(
    "content",
    [
        b'{"datasetJSONVersion": "1.1.0", "columns": 5, "rows": []}',
        b'{"datasetJSONVersion": "1.1.0", "columns": [{"name": "A"}], "rows": [5]}',
        b'{"datasetJSONVersion": "1.1.0", "columns": [{"name": "A"}], "rows": ' + b"[" * 5000,
        b'{"datasetJSONVersion": "1.1.0"',
    ],
)
async def test_what_is_no_dataset_is_shown_as_json(content: bytes) -> None:
    found = await look(content, "dm.json")
    assert found.kind in ("tree", "text")
    assert found.notices
    assert not violations(found, Limits())


async def test_rows_are_paired_by_the_key_that_both_name() -> None:
    rows = [["S1-01", "S1", 34, "22.55", 70.5, None, None, True], ["S1-02", "S1", 47, "1.0", 71, None, None, True]]
    old = await look(dataset(rows), "dm.json")
    new = await look(dataset([["S1-02", "S1", 48, "1.0", 71, None, None, True], rows[0]]), "dm.json")
    found = table_difference(old, new)
    assert found.key == ("STUDYID", "USUBJID")
    assert found.key_reason == "the key that both name, unique in both"
    assert (found.changed, found.same, found.added, found.removed) == (1, 1, 0, 0)
    # A key that two rows share pairs none.
    doubled = await look(dataset([rows[0], rows[0]]), "dm.json")
    assert table_difference(doubled, doubled).key != ("STUDYID", "USUBJID")
