"""Arrays of numpy (npy, and npz with several): type, shape and first values from the header and what follows it.

The format is that of NEP 1. Its header is a Python literal; it is read as one, not evaluated. An array of objects is a
pickle, which is not read here.
"""

from __future__ import annotations

import ast
import asyncio
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from flowtui.domain.size import human_size
from flowtui.errors import PreviewError
from flowtui.preview.numpy_elements import element_of
from flowtui.preview.pickled_arrays import Dtype, dtype_named
from flowtui.preview.result import Cell, Column, Preview
from flowtui.preview.source import Ranges
from flowtui.preview.subject import Subject
from flowtui.preview.zip_directory import Member, directory_of, member_head
from flowtui.text import cut, plain

_MAGIC = b"\x93NUMPY"
PADDING = "\0"
"""The name of bytes between fields that are none."""

_MOST_HEADER = 64 * 1024
_LARGEST = 1 << 62
_MOST_NESTED = 1000
_STRING = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_NO_LITERAL = re.compile(r"[^\s\[\](){},:0-9TrueFals]")
_NPZ_COLUMNS = (
    Column("name", "text"), Column("dtype", "text"), Column("shape", "text"), Column("elements", "integer"),
    Column("bytes", "integer"),
)  # fmt: skip
_READ_PER_MEMBER = 4096


@dataclass(frozen=True, slots=True)
class Header:
    """What the header of an npy file says.

    Attributes:
        fields: names and types of a structured array; one nameless field for a plain one.
        itemsize: bytes of one element.
        start: where the data begins.
    """

    fields: tuple[tuple[str, Dtype], ...]
    itemsize: int
    shape: tuple[int, ...]
    is_fortran: bool
    start: int

    @property
    def dtype_name(self) -> str:
        if self.fields[0][0] == "":
            return self.fields[0][1].name
        return "{" + ", ".join(f"{name}: {dtype.name}" for name, dtype in self.fields if name != PADDING) + "}"

    @property
    def shown(self) -> tuple[tuple[str, Dtype], ...]:
        """The fields without the padding between them."""
        return tuple(one for one in self.fields if one[0] != PADDING)

    @property
    def has_objects(self) -> bool:
        return any(dtype.has_objects for _, dtype in self.fields)

    @property
    def count(self) -> int:
        total = 1
        for length in self.shape:
            total *= length
        return total


def accepts_npy(subject: Subject) -> bool:
    """A npy file, by its first bytes."""
    return subject.sniffed.magic == "npy"


def accepts_npz(subject: Subject) -> bool:
    """A ZIP archive that calls itself npz, or begins with an array."""
    if subject.sniffed.magic != "zip":
        return False
    length = int.from_bytes(subject.head[26:28], "little")
    return subject.sniffed.is_any("npz") or subject.head[30 : 30 + length].endswith(b".npy")


def header_of(data: bytes) -> Header:
    """The header at the beginning of a npy file.

    Raises:
        PreviewError: it is none, is cut, or says what cannot be.
    """
    if len(data) < 10 or not data.startswith(_MAGIC):
        raise PreviewError("not a numpy array")
    width = 2 if data[6] == 1 else 4
    length = int.from_bytes(data[8 : 8 + width], "little")
    start = 8 + width + length
    if length > _MOST_HEADER or start > len(data):
        raise PreviewError("a numpy array whose header is cut or damaged")
    text = data[8 + width : start].decode("utf-8" if data[6] > 2 else "latin-1", "replace")
    # Operators would let Python's parser recurse without bounds; a header has none.
    if sum(map(text.count, "([{")) > _MOST_NESTED or _NO_LITERAL.search(_STRING.sub("", text)):
        raise PreviewError("a numpy array whose header is damaged")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = ast.literal_eval(text)
        shape, is_fortran, descr = found["shape"], bool(found["fortran_order"]), found["descr"]
    except (ValueError, SyntaxError, TypeError, KeyError, MemoryError, RecursionError) as error:
        raise PreviewError("a numpy array whose header is damaged") from error
    if not isinstance(shape, tuple) or len(shape) > 64 or not all(_is_length(one) for one in shape):
        raise PreviewError("a numpy array whose shape makes no sense")
    fields = tuple(_fields(descr))
    return Header(fields, sum(dtype.size for _, dtype in fields), shape, is_fortran, start)


