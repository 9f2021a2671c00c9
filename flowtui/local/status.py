"""Refusals as Flyte Admin words them: a gRPC code, its HTTP status and a message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf.message import Message

from flowtui.local.protojson import is_map, repeated

# google.rpc.Code by name, and the HTTP status that grpc-gateway gives each (reference: grpc-gateway runtime/errors.go).
UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, ALREADY_EXISTS = 2, 3, 4, 5, 6
RESOURCE_EXHAUSTED, FAILED_PRECONDITION, UNIMPLEMENTED, INTERNAL, UNAUTHENTICATED = 8, 9, 12, 13, 16
HTTP_STATUS = {
    0: 200, 1: 499, 2: 500, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400, 12: 501,
    13: 500, 14: 503, 15: 500, 16: 401,
}  # fmt: skip


class AdminError(Exception):
    """An answer that is not 200.

    Attributes:
        code: the gRPC code.
        message: Admin's sentence.
        details: messages that go into ``google.rpc.Status.details``.
    """

    def __init__(self, code: int, message: str, details: Sequence[Message] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = tuple(details)

    @property
    def http_status(self) -> int:
        return HTTP_STATUS.get(self.code, 500)


def invalid(message: str) -> AdminError:
    return AdminError(INVALID_ARGUMENT, message)


def missing(field: str) -> AdminError:
    """A required field that is empty."""
    return AdminError(INVALID_ARGUMENT, f"missing {field}")


def not_found(kind: str, identifier: Message) -> AdminError:
    return AdminError(NOT_FOUND, f"missing entity of type {kind} with identifier {text(identifier)}")


def database(message: str) -> AdminError:
    return AdminError(UNKNOWN, f"failed database operation with {message}")


def text(message: Message) -> str:
    """A message in protobuf's text form on one line, fields parted by two blanks, as Admin prints identifiers."""
    parts: list[str] = []
    for field, value in message.ListFields():
        parts.extend(f"{field.name}:{_value(field, item)}" for item in _items(field, value))
    return "  ".join(parts)


def _items(field: Any, value: Any) -> list[Any]:
    if is_map(field):
        return [_Entry(field.message_type, key, value[key]) for key in sorted(value)]
    return list(value) if repeated(field) else [value]


class _Entry:
    """A map's entry, shown as a message with the fields ``key`` and ``value``."""

    def __init__(self, descriptor: Any, key: Any, value: Any) -> None:
        self.fields = [(descriptor.fields_by_name["key"], key), (descriptor.fields_by_name["value"], value)]


def _value(field: Any, value: Any) -> str:
    if isinstance(value, _Entry):
        return "{" + "  ".join(f"{f.name}:{_value(f, item)}" for f, item in value.fields) + "}"
    if isinstance(value, Message):
        return "{" + text(value) + "}"
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return known.name if known else str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return quote(value.decode("latin-1"))
    return quote(value) if isinstance(value, str) else str(value)


def quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'
