"""The symbols of a pickle as a tree: objects with their attributes, arrays with their shapes, calls as they stand."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from datetime import date, time

from flowtui.preview.limits import Limits
from flowtui.preview.pickled_arrays import (
    Array,
    array_of,
    arrow_stream,
    dtype_of,
    file_beside,
    frame_shape,
    numbers_of,
    scalar_of,
)
from flowtui.preview.result import Column, TreeNode
from flowtui.preview.symbols import (
    Blob,
    Call,
    Items,
    Opaque,
    Pairs,
    Persistent,
    Ref,
    Symbol,
    is_named,
    value_of,
    values_of,
)
from flowtui.preview.value_words import text_words
from flowtui.text import cut

_BRACKETS = {"list": ("[", "]"), "tuple": ("(", ")"), "set": ("{", "}"), "frozenset": ("{", "}")}
_DICTS = ("collections.OrderedDict", "collections.defaultdict", "collections.Counter")
_BUILTINS = ("builtins.", "__builtin__.")
_FIRST_VALUES = 8
_INLINE_VALUES = 8
_DEEPEST_INLINE = 4
_LONGEST_INLINE = 200

TENSOR_COLUMNS = (
    Column("name", "text"), Column("dtype", "text"), Column("shape", "text"), Column("elements", "integer"),
)  # fmt: skip
"""Columns of a table of tensors or arrays."""

Children = Iterable[tuple[str, Symbol]]


class PickleTree:
    """Makes a tree of symbols within limits; a value that contains itself ends there.

    Attributes:
        arrays: the arrays and tensors that the tree shows, by the path to them.
        elements: of all of them; those that share their memory are counted once.
        versions: libraries whose version an object names.
        is_cut: True where nodes were left out; is_deep: True where levels were.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._count = 0
        self._seen: set[int] = set()
        self._counted: set[str] = set()
        self.arrays: list[tuple[str, Array]] = []
        self.elements = 0
        self.versions: dict[str, str] = {}
        self.is_cut = False
        self.is_deep = False

    @property
    def left(self) -> int:
        """How many nodes there may still be."""
        return max(self._limits.nodes - self._count, 0)

    def node(self, label: str, symbol: Symbol, path: str = "", level: int = 0) -> TreeNode:
        """The node of one value and what is within it."""
        self._count += 1
        array = array_of(symbol)
        if array:
            return self._array(label, array, symbol, path, level)
        summary, children = self._look(symbol)
        name, value = self._short(label), self._short(summary)
        if children is None:
            return TreeNode(name, value)
        if id(symbol) in self._seen:
            return TreeNode(name, self._short(f"{summary}, shown above"))
        self._seen.add(id(symbol))
        return TreeNode(name, value, self._children(children, path, level))

    def _children(self, children: Children, path: str, level: int) -> tuple[TreeNode, ...]:
        nodes: list[TreeNode] = []
        for label, child in children:
            if level >= self._limits.depth:
                self.is_deep = True
                break
            if self._count >= self._limits.nodes:
                self.is_cut = True
                break
            inner = f"{path}.{label}"[: self._limits.cell] if path else label
            nodes.append(self.node(label, child, inner, level + 1))
        return tuple(nodes)

    def _array(self, label: str, array: Array, symbol: Symbol, path: str, level: int) -> TreeNode:
        self.arrays.append((path or label, array))
        memory = array.identity or str(id(symbol))
        if memory not in self._counted:
            self._counted.add(memory)
            self.elements += array.count
        summary = str(array)
        numbers = numbers_of(array.dtype, array.data, min(array.count, _FIRST_VALUES))
        if numbers:
            more = ", …" if array.count > len(numbers) else ""
            summary += f": {', '.join(map(_number, numbers))}{more}"
        children: tuple[TreeNode, ...] = ()
        if array.elements and id(symbol) not in self._seen:
            self._seen.add(id(symbol))
            children = self._children(_indexed(array.elements.values), path, level)
        return TreeNode(self._short(label), self._short(summary), children)

    def _look(self, symbol: Symbol) -> tuple[str, Children | None]:
        """What a value is, and what is within it; None where it holds nothing to be unfolded."""
        if isinstance(symbol, Pairs):
            return f"{{{len(symbol.pairs):,}}}", self._labelled(symbol.pairs)
        if isinstance(symbol, Items):
            open_, close = _BRACKETS[symbol.kind]
            if symbol.kind == "tuple" and _is_flat(symbol):
                return inline(symbol), None
            return f"{open_}{len(symbol.values):,}{close}", _indexed(symbol.values)
        if isinstance(symbol, Call):
            return self._call(symbol)
        return scalar(symbol), None

    def _call(self, call: Call) -> tuple[str, Children | None]:
        short = _scalar_call(call)
        if short is not None:
            return short, None
        name = class_name(call)
        stream = arrow_stream(call)
        if stream:
            return f"{name}, an Arrow stream of {stream.length:,} bytes", None
        if is_named(call.function, *_DICTS):
            return f"{name} {{{len(call.pairs):,}}}", self._dict(call)
        arguments = values_of(call.arguments)
        if name in ("set", "frozenset") and len(arguments) == 1 and isinstance(arguments[0], Items):
            return f"{{{len(arguments[0].values):,}}}", _indexed(arguments[0].values)
        version = value_of(call, "_sklearn_version")
        if isinstance(version, str):
            self.versions.setdefault("scikit-learn", version[:40])
        frame = frame_shape(call)
        if frame:
            size, labels = frame
            return f"{name} {size}", _indexed(labels) if labels else None
        is_object = call.new or call.state is not None or is_named(call.function, "copyreg._reconstructor")
        if is_object:
            return name, self._parts(call, is_object=True)
        return inline(call), None if _is_short(call) else self._parts(call, is_object=False)

    def _dict(self, call: Call) -> Children:
        yield from self._labelled(call.pairs)
        if isinstance(call.state, Pairs):
            yield from self._labelled(call.state.pairs)

    def _parts(self, call: Call, *, is_object: bool) -> Children:
        state = call.state
        states = values_of(state) if isinstance(state, Items) and _is_slots(state) else [state]
        for part in states:
            if isinstance(part, Pairs):
                yield from self._labelled(part.pairs)
            elif part is not None:
                yield "state", part
        arguments = values_of(call.arguments) if isinstance(call.arguments, Items) else [call.arguments]
        if not is_named(call.function, "copyreg._reconstructor", "copy_reg._reconstructor"):
            for index, argument in enumerate(arguments):
                if not is_object or not isinstance(argument, Ref):
                    yield f"argument {index + 1}", argument
        if isinstance(call.keywords, Pairs):
            yield from self._labelled(call.keywords.pairs)
        yield from self._labelled(call.pairs)
        yield from _indexed(call.values)

    def _labelled(self, pairs: list[tuple[Symbol, Symbol]]) -> Iterator[tuple[str, Symbol]]:
        for key, value in pairs:
            yield key[: self._limits.cell] if isinstance(key, str) else inline(key), value

    def _short(self, text: str) -> str:
        return cut(text, self._limits.cell)


