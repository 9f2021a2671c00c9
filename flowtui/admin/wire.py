"""What goes over the wire: paths, bodies and answers of Flyte Admin's REST gateway.

Answers are asked for as binary protobuf (``Accept: application/octet-stream``, which the gateway compares exactly).
JSON is understood too, in snake_case and camelCase, because some proxies rewrite the Accept header or damage binary
bodies.
"""

from __future__ import annotations

import enum
import json
from typing import TypeVar
from urllib.parse import quote

from google.protobuf import empty_pb2
from google.protobuf.message import DecodeError, Message

from flowtui import text
from flowtui.errors import NotFoundError

M = TypeVar("M", bound=Message)

BINARY = "application/octet-stream"
JSON = "application/json"
_PROTOBUF = frozenset({BINARY, "application/x-protobuf", "application/protobuf", "binary/octet-stream"})


class Format(enum.Enum):
    """How bodies are encoded; the value is the MIME type of request and answer."""

    BINARY = BINARY
    JSON = JSON


class UnreadableAnswerError(Exception):
    """The body of a successful answer is neither the protobuf message nor its JSON."""


def path(*segments: str) -> str:
    """The path below ``/api/v1`` made of segments, each percent-encoded.

    Raises:
        NotFoundError: a segment is empty, ``.`` or ``..``: no entity has such a name, and as a path it would mean
            another one.
    """
    for segment in segments:
        if segment in ("", ".", ".."):
            raise NotFoundError(f"There is nothing with the name {segment!r} on a Flyte server.")
    return "/api/v1/" + "/".join(quote(segment, safe="") for segment in segments)


def mime_type(content_type: str) -> str:
    """The type of a Content-Type header without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def encode(message: Message, format_: Format) -> bytes:
    """The body of a request."""
    if format_ is Format.BINARY:
        return message.SerializeToString()
    from google.protobuf import json_format

    return json_format.MessageToJson(message, preserving_proto_field_name=True, indent=None).encode()


def decode(body: bytes, content_type: str, message_type: type[M]) -> M:
    """The message of a successful answer.

    Args:
        body: the decompressed body; in binary, nothing is the empty message.
        content_type: the Content-Type header; JSON is recognised by it, protobuf too, or by its absence.
        message_type: the flyteidl class to parse with.

    Raises:
        UnreadableAnswerError: the body is a web page, something else or damaged.
    """
    mime = mime_type(content_type)
    if not body:
        if mime == BINARY or message_type is empty_pb2.Empty:
            return message_type()
        raise UnreadableAnswerError("an empty answer")
    if mime == JSON or mime.endswith("+json"):
        return _from_json(body, message_type)
    if mime.startswith("text/html") or body[:15].lower().startswith((b"<!doctype", b"<html")):
        raise UnreadableAnswerError("a web page")
    if mime and mime not in _PROTOBUF:
        # Some short texts happen to be valid protobuf.
        if body.lstrip()[:1] == b"{":
            return _from_json(body, message_type)
        raise UnreadableAnswerError(text.plain(mime[:60]))
    try:
        message = message_type()
        message.ParseFromString(body)
    except DecodeError as error:
        # A proxy may have turned the answer into JSON and kept the header.
        if body.lstrip()[:1] == b"{":
            return _from_json(body, message_type)
        raise UnreadableAnswerError("a damaged body") from error
    return message


def _from_json(body: bytes, message_type: type[M]) -> M:
    from google.protobuf import json_format

    message = message_type()
    try:
        found = json.loads(body)
        if isinstance(found, dict) and (not found or _is_known(found, message)):
            json_format.ParseDict(found, message, ignore_unknown_fields=True)
            return message
    # ValueError has the decoder's errors; the others come of values that are of another kind than the field.
    except (json_format.ParseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableAnswerError("JSON that is not the expected message") from error
    raise UnreadableAnswerError("JSON that is not the expected message")


def _is_known(found: dict[str, object], message: Message) -> bool:
    """Whether an object has any field of the message: one without would read as the empty message."""
    return any(field.name in found or field.json_name in found for field in message.DESCRIPTOR.fields)
