"""The request of an export task: what the plugin writes is read, and nothing else is taken for one."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.domain.export_request import (
    MAX_BYTES,
    ExportRequest,
    ExportSpec,
    Wanted,
    parse_request,
    request_of,
)
from flowtui.errors import UsageError
from flowtui.plugin.export import export_command

DATASET = {"kind": "dataset", "artifactName": "A", "artifactType": "data", "datasetId": "d"}
WRITTEN: dict[str, Any] = {
    "timeoutSeconds": 600,
    "specs": [
        DATASET,
        {
            "kind": "netAppVolume",
            "artifactName": "B/ü",
            "artifactType": "report",
            "netAppVolumeId": "v",
            "targetRelativePath": "out/today",
        },
        {
            "kind": "bundle",
            "bundles": ["X", "Y"],
            "files": [{"artifactName": "A", "artifactType": "data", "fileName": "a.csv"}],
        },
    ],
}
READ = ExportRequest(
    (
        ExportSpec("dataset", "d", (Wanted("A", "data"),)),
        ExportSpec("netAppVolume", "v", (Wanted("B/ü", "report"),), "out/today"),
        ExportSpec("bundle", "X", (Wanted("A", "data", "a.csv"),)),
        ExportSpec("bundle", "Y", (Wanted("A", "data", "a.csv"),)),
    ),
    600.0,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def test_what_the_plugin_writes_is_read() -> None:
    assert request_of(WRITTEN) == READ
    assert parse_request(json.dumps(WRITTEN)) == READ
    assert parse_request(export_command(WRITTEN).split()[-1]) == READ


def test_a_file_is_wanted_by_itself_or_with_its_artifact() -> None:
    assert READ.wants("A", "data", "any.csv")
    assert not READ.wants("A", "report", "a.csv")
    assert not ExportRequest(READ.specs[2:]).wants("A", "data", "b.csv")
    assert READ.wanted == (Wanted("A", "data"), Wanted("B/ü", "report"), Wanted("A", "data", "a.csv"))


def test_the_command_is_one_line_of_plain_words() -> None:
    words = export_command(WRITTEN)
    assert words.isascii()
    assert len(words.split()) == 3
    assert not set(words) & set("'\"\\$`&|;<>(){}*?!#~\n")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"specs": []}, "it has no specs"),
        ({"specs": "x"}, "specs is no list"),
        ({"specs": [1]}, "specs[0] is no object"),
        ({"specs": [{**DATASET, "kind": "disk"}]}, "specs[0].kind is none of"),
        ({"specs": [{**DATASET, "datasetId": " "}]}, "specs[0].datasetId is missing"),
        ({"specs": [{**DATASET, "artifactName": None}]}, "specs[0].artifactName is missing"),
        ({"specs": [{"kind": "bundle", "bundles": ["x"], "files": []}]}, "specs[0] needs files and bundles"),
        ({"timeoutSeconds": -1}, "timeoutSeconds"),
        ({"timeoutSeconds": True}, "timeoutSeconds"),
        ({"timeoutSeconds": float("nan")}, "timeoutSeconds"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError) as caught:
        request_of({**WRITTEN, **changes})
    assert why in caught.value.message


def test_a_request_has_a_limit() -> None:
    huge = json.dumps({**WRITTEN, "more": "x" * MAX_BYTES}).encode()
    for text in (huge, b"base64:" + base64.b64encode(huge)):
        with pytest.raises(UsageError, match="longer than"):
            parse_request(text)
    with pytest.raises(UsageError, match="no JSON"):
        parse_request(b"[" * 100_000)


@given(JSON)
def test_any_json_is_a_request_or_refused(found: Any) -> None:
    with suppress(UsageError):
        assert isinstance(request_of(found), ExportRequest)


@given(st.dictionaries(st.sampled_from(["kind", "datasetId", "artifactName", "files", "bundles"]), JSON))
def test_any_specification_is_one_or_refused(spec: Any) -> None:
    with suppress(UsageError):
        assert isinstance(request_of({"specs": [spec]}), ExportRequest)


@given(st.text() | st.binary())
def test_any_text_is_a_request_or_refused(text: str | bytes) -> None:
    with suppress(UsageError):
        assert isinstance(parse_request(text), ExportRequest)