def class_name(call: Call, depth: int = 0) -> str:
    """The class of an object or the function of a call, without the name of Python's own module."""
    function = call.function
    if is_named(function, "copyreg._reconstructor", "copy_reg._reconstructor") and values_of(call.arguments):
        function = values_of(call.arguments)[0]
    name = str(function) if isinstance(function, Ref) else inline(function, depth + 1)
    for module in _BUILTINS:
        name = name.removeprefix(module)
    return name


def scalar(symbol: Symbol) -> str:
    """A value that holds no others, on one line."""
    if isinstance(symbol, str):
        return text_words(symbol[:100_000])
    if isinstance(symbol, Blob):
        return f"{symbol.length:,} bytes"
    if isinstance(symbol, Ref):
        return str(symbol)
    if isinstance(symbol, Opaque):
        return symbol.text
    if isinstance(symbol, Persistent):
        return f"persistent {inline(symbol.id)}"
    # A number of Python is shown with all its digits, as it would be printed.
    return str(symbol)


def inline(symbol: Symbol, depth: int = 0) -> str:
    """Any value on one line, cut where it is long."""
    if isinstance(symbol, str):
        return f"'{symbol}'" if len(symbol) <= _LONGEST_INLINE else f"'{symbol[:_LONGEST_INLINE]}…'"
    if isinstance(symbol, Blob):
        return repr(symbol.head[:40]) if symbol.length <= 40 else f"{symbol.length:,} bytes"
    if isinstance(symbol, Items | Pairs | Call) and depth >= _DEEPEST_INLINE:
        return "…"
    if isinstance(symbol, Pairs):
        return f"{{{len(symbol.pairs):,}}}" if symbol.pairs else "{}"
    if isinstance(symbol, Items):
        parts = [inline(one, depth + 1) for one in symbol.values[:_INLINE_VALUES]]
        if len(symbol.values) > len(parts):
            parts.append("…")
        open_, close = _BRACKETS[symbol.kind]
        comma = "," if symbol.kind == "tuple" and len(parts) == 1 else ""
        return f"{open_}{', '.join(parts)}{comma}{close}"
    if isinstance(symbol, Call):
        array = array_of(symbol)
        short = str(array) if array else _scalar_call(symbol)
        if short is not None:
            return short
        arguments = inline(symbol.arguments, depth + 1) if isinstance(symbol.arguments, Items) else ""
        return f"{class_name(symbol, depth)}{arguments if isinstance(symbol.arguments, Items) else '(…)'}"[:2000]
    return scalar(symbol)


