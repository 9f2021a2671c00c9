"""The embedded Admin gives the answers of the real one, after the same requests of an engine.

Compared are whole messages and whole JSON values. Left out, each for its reason:

- ``/version``: another program.
- the order of lists without ``sort_by``: the database's own, which no reader may count on. Such lists are compared as
  sets; where they have pages, the pages of one list together.
- the order of rows that are equal in the key they are sorted by: only that key is compared.
- a page of five executions out of all, unsorted: which five is the database's choice; their number is compared.
- ``huge-1``: its 20,000 nodes are not in the recording; ``test_app.py`` makes an answer that is too large.
- signature and expiry of a signed URL: the host and the object it leads to are compared, and how long it lives.
- the kind of blank in protobuf's own error texts, which differs from build to build of the real server.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from flyteidl.admin import execution_pb2, node_execution_pb2, task_execution_pb2, task_pb2, workflow_pb2
from google.protobuf import json_format
from google.protobuf.message import Message

from flowtui.httpclient import httpx
from tests.local.recorded import Recorded
from tests.replay import BINARY, lines, message_of

_LISTS = ("executions", "node_executions", "nodeExecutions")
# Lines of errors.jsonl do not name the message of an answer that was no error.
_UNNAMED = {
    "executions": execution_pb2.ExecutionList,
    "node_executions": node_execution_pb2.NodeExecutionList,
    "task_executions": task_execution_pb2.TaskExecutionList,
    "workflows": workflow_pb2.WorkflowList,
    "tasks": task_pb2.Task,
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    admin = Recorded(tmp_path_factory.mktemp("home"))
    yield admin
    admin.app.state.admin.store.close()


async def test_the_engine_gets_the_recorded_answers(recorded: Recorded) -> None:
    assert recorded.differences == []


@pytest.mark.parametrize("name", ["executions", "entities", "lists", "errors"])
async def test_readers_get_the_recorded_answers(recorded: Recorded, name: str) -> None:
    pages: dict[tuple[str, str, str], tuple[list[str], list[str]]] = {}
    wrong, compared = [], 0
    async with recorded.client() as client:
        for line in lines(name):
            if line["path"] == "/api/v1/version" or "huge-1" in line["path"]:
                continue
            answer = await _ask(client, line)
            if answer.status_code != line["status"] or answer.headers.get("content-type") != line["content_type"]:
                wrong.append(f"{_shown(line)}: {answer.status_code} {answer.text[:200]}")
                continue
            want, got = _value(line, None), _value(line, answer)
            rows = next((key for key in _LISTS if isinstance(want, dict) and key in want), None)
            params = line["params"]
            if rows and "sort_by.key" not in params:
                if "unknown" in params:
                    want, got = len(want[rows]), len(got[rows])
                else:
                    key = line["path"], line["accept"], params.get("unique_parent_id", params.get("filters", ""))
                    joined = pages.setdefault(key, ([], []))
                    joined[0].extend(json.dumps(row, sort_keys=True) for row in want.pop(rows))
                    joined[1].extend(json.dumps(row, sort_keys=True) for row in got.pop(rows))
            elif rows and params["sort_by.key"] == "phase":
                want, got = ([row["closure"]["phase"] for row in value[rows]] for value in (want, got))
            compared += 1
            if want != got:
                wrong.append(f"{_shown(line)}: {got} instead of {want}"[:2000])
    for key, (want, got) in pages.items():
        # The real pages of an unsorted list overlap, where its order changed in between.
        if len(want) != len(got) or not set(want) <= set(got) or len(set(got)) != len(got):
            wrong.append(f"{key}: other rows")
    assert wrong == []
    assert compared == sum(1 for line in lines(name) if "/version" not in line["path"] and "huge-1" not in line["path"])


async def test_readers_get_the_recorded_answers_of_running_executions(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("running")
    admin = await asyncio.to_thread(Recorded, folder, running=True)
    wrong = []
    async with admin.client() as client:
        for line in lines("running"):
            want, got = _value(line, None), _value(line, await _ask(client, line))
            if "sort_by.key" not in line["params"]:
                for value in (want, got):
                    value.get("node_executions", []).sort(key=lambda row: row["id"]["node_id"])
            if want != got:
                wrong.append(f"{_shown(line)}: {got} instead of {want}")
    admin.app.state.admin.store.close()
    assert wrong == []


async def test_signed_urls_are_the_recorded_ones(recorded: Recorded) -> None:
    wrong = []
    async with recorded.client() as client:
        for line in lines("dataproxy"):
            if line["path"] == "(signed url)":
                continue
            answer = await _ask(client, line)
            if answer.status_code != line["status"]:
                wrong.append(f"{_shown(line)}: {answer.status_code} {answer.text[:200]}")
                continue
            want, got = _value(line, None), _value(line, answer)
            asked = line.get("params", {}).get("expires_in", "3600s")
            for value, stem in ((want, ""), (got, "/blobs/blobs")):
                _without_signature(value, stem)
            lifetime = got.pop("lifetime", None)
            want.pop("lifetime", None)
            if lifetime is not None and lifetime - recorded.clock() // 10**9 != int(asked[:-1]):
                wrong.append(f"{_shown(line)}: lives until {lifetime}")
            if want != got:
                wrong.append(f"{_shown(line)}: {got} instead of {want}")
    assert wrong == []


async def test_ranges_of_signed_urls_are_the_recorded_ones(recorded: Recorded) -> None:
    uri = "s3://flyte/data/97/clinical-1-n1-0/5b3dab64aff011e105d945cc5372112a/adsl.csv"
    async with recorded.client() as client:
        signed = await client.get("/api/v1/dataproxy/artifact_urn", params={"native_url": uri})
        for line in lines("dataproxy"):
            if line["path"] != "(signed url)":
                continue
            answer = await client.get(signed.json()["signedUrl"], headers=line["request_headers"])
            assert answer.status_code == line["status"]
            for name in ("content-range", "content-type", "accept-ranges"):
                assert answer.headers.get(name) == line["headers"].get(name) or answer.status_code == 416
            if answer.status_code < 300:
                assert answer.content == base64.b64decode(line["body_base64"])
                assert answer.headers["content-length"] == line["headers"]["content-length"]
            else:
                assert b"<Code>InvalidRange</Code>" in answer.content


async def test_the_same_page_is_the_same_bytes(recorded: Recorded) -> None:
    asked = [line for line in lines("lists") if "limit" in line["params"]]
    async with recorded.client() as client:
        for line in asked:
            assert (await _ask(client, line)).content == (await _ask(client, line)).content


async def _ask(client: httpx.AsyncClient, line: dict[str, Any]) -> httpx.Response:
    headers = {"accept": line["accept"]}
    if line.get("request_content_type"):
        headers["content-type"] = line["request_content_type"]
    request = line.get("request")
    content = request if isinstance(request, str | None) else json.dumps(request)
    return await client.request(
        line["method"], line["path"], params=line.get("params") or None, headers=headers, content=content
    )


def _shown(line: dict[str, Any]) -> str:
    return f"{line['method']} {line['path']} {line.get('params')} as {line['accept']}"


def _value(line: dict[str, Any], answer: httpx.Response | None) -> Any:
    """The recorded answer, or the given one, as plain data."""
    if line["accept"] != BINARY:
        value = answer.json() if answer is not None and answer.content else line.get("body") if answer is None else None
        return _same_blanks(value)
    if line["content_type"] != BINARY:
        return None
    if line.get("message"):
        message: Message = message_of(line)
    else:
        message = _UNNAMED[line["path"].split("/")[3]]()
        message.ParseFromString(base64.b64decode(line["body_base64"]))
    if answer is not None:
        message = type(message).FromString(answer.content)
    value = json_format.MessageToDict(message, preserving_proto_field_name=True)
    for rows in _LISTS:
        if rows in message.DESCRIPTOR.fields_by_name:
            value.setdefault(rows, [])
    return _same_blanks(value)


def _same_blanks(value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("message"), str):
        return {**value, "message": value["message"].replace("\u00a0", " ")}
    return value


def _without_signature(value: Any, stem: str) -> None:
    for url, expires in (("signed_url", "expires_at"), ("signedUrl", "expiresAt")):
        if isinstance(value, dict) and url in value:
            parts = urlsplit(value[url])
            assert parts.path.startswith(stem)
            value[url] = f"{parts.netloc}{unquote(parts.path[len(stem) :])}"
            value["lifetime"] = json_format.ParseDict(value.pop(expires), _timestamp()).seconds


def _timestamp() -> Any:
    from google.protobuf.timestamp_pb2 import Timestamp

    return Timestamp()
