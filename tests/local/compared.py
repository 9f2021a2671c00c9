"""How an answer of the embedded Admin is compared with the recorded one, and the one list of what is left out.

Answers are compared as plain data, field by field. JSON in camelCase, of which the recordings have little, is made of
the recorded binary answers; the same maker has to give the recorded snake_case answers, too.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from flyteidl.admin import execution_pb2, node_execution_pb2, task_execution_pb2, task_pb2, workflow_pb2
from google.protobuf import json_format, symbol_database
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import status_pb2

from flowtui.httpclient import httpx
from tests.replay import BINARY, message_of

SNAKE, CAMEL = "application/json", "*/*"
ROWS = ("executions", "node_executions", "nodeExecutions")
Line = dict[str, Any]

# Lines of errors.jsonl do not name the message of an answer that was no error.
_UNNAMED = {
    "executions": execution_pb2.ExecutionList,
    "node_executions": node_execution_pb2.NodeExecutionList,
    "task_executions": task_execution_pb2.TaskExecutionList,
    "workflows": workflow_pb2.WorkflowList,
    "tasks": task_pb2.Task,
}


@dataclass(frozen=True)
class LeftOut:
    """Something that is not compared.

    Attributes:
        why: the reason.
        concerns: whether it concerns a line.
        without: an answer without it, of either server.
        rows: what is done about the rows instead: ``whole`` where each that the embedded Admin gives is looked for in
            its whole list, which is compared on its own; ``pages`` where those of all pages are compared together.
    """

    what: str
    why: str
    concerns: Callable[[Line], bool]
    without: Callable[[Line, Any], Any]
    rows: str = ""


def _version(line: Line, value: Any) -> Any:
    return {key: sorted(part) for key, part in value.items()}


def _signature(line: Line, value: Any) -> Any:
    value = dict(value)
    for url, expires in (("signed_url", "expires_at"), ("signedUrl", "expiresAt")):
        if url in value:
            parts = urlsplit(value[url])
            value[url] = f"{parts.netloc}{unquote(parts.path.removeprefix('/blobs/blobs'))}"
            value.pop(expires)
    return value


def _blanks(line: Line, value: Any) -> Any:
    return {**value, "message": value["message"].replace("\u00a0", " ")}


def _order(line: Line, value: Any) -> Any:
    return {**value, **{key: sorted(value[key], key=_text) for key in ROWS if key in value}}


def _phase_only(line: Line, value: Any) -> Any:
    return {
        **value,
        **{key: [{"phase": row["closure"]["phase"]} for row in value[key]] for key in ROWS if key in value},
    }


def _count(line: Line, value: Any) -> Any:
    return {**value, **{key: len(value[key]) for key in ROWS if key in value}}


def _size_in_message(line: Line, value: Any) -> Any:
    assert value["message"].startswith("grpc: received message larger than max (")
    assert value["message"].endswith(" vs. 4194304)")
    return {**value, "message": ""}


def _sorted_by(line: Line) -> str:
    return str(line["params"].get("sort_by.key", ""))


def _is_list(line: Line) -> bool:
    return line["status"] == 200 and line["path"].startswith(("/api/v1/executions/", "/api/v1/node_executions/"))


def mark_pages(found: list[Line]) -> None:
    """Set ``paged`` in the lines of lists of which several pages are asked for."""
    with_tokens = {_list_of(line) for line in found if "token" in line["params"]}
    for line in found:
        line["paged"] = _list_of(line) in with_tokens and not _sorted_by(line)


def _list_of(line: Line) -> str:
    params = {key: value for key, value in line["params"].items() if key not in ("token", "limit")}
    return _text([line["path"], line["params"].get("limit"), params])


def _is_unsorted(line: Line) -> bool:
    return _is_list(line) and not _sorted_by(line) and "limit" in line["params"]


def _is_some_of_all(line: Line) -> bool:
    return "unknown" in line["params"]


LEFT_OUT = (
    LeftOut(
        "the values of /version",
        "another program answers, and BuildTime is a time that the server assigns itself; the fields are compared",
        lambda line: line["path"] == "/api/v1/version",
        _version,
    ),
    LeftOut(
        "signature and expiry of a signed URL",
        "they depend on a key and on the time of the answer; host and object are compared, and how long it lives",
        lambda line: line["path"] == "/api/v1/dataproxy/artifact_urn" and line["status"] == 200,
        _signature,
    ),
    LeftOut(
        "the kind of blank in the errors of protobuf",
        "protobuf words them, with a blank that differs from build to build of the same server",
        lambda line: line["status"] == 400,
        lambda line, value: _blanks(line, value) if isinstance(value, dict) and "message" in value else value,
    ),
    LeftOut(
        "the order of a list without sort_by",
        "the database chooses it; the rows are compared",
        lambda line: _is_unsorted(line) and not line["paged"] and not _is_some_of_all(line),
        _order,
    ),
    LeftOut(
        "which page of a list without sort_by a row is on",
        "the database chooses, and changed it in between: recorded pages overlap; the rows of all pages are compared",
        lambda line: _is_unsorted(line) and line["paged"],
        _count,
        rows="pages",
    ),
    LeftOut(
        "which five of all executions come without sort_by",
        "the database chooses; their number is compared",
        lambda line: _is_unsorted(line) and _is_some_of_all(line),
        _count,
        rows="whole",
    ),
    LeftOut(
        "the order of executions of one phase in a list sorted by phase",
        "the database chooses among equals; the phases are compared",
        lambda line: _is_list(line) and _sorted_by(line) == "phase",
        _phase_only,
        rows="whole",
    ),
    LeftOut(
        "the number of bytes in the refusal of an answer that is too large",
        "gRPC words it, from the size of 20,000 nodes that are not in the recording; the embedded Admin has others of"
        " that size",
        lambda line: line["status"] == 429,
        _size_in_message,
    ),
)


def without_left_out(line: Line, value: Any) -> Any:
    """What is compared of an answer."""
    for rule in LEFT_OUT:
        if rule.concerns(line):
            value = rule.without(line, value)
    return value


def rows_rule(line: Line) -> str:
    """What is done about the rows of the answer, as ``LeftOut.rows``."""
    return next((rule.rows for rule in LEFT_OUT if rule.rows and rule.concerns(line)), "")


def rows_of(value: Any) -> list[Any]:
    """The rows of a list of executions or nodes."""
    return next((value[key] for key in ROWS if isinstance(value, dict) and key in value), [])


def recorded_value(line: Line) -> Any:
    """A recorded answer as plain data; None for one without a body that says anything."""
    if line["accept"] == BINARY:
        return as_go_writes(_message(line), camel=False) if line["content_type"] == BINARY else None
    return line.get("body")


def given_value(line: Line, answer: httpx.Response) -> Any:
    """An answer of the embedded Admin as plain data, read as the recorded one was."""
    if line["accept"] == BINARY:
        if line["content_type"] != BINARY:
            return None
        return as_go_writes(type(_message(line)).FromString(answer.content), camel=False)
    return answer.json() if answer.content else None


def in_camel_case(lines: list[Line]) -> Iterator[Line]:
    """The same requests as a client without a choice makes them, with the answers in camelCase."""
    asked = {_request(line) for line in lines if line["accept"] == CAMEL}
    for line in lines:
        if line["accept"] == BINARY and line["content_type"] == BINARY and _request(line) not in asked:
            body = as_go_writes(_message(line), camel=True)
            yield {**line, "accept": CAMEL, "content_type": SNAKE, "body": body}


def as_go_writes(message: Message, *, camel: bool) -> Any:
    """A message as Go's protojson writes it with ``EmitUnpopulated``: unset messages that no oneof holds are null."""
    if message.DESCRIPTOR.full_name.startswith("google.protobuf."):
        return json_format.MessageToDict(message)
    value = json_format.MessageToDict(
        message, preserving_proto_field_name=not camel, always_print_fields_with_no_presence=True
    )
    for field in message.DESCRIPTOR.fields:
        name = field.json_name if camel else field.name
        if field.message_type is None:
            continue
        is_map = field.message_type.GetOptions().map_entry
        if is_map:
            if field.message_type.fields_by_name["value"].message_type is not None:
                items = getattr(message, field.name)
                value[name] = {str(key): as_go_writes(items[key], camel=camel) for key in items}
        elif isinstance(value.get(name), list):
            value[name] = [_inside(item, camel) for item in getattr(message, field.name)]
        elif message.HasField(field.name):
            value[name] = _inside(getattr(message, field.name), camel)
        elif field.containing_oneof is None:
            value[name] = None
    return value


def _inside(message: Any, camel: bool) -> Any:
    if message.DESCRIPTOR.full_name == "google.protobuf.Any":
        kind = symbol_database.Default().GetSymbol(message.TypeName())
        return {"@type": message.type_url, **as_go_writes(kind.FromString(message.value), camel=camel)}
    return as_go_writes(message, camel=camel)


def _message(line: Line) -> Message:
    if line.get("message"):
        return message_of(line)
    kind = status_pb2.Status if line["status"] != 200 else _UNNAMED[line["path"].split("/")[3]]
    return kind.FromString(base64.b64decode(line["body_base64"]))


def _request(line: Line) -> str:
    return _text([line["method"], line["path"], line.get("params"), line.get("request")])


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def seconds_of(stamp: str) -> int:
    """The seconds since 1970 of a time in JSON."""
    return json_format.ParseDict(stamp, Timestamp()).seconds
