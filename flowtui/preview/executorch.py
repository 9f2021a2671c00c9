"""ExecuTorch programs (``.pte``): methods with their inputs, outputs, operators and delegates.

FlatBuffers of ``schema/program.fbs`` with the identifier ``ET12``; constants and delegates' data are in segments behind
the program, which are not read.
"""

from __future__ import annotations

import asyncio

from flowtui.domain.size import human_size
from flowtui.preview.flatbuffer import Table, UnreadableError, root_of
from flowtui.preview.model_tree import ModelTree, Tensor, facts_of, read_model, tensor_table, unread_model
from flowtui.preview.result import Preview
from flowtui.preview.subject import Subject

_SCALARS = (
    "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex32", "complex64",
    "complex128", "bool", "qint8", "quint8", "qint32", "bfloat16", "quint4x2", "quint2x4", "bits1x8", "bits2x4",
    "bits4x2", "bits8", "bits16", "float8_e5m2", "float8_e4m3fn", "float8_e5m2fnuz", "float8_e4m3fnuz", "uint16",
    "uint32", "uint64",
)  # fmt: skip
_KINDS = {
    1: "None", 2: "int", 3: "bool", 4: "float", 6: "string", 7: "ints", 8: "floats", 9: "bools", 10: "tensors",
    11: "tensors",
}  # fmt: skip
_TENSOR = 5
_MOST_VALUES = 50_000
_MOST_METHODS = 100


def accepts(subject: Subject) -> bool:
    """By the identifier behind the offset of the root table."""
    return subject.head[4:6] == b"ET" and subject.head[6:8].isdigit()


async def show(subject: Subject) -> Preview:
    await read_model(subject)
    return await asyncio.to_thread(_show, subject)


def _show(subject: Subject) -> Preview:
    limits = subject.limits
    tree = ModelTree(limits)
    tensors: list[Tensor] = []
    try:
        program = root_of(subject.head)
        plans = program.tables(1, _MOST_METHODS)
        for plan in plans:
            _method(plan, tree, tensors)
        data = [one.text(0) for one in program.tables(7, _MOST_VALUES)]
        sizes = [one.number(1, "Q") for one in program.tables(4, _MOST_VALUES)]
        version = program.number(0, "I")
    except UnreadableError:
        return unread_model(subject, "an ExecuTorch program", "executorch")
    tree.group("named data", f"{len(data):,}" if data else "", ((name, "") for name in data))
    columns, rows = tensor_table(tensors, limits)
    facts = [
        ("written by", "ExecuTorch"),
        ("identifier", subject.head[4:8].decode("ascii")),
        ("program version", str(version)),
        ("methods", f"{len(plans):,}"),
        ("tensors", f"{len(tensors):,}"),
        ("segments", f"{len(sizes):,} of {human_size(sum(sizes))}" if sizes else ""),
    ]
    return Preview(
        kind="tree", tree=tree.root("ExecuTorch"), columns=columns, rows=rows, notices=tuple(tree.notices()),
        more=tree.is_cut, format="executorch", facts=facts_of(facts, limits),
    )  # fmt: skip


def _method(plan: Table, tree: ModelTree, tensors: list[Tensor]) -> None:
    """Add a method's inputs, outputs, operators and delegates to the tree, and its tensors to the list."""
    name = plan.text(0) or "method"
    values = plan.tables(2, _MOST_VALUES)
    for label, field in (("inputs", 3), ("outputs", 4)):
        found = [values[index] for index in plan.integers(field, "i", 1000) if 0 <= index < len(values)]
        children = [(str(place), _value(one)) for place, one in enumerate(found)]
        tree.group(f"{name} {label}", f"{len(found):,}", children)
    operators = [(f"{one.text(0)}.{one.text(1)}".rstrip("."), "") for one in plan.tables(6, 10_000)]
    tree.group(f"{name} operators", f"{len(operators):,}" if operators else "", operators)
    delegates = [(one.text(0), "") for one in plan.tables(7, 1000)]
    tree.group(f"{name} delegates", f"{len(delegates):,}" if delegates else "", delegates)
    memory = plan.integers(8, "q", 100)
    if sum(memory):
        tree.group(f"{name} planned memory", human_size(sum(size for size in memory if size > 0)))
    for index, value in enumerate(values):
        tensor = value.table(1) if value.number(0, "B") == _TENSOR else None
        if tensor is not None:
            tensors.append(_tensor(tensor, f"{name}.{index}"))


def _value(value: Table) -> str:
    kind = value.number(0, "B")
    tensor = value.table(1) if kind == _TENSOR else None
    if tensor is None:
        return _KINDS.get(kind, f"kind {kind}")
    found = _tensor(tensor, "")
    changes = tensor.number(8, "b")
    return f"{found.dtype} {found.words}{(', at most' if changes == 1 else ', or another shape') if changes else ''}"


def _tensor(tensor: Table, name: str) -> Tensor:
    kind = tensor.number(0, "b")
    extra = tensor.table(9)
    named = extra.text(1) if extra is not None else ""
    dtype = _SCALARS[kind] if 0 <= kind < len(_SCALARS) else f"type {kind}"
    return Tensor(named or name, dtype, tensor.integers(2, "i", 64))
