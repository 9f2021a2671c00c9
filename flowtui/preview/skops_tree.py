"""The states of a skops file as a tree: objects with attributes, containers, arrays, and values as Python has them.

What each loader keeps where is that of ``skops/io``; a loader that is not known is shown with all that it keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flowtui.errors import PreviewError
from flowtui.preview.json import parse
from flowtui.preview.json_cells import JsonNumber, JsonObject
from flowtui.preview.limits import Limits
from flowtui.preview.result import TreeNode
from flowtui.preview.skops_arrays import StoredArray, StoredArrays
from flowtui.preview.value_words import number_words, text_words
from flowtui.text import cut

_BRACKETS = {"ListNode": "[{}]", "TupleNode": "({})", "SetNode": "{{{}}}"}
_VERSIONS = {"_sklearn_version": "scikit-learn"}
_ABOUT = (
    "__class__",
    "__module__",
    "__loader__",
    "__id__",
    "protocol",
    "_skops_version",
    "key_types",
    "type",
    "is_json",
)
_USUAL_TYPES = ("str", "dict", "list", "tuple", "set", "bytes", "bytearray", "slice")
_MOST_TYPES = 10_000

Children = Iterable[tuple[str, object]]


class SkopsTree:
    """Makes a tree of states within limits.

    Attributes:
        arrays: the arrays whose type and shape are known, by the path to them.
        versions: libraries whose version an object names.
        types: the classes and functions that are named, those of Python itself left out.
        missing, unread: arrays that are not in the archive, and those of which only the size is known.
        is_cut: True where nodes were left out; is_deep: True where levels were.
    """

    def __init__(self, limits: Limits, stored: StoredArrays) -> None:
        self._limits = limits
        self._stored = stored
        self._count = 0
        self.arrays: list[tuple[str, StoredArray]] = []
        self.versions: dict[str, str] = {}
        self.types: dict[str, None] = {}
        self.missing = 0
        self.unread = 0
        self.is_cut = False
        self.is_deep = False

    def node(self, label: str, state: object, path: str = "", level: int = 0) -> TreeNode:
        """The node of one state and what is within it."""
        self._count += 1
        if not isinstance(state, JsonObject):
            words, children = self._plain(state)
            return self._made(label, words, children, path, level)
        parts = dict(state)
        loader = parts.get("__loader__")
        if loader is None:
            return self._made(label, f"{{{len(state):,}}}", state, path, level)
        self._note(parts)
        if loader == "JsonNode":
            return self._made(label, _json_words(parts.get("content")), (), path, level)
        if isinstance(parts.get("file"), str):
            return self._made(label, self._array(path or label, parts), (), path, level)
        words, children = self._look(str(loader), parts)
        return self._made(label, words, children, path, level)

    def _made(self, label: str, words: str, children: Children, path: str, level: int) -> TreeNode:
        nodes: list[TreeNode] = []
        for name, child in children:
            if level >= self._limits.depth:
                self.is_deep = True
                break
            if self._count >= self._limits.nodes:
                self.is_cut = True
                break
            inner = f"{path}.{name}"[: self._limits.cell] if path else name
            nodes.append(self.node(name, child, inner, level + 1))
            key = _VERSIONS.get(name)
            if key:
                self.versions.setdefault(key, nodes[-1].value[:40])
        return TreeNode(cut(label, self._limits.cell), cut(words, self._limits.cell), tuple(nodes))

    def _plain(self, value: object) -> tuple[str, Children]:
        if isinstance(value, list):
            return f"[{len(value):,}]", _indexed(value)
        return _words(value), ()

    def _look(self, loader: str, parts: dict[str, object]) -> tuple[str, Children]:
        """What an object is, and what is within it."""
        name, content = _class_name(parts), parts.get("content")
        if loader in _BRACKETS and isinstance(content, list) and not isinstance(content, JsonObject):
            words = _BRACKETS[loader].format(f"{len(content):,}")
            # The order of a set is another one in every process.
            values = sorted(content, key=str_of) if loader == "SetNode" else content
            return words if name in ("list", "tuple", "set") else f"{name} {words}", _indexed(values)
        if loader in ("DictNode", "DefaultDictNode") and isinstance(content, JsonObject):
            words = f"{{{len(content):,}}}"
            rest = [(key, value) for key, value in parts.items() if key not in (*_ABOUT, "content")]
            return words if name == "dict" else f"{name} {words}", [*content, *rest]
        if loader in ("FunctionNode", "TypeNode"):
            return name, ()
        if loader == "DTypeNode":
            array = self._named(content)
            return (f"dtype {array.dtype}" if array and array.dtype else "dtype"), ()
        if loader == "NdArrayNode" and isinstance(content, list):
            shape = _shape_words(parts.get("shape"))
            return f"array object {shape or f'{len(content):,}'}", _indexed(content)
        if loader == "SliceNode" and isinstance(content, JsonObject):
            return f"slice({', '.join(_words(value) for _, value in content)})", ()
        if loader == "CachedNode":
            return "shown above", ()
        return name, self._kept(parts)

    def _kept(self, parts: dict[str, object]) -> Iterator[tuple[str, object]]:
        """What an object keeps: its attributes directly, the arguments of its constructor, and anything else."""
        for key, value in parts.items():
            if key in _ABOUT:
                continue
            inner = dict(value) if isinstance(value, JsonObject) else {}
            if key == "content" and inner.get("__loader__") == "DictNode" and inner.get("__class__") == "dict":
                attributes = inner.get("content")
                yield from attributes if isinstance(attributes, JsonObject) else ()
            elif key == "content" and isinstance(value, JsonObject) and "__loader__" not in inner:
                yield from value
            elif key == "__reduce__" and isinstance(inner.get("args"), JsonObject):
                yield "constructed with", inner["args"]
            else:
                yield key, value

    def _named(self, state: object) -> StoredArray | None:
        name = dict(state).get("file") if isinstance(state, JsonObject) else None
        return self._stored.named(name) if isinstance(name, str) else None

    def _array(self, path: str, parts: dict[str, object]) -> str:
        """An array, a scalar of numpy, a sparse matrix or bytes, in words."""
        found = self._stored.named(str(parts["file"]))
        name = _class_name(parts)
        if found is None:
            self.missing += 1
            return f"{name}, which is not in what was read of the archive"
        whole = f"CRC-32 {found.checksum:08x}"
        if name in ("bytes", "bytearray"):
            return f"{found.size:,} bytes, {whole}"
        if not found.dtype:
            self.unread += 1
            return f"{name} of {found.size:,} bytes, {whole}"
        values = [number_words(value) if isinstance(value, float) else _element(value) for value in found.values]
        if found.shape == "scalar" and name != "numpy.ndarray" and values:
            return values[0]
        self.arrays.append((path, found))
        kind = "array" if name == "numpy.ndarray" else name
        words = f"{kind} {found.dtype} {found.shape}"
        if values:
            words += f": {', '.join(values)}{', …' if found.count > len(values) else ''}"
        return f"{words}; {whole}"

    def _note(self, parts: dict[str, object]) -> None:
        name = _class_name(parts)
        is_usual = parts.get("__module__") == "builtins" and name in _USUAL_TYPES
        if not is_usual and parts.get("__loader__") != "CachedNode" and len(self.types) < _MOST_TYPES:
            self.types.setdefault(name[: self._limits.cell])


def str_of(state: object) -> str:
    """What sorts the members of a set: their values, and their classes where they have none of their own."""
    parts = dict(state) if isinstance(state, JsonObject) else {}
    return f"{parts.get('__class__')} {parts.get('content')}"


def _indexed(values: Iterable[object]) -> Children:
    return ((str(index), value) for index, value in enumerate(values))


def _class_name(parts: dict[str, object]) -> str:
    module, name = parts.get("__module__"), parts.get("__class__")
    content = parts.get("content")
    if parts.get("__loader__") == "FunctionNode" and isinstance(content, JsonObject):
        # Protocols 0 and 1 kept a function's name in its content.
        inner = dict(content)
        module, name = inner.get("module_path", module), inner.get("function", name)
    if not isinstance(name, str):
        return "object"
    return f"{module}.{name}" if isinstance(module, str) and module != "builtins" else name


def _json_words(text: object) -> str:
    """A value that skops kept as JSON, as Python would show it."""
    if not isinstance(text, str):
        return "?"
    try:
        return _words(parse(text))
    except PreviewError:
        return f"{text}, which is not valid JSON"


def _words(value: object) -> str:
    if isinstance(value, JsonNumber):
        return str(value)
    if isinstance(value, str):
        return text_words(value)
    if isinstance(value, list):
        return f"{{{len(value):,}}}" if isinstance(value, JsonObject) else f"[{len(value):,}]"
    return str(value)


def _element(value: object) -> str:
    return text_words(value) if isinstance(value, str) else str(value)


def _shape_words(state: object) -> str:
    """A shape that was kept as a tuple of numbers."""
    content = dict(state).get("content") if isinstance(state, JsonObject) else None
    if not isinstance(content, list) or isinstance(content, JsonObject) or len(content) > 64:
        return ""
    return " x ".join(_json_words(dict(one).get("content") if isinstance(one, JsonObject) else None) for one in content)
