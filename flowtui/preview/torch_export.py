"""Programs that torch exported (``.pt2``): inputs, outputs, operators, and weights by name, shape and type.

Such a file is a ZIP archive. Since torch 2.8 it has ``models/NAME.json`` and, with the weights, their list
``data/weights/NAME_weights_config.json`` (docs: PT2 Archive Spec); before, ``serialized_exported_program.json``. The
JSON is an ExportedProgram of ``torch/_export/serde/schema.py``. Nothing in it is built or run.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter

from flowtui.domain.size import human_size
from flowtui.errors import PreviewError
from flowtui.preview.json import parse
from flowtui.preview.json_cells import JsonObject
from flowtui.preview.model_tree import ModelTree, Tensor, facts_of, parameters_of, tensor_table
from flowtui.preview.result import Preview
from flowtui.preview.source import Ranges
from flowtui.preview.subject import Subject
from flowtui.preview.zip_directory import Directory, Member, open_member

_MODEL = re.compile(r"(?:[^/]+/)?(?:models/(?P<name>[^/]+)\.json|serialized_exported_program\.json)")
_COMPILED = re.compile(r"(?:[^/]+/)?data/aotinductor/([^/]+)/.+")
_SCALARS = {
    1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64", 9: "complex32",
    10: "complex64", 11: "complex128", 12: "bool", 13: "bfloat16", 28: "uint16", 29: "float8_e4m3fn", 30: "float8_e5m2",
    31: "float8_e4m3fnuz", 32: "float8_e5m2fnuz",
}  # fmt: skip
_MOST_JSON = 16 * 1024 * 1024
_MOST_NODES = 100_000
_LONGEST_NUMBER = 18


def is_exported(directory: Directory) -> bool:
    """Whether an archive has a program that torch exported, or one that was compiled ahead of time."""
    return any(_MODEL.fullmatch(one.name) or _COMPILED.fullmatch(one.name) for one in directory.members)


async def show_exported(subject: Subject, ranges: Ranges, directory: Directory) -> Preview:
    """The preview of an exported program.

    Raises:
        PreviewError: its JSON is damaged, or larger than a preview reads.
    """
    members = [one for one in directory.members if _MODEL.fullmatch(one.name)]
    program = await _json(subject, ranges, members[0]) if members else None
    versions = [one for one in directory.members if one.name.endswith(("archive_version", ".data/version"))]
    version = await _short_text(subject, ranges, versions[0]) if versions else ""
    return await asyncio.to_thread(_preview, subject, program, directory, members, version)


async def _json(subject: Subject, ranges: Ranges, member: Member) -> object:
    most = _MOST_JSON if ranges.is_local else subject.limits.whole
    if member.size > most:
        raise PreviewError(f"its {member.name} of {human_size(member.size)} is longer than a preview reads")
    text = await (await open_member(subject, ranges, member)).read(0, member.size)
    return await asyncio.to_thread(parse, text.decode("utf-8", "replace"))


async def _short_text(subject: Subject, ranges: Ranges, member: Member) -> str:
    source = await open_member(subject, ranges, member)
    return (await source.read(0, 40)).decode("utf-8", "replace").strip()


def _preview(subject: Subject, program: object, directory: Directory, members: list[Member], version: str) -> Preview:
    limits = subject.limits
    graph = _at(program, "graph_module", "graph")
    types = _at(graph, "tensor_values")
    values = dict(types) if isinstance(types, JsonObject) else {}
    weights: list[Tensor] = []
    inputs: list[tuple[str, str]] = []
    for spec in _list(_at(program, "graph_module", "signature", "input_specs")):
        _input(spec, values, weights, inputs)
    outputs = [
        (name, _meta(values.get(name)))
        for spec in _list(_at(program, "graph_module", "signature", "output_specs"))
        if (name := _tensor_name(_at(spec, "user_output", "arg")))
    ]
    nodes = _list(_at(graph, "nodes"))[:_MOST_NODES]
    operators = Counter(_words(_at(node, "target")).removeprefix("torch.ops.") for node in nodes)
    compiled = Counter(
        found.group(1) for one in directory.members if (found := _COMPILED.fullmatch(one.name)) is not None
    )
    tree = ModelTree(limits)
    tree.group("inputs", f"{len(inputs):,}" if inputs else "", inputs)
    tree.group("outputs", f"{len(outputs):,}" if outputs else "", outputs)
    tree.group(
        "operators", f"{len(nodes):,}" if nodes else "", ((name, f"{n:,}") for name, n in operators.most_common())
    )
    tree.tensors("weights", weights)
    tree.group("compiled", "", ((name, f"{count:,} files") for name, count in compiled.items()))
    data = [one.size for one in directory.members if "/weights/" in one.name or "/constants/" in one.name]
    opset = _at(program, "opset_version")
    facts = [
        ("written by", f"torch {_words(_at(program, 'torch_version'))}".strip()),
        ("kind", "an exported program" if members else "compiled ahead of time (AOTInductor)"),
        ("archive version", version),
        (
            "schema version",
            ".".join(_words(_at(program, "schema_version", part)) for part in ("major", "minor")).strip("."),
        ),
        (
            "operator sets",
            ", ".join(f"{name} {_words(one)}" for name, one in opset) if isinstance(opset, JsonObject) else "",
        ),
        ("programs", f"{len(members):,}" if len(members) > 1 else ""),
        ("tensors", f"{len(weights):,}"),
        ("parameters", f"{parameters_of(weights):,}"),
        ("tensor data", human_size(sum(data)) if data else ""),
    ]
    notices = [f"the first of {len(members):,} programs: {members[0].name}"] if len(members) > 1 else []
    columns, rows = tensor_table(weights, limits)
    return Preview(
        kind="tree",
        tree=tree.root("torch"),
        columns=columns,
        rows=rows,
        notices=(*notices, *tree.notices()),
        more=tree.is_cut,
        format="torch",
        facts=facts_of(facts, limits),
    )


def _input(spec: object, values: dict[str, object], weights: list[Tensor], inputs: list[tuple[str, str]]) -> None:
    """Note what an input of the graph is: given by the caller, or a weight that the file holds."""
    for kind, key in (
        ("parameter", "parameter_name"), ("buffer", "buffer_name"), ("tensor_constant", "tensor_constant_name"),
    ):  # fmt: skip
        name = _at(spec, kind, key)
        if isinstance(name, str):
            meta = values.get(_words(_at(spec, kind, "arg", "name")))
            weights.append(Tensor(name, _dtype(meta), _shape(meta)))
            return
    given = _at(spec, "user_input", "arg")
    if given is not None:
        name = _tensor_name(given)
        inputs.append((name or "input", _meta(values.get(name)) if name else _kind(given)))


def _tensor_name(argument: object) -> str:
    return _words(_at(argument, "as_tensor", "name"))


def _kind(argument: object) -> str:
    """What an argument that is no tensor is: a number, None, ..."""
    if isinstance(argument, JsonObject) and argument:
        return argument[0][0].removeprefix("as_")
    return ""


def _meta(meta: object) -> str:
    return f"{_dtype(meta)} {Tensor('', '', _shape(meta)).words}" if meta is not None else ""


def _dtype(meta: object) -> str:
    number = _integer(_at(meta, "dtype"))
    return _SCALARS.get(number, f"type {number}") if number >= 0 else "?"


def _shape(meta: object) -> tuple[int, ...]:
    """A shape; a length that is an expression is not fixed."""
    return tuple(_integer(_at(one, "as_int")) for one in _list(_at(meta, "sizes"))[:64])


def _integer(value: object) -> int:
    """A whole number that is not negative; -1 for anything else."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else -1


def _at(value: object, *keys: str) -> object:
    for key in keys:
        if not isinstance(value, JsonObject):
            return None
        value = next((one for name, one in value if name == key), None)
    return value


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) and not isinstance(value, JsonObject) else []


def _words(value: object) -> str:
    return value if isinstance(value, str) else ""
