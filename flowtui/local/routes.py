"""The paths of Flyte Admin's REST gateway, from the ``google.api.http`` options of flyteidl's own services.

A path is matched on its decoded segments, as grpc-gateway does, so that a name with a slash cannot be addressed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from flowtui.local.protojson import repeated
from flowtui.local.status import invalid

_UNSIGNED = {FieldDescriptor.TYPE_UINT32: 32, FieldDescriptor.TYPE_UINT64: 64}
_SIGNED = {FieldDescriptor.TYPE_INT32: 32, FieldDescriptor.TYPE_INT64: 64}
_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_DURATION_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


@dataclass(frozen=True, slots=True)
class Route:
    """One path of one call.

    Attributes:
        service: the full name of the gRPC service.
        call: the name of the RPC (``GetExecution``).
        pattern: the segments; those in braces are fields of the request.
        has_body: the body is the request.
    """

    service: str
    call: str
    method: str
    pattern: tuple[str, ...]
    request_type: Descriptor
    has_body: bool

    def match(self, segments: Sequence[str]) -> dict[str, str] | None:
        """The fields that the path gives, or None where it does not match."""
        if len(segments) != len(self.pattern):
            return None
        fields: dict[str, str] = {}
        for part, segment in zip(self.pattern, segments, strict=True):
            if part.startswith("{"):
                fields[part[1:-1]] = segment
            elif part != segment:
                return None
        return fields

    def new_request(self) -> Any:
        return message_factory.GetMessageClass(self.request_type)()


@lru_cache(maxsize=1)
def routes() -> tuple[Route, ...]:
    """All routes, those that the gateway tries first in front."""
    from flyteidl.service import admin_pb2, auth_pb2, dataproxy_pb2, identity_pb2, signal_pb2
    from google.api import annotations_pb2

    found: list[Route] = []
    for module in (admin_pb2, auth_pb2, identity_pb2, dataproxy_pb2, signal_pb2):
        for service in module.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                rule = method.GetOptions().Extensions[annotations_pb2.http]
                for binding in (rule, *rule.additional_bindings):
                    verb = binding.WhichOneof("pattern")
                    if verb:
                        found.append(_route(method, verb, getattr(binding, verb), bool(binding.body)))
    return tuple(reversed(found))


def _route(method: MethodDescriptor, verb: str, path: str, has_body: bool) -> Route:
    pattern = tuple(path.strip("/").split("/"))
    return Route(method.containing_service.full_name, method.name, verb.upper(), pattern, method.input_type, has_body)


def find(method: str, segments: Sequence[str]) -> tuple[Route, dict[str, str]] | None:
    for route in routes():
        if route.method == method and (fields := route.match(segments)) is not None:
            return route, fields
    return None


def is_known(segments: Sequence[str]) -> bool:
    """Whether any method has this path."""
    return any(route.match(segments) is not None for route in routes())


def fill(request: Message, path: Mapping[str, str], query: Iterable[tuple[str, str]], *, has_body: bool) -> None:
    """Put the fields of the path, and of the query where the body is not the request, into ``request``.

    Raises:
        AdminError: a value is not of its field's type, or a single field is given twice.
    """
    for name, value in path.items():
        _set(request, name.split("."), value, name)
    if has_body:
        return
    seen: set[tuple[str, ...]] = set()
    for key, value in query:
        steps = _steps(request.DESCRIPTOR, key)
        if steps is None or any(".".join(steps) == name or name.startswith(".".join(steps) + ".") for name in path):
            continue
        if tuple(steps) in seen and not repeated(_leaf(request.DESCRIPTOR, steps)):
            raise invalid(f"too many values for field {key!r}")
        seen.add(tuple(steps))
        _set(request, steps, value, steps[-1])


def _steps(descriptor: Any, key: str) -> list[str] | None:
    """The proto names of a dotted key in either casing, or None where there is no such field."""
    steps: list[str] = []
    current: Any = descriptor
    for part in key.split("."):
        field = next((f for f in current.fields if part in (f.name, f.json_name)), None) if current else None
        if field is None:
            return None
        steps.append(field.name)
        current = field.message_type
    return steps


def _leaf(descriptor: Any, steps: Sequence[str]) -> Any:
    for step in steps[:-1]:
        descriptor = descriptor.fields_by_name[step].message_type
    return descriptor.fields_by_name[steps[-1]]


def _set(request: Message, steps: Sequence[str], value: str, name: str) -> None:
    target: Any = request
    for step in steps[:-1]:
        target = getattr(target, step)
    field = target.DESCRIPTOR.fields_by_name[steps[-1]]
    parsed = _parse(field, value, name.rpartition(".")[2])
    if parsed is None:
        return
    if repeated(field):
        getattr(target, field.name).append(parsed)
    elif isinstance(parsed, Message):
        getattr(target, field.name).CopyFrom(parsed)
    else:
        # An empty parent counts as set too, as the gateway leaves it.
        if isinstance(target, Message) and target is not request:
            target.SetInParent()
        setattr(target, field.name, parsed)


def _parse(field: Any, value: str, name: str) -> Any:
    try:
        if field.message_type is not None:
            return _message(field.message_type, value)
        if field.enum_type is not None:
            return _enum(field, value)
        if field.type in _UNSIGNED:
            return _integer(value, "ParseUint", 0, 2 ** _UNSIGNED[field.type] - 1)
        if field.type in _SIGNED:
            half = 2 ** (_SIGNED[field.type] - 1)
            return _integer(value, "ParseInt", -half, half - 1)
        if field.type == FieldDescriptor.TYPE_BOOL:
            if value not in _BOOLS:
                raise ValueError(f"strconv.ParseBool: parsing {_quoted(value)}: invalid syntax")
            return _BOOLS[value]
        if field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
            return float(value)
        if field.type == FieldDescriptor.TYPE_BYTES:
            import base64

            return base64.b64decode(value, altchars=b"-_")
        return value
    except ValueError as error:
        raise invalid(f"parsing field {_quoted(name)}: {error}") from error


_BOOLS = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _integer(value: str, function: str, low: int, high: int) -> int:
    digits = value[1:] if low < 0 and value[:1] in "+-" else value
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"strconv.{function}: parsing {_quoted(value)}: invalid syntax")
    # Python refuses to read more than 4,300 digits; the range is left long before.
    number = int(value) if len(value) <= 20 else high + 1
    if not low <= number <= high:
        raise ValueError(f"strconv.{function}: parsing {_quoted(value)}: value out of range")
    return number


def _enum(field: Any, value: str) -> int:
    known = field.enum_type.values_by_name.get(value)
    if known is not None:
        return int(known.number)
    if re.fullmatch(r"[+-]?\d{1,9}", value) and int(value) in field.enum_type.values_by_number:
        return int(value)
    raise ValueError(f"{_quoted(value)} is not a valid value")


def _message(descriptor: Descriptor, value: str) -> Message | None:
    made: Any = message_factory.GetMessageClass(descriptor)()
    if descriptor.full_name == "google.protobuf.Duration":
        nanos = go_duration(value)
        made.seconds, made.nanos = int(nanos / 10**9), (abs(nanos) % 10**9) * (1 if nanos >= 0 else -1)
        return made  # type: ignore[no-any-return]
    if descriptor.full_name == "google.protobuf.Timestamp":
        made.FromJsonString(value)
        return made  # type: ignore[no-any-return]
    if "value" in descriptor.fields_by_name and descriptor.file.package == "google.protobuf":
        made.value = _parse(descriptor.fields_by_name["value"], value, "value")
        return made  # type: ignore[no-any-return]
    return None


def go_duration(value: str) -> int:
    """Nanoseconds of a duration in Go's syntax (``1h2m3.5s``).

    Raises:
        ValueError: it is none.
    """
    sign, rest = (-1 if value[:1] == "-" else 1), value.lstrip("+-") if value[:1] in ("+", "-") else value
    if rest == "0":
        return 0
    parts = _DURATION_PART.findall(rest)
    if not parts or "".join(number + unit for number, unit in parts) != rest:
        raise ValueError(f"time: invalid duration {_quoted(value)}")
    from decimal import Decimal

    return sign * sum(int(Decimal(number) * _DURATION_UNITS[unit]) for number, unit in parts)
