"""The embedded Admin gives the answers of the real one, after the same requests of an engine and of clients.

Every recorded request is made in binary, in snake_case and in camelCase, and whole answers are compared: status,
content type, and every field but what ``compared.LEFT_OUT`` lists.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from flowtui.httpclient import httpx
from tests.local.compared import (
    CAMEL,
    LEFT_OUT,
    SNAKE,
    Line,
    as_go_writes,
    given_value,
    in_camel_case,
    mark_pages,
    recorded_value,
    rows_of,
    rows_rule,
    seconds_of,
    without_left_out,
)
from tests.local.recorded import Recorded
from tests.replay import BINARY, lines, message_of

FORMS = {"binary": BINARY, "snake_case": SNAKE, "camelCase": CAMEL}
FILES = ("executions", "entities", "lists", "errors", "dataproxy")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    admin = Recorded(tmp_path_factory.mktemp("home"))
    yield admin
    admin.app.state.admin.store.close()


def requests(name: str) -> list[Line]:
    """The requests of one file in all three forms, signed URLs aside."""
    found = [line for line in lines(name) if line["path"] != "(signed url)"]
    for line in found:
        line.setdefault("params", {})
    mark_pages(found)
    return [*found, *in_camel_case(found)]


async def test_the_engine_gets_the_recorded_answers(recorded: Recorded) -> None:
    assert recorded.differences == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", FILES)
async def test_readers_get_the_recorded_answers(recorded: Recorded, name: str, form: str) -> None:
    asked = [line for line in requests(name) if line["accept"] == FORMS[form]]
    async with recorded.client() as client:
        comparison = Comparison(client, await _whole_list(client, FORMS[form]))
        for line in asked:
            await comparison.compare(line)
    assert comparison.wrong == []
    for want, got in comparison.pages.values():
        assert set(want) <= set(got)
        assert len(set(got)) == len(got) == len(want)
    assert len(asked) >= {"executions": 893, "entities": 115, "lists": 40, "errors": 46, "dataproxy": 18}[name]


async def test_readers_get_the_recorded_answers_of_running_executions(tmp_path_factory: pytest.TempPathFactory) -> None:
    admin = await asyncio.to_thread(Recorded, tmp_path_factory.mktemp("running"), running=True)
    asked = requests("running")
    async with admin.client() as client:
        comparison = Comparison(client, {})
        for line in asked:
            await comparison.compare(line)
    admin.app.state.admin.store.close()
    assert comparison.wrong == []
    assert {form: len([line for line in asked if line["accept"] == form]) for form in FORMS.values()} == {
        BINARY: 32,
        SNAKE: 21,
        CAMEL: 32,
    }


def test_what_is_left_out_is_there() -> None:
    asked = [line for name in FILES for line in requests(name)]
    assert [rule.what for rule in LEFT_OUT if not any(rule.concerns(line) for line in asked)] == []


@pytest.mark.parametrize("name", [*FILES, "running"])
def test_camel_case_is_made_as_the_real_server_makes_json(name: str) -> None:
    found = list(lines(name))
    answers = {_asked(line): line for line in found if line.get("accept") == BINARY and line.get("message")}
    compared = 0
    for line in found:
        binary = answers.get(_asked(line))
        if binary is None or line["accept"] == BINARY or line["path"].endswith("artifact_urn"):
            continue
        compared += 1
        made = as_go_writes(message_of(binary), camel=line["accept"] == CAMEL and not line.get("request_content_type"))
        if "sort_by.key" in line["params"] or not rows_of(made):
            assert made == line["body"]
    assert compared >= 3


async def test_signed_urls_live_as_long_as_they_were_asked_to(recorded: Recorded) -> None:
    asked = [line for line in requests("dataproxy") if line["path"].endswith("artifact_urn") and line["status"] == 200]
    async with recorded.client() as client:
        for line in asked:
            value = given_value(line, await _ask(client, line))
            lifetime = seconds_of(value.get("expires_at") or value["expiresAt"]) - recorded.clock() // 10**9
            assert lifetime == int(line["params"].get("expires_in", "3600s")[:-1])


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


class Comparison:
    """Asks the embedded Admin and collects what is other than recorded.

    Attributes:
        wrong: what is other than recorded.
        pages: rows of lists in several pages, by the list: the recorded ones and those given.
    """

    def __init__(self, client: httpx.AsyncClient, whole: dict[str, list[Any]]) -> None:
        self._client = client
        self._whole = whole
        self.wrong: list[str] = []
        self.pages: dict[str, tuple[list[str], list[str]]] = {}

    async def compare(self, line: Line) -> None:
        answer = await _ask(self._client, line)
        shown = f"{line['method']} {line['path']} {line['params']} as {line['accept']}"
        if answer.status_code != line["status"] or answer.headers.get("content-type") != line["content_type"]:
            self.wrong.append(f"{shown}: {answer.status_code} {answer.text[:200]}")
            return
        want, got = recorded_value(line), given_value(line, answer)
        if without_left_out(line, want) != without_left_out(line, got):
            self.wrong.append(f"{shown}: {got} instead of {want}"[:3000])
        rule = rows_rule(line)
        if rule == "whole" and not all(row in self._whole[line["path"]] for row in rows_of(got)):
            self.wrong.append(f"{shown}: rows that the whole list does not have")
        elif rule == "pages":
            joined = self.pages.setdefault(f"{line['path']} {line['params'].get('unique_parent_id')}", ([], []))
            for rows, value in zip(joined, (want, got), strict=True):
                rows += [json.dumps(row, sort_keys=True) for row in rows_of(value)]


async def _whole_list(client: httpx.AsyncClient, accept: str) -> dict[str, list[Any]]:
    """All executions by the path of their list; that list is compared on its own."""
    (line,) = [
        line for line in lines("lists")
        if line["path"] == "/api/v1/executions/flytesnacks/development" and line["accept"] == SNAKE
        and line["params"].get("sort_by.key") == "execution_created_at"
        and line["params"]["limit"] == "100" and "filters" not in line["params"]
    ]  # fmt: skip
    message = next(one for one in lines("lists") if _asked(one) == _asked(line) and one["accept"] == BINARY)
    line = {**message, "accept": accept}
    return {line["path"]: rows_of(given_value(line, await _ask(client, line)))}


def _asked(line: Line) -> str:
    return json.dumps([line["method"], line["path"], line.get("params"), line.get("request")], sort_keys=True)


async def _ask(client: httpx.AsyncClient, line: Line) -> httpx.Response:
    headers = {"accept": line["accept"]}
    if line.get("request_content_type"):
        headers["content-type"] = line["request_content_type"]
    request = line.get("request")
    content = request if isinstance(request, str | None) else json.dumps(request)
    return await client.request(
        line["method"], line["path"], params=line["params"] or None, headers=headers, content=content
    )
