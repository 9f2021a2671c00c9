"""Core ML models (``.mlmodel``): inputs, outputs, kind, version and metadata.

The fields are those of Apple's Model.proto and FeatureTypes.proto, as coremltools has them; the description comes
before the model itself, which is passed over.
"""

from __future__ import annotations

import asyncio

from flowtui.errors import PreviewError
from flowtui.preview.model_tree import ModelTree, facts_of
from flowtui.preview.protobuf_wire import BYTES, VARINT, Field, fields, varint
from flowtui.preview.result import Preview
from flowtui.preview.subject import Subject
from flowtui.text import plain

_KINDS = {
    200: "pipeline classifier", 201: "pipeline regressor", 202: "pipeline", 300: "linear regressor",
    301: "support vector regressor", 302: "tree ensemble regressor", 303: "neural network regressor",
    304: "Bayesian probit regressor", 400: "linear classifier", 401: "support vector classifier",
    402: "tree ensemble classifier", 403: "neural network classifier", 404: "k-nearest neighbours classifier",
    500: "neural network", 501: "item similarity recommender", 502: "ML program", 555: "custom model",
    556: "linked model", 560: "class confidence thresholding", 600: "one-hot encoder", 601: "imputer",
    602: "feature vectorizer", 603: "dictionary vectorizer", 604: "scaler", 606: "categorical mapping",
    607: "normalizer", 609: "array feature extractor", 610: "non-maximum suppression", 900: "identity",
    2000: "text classifier", 2001: "word tagger", 2002: "vision feature print", 2003: "sound analysis preprocessing",
    2004: "gazetteer", 2005: "word embedding", 2006: "audio feature print", 3000: "serialized model",
}  # fmt: skip
_ARRAYS = {65568: "float32", 65600: "float64", 131104: "int32", 131080: "int8", 65552: "float16"}
_COLORS = {10: "grayscale", 20: "RGB", 30: "BGR", 40: "grayscale float16"}
_PLAIN = {1: "int64", 2: "double", 3: "string", 6: "dictionary", 7: "sequence", 8: "state"}
_MOST_FEATURES = 1000
_NEWEST = 50


def accepts(subject: Subject) -> bool:
    """By its name, where it begins with the version of the format."""
    head = subject.head
    return subject.sniffed.is_any("mlmodel") and len(head) > 1 and head[0] == 8 and 0 < head[1] < _NEWEST


async def show(subject: Subject) -> Preview:
    return await asyncio.to_thread(_show, subject)


def _show(subject: Subject) -> Preview:
    limits, data = subject.limits, subject.head
    version, kind, description = 0, "", b""
    is_described = False
    for one in fields(data, most=100):
        if one.number == 1 and one.wire == VARINT:
            version = one.value
        elif one.number == 2 and one.wire == BYTES:
            is_described = True
            description = data[one.start : one.end]
        elif one.number in _KINDS:
            kind = _KINDS[one.number]
    if not is_described:
        raise PreviewError("not a Core ML model: it has no description in what was read")
    tree = ModelTree(limits)
    facts = [("written by", "Core ML"), ("specification version", str(version)), ("kind", kind)]
    functions = 0
    for one in fields(description, most=_MOST_FEATURES):
        body = _body(description, one)
        if one.number == 11:
            facts.append(("predicted feature", _text(body)))
        elif one.number == 12:
            facts.append(("predicted probabilities", _text(body)))
        elif one.number == 100 and one.wire == BYTES:
            facts += _metadata(body)
        elif one.number == 20:
            functions += 1
    for label, number in (("inputs", 1), ("outputs", 10), ("state", 13), ("training inputs", 50)):
        _features(tree, label, description, number)
    for one in fields(description, most=_MOST_FEATURES):
        if one.number == 20 and one.wire == BYTES:
            body = _body(description, one)
            name = next((_text(_body(body, part)) for part in fields(body, most=100) if part.number == 1), "function")
            for label, number in (("inputs", 2), ("outputs", 3), ("state", 6)):
                _features(tree, f"{name} {label}", body, number)
    if functions:
        facts.append(("functions", f"{functions:,}"))
    return Preview(
        kind="tree",
        tree=tree.root("Core ML"),
        notices=tuple(tree.notices()),
        more=tree.is_cut,
        format="coreml",
        facts=facts_of(facts, limits),
    )


def _features(tree: ModelTree, label: str, data: bytes, number: int) -> None:
    found = [_feature(_body(data, one)) for one in fields(data, most=_MOST_FEATURES) if one.number == number]
    if found:
        tree.group(label, f"{len(found):,}", found)


def _feature(data: bytes) -> tuple[str, str]:
    """Name and type of a FeatureDescription."""
    name = about = words = ""
    for one in fields(data, most=100):
        body = _body(data, one)
        if one.number == 1:
            name = _text(body)
        elif one.number == 2:
            about = _text(body)
        elif one.number == 3 and one.wire == BYTES:
            words = _type(body)
    return name or "feature", f"{words} ({about})" if about else words


def _type(data: bytes) -> str:
    words, optional = "?", ""
    for one in fields(data, most=20):
        if one.number in _PLAIN:
            words = _PLAIN[one.number]
        elif one.number == 1000 and one.value:
            optional = ", optional"
        elif one.number == 5 and one.wire == BYTES:
            words = _array(_body(data, one))
        elif one.number == 4 and one.wire == BYTES:
            words = _image(_body(data, one))
    return words + optional


def _array(data: bytes) -> str:
    """An ArrayFeatureType; a range of shapes is said to be one."""
    shape: list[str] = []
    kind, more = "array", ""
    for one in fields(data, most=200):
        if one.number == 1 and one.wire == VARINT:
            shape.append(str(one.value))
        elif one.number == 1 and one.wire == BYTES:
            shape += _packed(_body(data, one))
        elif one.number == 2 and one.wire == VARINT:
            kind = _ARRAYS.get(one.value, f"type {one.value}")
        elif one.number in (21, 31):
            more = ", or another shape"
    return f"{kind} {' x '.join(shape[:64]) or 'of any shape'}{more}"


def _image(data: bytes) -> str:
    told = {one.number: one.value for one in fields(data, most=20) if one.wire == VARINT}
    more = ", or another size" if any(one.number in (21, 31) for one in fields(data, most=20)) else ""
    return f"image {told.get(1, 0)} x {told.get(2, 0)} {_COLORS.get(told.get(3, 0), '')}".rstrip() + more


def _metadata(data: bytes) -> list[tuple[str, str]]:
    names = {1: "description", 2: "version", 3: "author", 4: "license"}
    found: list[tuple[str, str]] = []
    for one in fields(data, most=200):
        body = _body(data, one)
        if one.number in names:
            found.append((names[one.number], _text(body)))
        elif one.number == 100 and one.wire == BYTES:
            pair = {part.number: _text(_body(body, part)) for part in fields(body, most=4)}
            found.append((pair.get(1, ""), pair.get(2, "")))
    return found


def _packed(data: bytes) -> list[str]:
    found: list[str] = []
    at = 0
    while len(found) < 64 and (one := varint(data, at)) is not None:
        found.append(str(one[0]))
        at = one[1]
    return found


def _body(data: bytes, one: Field) -> bytes:
    return data[one.start : one.end] if one.wire == BYTES else b""


def _text(data: bytes) -> str:
    return plain(data[:500].decode("utf-8", "replace"))
