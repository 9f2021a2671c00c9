"""Models of XGBoost in JSON and UBJSON, under any name: objective, parameters, features, trees by their sizes.

The fields are those of XGBoost's model schema (``doc/model.schema``). Since version 3 ``base_score`` is a list, with
one value for each target or class.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from array import array
from collections.abc import Iterator

from flowtui.errors import PreviewError
from flowtui.preview.json import parse
from flowtui.preview.json_cells import JsonObject
from flowtui.preview.model_tree import ModelTree, facts_of
from flowtui.preview.result import Preview
from flowtui.preview.source import Ranges
from flowtui.preview.subject import Subject
from flowtui.preview.ubjson import CutError, Ubjson
from flowtui.preview.value_words import number_words

_UBJSON = re.compile(rb"\{L\0{7}[\x01-\x20](learner|version|Config)[{\[]")
_JSON = re.compile(rb'\s*\{\s*"(learner|version)"\s*:\s*[\[{]')
_LAST = b"L" + (19).to_bytes(8, "big") + b"learner_model_param{"
_TAIL = 64 * 1024
_SHOWN = 8


def accepts(subject: Subject) -> bool:
    """An object that begins as XGBoost writes it, in UBJSON or in JSON."""
    head = subject.head[:65_536]
    return bool(_UBJSON.match(head)) or (bool(_JSON.match(head)) and b'"gradient_booster"' in head)


async def show(subject: Subject) -> Preview:
    await subject.read_whole()
    if not subject.head.startswith(b"{L"):
        if not subject.whole:
            raise PreviewError("a model of XGBoost in JSON that is larger than what was read: this is its beginning")
        root = await asyncio.to_thread(parse, subject.text())
        return await asyncio.to_thread(_preview, subject, root, "JSON", False)
    reader = Ubjson(subject.head)
    try:
        root = await asyncio.to_thread(reader.value)
    except CutError:
        raise PreviewError("not a model of XGBoost: it is damaged at its beginning") from None
    if reader.is_cut and not subject.whole:
        root = _with_end(root, await _end(subject))
    return await asyncio.to_thread(_preview, subject, root, "UBJSON", reader.is_cut)


async def _end(subject: Subject) -> tuple[JsonObject, JsonObject]:
    """The last members of the learner and of the model, which are behind the trees."""
    nothing = JsonObject(), JsonObject()
    if subject.size is None:
        return nothing
    start = max(subject.size - _TAIL, 0)
    tail = await Ranges(subject).read(start, subject.size - start)
    place = tail.rfind(_LAST) if tail else -1
    if not tail or place < 0:
        return nothing
    reader = Ubjson(tail, place)
    return reader.members(), JsonObject() if reader.is_cut else reader.members()


def _with_end(root: object, end: tuple[JsonObject, JsonObject]) -> object:
    learner = _named(root, "learner")
    if not isinstance(root, JsonObject) or not isinstance(learner, JsonObject):
        return root
    rest = [pair for pair in root if pair[0] != "learner"]
    return JsonObject([("learner", JsonObject([*learner, *end[0]])), *rest, *end[1]])


def _preview(subject: Subject, root: object, encoding: str, is_cut: bool) -> Preview:
    limits = subject.limits
    learner = _named(root, "learner")
    if not isinstance(learner, JsonObject):
        raise PreviewError("not a model of XGBoost: it has no learner")
    booster = _named(learner, "gradient_booster")
    # The trees of dart are within another booster.
    within = _named(booster, "gbtree")
    model = _named(within if within is not None else booster, "model")
    parameters, objective = _named(learner, "learner_model_param"), _named(learner, "objective")
    count = _named(_named(model, "gbtree_model_param"), "num_trees")
    facts = [
        ("written by", f"XGBoost {'.'.join(map(str, _values(_named(root, 'version'))))}".rstrip()),
        ("encoding", encoding),
        ("booster", _words(_named(booster, "name"))),
        ("objective", _words(_named(objective, "name"))),
        ("features", _words(_named(parameters, "num_feature"))),
        ("classes", _words(_named(parameters, "num_class"))),
        ("base score", _score(_named(parameters, "base_score"))),
        ("trees", _words(count)),
    ]
    tree = ModelTree(limits)
    tree.group("objective", _words(_named(objective, "name")), _pairs(objective, leave="name"))
    tree.group("parameters", "", _pairs(parameters))
    tree.group("attributes", "", _pairs(_named(learner, "attributes")))
    _features(tree, learner)
    tree.group("booster", _words(_named(booster, "name")), _pairs(_named(model, "gbtree_model_param")))
    _weights(tree, model)
    _trees(tree, model)
    notices = []
    if is_cut:
        notices.append("the model is cut" if subject.whole else f"the beginning of the model: {subject.amount()}")
    notices += tree.notices()
    return Preview(
        kind="tree",
        tree=tree.root("XGBoost"),
        notices=tuple(notices),
        more=(is_cut and not subject.whole) or tree.is_cut,
        format="xgboost",
        facts=facts_of(facts, limits),
    )


def _pairs(found: object, *, leave: str = "") -> Iterator[tuple[str, str]]:
    """The members of an object, and those within its members."""
    for name, one in found if isinstance(found, JsonObject) else ():
        if name == leave:
            continue
        if isinstance(one, JsonObject):
            yield from ((f"{name}.{key}", _words(part)) for key, part in one)
        else:
            yield name, _words(one)


def _features(tree: ModelTree, learner: JsonObject) -> None:
    names, types = _values(_named(learner, "feature_names")), _values(_named(learner, "feature_types"))
    # XGBoost calls a categorical feature c, a quantitative one q, an indicator i.
    kinds = {"c": "categorical", "q": "quantitative", "i": "indicator"}
    words = [kinds.get(str(one), str(one)) for one in types]
    words += [""] * (len(names) - len(words))
    tree.group("features", f"{len(names):,}" if names else "", zip(map(str, names), words, strict=False))


def _weights(tree: ModelTree, model: object) -> None:
    """The weights of gblinear."""
    weights = _values(_named(model, "weights"))
    if weights:
        shown = ", ".join(_words(one) for one in weights[:_SHOWN])
        tree.group("weights", f"{len(weights):,}: {shown}{', …' if len(weights) > _SHOWN else ''}")


def _trees(tree: ModelTree, model: object) -> None:
    trees, classes = _values(_named(model, "trees")), _values(_named(model, "tree_info"))
    is_by_class = len(set(map(str, classes))) > 1

    def described() -> Iterator[tuple[str, str]]:
        for index, one in enumerate(trees):
            children = _values(_named(one, "left_children"))
            leaves = sum(str(child) == "-1" for child in children)
            of = f", of class {classes[index]}" if is_by_class and index < len(classes) else ""
            yield str(index), f"{len(children):,} nodes, {leaves:,} of them leaves{of}{_checksum(one)}"

    tree.group("trees", f"{len(trees):,}" if trees else "", described())


def _checksum(tree: object) -> str:
    """A checksum of what a tree predicts with, the same in JSON and UBJSON, so that a changed tree is seen."""
    found = 0
    try:
        for name in ("left_children", "right_children", "split_indices", "default_left", "categories"):
            found = zlib.crc32(array("q", map(_integer, _values(_named(tree, name)))).tobytes(), found)
        for name in ("split_conditions", "base_weights"):
            found = zlib.crc32(array("f", map(_real, _values(_named(tree, name)))).tobytes(), found)
    except (ValueError, OverflowError):
        return ""
    return f"; CRC-32 {found:08x}"


def _integer(value: object) -> int:
    return int(str(value)) if not isinstance(value, bool) else int(value)


def _real(value: object) -> float:
    return value if isinstance(value, float) else float(str(value))


def _named(value: object, key: str) -> object:
    if not isinstance(value, JsonObject):
        return None
    return next((one for name, one in value if name == key), None)


def _values(value: object) -> list[object]:
    if isinstance(value, array):
        return list(value)
    return value if isinstance(value, list) and not isinstance(value, JsonObject) else []


def _words(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return number_words(value)
    if isinstance(value, JsonObject):
        return f"{{{len(value):,}}}"
    if isinstance(value, list | array):
        return f"[{len(value):,}]"
    return str(value)


def _score(value: object) -> str:
    """A base score: one number, or a list of them that was written as text."""
    return _words(value).strip("[]").replace(",", ", ")