def _is_length(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST


def _fields(descr: object) -> Iterator[tuple[str, Dtype]]:
    if isinstance(descr, str):
        yield "", _dtype(descr)
        return
    if not isinstance(descr, list) or not descr:
        raise PreviewError("a numpy array of an unknown type")
    for number, field in enumerate(descr[:10_000], 1):
        if not isinstance(field, tuple) or not 2 <= len(field) <= 3:
            raise PreviewError("a numpy array of an unknown type")
        name = field[0][-1] if isinstance(field[0], tuple) and field[0] else field[0]
        # As numpy reads it, nameless bytes are padding.
        is_padding = name == "" and isinstance(field[1], str) and field[1].strip("|<>=").startswith("V")
        name = PADDING if is_padding else str(name)[:500] or f"field {number}"
        if isinstance(field[1], str):
            yield name, _many(_dtype(field[1]), field[2] if len(field) == 3 else ())
        else:
            inner = tuple(_fields(field[1]))
            size = sum(dtype.size for _, dtype in inner)
            parts = tuple(("" if label == PADDING else label, dtype) for label, dtype in inner)
            words = ", ".join(f"{label}: {dtype.name}" for label, dtype in parts if label)
            kind = "O" if any(dtype.has_objects for _, dtype in inner) else "V"
            yield name, _many(Dtype(f"{{{words}}}"[:500], size, kind, parts=parts), field[2] if len(field) == 3 else ())


def _dtype(text: str) -> Dtype:
    found = dtype_named(text[:100])
    if found is None or (not found.size and found.code[:1] not in ("U", "S", "V")):
        raise PreviewError(f"a numpy array of an unknown type: {plain(text[:40])}")
    return found


def _many(dtype: Dtype, shape: object) -> Dtype:
    """The type of a field that is an array itself."""
    lengths = shape if isinstance(shape, tuple) else (shape,)
    if not lengths:
        return dtype
    count = 1
    for length in lengths:
        if not _is_length(length):
            raise PreviewError("a numpy array whose shape makes no sense")
        count *= length
    words = " x ".join(map(str, lengths))
    return Dtype(f"{dtype.name} {words}", dtype.size * count, "O" if dtype.has_objects else "V", base=dtype)


async def show_npy(subject: Subject) -> Preview:
    return await asyncio.to_thread(_show_npy, subject)


def _show_npy(subject: Subject) -> Preview:
    limits = subject.limits
    header = header_of(subject.head)
    facts = [
        ("dtype", cut(header.dtype_name, limits.cell)),
        ("shape", cut(" x ".join(f"{length:,}" for length in header.shape) or "scalar", limits.cell)),
        ("order", "Fortran" if header.is_fortran else "C"),
    ]
    if header.has_objects:
        columns: tuple[Column, ...] = (Column("values", "text"),)
        notice = "an array of objects: they are a pickle, which is not read"
        return Preview(kind="table", columns=columns, notices=(notice,), facts=tuple(facts), format="npy")
    total, width = _table_shape(header)
    shown_columns = min(width, limits.columns)
    most = max(min(limits.rows, limits.cells // max(shown_columns, 1)), 1)
    rows, is_cut = _rows(subject, header, min(most, total), shown_columns)
    rows = rows[: limits.rows]
    notices = []
    if len(rows) < total:
        notices.append(f"first {len(rows):,} of {total:,} rows")
    if shown_columns < width:
        notices.append(f"first {shown_columns:,} of {width:,} columns")
    if any(_is_long_double(dtype) for _, dtype in header.fields):
        notices.append("numbers of 16 or 12 bytes are read as those of x86 processors, which have 80 bits")
    if len(header.shape) > 2:
        notices.append("its last axis is across, the others are laid out one below the other")
    needed = header.start + header.count * header.itemsize
    if subject.size is not None and needed > subject.size:
        notices.append(f"the file is cut: {human_size(needed)} were written, {human_size(subject.size)} are there")
    return Preview(
        kind="table",
        columns=_columns(header, shown_columns, limits.cell),
        rows=tuple(rows),
        notices=tuple(notices),
        total_rows=total,
        more=len(rows) < total and (not is_cut or not subject.whole),
        format="npy",
        facts=tuple(facts),
    )


def _is_long_double(dtype: Dtype) -> bool:
    inner = dtype.base or dtype
    return inner.code in ("f16", "f12")


def _table_shape(header: Header) -> tuple[int, int]:
    """Rows and columns of an array as a table."""
    is_structured = header.fields[0][0] != ""
    if is_structured or len(header.shape) < 2:
        return header.count, len(header.shown)
    width = header.shape[-1]
    return (header.count // width if width else 0), width


def _columns(header: Header, count: int, width: int) -> tuple[Column, ...]:
    if header.fields[0][0] != "":
        return tuple(Column(cut(name, width) or " ", _type(dtype)) for name, dtype in header.shown[:count])
    kind = _type(header.fields[0][1])
    if len(header.shape) < 2:
        return (Column("values", kind),)
    return tuple(Column(str(index), kind) for index in range(count))


def _type(dtype: Dtype) -> str:
    for begin, name in (("int", "integer"), ("uint", "integer"), ("float", "number"), ("bool", "boolean")):
        if dtype.name.startswith(begin) and " " not in dtype.name:
            return name
    return "datetime" if dtype.name.startswith("datetime64") else "text"


def _rows(subject: Subject, header: Header, most: int, columns: int) -> tuple[list[tuple[Cell, ...]], bool]:
    """The first rows that lie within what was read, and whether there were fewer than asked for."""
    if not header.itemsize:
        return [], True
    data = subject.head[header.start :]
    rows: list[tuple[Cell, ...]] = []
    cell = subject.limits.cell
    width = _table_shape(header)[1]
    if header.fields[0][0] != "":
        for row in range(most):
            at = row * header.itemsize
            if at + header.itemsize > len(data):
                return rows, True
            cells: list[Cell] = []
            for name, dtype in header.fields:
                if name != PADDING and len(cells) < columns:
                    cells.append(element_of(dtype, data[at : at + dtype.size], cell))
                at += dtype.size
            rows.append(tuple(cells))
        return rows, False
    dtype = header.fields[0][1]
    for row in range(most):
        values: list[Cell] = []
        for column in range(columns):
            # In Fortran's order the first axis varies fastest; only two axes are laid out that way.
            index = _fortran(row, column, header.shape) if header.is_fortran else row * width + column
            at = index * dtype.size
            if at + dtype.size > len(data):
                values.append(None)
            else:
                values.append(element_of(dtype, data[at : at + dtype.size], cell))
        last = row * width + columns - 1
        if not header.is_fortran and (last + 1) * dtype.size > len(data):
            return rows, True
        rows.append(tuple(values))
    return rows, False


def _fortran(row: int, column: int, shape: tuple[int, ...]) -> int:
    """Where an element lies in Fortran's order; ``row`` counts all axes but the last in C's order."""
    if len(shape) < 2:
        return row
    indices = [column]
    for length in reversed(shape[:-1]):
        row, index = divmod(row, length)
        indices.append(index)
    at, step = 0, 1
    for index, length in zip(reversed(indices), shape, strict=True):
        at += index * step
        step *= length
    return at


async def show_npz(subject: Subject) -> Preview:
    limits = subject.limits
    await subject.read_whole()
    ranges = Ranges(subject)
    directory = await directory_of(subject, ranges)
    members = [one for one in directory.members if one.name.endswith(".npy")]
    if not members:
        raise PreviewError("a ZIP archive without arrays")
    rows: list[tuple[Cell, ...]] = []
    unread = 0
    for member in members[: limits.rows]:
        header = await _member_header(ranges, member)
        name = cut(member.name.removesuffix(".npy"), limits.cell)
        cells: tuple[Cell, ...] = (name, None, None, None, member.size)
        if header is None:
            unread += 1
        else:
            shape = " x ".join(map(str, header.shape)) or "scalar"
            cells = (name, cut(header.dtype_name, limits.cell), cut(shape, limits.cell), header.count, member.size)
        rows.append(cells[: limits.columns])
    notices = []
    if len(rows) < directory.total:
        notices.append(f"first {len(rows):,} of {directory.total:,} arrays")
    if unread:
        notices.append(f"types and shapes of {unread:,} arrays were not read: they are far apart in the file")
    return Preview(
        kind="table",
        columns=_NPZ_COLUMNS[: limits.columns],
        rows=tuple(rows),
        notices=tuple(notices),
        total_rows=directory.total,
        more=len(rows) < directory.total or ranges.spent,
        format="npz",
        facts=(("arrays", f"{directory.total:,}"),),
    )


async def _member_header(ranges: Ranges, member: Member) -> Header | None:
    """The header of an array in an archive; None where it is damaged, or too far away."""
    try:
        head = await member_head(ranges, member, _READ_PER_MEMBER)
        return None if head is None else header_of(head)
    except PreviewError:
        return None
