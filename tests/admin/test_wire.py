"""Paths, bodies and answers."""

from __future__ import annotations

import contextlib
import json

import pytest
from flyteidl.admin import execution_pb2, node_execution_pb2
from hypothesis import given
from hypothesis import strategies as st

from flowtui.admin import wire
from flowtui.errors import NotFoundError

EXECUTION = execution_pb2.Execution()
EXECUTION.id.name = "run-1"
EXECUTION.closure.phase = 4
EXECUTION.closure.duration.seconds = 33


def test_segments_are_quoted() -> None:
    assert wire.path("tasks", "p", "d", "Create ADSL/ä?#%2F:+", "v==") == (
        "/api/v1/tasks/p/d/Create%20ADSL%2F%C3%A4%3F%23%252F%3A%2B/v%3D%3D"
    )


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_segments_that_mean_another_path_are_refused(segment: str) -> None:
    with pytest.raises(NotFoundError):
        wire.path("executions", "p", "d", segment)


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
@pytest.mark.parametrize(
    "body",
    [
        b'{"id":{"name":"run-1"},"closure":{"phase":"SUCCEEDED","duration":"33s","workflow_id":null},"spec":null}',
        b'{"id":{"name":"run-1"},"closure":{"phase":"SUCCEEDED","duration":"33s","workflowId":null},"newField":[1]}',
        b'{"id":{"name":"run-1"},"closure":{"phase":4,"duration":"33s"}}',
    ],
)
def test_json_of_both_casings(content_type: str, body: bytes) -> None:
    assert wire.decode(body, content_type, execution_pb2.Execution) == EXECUTION


def test_json_that_a_proxy_calls_binary() -> None:
    body = wire.encode(EXECUTION, wire.Format.JSON)
    assert wire.decode(body, wire.BINARY, execution_pb2.Execution) == EXECUTION


def test_an_empty_body_is_the_empty_message() -> None:
    empty = node_execution_pb2.NodeExecutionList()
    assert wire.decode(b"", wire.BINARY, node_execution_pb2.NodeExecutionList) == empty
    for content_type in ("application/json", "text/plain", ""):
        with pytest.raises(wire.UnreadableAnswerError):
            wire.decode(b"", content_type, node_execution_pb2.NodeExecutionList)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<!DOCTYPE html><title>Login</title>", "text/html; charset=utf-8"),
        (b"<html>", "application/octet-stream"),
        (b"\xef\xbf\xbd\x08", "application/octet-stream"),
        (b"[]", "application/json"),
        (b'{"id":5}', "application/json"),
        (b"\xff\xfe", "application/json"),
    ],
)
def test_what_is_no_message_is_told(body: bytes, content_type: str) -> None:
    with pytest.raises(wire.UnreadableAnswerError):
        wire.decode(body, content_type, execution_pb2.Execution)


def test_numbers_of_enums_that_are_not_known_are_kept() -> None:
    message = wire.decode(b"\x1a\x02\x20\x63", wire.BINARY, execution_pb2.Execution)
    assert message.closure.phase == 99


@given(st.binary(max_size=200), st.sampled_from(["application/octet-stream", "application/json", "text/plain", ""]))
def test_any_body_gives_a_message_or_is_unreadable(body: bytes, content_type: str) -> None:
    with contextlib.suppress(wire.UnreadableAnswerError):
        assert isinstance(wire.decode(body, content_type, execution_pb2.Execution), execution_pb2.Execution)


NAMES = st.sampled_from(["id", "closure", "phase", "workflow_id", "workflowId", "name", "labels", "values", "spec"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=4),
)


@given(st.dictionaries(NAMES, VALUES))
def test_any_json_gives_a_message_or_is_unreadable(value: object) -> None:
    with contextlib.suppress(wire.UnreadableAnswerError):
        message = wire.decode(json.dumps(value).encode(), "application/json", execution_pb2.Execution)
        assert isinstance(message, execution_pb2.Execution)
