"""ONNX models: inputs, outputs, operators, and initializers with their shapes, while their data is passed over.

The fields are those of onnx.proto3. A model's graph has its nodes first, then the initializers with the data, then its
inputs and outputs; what follows the graph tells the versions of the operators. So the end of the file is read too, and
the place where the initializers end is found from there backwards.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace

from flowtui.errors import PreviewError
from flowtui.preview.onnx_external import External, note_external, said_of_external
from flowtui.preview.pickle_tree import TENSOR_COLUMNS
from flowtui.preview.protobuf_wire import BYTES, VARINT, Field, field_at, fields, is_message, varint
from flowtui.preview.result import Preview, TreeNode
from flowtui.preview.source import Ranges
from flowtui.preview.subject import Subject
from flowtui.text import cut, plain

_PART = 64 * 1024
_MOST_INITIALIZERS = 10_000
_MOST_FIELDS = 200_000
_TYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool",
    10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128", 16: "bfloat16",
    17: "float8_e4m3fn", 18: "float8_e4m3fnuz", 19: "float8_e5m2", 20: "float8_e5m2fnuz", 21: "uint4", 22: "int4",
    23: "float4_e2m1", 24: "float8_e8m0", 25: "uint2", 26: "int2",
}  # fmt: skip
_AFTER_INITIALIZERS = range(10, 17)
"""Fields of a graph: its description, inputs, outputs, further values, quantization, sparse tensors, metadata."""


@dataclass(slots=True)
class _Model:
    """What was read of a model."""

    facts: list[tuple[str, str]] = field(default_factory=list)
    name: str = ""
    inputs: list[tuple[str, str]] = field(default_factory=list)
    outputs: list[tuple[str, str]] = field(default_factory=list)
    tensors: list[tuple[str, str, tuple[int, ...]]] = field(default_factory=list)
    external: dict[str, External] = field(default_factory=dict)
    operators: Counter[str] = field(default_factory=Counter)
    opsets: list[str] = field(default_factory=list)
    metadata: list[tuple[str, str]] = field(default_factory=list)
    is_cut: bool = False
    left: int = _MOST_FIELDS


def accepts(subject: Subject) -> bool:
    """By its name, where it begins as a model does: with the version of the format."""
    return subject.sniffed.is_any("onnx") and subject.head[:1] == b"\x08"


async def show(subject: Subject) -> Preview:
    await subject.read_whole()
    ranges = Ranges(subject)
    model = _Model()
    head = subject.head
    graph = await asyncio.to_thread(_read_model, model, head)
    if graph is None:
        raise PreviewError("not an ONNX model: it has no graph in what was read")
    if graph.end > len(head):
        # One fetch is kept for the end of the graph.
        ranges.left -= 1
        at = await asyncio.to_thread(_read_graph, model, head, graph.start, 0)
        await _go_on(model, ranges, at, graph.end)
        ranges.left += 1
        await _read_end(model, ranges, graph.end, subject.size)
    else:
        await asyncio.to_thread(_read_graph, model, head[: graph.end], graph.start, 0)
        model.is_cut = not model.left
    found = await asyncio.to_thread(_preview, subject, model)
    if not model.external:
        return found
    notices, facts = await said_of_external(subject, model.external)
    return replace(found, notices=(*notices, *found.notices), facts=(*found.facts, *facts))


async def _go_on(model: _Model, ranges: Ranges, at: int, end: int) -> None:
    """Read further fields of the graph from ``at``, as far as fetches are left."""
    while at < end:
        part = await ranges.read(at, min(_PART, end - at))
        if not part:
            model.is_cut = True
            return
        following = await asyncio.to_thread(_read_graph, model, part, 0, at)
        if following <= at or not model.left:
            model.is_cut = True
            return
        at = following


async def _read_end(model: _Model, ranges: Ranges, end: int, size: int | None) -> None:
    """What is behind the initializers, and behind the graph, from the last bytes of both."""
    last = min(size, end + _PART) if size is not None else end + _PART
    start = max(end - _PART // 2, 0)
    part = await ranges.read(start, last - start)
    if not part or len(part) < end - start:
        model.is_cut = True
        return
    if not model.inputs and not model.outputs:
        at = await asyncio.to_thread(_backwards, part, end - start)
        _read_graph(model, part[: end - start], at, start)
    _read_model(model, part[end - start :])


def _backwards(data: bytes, end: int) -> int:
    """Where the longest run of fields begins that ends at ``end`` and may follow a graph's initializers."""
    ends = {end}
    best = end
    for at in range(end - 2, -1, -1):
        if data[at] & 7 != BYTES or data[at] >> 3 not in _AFTER_INITIALIZERS:
            continue
        found = field_at(data, at)
        if found is None or found.end not in ends:
            continue
        if found.number in (11, 12, 13) and not is_message(data, found.start, found.end):
            continue
        ends.add(at)
        best = at
    return best


