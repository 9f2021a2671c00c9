"""Files of Lance and Vortex: what they are, their versions, and of Lance's the columns and rows.

Lance: https://lance.org/format/file/; the last 40 bytes tell where a protobuf with the schema is. Vortex:
https://docs.vortex.dev/specs/file-format; the last 8 bytes have the version.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from flowtui.errors import PreviewError
from flowtui.preview.model_tree import ModelTree, facts_of
from flowtui.preview.protobuf_wire import BYTES, VARINT, fields
from flowtui.preview.result import Preview
from flowtui.preview.source import Ranges
from flowtui.preview.subject import Subject
from flowtui.text import plain

_LANCE = struct.Struct("<QQQIIHH4s")
_VORTEX = struct.Struct("<HH4s")
_PLACE = struct.Struct("<QQ")
_MOST_SCHEMA = 256 * 1024
_MOST_FIELDS = 10_000


def accepts(subject: Subject) -> bool:
    """Vortex by its first bytes; Lance, which has none of its own, by its name."""
    return subject.head.startswith(b"VTXF") or subject.sniffed.is_any("lance", "vortex")


async def show(subject: Subject) -> Preview:
    size = subject.size
    if size is None or size < _LANCE.size:
        raise PreviewError("a file of Lance or Vortex whose end, where it is described, cannot be read")
    ranges = Ranges(subject)
    tail = await ranges.read(size - _LANCE.size, _LANCE.size) or b""
    if tail.endswith(b"VTXF") and subject.head.startswith(b"VTXF"):
        version = _VORTEX.unpack(tail[-_VORTEX.size :])[0]
        return _named(subject, "vortex", [("written by", "Vortex"), ("version", str(version))])
    if not tail.endswith(b"LANC"):
        raise PreviewError("not a file of Lance or Vortex: its end is of neither")
    _, _, places, buffers, columns, major, minor, _ = _LANCE.unpack(tail)
    facts = [("written by", "Lance"), ("version", f"{major}.{minor}"), ("columns stored", f"{columns:,}")]
    place = await ranges.read(places, _PLACE.size) if buffers and places < size else None
    if not place or len(place) < _PLACE.size:
        return _named(subject, "lance", facts)
    start, length = _PLACE.unpack(place)
    schema = await ranges.read(start, min(length, _MOST_SCHEMA)) if start < size else None
    return _described(subject, facts, schema or b"")


def _named(subject: Subject, format_: str, facts: list[tuple[str, str]]) -> Preview:
    tree = ModelTree(subject.limits)
    for name, value in facts[1:]:
        tree.group(name, value)
    notice = f"a {format_.capitalize()} file: its rows are not shown"
    return Preview(
        kind="tree", tree=tree.root(format_.capitalize()), notices=(notice,), format=format_,
        facts=facts_of(facts, subject.limits),
    )  # fmt: skip


def _described(subject: Subject, facts: list[tuple[str, str]], data: bytes) -> Preview:
    """The columns of a FileDescriptor: its schema is the first field, the number of rows the second."""
    found: list[tuple[int, int, str, str]] = []
    rows = None
    for one in fields(data, most=10):
        if one.number == 1 and one.wire == BYTES and one.end <= len(data):
            found = list(_columns(data[one.start : one.end]))
        elif one.number == 2 and one.wire == VARINT:
            rows = one.value
    tree = ModelTree(subject.limits)
    names = {identity: name for identity, _, name, _ in found}
    shown = [(f"{names[parent]}.{name}" if parent in names else name, kind) for _, parent, name, kind in found]
    tree.group("columns", f"{len(found):,}" if found else "", shown)
    facts = [*facts, ("rows", f"{rows:,}" if rows is not None else "")]
    return Preview(
        kind="tree",
        tree=tree.root("Lance"),
        notices=("a Lance file: its columns are shown, its rows are not", *tree.notices()),
        more=tree.is_cut,
        format="lance",
        facts=facts_of(facts, subject.limits),
    )


def _columns(schema: bytes) -> Iterator[tuple[int, int, str, str]]:
    """Each field of a schema: its id, its parent's (-1 where it has none), name and logical type."""
    for one in fields(schema, most=_MOST_FIELDS):
        if one.number != 1 or one.wire != BYTES:
            continue
        body = schema[one.start : one.end]
        numbers = {part.number: part.value for part in fields(body, most=50) if part.wire == VARINT}
        texts = {part.number: body[part.start : part.end] for part in fields(body, most=50) if part.wire == BYTES}
        parent = numbers.get(4, 0)
        parent = parent - (1 << 64) if parent >= 1 << 63 else parent
        yield numbers.get(3, 0), parent, _text(texts.get(2, b"")), _text(texts.get(5, b""))


def _text(data: bytes) -> str:
    return plain(data[:500].decode("utf-8", "replace"))
