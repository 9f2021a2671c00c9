"""Safetensors: its tensors from the header alone, which is JSON behind its length in eight bytes."""

from __future__ import annotations

import asyncio
import struct

from flowtui.domain.size import human_size
from flowtui.errors import PreviewError
from flowtui.preview.json import parse
from flowtui.preview.json_cells import JsonNumber, JsonObject
from flowtui.preview.result import Cell, Column, Preview
from flowtui.preview.subject import Subject
from flowtui.text import cut, plain

COLUMNS = (
    Column("name", "text"), Column("dtype", "text"), Column("shape", "text"), Column("elements", "integer"),
    Column("bytes", "integer"),
)  # fmt: skip

_LENGTH = struct.Struct("<Q")
_MOST_HEADER = 100_000_000
_MOST_DIGITS = 18
_DTYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool",
    "F8_E4M3": "float8_e4m3", "F8_E5M2": "float8_e5m2", "F8_E8M0": "float8_e8m0", "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz", "F6_E2M3": "float6_e2m3", "F6_E3M2": "float6_e3m2", "F4": "float4_e2m1",
    "C64": "complex64",
}  # fmt: skip


def accepts(subject: Subject) -> bool:
    """By its name, or by a length that JSON follows."""
    head = subject.head
    if len(head) < 10 or head[8:9] != b"{":
        return False
    length = _LENGTH.unpack_from(head)[0]
    return 2 <= length <= _MOST_HEADER and (subject.sniffed.is_any("safetensors") or head[8:10] in (b'{"', b"{}"))


async def show(subject: Subject) -> Preview:
    length = _LENGTH.unpack_from(subject.head)[0]
    end = _LENGTH.size + length
    header = subject.head[_LENGTH.size : end]
    # Most headers are within the head; the largest are read in one further part, as large as the budget lets it be.
    most = min(length, subject.limits.head * 7 // 4)
    if len(header) < most and not subject.whole:
        header += await subject.reader.read(len(subject.head), _LENGTH.size + most - len(subject.head))
    if len(header) < most:
        raise PreviewError("a safetensors file whose header is cut")
    return await asyncio.to_thread(_preview, subject, header, length)


def _preview(subject: Subject, header: bytes, length: int) -> Preview:
    limits = subject.limits
    is_whole = len(header) == length
    if not is_whole:
        # The tensors that are whole in it: each ends with a bracket before the next one's name.
        header = header[: header.rfind(b'},"') + 1] + b"}"
    root = parse(header.decode("utf-8", "replace"))
    if not isinstance(root, JsonObject):
        raise PreviewError("a safetensors file whose header is no JSON object")
    facts: list[tuple[str, str]] = []
    rows: list[tuple[Cell, ...]] = []
    elements = tensors = data = 0
    for name, value in root:
        if name == "__metadata__":
            facts += _metadata(value, limits.cell)
            continue
        tensors += 1
        dtype, shape, count, size = _tensor(value)
        elements += count
        data = max(data, size[1])
        if len(rows) < limits.rows:
            cells = (cut(name, limits.cell), dtype, cut(shape, limits.cell), count, size[1] - size[0])
            rows.append(cells[: limits.columns])
    notices = []
    if len(rows) < tensors:
        notices.append(f"first {len(rows):,} of {tensors:,} tensors")
    if not is_whole:
        notices.append(f"{human_size(len(header))} of the header's {human_size(length)} read")
    if subject.size is not None and _LENGTH.size + length + data > subject.size:
        notices.append("the file is shorter than its header says: it is cut")
    more = "" if is_whole else " at least"
    facts = [("tensors", f"{tensors:,}{more}"), ("parameters", cut(f"{elements:,}{more}", limits.cell)), *facts]
    return Preview(
        kind="table",
        columns=COLUMNS[: limits.columns],
        rows=tuple(rows),
        notices=tuple(notices),
        total_rows=tensors if is_whole else None,
        more=len(rows) < tensors or not is_whole,
        format="safetensors",
        facts=tuple(facts),
    )


def _tensor(value: object) -> tuple[str, str, int, tuple[int, int]]:
    """Data type, shape in words, number of elements, and where the data begins and ends."""
    if not isinstance(value, JsonObject):
        return "?", "?", 0, (0, 0)
    parts = dict(value)
    dtype, shape = parts.get("dtype"), _integers(parts.get("shape"))
    offsets = _integers(parts.get("data_offsets")) or []
    count = 1
    for length in shape or []:
        count *= length
    name = _DTYPES.get(dtype, plain(dtype[:20])) if isinstance(dtype, str) else "?"
    words = "?" if shape is None else " x ".join(map(str, shape)) or "scalar"
    place = (offsets[0], offsets[1]) if len(offsets) == 2 and offsets[0] <= offsets[1] else (0, 0)
    return name, words, 0 if shape is None else count, place


def _integers(value: object) -> list[int] | None:
    if not isinstance(value, list) or isinstance(value, JsonObject) or len(value) > 64:
        return None
    found = []
    for one in value:
        if not isinstance(one, JsonNumber) or not one.isdecimal() or len(one) > _MOST_DIGITS:
            return None
        found.append(int(one))
    return found


def _metadata(value: object, width: int) -> list[tuple[str, str]]:
    pairs = value if isinstance(value, JsonObject) else []
    return [(cut(name, 80), cut(text, width)) for name, text in pairs[:50] if isinstance(text, str)]
