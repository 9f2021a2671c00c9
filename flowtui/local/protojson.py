"""protobuf's JSON as Go's protojson writes it with EmitUnpopulated: defaults and nulls included.

``google.protobuf.json_format`` leaves out what is unset in a message field, where Admin writes ``null``.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

_WIDE = frozenset({
    FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_SINT64,
    FieldDescriptor.TYPE_FIXED64, FieldDescriptor.TYPE_SFIXED64,
})  # fmt: skip
_FLOATS = frozenset({FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT})
_WRAPPERS = frozenset({
    "google.protobuf.BoolValue", "google.protobuf.StringValue", "google.protobuf.BytesValue",
    "google.protobuf.Int32Value", "google.protobuf.UInt32Value", "google.protobuf.Int64Value",
    "google.protobuf.UInt64Value", "google.protobuf.FloatValue", "google.protobuf.DoubleValue",
})  # fmt: skip


def repeated(field: Any) -> bool:
    """Whether a field is a list or a map; older protobuf releases know only its label."""
    flag = getattr(field, "is_repeated", None)
    return bool(field.label == 3 if flag is None else flag)


def is_map(field: Any) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def dumps(message: Message, *, snake: bool) -> bytes:
    """``message`` as JSON without blanks: fields in the order of declaration, maps sorted by key.

    Args:
        snake: field names as in the proto file; else protobuf's JSON names (camelCase, mostly).
    """
    return json.dumps(to_json(message, snake=snake), ensure_ascii=False, separators=(",", ":")).encode()


def to_json(message: Message, *, snake: bool) -> Any:
    """``message`` as the value that ``json.dumps`` takes."""
    special = _SPECIAL.get(message.DESCRIPTOR.full_name)
    if special is not None:
        return special(message)
    if message.DESCRIPTOR.full_name in _WRAPPERS:
        return _single(message.DESCRIPTOR.fields_by_name["value"], message.value, snake)  # type: ignore[attr-defined]
    if message.DESCRIPTOR.full_name == "google.protobuf.Any":
        return _any(message, snake)
    answer: dict[str, Any] = {}
    descriptor: Any = message.DESCRIPTOR
    for field in descriptor.fields:
        name = field.name if snake else field.json_name
        if is_map(field):
            items = getattr(message, field.name)
            value = field.message_type.fields_by_name["value"]
            answer[name] = {_key(key): _single(value, items[key], snake) for key in sorted(items)}
        elif repeated(field):
            answer[name] = [_single(field, item, snake) for item in getattr(message, field.name)]
        elif field.containing_oneof is not None:
            if message.HasField(field.name):
                answer[name] = _single(field, getattr(message, field.name), snake)
        elif field.message_type is not None:
            present = message.HasField(field.name)
            answer[name] = _single(field, getattr(message, field.name), snake) if present else None
        else:
            answer[name] = _single(field, getattr(message, field.name), snake)
    return answer


def _key(key: Any) -> str:
    return ("true" if key else "false") if isinstance(key, bool) else str(key)


def _single(field: Any, value: Any, snake: bool) -> Any:
    if field.message_type is not None:
        return to_json(value, snake=snake)
    if field.enum_type is not None:
        if field.enum_type.full_name == "google.protobuf.NullValue":
            return None
        known = field.enum_type.values_by_number.get(value)
        return known.name if known else value
    if field.type in _WIDE:
        return str(value)
    if field.type in _FLOATS:
        return _float(value)
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _float(value: float) -> float | int | str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    # Go writes a whole number without its point.
    return int(value) if value.is_integer() and abs(value) < 1e21 else value


def _any(message: Message, snake: bool) -> Any:
    from google.protobuf import descriptor_pool, message_factory

    url: str = message.type_url  # type: ignore[attr-defined]
    try:
        descriptor = descriptor_pool.Default().FindMessageTypeByName(url.rpartition("/")[2])
    except KeyError:
        return {"@type": url}
    inner = message_factory.GetMessageClass(descriptor)()
    inner.ParseFromString(message.value)  # type: ignore[attr-defined]
    return {"@type": url, **to_json(inner, snake=snake)}


def _struct(message: Any) -> dict[str, Any]:
    return {key: _struct_value(message.fields[key]) for key in sorted(message.fields)}


def _struct_value(message: Any) -> Any:
    kind = message.WhichOneof("kind")
    if kind == "struct_value":
        return _struct(message.struct_value)
    if kind == "list_value":
        return [_struct_value(item) for item in message.list_value.values]
    if kind == "number_value":
        return _float(message.number_value)
    return None if kind in (None, "null_value") else getattr(message, kind)


def _time(message: Any) -> str:
    return str(message.ToJsonString())


_SPECIAL: dict[str, Callable[[Any], Any]] = {
    "google.protobuf.Timestamp": _time,
    "google.protobuf.Duration": _time,
    "google.protobuf.FieldMask": _time,
    "google.protobuf.Struct": _struct,
    "google.protobuf.Value": _struct_value,
    "google.protobuf.ListValue": lambda message: [_struct_value(item) for item in message.values],
}


def loads(body: bytes, message: Message, *, strict: bool) -> None:
    """Read JSON into ``message``; both casings of field names count.

    Args:
        strict: refuse unknown fields; else they are dropped.

    Raises:
        ValueError: with Go's wording of what is wrong.
    """
    if not body.strip():
        return
    try:
        value, _ = json.JSONDecoder().raw_decode(body.decode("utf-8").lstrip())
    except UnicodeDecodeError as error:
        raise ValueError("proto: syntax error (line 1:1): invalid UTF-8 in string") from error
    except RecursionError as error:
        raise ValueError("exceeded max depth") from error
    except json.JSONDecodeError as error:
        if not body.decode("utf-8").lstrip()[error.pos :].strip():
            raise ValueError("unexpected EOF") from error
        shown = body.decode("utf-8").lstrip()[error.pos]
        raise ValueError(f"invalid character '{shown}' looking for beginning of value") from error
    if not isinstance(value, dict):
        token = json.dumps(value)
        raise ValueError(f"proto: syntax error (line 1:1): unexpected token {token}")
    if strict and (unknown := _unknown(value, message.DESCRIPTOR)):
        line, column = _position(body.decode("utf-8"), unknown)
        raise ValueError(f'proto: (line {line}:{column}): unknown field "{unknown}"')
    try:
        json_format.ParseDict(value, message, ignore_unknown_fields=not strict)
    except (json_format.ParseError, RecursionError) as error:
        raise ValueError(f"proto: {error}") from error


def _unknown(value: dict[str, Any], descriptor: Any) -> str:
    """The first key of ``value``, at any depth, that is no field of the message."""
    if descriptor.full_name in _SPECIAL or descriptor.full_name in _WRAPPERS or descriptor.file.package == "":
        return ""
    names = {field.name: field for field in descriptor.fields}
    names.update({field.json_name: field for field in descriptor.fields})
    for key, item in value.items():
        field = names.get(key)
        if field is None:
            return key
        if field.message_type is None:
            continue
        inner, items = field.message_type, item if isinstance(item, list) else [item]
        if is_map(field):
            target = field.message_type.fields_by_name["value"].message_type
            if target is None or not isinstance(item, dict):
                continue
            inner, items = target, list(item.values())
        for part in items:
            if isinstance(part, dict) and (found := _unknown(part, inner)):
                return found
    return ""


def _position(text: str, key: str) -> tuple[int, int]:
    at = text.find(json.dumps(key, ensure_ascii=False))
    before = text[: max(at, 0)]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
