"""Models of CatBoost (``.cbm``): version, features, trees, classes and training parameters.

``CBM1``, a length in four bytes, and a FlatBuffers table of ``catboost/libs/model/flatbuffers/model.fbs``.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

from flowtui.errors import PreviewError
from flowtui.preview.flatbuffer import Table, UnreadableError, root_of
from flowtui.preview.json import parse
from flowtui.preview.json_cells import JsonObject
from flowtui.preview.model_tree import ModelTree, facts_of, read_model, unread_model
from flowtui.preview.result import Preview
from flowtui.preview.subject import Subject

_MAGIC = b"CBM1"
_HEAD = 8
_MOST = 16 * 1024 * 1024
_VERSION = re.compile(r"Branch: (?:tags/)?(\S+)")
# Fields of TModelCore, and of TModelTrees.
_FORMAT, _TREES, _INFO = 0, 1, 2
_DIMENSION, _SIZES, _CATEGORICAL, _FLOAT, _LEAVES, _STEPS, _TEXT = 0, 2, 4, 5, 8, 10, 12
_SCALE, _BIAS, _BIASES, _EMBEDDING = 14, 15, 16, 18
_MOST_PARAMETERS = 2000


def accepts(subject: Subject) -> bool:
    """By its first bytes."""
    return subject.head.startswith(_MAGIC)


async def show(subject: Subject) -> Preview:
    await read_model(subject)
    length = int.from_bytes(subject.head[4:_HEAD], "little")
    return await asyncio.to_thread(_preview, subject, subject.head[_HEAD : _HEAD + min(length, _MOST)], length)


def _preview(subject: Subject, core: bytes, length: int) -> Preview:
    limits = subject.limits
    try:
        root = root_of(core)
        format_ = root.text(_FORMAT)
        info = {one.text(0): one.text(1) for one in root.tables(_INFO, 1000)}
    except UnreadableError:
        return unread_model(subject, "a model of CatBoost", "catboost")
    tree = ModelTree(limits)
    facts = [("written by", f"CatBoost {_version(info.get('catboost_version_info', ''))}".strip()), ("format", format_)]
    notices = [] if len(core) >= length else [f"the beginning of the model: {subject.amount()}"]
    try:
        facts += _trees(root.table(_TREES), tree)
    except UnreadableError:
        notices.append("its trees and features were not read: they are behind what was read, or damaged")
    facts += [(words, info.get(name, "")) for name, words in _TOLD]
    classes = _parsed(info.get("class_params", ""))
    tree.group("classes", "", _flat(classes))
    tree.group("training", "", _flat(_parsed(info.get("training", ""))))
    tree.group("parameters", "", _flat(_parsed(info.get("params", ""))))
    parameters = dict(_flat(_parsed(info.get("params", ""))))
    facts.append(("loss function", parameters.get("loss_function.type", "")))
    tree.group("other information", "", ((name, value) for name, value in info.items() if name not in _USED))
    return Preview(
        kind="tree",
        tree=tree.root("CatBoost"),
        notices=(*notices, *tree.notices()),
        more=tree.is_cut or len(core) < length,
        format="catboost",
        facts=facts_of(facts, limits),
    )


_TOLD = (("train_finish_time", "trained"), ("model_guid", "identifier"))
_USED = ("params", "training", "class_params", "catboost_version_info", "train_finish_time", "model_guid")


def _trees(trees: Table | None, tree: ModelTree) -> list[tuple[str, str]]:
    if trees is None:
        return []
    depths = trees.integers(_SIZES, "i")
    count = trees.length(_SIZES)
    groups = (("float features", _FLOAT, 3), ("categorical features", _CATEGORICAL, 2))
    features = 0
    for label, field, name in groups:
        found = trees.tables(field)
        features += len(found)
        if found:
            tree.group(label, f"{len(found):,}", (_feature(one, name) for one in found))
    others = [(label, trees.length(field)) for label, field in (("text", _TEXT), ("embedding", _EMBEDDING))]
    features += sum(number for _, number in others)
    # In trees that are not symmetric each step is a node of its own.
    step = "nodes" if trees.length(_STEPS) else "splits"
    tree.group("trees", f"{count:,}", ((str(index), f"{size:,} {step}") for index, size in enumerate(depths)))
    scale, bias = trees.real(_SCALE), trees.real(_BIAS)
    biases = trees.numbers(_BIASES, "d", 20) or ((bias,) if bias is not None else ())
    dimension = trees.number(_DIMENSION, "i", 1)
    return [
        ("features", f"{features:,}"),
        *((f"{label} features", f"{number:,}" if number else "") for label, number in others),
        ("trees", f"{count:,}"),
        ("leaf values", f"{trees.length(_LEAVES):,}"),
        ("dimension", str(dimension) if dimension != 1 else ""),
        ("scale", f"{1.0 if scale is None else scale:.10g}"),
        ("bias", ", ".join(f"{one:.10g}" for one in biases) or "0"),
    ]


def _feature(feature: Table, name: int) -> tuple[str, str]:
    """A feature's name, or its place where it has none, and how many borders it is split by."""
    # TFloatFeature: HasNans, Index, FlatFeatureIndex, Borders, FeatureId.
    # TCatFeature: Index, FlatFeatureIndex, FeatureId.
    if name == _FLOAT_BORDERS:
        borders = feature.length(_FLOAT_BORDERS)
        return feature.text(4) or f"feature {feature.number(2, 'i', -1)}", f"{borders:,} borders"
    return feature.text(2) or f"feature {feature.number(1, 'i', -1)}", ""


_FLOAT_BORDERS = 3


def _version(text: str) -> str:
    found = _VERSION.search(text)
    return found.group(1).removeprefix("v") if found else ""


def _parsed(text: str) -> object:
    """JSON, which is how most of the information is kept; None where it is none."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return parse(text)
    except PreviewError:
        return None


def _flat(value: object, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """The values of a JSON object by their paths; lists as text."""
    if isinstance(value, JsonObject) and depth < 20:
        for name, one in value[:_MOST_PARAMETERS]:
            yield from _flat(one, f"{path}.{name}" if path else name, depth + 1)
    elif path:
        yield path, _words(value)


def _words(value: object) -> str:
    if isinstance(value, JsonObject):
        return "{" + ", ".join(f"{name}: {_words(one)}" for name, one in value[:20]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_words(one) for one in value[:50]) + (", …]" if len(value) > 50 else "]")
    if isinstance(value, bool) or value is None:
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)
