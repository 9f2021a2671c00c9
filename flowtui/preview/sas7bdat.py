"""SAS datasets: the first rows, with labels, formats and dates, from the first pages.

pandas reads page after page, pyreadstat would walk through the whole file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from flowtui.errors import PreviewError
from flowtui.preview.result import Cell, Column, Preview
from flowtui.preview.sas7bdat_header import Header, header_of
from flowtui.preview.sas_values import format_kind, format_text, number_cell
from flowtui.preview.worker import Request
from flowtui.text import plain

if TYPE_CHECKING:
    from flowtui.preview.subject import Subject

_COMPRESSIONS = {b"SASYZCRL": "RLE (COMPRESS=CHAR)", b"SASYZCR2": "RDC (COMPRESS=BINARY)"}


def accepts(subject: Subject) -> bool:
    """Files that begin like a SAS dataset or are called one."""
    return subject.sniffed.magic == "sas7bdat" or subject.sniffed.is_any("sas7bdat")


async def show(subject: Subject) -> Preview:
    if subject.sniffed.magic != "sas7bdat":
        raise PreviewError("named a SAS dataset but does not begin like one: it is encrypted, or something else")
    return await subject.workers.show(table, subject)


def table(file: BinaryIO, request: Request) -> Preview:
    """The preview of a SAS dataset; runs in a worker."""
    from pandas.io.sas.sas7bdat import SAS7BDATReader

    limits = request.limits
    header = header_of(file.read(limits.head))
    file.seek(0)
    try:
        # Everything in bytes: a text that does not fit the encoding must not lose the others.
        reader = SAS7BDATReader(
            file, convert_dates=False, encoding=None, convert_text=False, convert_header_text=False, blank_missing=False
        )
    except (ValueError, OverflowError, IndexError, AttributeError) as error:
        raise PreviewError(f"a damaged SAS dataset: {error}") from error
    variables = reader.columns[: max(limits.columns, 1)]
    total = int(reader.row_count)
    row_length = max(int(getattr(reader, "row_length", 1)), 1)
    # Rows of many kilobytes are few, so that they cost no more than the head.
    rows = min(limits.rows, limits.cells // max(len(variables), 1), max(limits.head // row_length, 1))
    rows = min(max(rows, 1), total)
    try:
        frame = reader.read(rows) if rows else None
    except (ValueError, OverflowError, IndexError, TypeError, AssertionError) as error:
        raise PreviewError(f"a damaged SAS dataset: {error}") from error
    formats = _formats(reader.columns, header)[: len(variables)]
    columns = []
    values: list[list[Cell]] = []
    for index, (variable, format_) in enumerate(zip(variables, formats, strict=True)):
        is_number = variable.ctype == b"d"
        kind = format_kind(format_) if is_number else ""
        columns.append(
            Column(
                name=_short(_text(variable.name, header.codec), limits.cell) or f"column {index + 1}",
                type=(kind or "number") if is_number else "text",
                label=_short(_text(variable.label, header.codec), limits.cell),
                format=_short(format_, 80),
            )
        )
        found = [] if frame is None else frame.iloc[:, index].tolist()
        if is_number:
            values.append([number_cell(value, format_ if kind else "") for value in found])
        else:
            values.append([_short(_text(value, header.codec), limits.cell) or None for value in found])
    notices = []
    if rows < total:
        notices.append(f"first {rows:,} of {total:,} rows")
    if len(variables) < len(reader.columns):
        notices.append(f"first {len(variables):,} of {len(reader.columns):,} columns")
    if request.size is not None and request.size < header.size:
        notices.append(f"the file is cut off: it has {request.size:,} of {header.size:,} bytes")
    return Preview(
        kind="table",
        columns=tuple(columns),
        rows=tuple(zip(*values, strict=True)),
        notices=tuple(notices),
        total_rows=total,
        more=rows < total,
        format="sas7bdat",
        facts=tuple(_facts(header, bytes(reader.compression), row_length)),
    )


def _formats(variables: list[object], header: Header) -> list[str]:
    """The formats with their widths, where the header tells one for each variable."""
    names = [_text(getattr(variable, "format", b""), header.codec) for variable in variables]
    if len(header.widths) != len(names):
        return [format_text(name, 0, 0) for name in names]
    return [format_text(name, *widths) for name, widths in zip(names, header.widths, strict=True)]


def _facts(header: Header, compression: bytes, row_length: int) -> Iterator[tuple[str, str]]:
    for name, value in (("dataset", header.name), ("dataset label", header.label), ("encoding", header.encoding),
                        ("created", header.created), ("modified", header.modified)):  # fmt: skip
        if value:
            yield name, plain(value)
    yield "compression", _COMPRESSIONS.get(compression, "none")
    yield "page size", f"{header.page_size:,} bytes"
    yield "pages", f"{header.page_count:,}"
    yield "row length", f"{row_length:,} bytes"
    order = "little-endian" if header.is_little_endian else "big-endian"
    yield "written by", plain(f"SAS {header.release} {header.platform}, {header.bits} bits, {order}".replace("  ", " "))


def _text(value: object, codec: str) -> str:
    """A text of the file; empty where it is missing."""
    if isinstance(value, bytes):
        return value.rstrip(b" \0").decode(codec, errors="replace")
    return value if isinstance(value, str) else ""


def _short(text: str, width: int) -> str:
    return plain(text if len(text) <= width else f"{text[: max(width - 1, 0)]}…")