def _read_model(model: _Model, data: bytes) -> Field | None:
    """Fields of ModelProto; the graph is given back, not looked into."""
    graph = None
    for one in fields(data):
        body = data[one.start : one.end] if one.wire == BYTES else b""
        if one.number == 7 and one.wire == BYTES:
            graph = one
            if one.end > len(data):
                break
        elif one.number == 1 and one.wire == VARINT:
            model.facts.append(("format version", str(one.value)))
        elif one.number in (2, 3, 4) and one.wire == BYTES:
            name = {2: "producer", 3: "producer version", 4: "domain"}[one.number]
            if body:
                model.facts.append((name, _text(body)))
        elif one.number == 8 and one.wire == BYTES:
            domain, version = "", 0
            for part in fields(body):
                if part.number == 1 and part.wire == BYTES:
                    domain = _text(body[part.start : part.end])
                elif part.number == 2 and part.wire == VARINT:
                    version = part.value
            model.opsets.append(f"{domain or 'ai.onnx'} {version}")
        elif one.number == 14 and one.wire == BYTES and len(model.metadata) < 50:
            parts = {part.number: _text(body[part.start : part.end]) for part in fields(body) if part.wire == BYTES}
            model.metadata.append((parts.get(1, ""), parts.get(2, "")))
    return graph


def _read_graph(model: _Model, data: bytes, at: int, offset: int) -> int:
    """Fields of GraphProto from ``at``; the offset in the file of the first that was not read."""
    for one in fields(data, at, most=model.left):
        model.left -= 1
        is_whole = one.end <= len(data)
        # An initializer's shape, type and name may be here while its data is not.
        if not is_whole and not (one.number == 5 and len(data) - one.start > 1024):
            return offset + at
        at = one.end
        if one.wire != BYTES:
            continue
        if one.number == 5 and len(model.tensors) < _MOST_INITIALIZERS:
            name, kind, shape, place = _tensor(data, one.start, min(one.end, len(data)))
            model.tensors.append((name, kind, shape))
            if place is not None:
                note_external(model.external, name, place)
        elif one.number == 1:
            operator = next(
                (part for part in fields(data, one.start, one.end) if part.number == 4 and part.wire == BYTES), None
            )
            if operator and (len(model.operators) < 500):
                model.operators[_text(data[operator.start : operator.end])] += 1
        elif one.number == 2:
            model.name = _text(data[one.start : one.end])
        elif one.number in (11, 12):
            into = model.inputs if one.number == 11 else model.outputs
            if len(into) < 1000:
                into.append(_value(data[one.start : one.end]))
    return offset + at


def _tensor(data: bytes, start: int, end: int) -> tuple[str, str, tuple[int, ...], dict[str, str] | None]:
    """Name, type and shape of a TensorProto, whose name comes before its data; and where that is, if outside."""
    dims: list[int] = []
    kind, name = "?", ""
    place: dict[str, str] = {}
    is_external = False
    for one in fields(data, start, end, most=1000):
        if one.number == 1 and one.wire == VARINT:
            dims.append(one.value)
        elif one.number == 1 and one.wire == BYTES:
            dims += _packed(data[one.start : min(one.end, one.start + 640)])
        elif one.number == 2 and one.wire == VARINT:
            kind = _TYPES.get(one.value, f"type {one.value}")
        elif one.number == 8 and one.wire == BYTES:
            name = _text(data[one.start : one.end])
        elif one.number == 13 and one.wire == BYTES:
            pair = {part.number: _text(data[part.start : part.end]) for part in fields(data, one.start, one.end)}
            place[pair.get(1, "")] = pair.get(2, "")
        elif one.number == 14 and one.wire == VARINT:
            is_external = one.value == 1
    return name, kind, tuple(dims[:64]), place if is_external else None


