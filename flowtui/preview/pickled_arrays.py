"""Arrays, tensors, data types and frames of numpy, torch and pandas among the symbols of a pickle."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from flowtui.preview.symbols import Blob, Call, Items, Pairs, Persistent, Ref, Symbol, is_named, value_of, values_of

_MOST_DIMENSIONS = 64
_LARGEST = 1 << 62
_DEEPEST = 3
_KINDS = {"i": "int", "u": "uint", "f": "float", "c": "complex"}
_FIXED = {"b": "bool", "O": "object", "M": "datetime64", "m": "timedelta64", "V": "void", "U": "str", "S": "bytes"}
_NAMED = {
    "bool": 1, "bool_": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "int64": 8,
    "uint64": 8, "float16": 2, "float32": 4, "float64": 8, "complex64": 8, "complex128": 16,
}  # fmt: skip
_RECONSTRUCT = tuple(f"numpy.{core}.multiarray._reconstruct" for core in ("core", "_core"))
_FROM_BUFFER = tuple(f"numpy.{core}.numeric._frombuffer" for core in ("core", "_core"))
_SCALAR = tuple(f"numpy.{core}.multiarray.scalar" for core in ("core", "_core"))
_STORAGES = {
    "Double": "float64", "Float": "float32", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64", "Int": "int32",
    "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool", "ComplexDouble": "complex128",
    "ComplexFloat": "complex64", "QInt8": "qint8", "QUInt8": "quint8", "QInt32": "qint32",
}  # fmt: skip
_POLARS = ("polars.dataframe.frame.DataFrame", "polars.series.series.Series")
_FORMATS = {
    "f8": "d", "f4": "f", "f2": "e", "i8": "q", "i4": "i", "i2": "h", "i1": "b", "u8": "Q", "u4": "I", "u2": "H",
    "u1": "B", "b1": "?",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dtype:
    """A data type of numpy.

    Attributes:
        name: ``float64``, ``str[5]``, ``{age: int64, sex: str[1]}``.
        size: bytes of one element; 0 where it is not known.
        code: numpy's own short form without byte order (``f8``).
        order: ``<``, ``>`` or empty.
        base: of a field that is an array itself, the type of its elements.
        parts: names and types of the fields of one that has fields itself; padding has an empty name.
    """

    name: str
    size: int
    code: str = ""
    order: str = ""
    base: Dtype | None = None
    parts: tuple[tuple[str, Dtype], ...] = ()

    @property
    def has_objects(self) -> bool:
        return self.code.startswith("O")


@dataclass(frozen=True, slots=True)
class Array:
    """An array or tensor without its data.

    Attributes:
        kind: ``array``, ``tensor`` or ``parameter``.
        note: what else is said of it (``on cuda:0``).
        data: the first of its bytes, where they are in the pickle.
        elements: values of an array of objects.
        identity: what tells whether two tensors are the same memory; empty where nothing does.
    """

    kind: str
    dtype: Dtype
    shape: tuple[int, ...]
    note: str = ""
    data: bytes = b""
    elements: Items | None = None
    identity: str = ""

    @property
    def count(self) -> int:
        """How many elements it has."""
        total = 1
        for length in self.shape:
            total *= length
        return total

    def __str__(self) -> str:
        shape = " x ".join(f"{length:,}" for length in self.shape) or "scalar"
        words = [self.kind if self.kind != "tensor" else "", self.dtype.name, shape, self.note]
        return " ".join(word for word in words if word)


def shape_of(symbol: Symbol) -> tuple[int, ...] | None:
    """A shape; None for what is none."""
    lengths = values_of(symbol) if isinstance(symbol, Items) else [symbol]
    if isinstance(symbol, Call):
        # torch.Size is a tuple by another name.
        lengths = values_of(values_of(symbol.arguments)[0]) if values_of(symbol.arguments) else []
    found = []
    for length in lengths[: _MOST_DIMENSIONS + 1]:
        if not isinstance(length, int) or isinstance(length, bool) or not 0 <= length < _LARGEST:
            return None
        found.append(length)
    return tuple(found) if len(found) <= _MOST_DIMENSIONS else None


def dtype_named(text: str) -> Dtype | None:
    """The data type of a short form (``<f8``) or a name (``float64``)."""
    order = text[0] if text[:1] in ("<", ">", "|", "=") else ""
    code = text[len(order) :]
    if code in _NAMED:
        return Dtype(code, _NAMED[code], order=order.strip("|="))
    kind, unit = code[:1], code[code.find("[") :] if "[" in code else ""
    digits = code[1 : len(code) - len(unit)]
    if len(digits) > 9 or (digits and not (digits.isascii() and digits.isdigit())):
        return None
    width = int(digits or 0)
    if kind in _KINDS and width:
        return Dtype(f"{_KINDS[kind]}{width * 8}", width, code, order.strip("|="))
    if kind not in _FIXED:
        return None
    name = _FIXED[kind]
    if kind in "USV":
        return Dtype(f"{name}[{width}]", width * 4 if kind == "U" else width, code, order.strip("|="))
    size = {"b": 1, "O": 8}.get(kind, 8)
    return Dtype(name + unit, size, code, order.strip("|="))


def dtype_of(symbol: Symbol, depth: int = 0) -> Dtype | None:
    """The data type that a symbol stands for."""
    if isinstance(symbol, str):
        return dtype_named(symbol)
    if isinstance(symbol, Ref):
        return dtype_named(symbol.name) if symbol.module.partition(".")[0] in ("numpy", "torch") else None
    if not isinstance(symbol, Call) or not is_named(symbol.function, "numpy.dtype") or depth > 3:
        return None
    arguments = values_of(symbol.arguments)
    found = dtype_of(arguments[0], depth + 1) if arguments else None
    state = values_of(symbol.state)
    if found is None or len(state) < 5:
        return found
    order = state[1] if isinstance(state[1], str) and state[1] in ("<", ">") else found.order
    names, fields = values_of(state[3]), state[4]
    if names and isinstance(fields, Pairs):
        parts = []
        has_objects = False
        for name in names[:50]:
            field = values_of(value_of(fields, name)) if isinstance(name, str) else []
            inner = dtype_of(field[0], depth + 1) if field else None
            has_objects = has_objects or inner is None or inner.has_objects
            parts.append(f"{name}: {inner.name if inner else '?'}")
        more = ", …" if len(names) > len(parts) else ""
        size = state[5] if len(state) > 5 and isinstance(state[5], int) and 0 < state[5] < _LARGEST else found.size
        return Dtype("{" + ", ".join(parts) + more + "}", size, "O" if has_objects else "V", order)
    return Dtype(found.name, found.size, found.code, order)


def array_of(symbol: Symbol, depth: int = 0) -> Array | None:
    """The array or tensor that a symbol stands for; None for anything else."""
    if not isinstance(symbol, Call) or depth > _DEEPEST:
        return None
    if is_named(symbol.function, *_RECONSTRUCT):
        return _numpy_array(values_of(symbol.state))
    arguments = values_of(symbol.arguments)
    if is_named(symbol.function, *_FROM_BUFFER) and len(arguments) >= 3:
        dtype, shape = dtype_of(arguments[1]), shape_of(arguments[2])
        data = _bytes_of(arguments[0])
        return None if dtype is None or shape is None else Array("array", dtype, shape, data=data)
    if isinstance(symbol.function, Ref) and symbol.function.module == "torch._utils":
        return _tensor(symbol.function.name, arguments, depth)
    if isinstance(symbol.function, Ref) and symbol.function.name == "ZNDArrayWrapper":
        # (version, shape, dtype, whether it is in Fortran's order); the data is in a file beside this one.
        state, place = values_of(value_of(symbol, "state")), file_beside(symbol)
        dtype, shape = (dtype_of(state[2]), shape_of(state[1])) if len(state) > 2 else (None, None)
        return None if dtype is None or shape is None or not place else Array("array", dtype, shape, place)
    if isinstance(symbol.function, Ref) and symbol.function.name == "NumpyArrayWrapper":
        dtype, shape = dtype_of(value_of(symbol, "dtype")), shape_of(value_of(symbol, "shape"))
        if dtype is None or shape is None:
            return None
        inner = array_of(symbol.values[0], depth + 1) if symbol.values else None
        return Array("array", dtype, shape, elements=inner.elements if inner else None)
    return None


def file_beside(call: Call) -> str:
    """In words, the file that joblib before 0.10 kept an array in; empty for anything else."""
    function, name = call.function, value_of(call, "filename")
    is_wrapper = isinstance(function, Ref) and function.name in ("NDArrayWrapper", "ZNDArrayWrapper")
    if not is_wrapper or not isinstance(name, str):
        return ""
    return f"in the file {name[:200]}"


def arrow_stream(symbol: Symbol) -> Blob | None:
    """The Arrow stream that a frame or series of polars is pickled as; None for anything else."""
    if not isinstance(symbol, Call) or not is_named(symbol.function, *_POLARS):
        return None
    state = symbol.state
    return state if isinstance(state, Blob) and state.head.startswith(b"\xff\xff\xff\xff") else None


def scalar_of(symbol: Symbol) -> bool | int | float | str | None:
    """The value of a numpy scalar; None for anything else."""
    if not isinstance(symbol, Call) or not is_named(symbol.function, *_SCALAR):
        return None
    arguments = values_of(symbol.arguments)
    dtype = dtype_of(arguments[0]) if len(arguments) == 2 else None
    if dtype is None:
        return None
    data = _bytes_of(arguments[1])
    numbers = numbers_of(dtype, data, 1)
    if numbers:
        return numbers[0]
    if dtype.code.startswith("U"):
        return data.decode("utf-32-le", "replace").rstrip("\0")
    return f"numpy {dtype.name}"


def numbers_of(dtype: Dtype, data: bytes, most: int) -> list[bool | int | float]:
    """The first numbers of an array's bytes, those that struct can read."""
    kind = _FORMATS.get(dtype.code)
    if kind is None:
        return []
    count = min(most, len(data) // dtype.size)
    return list(struct.unpack_from(f"{dtype.order or '<'}{count}{kind}", data))


def frame_shape(symbol: Symbol) -> tuple[str, list[Symbol]] | None:
    """The size of a pandas frame, series or index in words, and the labels of its columns."""
    if not isinstance(symbol, Call):
        return None
    if isinstance(symbol.function, Ref) and symbol.function.name == "_new_Index":
        length = _index_length(symbol)
        return None if length is None else (f"{length:,} labels", [])
    axes = _axes(symbol)
    if axes is None:
        return None
    lengths = [_index_length(axis) for axis in axes]
    if len(axes) == 2 and None not in lengths:
        return f"{lengths[1]:,} rows x {lengths[0]:,} columns", _index_labels(axes[0])
    if len(axes) == 1 and lengths[0] is not None:
        return f"{lengths[0]:,} values", []
    return None


def _axes(symbol: Call) -> list[Symbol] | None:
    if not (isinstance(symbol.function, Ref) and symbol.function.module.partition(".")[0] == "pandas"):
        return None
    manager = value_of(symbol, "_mgr") or value_of(symbol, "_data")
    if not isinstance(manager, Call):
        return None
    arguments = values_of(manager.arguments)
    axes = values_of(arguments[1]) if len(arguments) > 1 else []
    if not axes and values_of(manager.state):
        axes = values_of(values_of(manager.state)[0])
    return axes[:2] or None


def _index_parts(index: Symbol) -> Symbol:
    arguments = values_of(index.arguments) if isinstance(index, Call) else []
    return arguments[1] if len(arguments) > 1 else None


def _index_length(index: Symbol) -> int | None:
    parts = _index_parts(index)
    bounds = [value_of(parts, name) for name in ("start", "stop", "step")]
    start, stop, step = bounds
    if isinstance(start, int) and isinstance(stop, int) and isinstance(step, int) and step:
        return max(0, -(-(stop - start) // step)) if abs(stop) < _LARGEST and abs(start) < _LARGEST else None
    array = _array_within(value_of(parts, "data"))
    return array.count if array else None


def _index_labels(index: Symbol) -> list[Symbol]:
    array = _array_within(value_of(_index_parts(index), "data"))
    if array is None or array.elements is None:
        return []
    return array.elements.values


def _array_within(symbol: Symbol) -> Array | None:
    """An array, or the one that an extension array of pandas keeps its values in."""
    for _ in range(4):
        if not isinstance(symbol, Call):
            return None
        found = array_of(symbol)
        if found:
            return found
        inner: Symbol = value_of(symbol, "_ndarray")
        if inner is None:
            inner = next((one for one in values_of(symbol.state) if array_of(one)), None)
        if inner is None:
            inner = next((one for one in values_of(symbol.arguments) if isinstance(one, Call)), None)
        symbol = inner
    return None


def _numpy_array(state: list[Symbol]) -> Array | None:
    if len(state) < 5:
        return None
    dtype, shape = dtype_of(state[2]), shape_of(state[1])
    if dtype is None or shape is None:
        return None
    elements = state[4] if isinstance(state[4], Items) else None
    return Array("array", dtype, shape, data=_bytes_of(state[4]), elements=elements)


def _tensor(name: str, arguments: list[Symbol], depth: int) -> Array | None:
    if name.startswith("_rebuild_parameter") and arguments:
        inner = array_of(arguments[0], depth + 1)
        return inner and Array("parameter", inner.dtype, inner.shape, inner.note, identity=inner.identity)
    if not name.startswith(("_rebuild_tensor", "_rebuild_qtensor")) or len(arguments) < 3:
        return None
    storage, shape = arguments[0], shape_of(arguments[2])
    if shape is None or not isinstance(storage, Persistent):
        return None
    # ("storage", its class, its key, where it was, how many elements it has)
    parts = values_of(storage.id)
    if len(parts) < 4:
        return None
    dtype = Dtype("?", 0)
    if isinstance(parts[1], Ref):
        dtype = Dtype(_STORAGES.get(parts[1].name.removesuffix("Storage"), parts[1].name), 0)
    if name == "_rebuild_tensor_v3" and len(arguments) > 6 and isinstance(arguments[6], Ref):
        dtype = Dtype(arguments[6].name, 0)
    place = parts[3] if isinstance(parts[3], str) and parts[3] != "cpu" else ""
    identity = f"{parts[2]} {arguments[1]} {shape}"[:200] if isinstance(parts[2], str) else ""
    return Array("tensor", dtype, shape, f"on {place[:40]}" if place else "", identity=identity)


def _bytes_of(symbol: Symbol) -> bytes:
    if isinstance(symbol, Blob):
        return symbol.head
    if isinstance(symbol, str):
        return symbol[:1024].encode("latin-1", "replace")
    if isinstance(symbol, Call) and values_of(symbol.arguments):
        # Protocols 0 to 2 write bytes as a call of codecs.encode, and bytearrays as calls of their class.
        inner = values_of(symbol.arguments)[0]
        return _bytes_of(inner) if isinstance(inner, Blob | str) else b""
    return b""
