"""GGUF models: metadata and tensors from the header; the layout is that of ggml's gguf.md, versions 2 and 3."""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from dataclasses import dataclass, field

from flowtui.errors import PreviewError
from flowtui.preview.pickle_tree import TENSOR_COLUMNS
from flowtui.preview.result import Preview, TreeNode
from flowtui.preview.subject import Subject
from flowtui.text import cut

_HEADER = struct.Struct("<4sIQQ")
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_SHOWN_OF_ARRAY = 8
_TYPES = {
    0: "float32", 1: "float16", 2: "q4_0", 3: "q4_1", 6: "q5_0", 7: "q5_1", 8: "q8_0", 9: "q8_1", 10: "q2_k",
    11: "q3_k", 12: "q4_k", 13: "q5_k", 14: "q6_k", 15: "q8_k", 24: "int8", 25: "int16", 26: "int32", 27: "int64",
    28: "float64", 30: "bfloat16",
}  # fmt: skip


class _CutError(Exception):
    """What is read lies behind what is at hand."""


@dataclass(slots=True)
class _Model:
    metadata: list[tuple[str, str]] = field(default_factory=list)
    tensors: list[tuple[str, str, tuple[int, ...]]] = field(default_factory=list)


def accepts(subject: Subject) -> bool:
    """By its first bytes."""
    return subject.sniffed.magic == "gguf" and len(subject.head) >= _HEADER.size


async def show(subject: Subject) -> Preview:
    return await asyncio.to_thread(_show, subject)


def _show(subject: Subject) -> Preview:
    limits = subject.limits
    _, version, tensors, pairs = _HEADER.unpack_from(subject.head)
    if version not in (2, 3):
        raise PreviewError(f"a GGUF model of version {version:,}, which is not read")
    model = _Model()
    with suppress(_CutError):
        _Walk(subject.head, limits.nodes).read(model, tensors, pairs)
    is_cut = len(model.tensors) < tensors or len(model.metadata) < pairs
    notices = [f"{subject.amount()}: {len(model.tensors):,} of {tensors:,} tensors"] if is_cut else []
    width = limits.cell
    nodes = [TreeNode(cut(name, width), cut(value, width)) for name, value in model.metadata]
    listed = [TreeNode(cut(name, width), cut(f"{kind} {_words(shape)}", width)) for name, kind, shape in model.tensors]
    parameters = sum(_count(shape) for _, _, shape in model.tensors)
    more = " at least" if is_cut else ""
    left = max(limits.nodes - 3, 0)
    root = TreeNode(
        "", cut(dict(model.metadata).get("general.name", "model"), width),
        (
            TreeNode("metadata", f"{pairs:,}", tuple(nodes[:left])),
            TreeNode("tensors", f"{tensors:,}", tuple(listed[: max(left - len(nodes), 0)])),
        )[: max(limits.nodes - 1, 0)],
    )  # fmt: skip
    rows = [
        (cut(name, width), kind, cut(_words(shape), width), _count(shape))[: limits.columns]
        for name, kind, shape in model.tensors[: limits.rows]
    ]
    return Preview(
        kind="tree",
        tree=root,
        columns=TENSOR_COLUMNS[: limits.columns] if rows else (),
        rows=tuple(rows),
        notices=tuple(notices),
        more=is_cut or len(nodes) + len(listed) > left,
        format="gguf",
        facts=(
            ("version", str(version)),
            ("tensors", cut(f"{tensors:,}", width)),
            ("parameters", cut(f"{parameters:,}{more}", width)),
        ),
    )


class _Walk:
    """Reads the header, up to a number of entries of each kind."""

    def __init__(self, data: bytes, most: int) -> None:
        self._data = data
        self._at = _HEADER.size
        self._most = most

    def read(self, model: _Model, tensors: int, pairs: int) -> None:
        for _ in range(min(pairs, self._most)):
            name = self._text()
            model.metadata.append((name, self._value(self._number("I"))))
        if pairs > self._most:
            return
        for _ in range(min(tensors, self._most)):
            name = self._text()
            dimensions = self._number("I")
            if dimensions > 8:
                raise _CutError
            shape = tuple(self._number("Q") for _ in range(dimensions))
            kind = self._number("I")
            self._number("Q")
            model.tensors.append((name, _TYPES.get(kind, f"type {kind}"), shape))

    def _take(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._data):
            raise _CutError
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def _number(self, kind: str) -> int:
        one = struct.Struct(f"<{kind}")
        found: int = one.unpack(self._take(one.size))[0]
        return found

    def _text(self) -> str:
        return self._take(self._number("Q")).decode("utf-8", "replace")

    def _value(self, kind: int) -> str:
        if kind == _STRING:
            return self._text()
        if kind == _ARRAY:
            return self._array()
        if kind not in _NUMBERS:
            raise _CutError
        return _number(self._number(_NUMBERS[kind]))

    def _array(self) -> str:
        kind, count = self._number("I"), self._number("Q")
        shown: list[str] = []
        if kind in _NUMBERS:
            width = struct.calcsize(f"<{_NUMBERS[kind]}")
            shown += [self._value(kind) for _ in range(min(count, _SHOWN_OF_ARRAY))]
            self._take(width * (count - len(shown)))
        elif kind == _STRING:
            for _ in range(count):
                text = self._text()
                if len(shown) < _SHOWN_OF_ARRAY:
                    shown.append(text[:40])
        else:
            raise _CutError
        more = ", …" if count > len(shown) else ""
        return f"{count:,} values: {', '.join(shown)}{more}"


def _number(value: float) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _words(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "scalar"


def _count(shape: tuple[int, ...]) -> int:
    total = 1
    for length in shape:
        total *= length
    return total