def _packed(data: bytes) -> list[int]:
    found: list[int] = []
    at = 0
    while (one := varint(data, at)) is not None:
        found.append(one[0])
        at = one[1]
    return found


def _value(data: bytes) -> tuple[str, str]:
    """Name and type of a ValueInfoProto."""
    name, words = "", ""
    for one in fields(data):
        if one.wire != BYTES:
            continue
        if one.number == 1:
            name = _text(data[one.start : one.end])
        elif one.number == 2:
            words = _type(data[one.start : one.end])
    return name, words


def _type(data: bytes) -> str:
    """A TypeProto in words: of tensors the type and shape, of others what they are."""
    kinds = {4: "sequence", 5: "map", 8: "sparse tensor", 9: "optional"}
    for one in fields(data):
        if one.number != 1 or one.wire != BYTES:
            if one.number in kinds:
                return kinds[one.number]
            continue
        tensor = data[one.start : one.end]
        kind, dims = "?", []
        for part in fields(tensor):
            if part.number == 1 and part.wire == VARINT:
                kind = _TYPES.get(part.value, f"type {part.value}")
            elif part.number == 2 and part.wire == BYTES:
                shape = tensor[part.start : part.end]
                dims = [_dimension(shape[dim.start : dim.end]) for dim in fields(shape, most=64) if dim.wire == BYTES]
        return f"{kind} {' x '.join(dims) or 'scalar'}"
    return ""


def _dimension(data: bytes) -> str:
    for one in fields(data):
        if one.number == 1 and one.wire == VARINT:
            return str(one.value)
        if one.number == 2 and one.wire == BYTES:
            return _text(data[one.start : one.end])
    return "?"


def _text(data: bytes) -> str:
    return plain(data[:500].decode("utf-8", "replace"))


def _preview(subject: Subject, model: _Model) -> Preview:
    limits = subject.limits
    names = {name for name, _, _ in model.tensors}
    where = {name: f" in {one.location}" for one in model.external.values() for name in one.tensors}
    inputs = [one for one in model.inputs if one[0] not in names]
    parameters = sum(_count(shape) for _, _, shape in model.tensors)
    more = "" if not model.is_cut else " at least"
    facts = [*model.facts]
    if model.opsets:
        facts.append(("operator sets", ", ".join(model.opsets[:20])))
    facts += [("tensors", f"{len(model.tensors):,}{more}"), ("parameters", f"{parameters:,}{more}")]
    facts += model.metadata
    width, left = limits.cell, max(limits.nodes - 5, 0)
    groups = []
    for label, pairs in (
        ("inputs", inputs),
        ("outputs", model.outputs),
        ("operators", [(name, f"{count:,}") for name, count in model.operators.most_common()]),
        ("initializers", [(name, _words(kind, shape) + where.get(name, "")) for name, kind, shape in model.tensors]),
    ):
        shown = pairs[:left]
        left -= len(shown)
        nodes = tuple(TreeNode(cut(name, width), cut(value, width)) for name, value in shown)
        groups.append(TreeNode(label, f"{len(pairs):,}", nodes))
    notices = []
    if model.is_cut:
        notices.append(f"first {len(model.tensors):,} initializers: their data lies between those that follow")
    if left <= 0:
        notices.append(f"the tree shows the first {limits.nodes:,} values")
    rows = [
        (cut(name, width), kind, cut(" x ".join(map(str, shape)) or "scalar", width), _count(shape))[: limits.columns]
        for name, kind, shape in model.tensors[: limits.rows]
    ]
    return Preview(
        kind="tree",
        tree=TreeNode("", cut(model.name or "graph", width), tuple(groups[: max(limits.nodes - 1, 0)])),
        columns=TENSOR_COLUMNS[: limits.columns] if rows else (),
        rows=tuple(rows),
        notices=tuple(notices),
        more=model.is_cut or left <= 0,
        format="onnx",
        facts=tuple((cut(name or " ", 80), cut(value, width)) for name, value in facts),
    )


def _words(kind: str, shape: tuple[int, ...]) -> str:
    return f"{kind} {' x '.join(f'{length:,}' for length in shape) or 'scalar'}"


def _count(shape: tuple[int, ...]) -> int:
    total = 1
    for length in shape:
        total *= length
    return total
