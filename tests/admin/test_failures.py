"""Every answer that says no, in all its forms, becomes an error that says what to do."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from google.rpc import status_pb2
from hypothesis import given
from hypothesis import strategies as st

from flowtui.admin import BadRequestError, ConflictError, TooLargeError
from flowtui.admin.failures import ElsewhereError, endpoint_hint, failure, read_refusal
from flowtui.admin.pages import read_page
from flowtui.errors import AuthError, FlowtuiError, NotFoundError, ServerError
from tests.replay import lines

HTML = b"<!DOCTYPE html><html><head><title>502 Bad\n Gateway</title></head><body>nginx</body></html>"
KINDS = {400: BadRequestError, 404: NotFoundError, 409: ConflictError, 429: TooLargeError}


def error_of(status: int, body: bytes, content_type: str, location: str = "") -> FlowtuiError:
    return failure(
        status, body, content_type, what="execution p/d/run-1", server="https://flyte.test/flows", location=location
    )


def body_of(line: dict[str, Any]) -> bytes:
    if "body_base64" in line:
        return base64.b64decode(line["body_base64"])
    body = line["body"]
    return (body if isinstance(body, str) else json.dumps(body)).encode()


REFUSALS = [line for line in lines("errors") if line["status"] >= 400]


def test_the_recorded_refusals_are_there() -> None:
    assert len(REFUSALS) > 90
    assert {line["status"] for line in REFUSALS} == {400, 404, 409, 429}


@pytest.mark.parametrize("line", REFUSALS, ids=lambda line: f"{line['status']} {line['path']} {line['accept']}")
def test_recorded_refusals(line: dict[str, Any]) -> None:
    error = error_of(line["status"], body_of(line), line["content_type"])
    assert type(error) is KINDS[line["status"]]
    assert error.message


def test_binary_and_json_say_the_same() -> None:
    by_request: dict[str, set[str]] = {}
    for line in REFUSALS:
        if line["method"] == "GET":
            refusal = read_refusal(body_of(line), line["content_type"])
            # Blanks in texts vary from answer to answer.
            words = " ".join(refusal.message.split())
            by_request.setdefault(f"{line['path']} {line['params']}", set()).add(f"{refusal.code} {words}")
    assert len(by_request) > 20
    assert all(len(said) == 1 for said in by_request.values())


def test_events_after_the_end_say_so() -> None:
    ended = [line for line in REFUSALS if "Invalid phase change" in str(line.get("body", ""))]
    assert ended
    for line in ended:
        error = error_of(line["status"], body_of(line), line["content_type"])
        assert isinstance(error, BadRequestError)
        assert error.terminal


def test_events_after_the_end_say_so_in_binary() -> None:
    found = []
    for line in REFUSALS:
        if line["path"] == "/api/v1/events/workflows" and line["accept"] == "application/octet-stream":
            error = error_of(line["status"], body_of(line), line["content_type"])
            found.append(isinstance(error, BadRequestError) and error.terminal)
    assert sorted(found) == [False, True]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AuthError),
        (403, AuthError),
        (404, ElsewhereError),
        (500, ServerError),
        (502, ServerError),
        (501, ServerError),
    ],
)
def test_web_pages(status: int, kind: type[FlowtuiError]) -> None:
    error = error_of(status, HTML, "text/html")
    assert isinstance(error, kind)
    assert error.hint
    assert "<" not in error.message


def test_a_page_is_told_by_its_title_on_one_line() -> None:
    assert "502 Bad Gateway" in error_of(502, HTML, "text/html; charset=utf-8").message


def test_429_is_a_limit_of_size_only_where_it_says_so() -> None:
    large = status_pb2.Status(code=8, message="grpc: received message larger than max (6108901 vs. 4194304)")
    assert isinstance(error_of(429, large.SerializeToString(), "application/octet-stream"), TooLargeError)
    busy = error_of(429, b'{"code":8,"message":"rate limited"}', "application/json")
    assert not isinstance(busy, TooLargeError)
    assert isinstance(busy, ServerError)


@pytest.mark.parametrize(
    ("location", "status", "kind", "said"),
    [
        ("https://login.test/auth?x=secret", 302, AuthError, "https://login.test"),
        ("/auth/login", 302, AuthError, "login"),
        ("https://flyte.test/api", 301, ElsewhereError, "https://flyte.test/api"),
        ("/api/v1/executions/p", 307, NotFoundError, "nothing"),
    ],
)
def test_redirects(location: str, status: int, kind: type[FlowtuiError], said: str) -> None:
    error = error_of(status, b"", "", location)
    assert isinstance(error, kind)
    assert said in error.message
    assert "secret" not in error.message


def test_a_redirect_to_https_names_the_endpoint() -> None:
    error = failure(301, b"", "", what="x", server="http://flyte.test", location="https://flyte.test/api/v1/x")
    assert "https://flyte.test" in error.hint


def test_foreign_text_in_a_message_is_clean() -> None:
    error = error_of(500, b'{"code":2,"message":"\\u001b[31mred\\u202e\\n two"}', "application/json")
    assert "red" in error.message
    assert error.message.isprintable()


@given(st.integers(300, 599), st.binary(max_size=300), st.sampled_from(["application/octet-stream", "text/html", ""]))
def test_any_answer_gives_an_error(status: int, body: bytes, content_type: str) -> None:
    assert error_of(status, body, content_type, "//[").message.isprintable()


@given(st.recursive(st.none() | st.text() | st.integers(), lambda of: st.lists(of) | st.dictionaries(st.text(), of)))
def test_any_json_gives_an_error(body: object) -> None:
    assert error_of(400, json.dumps(body).encode(), "application/json").message.isprintable()


PAGES = {
    "login": b"<form action='/realms/x/login-actions'><input name=u></form>",
    "cookies": b"<title>Just a moment</title>Please enable cookies.",
    "console": b"<title>Flyte Dashboard</title>",
    "domino": b"<title>Domino</title>",
    "other": b"<title>It works!</title>",
}


@pytest.mark.parametrize("kind", PAGES)
def test_pages_are_told_apart(kind: str) -> None:
    assert read_page(b"<html>" + PAGES[kind]).kind == kind


@given(st.binary(max_size=400))
def test_any_page_has_a_kind(body: bytes) -> None:
    page = read_page(b"<html><title>" + body)
    assert page.kind in PAGES
    assert page.title.isprintable()


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("https://h/console/projects/p", "the endpoint is https://h."),
        ("https://h/flows/console", "the endpoint is https://h/flows."),
        ("https://me:hush@h/flows/api/v1", "the endpoint is https://h/flows."),
        ("https://h/flows/flows", "stands twice: the endpoint is https://h/flows."),
        ("https://h/v2", "the endpoint is https://h."),
        ("https://h/flow", "Check the path /flow:"),
        ("https://h", "such as https://host/flows for Domino"),
    ],
)
def test_what_is_odd_about_an_endpoint(address: str, hint: str) -> None:
    assert hint in endpoint_hint(address)
    assert "hush" not in endpoint_hint(address)


@pytest.mark.parametrize(
    ("status", "body", "content_type"),
    [
        (415, b"", "application/grpc"),
        (415, b'invalid gRPC request content-type ""', "text/plain"),
        (505, b"gRPC requires HTTP/2", "text/plain"),
        (464, b"", ""),
    ],
)
def test_servers_of_grpc_alone(status: int, body: bytes, content_type: str) -> None:
    error = error_of(status, body, content_type)
    assert isinstance(error, ElsewhereError)
    assert "speaks gRPC only" in error.message
