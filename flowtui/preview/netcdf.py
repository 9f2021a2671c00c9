"""NetCDF in its classic formats: dimensions, variables with types and shapes, attributes.

The header is that of the NetCDF classic format specification: version 1, 2 (64-bit offsets) and 5 (64-bit data).
NetCDF 4 is HDF5, and shown as that.
"""

from __future__ import annotations

import asyncio
import struct

from flowtui.errors import PreviewError
from flowtui.preview.model_tree import ModelTree, Tensor, facts_of, parameters_of, tensor_table
from flowtui.preview.result import Preview
from flowtui.preview.subject import Subject
from flowtui.preview.value_words import text_words

_FORMS = {1: "classic", 2: "64-bit offset", 5: "64-bit data"}
_TYPES = {
    1: ("int8", "b"), 2: ("char", "s"), 3: ("int16", "h"), 4: ("int32", "i"), 5: ("float32", "f"), 6: ("float64", "d"),
    7: ("uint8", "B"), 8: ("uint16", "H"), 9: ("uint32", "I"), 10: ("int64", "q"), 11: ("uint64", "Q"),
}  # fmt: skip
_DIMENSION, _VARIABLE, _ATTRIBUTE = 10, 11, 12
_STREAMING = 0xFFFFFFFF
_MOST = 20_000
_MOST_VALUES = 8


class _CutError(Exception):
    """The header goes on behind what is at hand, or makes no sense."""


def accepts(subject: Subject) -> bool:
    """By its first bytes."""
    return subject.head[:3] == b"CDF" and subject.head[3:4] in (b"\x01", b"\x02", b"\x05")


async def show(subject: Subject) -> Preview:
    return await asyncio.to_thread(_show, subject)


def _show(subject: Subject) -> Preview:
    limits = subject.limits
    header = _Header(subject.head)
    try:
        header.read()
    except _CutError:
        if not header.dimensions and not header.variables:
            raise PreviewError("a NetCDF file whose header is cut or damaged") from None
    tree = ModelTree(limits)
    sizes = [
        (name, str(length) if length else f"{'?' if header.records is None else header.records} (records)")
        for name, length in header.dimensions
    ]
    tree.group("dimensions", f"{len(sizes):,}" if sizes else "", sizes)
    for tensor, dimensions, attributes in header.variables:
        words = f"{tensor.dtype} {tensor.words}"
        tree.group(tensor.name, f"{words} ({dimensions})" if dimensions else words, attributes)
    tree.group("attributes", "", header.attributes)
    tensors = [tensor for tensor, _, _ in header.variables]
    columns, rows = tensor_table(tensors, limits)
    facts = [
        ("written by", "NetCDF"),
        ("form", _FORMS[header.version]),
        ("variables", f"{len(tensors):,}"),
        ("elements", f"{parameters_of(tensors):,}"),
    ]
    notices = [] if header.is_whole else [f"the beginning of the header: {subject.amount()}"]
    return Preview(
        kind="tree",
        tree=tree.root("NetCDF"),
        columns=columns,
        rows=rows,
        notices=(*notices, *tree.notices()),
        more=tree.is_cut or (not header.is_whole and not subject.whole),
        format="netcdf",
        facts=facts_of(facts, limits),
    )


class _Header:
    """What a header says, as far as it is at hand.

    Attributes:
        records: how many there are of the dimension that grows; None where the writer did not say.
        dimensions: names and lengths; the one that grows has 0.
        variables: each with the names of its dimensions and its attributes.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 4
        self.version = data[3]
        self.records: int | None = None
        self.dimensions: list[tuple[str, int]] = []
        self.attributes: list[tuple[str, str]] = []
        self.variables: list[tuple[Tensor, str, list[tuple[str, str]]]] = []
        self.is_whole = False

    def read(self) -> None:
        """Read it. Raises _CutError where it ends before; what came before that is kept."""
        records = self._count()
        is_streaming = records == (_STREAMING if self.version < 5 else (1 << 64) - 1)
        self.records = None if is_streaming else records
        for _ in range(self._list(_DIMENSION)):
            self.dimensions.append((self._name(), self._count()))
        self.attributes = self._attributes()
        for _ in range(self._list(_VARIABLE)):
            self._variable()
        self.is_whole = True

    def _variable(self) -> None:
        name = self._name()
        places = [self._count() for _ in range(self._bounded(self._count()))]
        attributes = self._attributes()
        kind = self._number("I")
        self._count()
        self._take(8 if self.version > 1 else 4)
        if any(place >= len(self.dimensions) for place in places):
            raise _CutError
        chosen = [self.dimensions[place] for place in places]
        lengths = tuple(length or (-1 if self.records is None else self.records) for _, length in chosen)
        dtype = _TYPES.get(kind, (f"type {kind}", ""))[0]
        self.variables.append((Tensor(name, dtype, lengths), ", ".join(one for one, _ in chosen), attributes))

    def _attributes(self) -> list[tuple[str, str]]:
        return [(self._name(), self._values()) for _ in range(self._list(_ATTRIBUTE))]

    def _values(self) -> str:
        kind, count = self._number("I"), self._count()
        if kind not in _TYPES:
            raise _CutError
        code = _TYPES[kind][1]
        width = 1 if code == "s" else struct.calcsize(code)
        body = self._take(count * width)
        self._take(-count * width % 4)
        if code == "s":
            return text_words(body.decode("utf-8", "replace").rstrip("\0"))
        shown = min(count, _MOST_VALUES)
        values = ", ".join(str(one) for one in struct.unpack_from(f">{shown}{code}", body))
        return f"{values}{', …' if count > shown else ''}"

    def _list(self, tag: int) -> int:
        """How many things of a kind follow; none where the list is absent."""
        found, count = self._number("I"), self._count()
        if found not in (0, tag) or (found == 0 and count):
            raise _CutError
        return self._bounded(count)

    def _bounded(self, count: int) -> int:
        if count > _MOST:
            raise _CutError
        return count

    def _name(self) -> str:
        length = self._count()
        name = self._take(length).decode("utf-8", "replace")
        self._take(-length % 4)
        return name

    def _count(self) -> int:
        return self._number("Q" if self.version == 5 else "I")

    def _number(self, code: str) -> int:
        form = struct.Struct(f">{code}")
        found: int = form.unpack(self._take(form.size))[0]
        return found

    def _take(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._data):
            raise _CutError
        taken = self._data[self._at : end]
        self._at = end
        return taken
