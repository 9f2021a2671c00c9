"""Bindings to literals: what a node gets, from the outputs of the nodes before it."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from flyteidl.core import literals_pb2, types_pb2, workflow_pb2
from google.protobuf import json_format, struct_pb2

from flowtui.errors import FlowError
from flowtui.local.runner.literals import unwrap

Outputs = Mapping[str, literals_pb2.LiteralMap]


def promised_nodes(binding: literals_pb2.BindingData) -> Iterator[str]:
    """Ids of the nodes that a binding waits for."""
    kind = binding.WhichOneof("value")
    if kind == "promise":
        yield binding.promise.node_id
    elif kind == "collection":
        for item in binding.collection.bindings:
            yield from promised_nodes(item)
    elif kind == "map":
        for item in binding.map.bindings.values():
            yield from promised_nodes(item)


def then_nodes(node: workflow_pb2.Node) -> Iterator[workflow_pb2.Node]:
    """The arms of a branch node, those of nested branches included."""
    if node.WhichOneof("target") != "branch_node":
        return
    block = node.branch_node.if_else
    arms = [block.case.then_node, *(case.then_node for case in block.other)]
    if block.WhichOneof("default") == "else_node":
        arms.append(block.else_node)
    for arm in arms:
        yield arm
        yield from then_nodes(arm)


def upstream(node: workflow_pb2.Node) -> set[str]:
    """Ids of all nodes that have to end before ``node`` can run; for a branch, those of its arms too."""
    found = set(node.upstream_node_ids)
    for binding in node.inputs:
        found.update(promised_nodes(binding.binding))
    for arm in then_nodes(node):
        found |= upstream(arm)
    return found - {arm.id for arm in then_nodes(node)} - {node.id}


def resolve_all(bindings: Iterable[literals_pb2.Binding], outputs: Outputs) -> literals_pb2.LiteralMap:
    """The inputs of a node.

    Raises:
        FlowError: a promise has no value.
    """
    answer = literals_pb2.LiteralMap()
    for binding in bindings:
        answer.literals[binding.var].CopyFrom(resolve(binding.binding, outputs))
    return answer


def resolve(binding: literals_pb2.BindingData, outputs: Outputs) -> literals_pb2.Literal:
    """The literal that a binding stands for.

    Raises:
        FlowError: a promise has no value, or its attribute path leads nowhere.
    """
    kind = binding.WhichOneof("value")
    if kind == "scalar":
        return literals_pb2.Literal(scalar=binding.scalar)
    if kind == "promise":
        return _promise(binding.promise, outputs)
    if kind == "collection":
        items = [resolve(item, outputs) for item in binding.collection.bindings]
        return literals_pb2.Literal(collection=literals_pb2.LiteralCollection(literals=items))
    if kind == "map":
        answer = literals_pb2.Literal()
        answer.map.SetInParent()
        for name, item in binding.map.bindings.items():
            answer.map.literals[name].CopyFrom(resolve(item, outputs))
        return answer
    if kind == "offloaded_metadata":
        return literals_pb2.Literal(offloaded_metadata=binding.offloaded_metadata)
    raise FlowError("A binding has no value.", "The workflow may need a newer Flyte than this one knows.")


def _promise(promise: types_pb2.OutputReference, outputs: Outputs) -> literals_pb2.Literal:
    made = outputs.get(promise.node_id)
    if made is None or promise.var not in made.literals:
        raise FlowError(f"Output {promise.var} of node {promise.node_id} has no value.")
    literal = made.literals[promise.var]
    return _attribute(literal, list(promise.attr_path), promise) if promise.attr_path else literal


def _attribute(
    literal: literals_pb2.Literal, path: list[types_pb2.PromiseAttribute], promise: types_pb2.OutputReference
) -> literals_pb2.Literal:
    def missing(step: object) -> FlowError:
        return FlowError(f"Output {promise.var} of node {promise.node_id} has no attribute {step}.")

    for number, attribute in enumerate(path):
        literal = unwrap(literal)
        kind = literal.WhichOneof("value")
        step: str | int = attribute.int_value if attribute.HasField("int_value") else attribute.string_value
        if kind == "collection" and isinstance(step, int):
            if not 0 <= step < len(literal.collection.literals):
                raise missing(step)
            literal = literal.collection.literals[step]
        elif kind == "map" and isinstance(step, str):
            if step not in literal.map.literals:
                raise missing(step)
            literal = literal.map.literals[step]
        elif kind == "scalar" and literal.scalar.WhichOneof("value") in ("binary", "generic"):
            rest = [a.int_value if a.HasField("int_value") else a.string_value for a in path[number:]]
            return _inside(literal.scalar, rest, missing)
        else:
            raise missing(step)
    return literal


def _inside(scalar: literals_pb2.Scalar, steps: list[str | int], missing: Any) -> literals_pb2.Literal:
    """A value inside a dataclass or dict: as it is kept, MessagePack or a JSON struct."""
    packed = scalar.WhichOneof("value") == "binary"
    value: Any
    if packed:
        import msgpack

        try:
            value = msgpack.unpackb(scalar.binary.value, strict_map_key=False)
        except (ValueError, msgpack.UnpackException) as error:
            raise FlowError(f"A value cannot be read as MessagePack: {error}") from error
    else:
        value = json_format.MessageToDict(scalar.generic)
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError) as error:
            raise missing(step) from error
    if packed:
        import msgpack

        binary = literals_pb2.Binary(value=msgpack.packb(value), tag=scalar.binary.tag or "msgpack")
        return literals_pb2.Literal(scalar=literals_pb2.Scalar(binary=binary))
    return plain_value(value)


def plain_value(value: Any) -> literals_pb2.Literal:
    """A JSON value as the literal that Flyte makes of it: numbers of a struct are floats."""
    if value is None:
        return literals_pb2.Literal(scalar=literals_pb2.Scalar(none_type=literals_pb2.Void()))
    if isinstance(value, list):
        items = [plain_value(item) for item in value]
        return literals_pb2.Literal(collection=literals_pb2.LiteralCollection(literals=items))
    if isinstance(value, dict):
        generic = struct_pb2.Struct()
        generic.update(value)
        return literals_pb2.Literal(scalar=literals_pb2.Scalar(generic=generic))
    if isinstance(value, bool):
        primitive = literals_pb2.Primitive(boolean=value)
    elif isinstance(value, int):
        primitive = literals_pb2.Primitive(integer=value)
    elif isinstance(value, float):
        primitive = literals_pb2.Primitive(float_value=value)
    else:
        primitive = literals_pb2.Primitive(string_value=str(value))
    return literals_pb2.Literal(scalar=literals_pb2.Scalar(primitive=primitive))


def python_value(literal: literals_pb2.Literal) -> Any:
    """The Python value of a scalar that a condition or a plain text file can hold; None for no value.

    Raises:
        FlowError: the literal is no such scalar.
    """
    literal = unwrap(literal)
    if literal.WhichOneof("value") != "scalar":
        raise FlowError("The value is a list or a map, not a single value.")
    kind = literal.scalar.WhichOneof("value")
    if kind == "none_type":
        return None
    if kind == "primitive":
        return _primitive(literal.scalar.primitive)
    if kind == "binary":
        import msgpack

        try:
            return msgpack.unpackb(literal.scalar.binary.value, strict_map_key=False)
        except (ValueError, msgpack.UnpackException, struct.error) as error:
            raise FlowError(f"A value cannot be read as MessagePack: {error}") from error
    raise FlowError(f"The value is a {kind}, not a single value.")


def _primitive(primitive: literals_pb2.Primitive) -> Any:
    kind = primitive.WhichOneof("value")
    if kind in ("integer", "float_value", "string_value", "boolean"):
        return getattr(primitive, kind)
    if kind == "datetime":
        return primitive.datetime.ToDatetime()
    if kind == "duration":
        return primitive.duration.ToTimedelta()
    return None