def tensor_rows(arrays: list[tuple[str, Array]], limits: Limits) -> tuple[tuple[str | int, ...], ...]:
    """Rows for :data:`TENSOR_COLUMNS`."""
    rows = []
    for name, array in itertools.islice(arrays, limits.rows):
        cells = (cut(name, limits.cell), array.dtype.name, " x ".join(map(str, array.shape)) or "scalar", array.count)
        rows.append(tuple(cut(cell, limits.cell) if isinstance(cell, str) else cell for cell in cells))
    return tuple(row[: limits.columns] for row in rows)


def _indexed(values: list[Symbol]) -> Children:
    return ((str(index), value) for index, value in enumerate(values))


def _is_flat(items: Items) -> bool:
    return len(items.values) <= _INLINE_VALUES and not any(
        isinstance(one, Items | Pairs | Call) for one in items.values
    )


def _is_short(call: Call) -> bool:
    """True where a call is said in full on one line."""
    if call.pairs or call.values or call.keywords is not None or not isinstance(call.arguments, Items):
        return False
    parts = [part for one in call.arguments.values for part in (one.values if isinstance(one, Items) else [one])]
    return len(parts) <= _INLINE_VALUES and not any(
        isinstance(part, Items | Pairs | Call) or (isinstance(part, str) and len(part) > _LONGEST_INLINE)
        for part in parts
    )


def _is_slots(state: Items) -> bool:
    """True for the pair of dicts that stands for an object with ``__slots__``."""
    values = state.values
    return len(values) == 2 and all(one is None or isinstance(one, Pairs) for one in values) and values[1] is not None


def _number(value: bool | int | float) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return str(value) if isinstance(value, bool | int) else f"{value:.10g}"


def _scalar_call(call: Call) -> str | None:
    """Values of small classes that everybody knows."""
    number = scalar_of(call)
    if number is not None:
        return number if isinstance(number, str) else _number(number)
    dtype = dtype_of(call)
    if dtype:
        return f"dtype {dtype.name}"
    place = file_beside(call)
    if place:
        return f"array {place}"
    arguments = values_of(call.arguments)
    if is_named(call.function, "datetime.datetime", "datetime.date", "datetime.time") and arguments:
        return _moment(str(call.function), arguments[0])
    if is_named(call.function, "_codecs.encode") and arguments and isinstance(arguments[0], str):
        return f"{len(arguments[0]):,} bytes"
    if is_named(call.function, *(f"{module}bytearray" for module in _BUILTINS)) and len(arguments) == 1:
        return scalar(arguments[0]) if isinstance(arguments[0], Blob) else None
    return None


def _moment(name: str, packed: Symbol) -> str | None:
    """A date or time of the standard library, from the bytes that it is pickled as."""
    if isinstance(packed, str):
        data = packed[:10].encode("latin-1", "replace")
    else:
        data = packed.head if isinstance(packed, Blob) else b""
    try:
        if name == "datetime.datetime" and len(data) == 10:
            day = date(data[0] << 8 | data[1], data[2] & 127, data[3])
            return f"{day} {_time(data[4:])}"
        if name == "datetime.date" and len(data) == 4:
            return str(date(data[0] << 8 | data[1], data[2], data[3]))
        if name == "datetime.time" and len(data) == 6:
            return str(_time(data))
    except ValueError:
        return None
    return None


def _time(data: bytes) -> time:
    return time(data[0] & 127, data[1], data[2], int.from_bytes(data[3:6], "big"))
