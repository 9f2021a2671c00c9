"""Which form a body has, by grpc-gateway's rule, and the way between bodies and messages.

The answer's form: the one whose media type equals an ``Accept`` header line exactly, case included; else the one that
``Content-Type`` names, also on GET; else JSON in camelCase. Errors and unknown paths follow the same rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

from google.protobuf.message import DecodeError, Message

from flowtui.local import protojson
from flowtui.local.status import AdminError, invalid


class Form(Enum):
    """A form of a body."""

    BINARY = "application/octet-stream"
    SNAKE = "application/json"
    CAMEL = "*"

    @property
    def media_type(self) -> str:
        return "application/octet-stream" if self is Form.BINARY else "application/json"


_BY_TYPE = {"application/octet-stream": Form.BINARY, "application/json": Form.SNAKE}


def request_form(content_types: Sequence[str]) -> Form:
    """The form of a request's body; parameters and case of the media type do not count."""
    for line in content_types:
        form = _BY_TYPE.get(line.partition(";")[0].strip().lower())
        if form is not None:
            return form
    return Form.CAMEL


def answer_form(accepts: Sequence[str], content_types: Sequence[str]) -> Form:
    for line in accepts:
        if line in _BY_TYPE:
            return _BY_TYPE[line]
    return request_form(content_types)


def encode(message: Message, form: Form) -> bytes:
    """The same message gives the same bytes."""
    if form is Form.BINARY:
        return message.SerializeToString(deterministic=True)
    return protojson.dumps(message, snake=form is Form.SNAKE)


def decode(body: bytes, message: Message, form: Form) -> None:
    """Read a request's body into ``message``.

    Raises:
        AdminError: the body is not of that form, or, as ``application/json``, has an unknown field.
    """
    if form is Form.BINARY:
        try:
            message.ParseFromString(body)
        except DecodeError as error:
            raise invalid("proto: cannot parse invalid wire-format data") from error
        return
    try:
        protojson.loads(body, message, strict=form is Form.SNAKE)
    except ValueError as error:
        raise invalid(str(error)) from error


def status_message(error: AdminError) -> Any:
    """``error`` as google.rpc.Status."""
    from google.rpc import status_pb2

    status = status_pb2.Status(code=error.code, message=error.message)
    for detail in error.details:
        status.details.add().Pack(detail)
    return status
