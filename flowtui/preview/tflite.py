"""TensorFlow Lite (LiteRT) models: inputs, outputs, operators, tensors and signatures.

FlatBuffers of ``tensorflow/compiler/mlir/lite/schema/schema.fbs``, version 3. The weights are not read.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from flowtui.preview.flatbuffer import Table, UnreadableError, root_of
from flowtui.preview.model_tree import (
    ModelTree,
    Tensor,
    facts_of,
    parameters_of,
    read_model,
    tensor_table,
    unread_model,
)
from flowtui.preview.result import Preview
from flowtui.preview.subject import Subject
from flowtui.preview.tflite_operators import OPERATORS

_TYPES = (
    "float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8", "float64",
    "complex128", "uint64", "resource", "variant", "uint32", "uint16", "int4", "bfloat16", "int2", "uint4",
)  # fmt: skip
_MOST_TENSORS = 10_000
_MOST_OPERATORS = 50_000
_LARGE_OPERATORS = 127


def accepts(subject: Subject) -> bool:
    """By the identifier behind the offset of the root table."""
    return subject.head[4:8] == b"TFL3"


async def show(subject: Subject) -> Preview:
    await read_model(subject)
    return await asyncio.to_thread(_show, subject)


def _show(subject: Subject) -> Preview:
    limits = subject.limits
    try:
        model = root_of(subject.head)
        graphs = model.tables(2, 100)
        first = graphs[0] if graphs else None
        names = [_operator(one) for one in model.tables(1, 1000)]
        tensors = [_tensor(one) for one in first.tables(0, _MOST_TENSORS)] if first else []
        buffers = [one.number(2, "I") for one in first.tables(0, _MOST_TENSORS)] if first else []
        weights = _weights(model, tensors, buffers)
        operators: Counter[str] = Counter()
        for graph in graphs:
            for one in graph.tables(3, _MOST_OPERATORS):
                index = one.number(0, "I")
                operators[names[index] if index < len(names) else f"operator {index}"] += 1
        ends = [_chosen(tensors, first.integers(field, "i", 1000)) for field in (1, 2)] if first else [[], []]
        signatures = [(one.text(2) or "signature", _signature(one)) for one in model.tables(7, 100)]
        description, version = model.text(3), model.number(0, "I")
        metadata = [one.text(0) for one in model.tables(6, 100)]
    except UnreadableError:
        return unread_model(subject, "a TensorFlow Lite model", "tflite")
    tree = ModelTree(limits)
    tree.tensors("inputs", ends[0])
    tree.tensors("outputs", ends[1])
    tree.group("signatures", "", signatures)
    found = [(name, f"{count:,}") for name, count in operators.most_common()]
    tree.group("operators", f"{sum(operators.values()):,}" if operators else "", found)
    tree.group("metadata", "", ((name, "") for name in metadata))
    tree.tensors("tensors", tensors)
    facts = [
        ("written by", "TensorFlow Lite"),
        ("schema version", str(version)),
        ("description", description),
        ("subgraphs", f"{len(graphs):,}" if len(graphs) != 1 else ""),
        ("tensors", f"{len(tensors):,}"),
        ("tensors with data", f"{len(weights):,}"),
        ("parameters", f"{parameters_of(weights):,}"),
    ]
    notices = ["operators of all subgraphs, tensors of the first"] if len(graphs) > 1 else []
    columns, rows = tensor_table(tensors, limits)
    return Preview(
        kind="tree", tree=tree.root("TensorFlow Lite"), columns=columns, rows=rows,
        notices=(*notices, *tree.notices()), more=tree.is_cut, format="tflite", facts=facts_of(facts, limits),
    )  # fmt: skip


def _operator(code: Table) -> str:
    """Its name: of a built-in one by its number, which is in a field of its own where it is above 127."""
    small, large = code.number(0, "b"), code.number(3, "i")
    number = max(small, large)
    custom = code.text(1)
    if custom:
        return custom
    return OPERATORS[number] if 0 <= number < len(OPERATORS) else f"operator {number}"


def _tensor(tensor: Table) -> Tensor:
    kind = tensor.number(1, "b")
    # The signature has -1 where the shape is not fixed; the shape itself then has 1.
    shape = tensor.integers(7, "i", 64) or tensor.integers(0, "i", 64)
    return Tensor(tensor.text(3), _TYPES[kind] if 0 <= kind < len(_TYPES) else f"type {kind}", shape)


def _chosen(tensors: list[Tensor], indices: tuple[int, ...]) -> list[Tensor]:
    return [tensors[index] for index in indices if 0 <= index < len(tensors)]


def _weights(model: Table, tensors: list[Tensor], buffers: list[int]) -> list[Tensor]:
    """Tensors whose buffer has data: within the file, or behind the tables at an offset."""
    filled = {
        index for index, one in enumerate(model.tables(4, _MOST_TENSORS * 2)) if one.length(0) or one.number(1, "Q") > 1
    }
    return [one for one, buffer in zip(tensors, buffers, strict=True) if buffer in filled]


def _signature(signature: Table) -> str:
    ends = [", ".join(one.text(0) for one in signature.tables(field, 50)) for field in (0, 1)]
    return f"{ends[0]} -> {ends[1]}"
