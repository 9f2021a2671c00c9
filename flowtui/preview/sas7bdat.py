"""SAS datasets: the first rows, with labels, formats and dates, from the first pages.

Rows that were deleted in place are left out, which pandas and ReadStat show; special missing values keep their letter.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from flowtui.errors import PreviewError
from flowtui.preview.number_cells import number_cells
from flowtui.preview.result import MOST_VALUE_LABELS, Cell, Column, Preview
from flowtui.preview.sas7bcat import Labels, labels_of, name_of
from flowtui.preview.sas7bdat_header import Header, header_of
from flowtui.preview.sas7bdat_metadata import Metadata, Variable
from flowtui.preview.sas7bdat_reading import Beginning, beginning_of
from flowtui.preview.sas7bdat_rows import numbers_of, texts_of
from flowtui.preview.sas_encodings import Fault
from flowtui.preview.sas_values import format_kind, formatted, language_notice
from flowtui.preview.special_missing import SpecialMissing, missing_order
from flowtui.text import cut, plain

if TYPE_CHECKING:
    from flowtui.preview.subject import Subject


def accepts(subject: Subject) -> bool:
    """Files that begin like a SAS dataset or are called one."""
    return subject.sniffed.magic == "sas7bdat" or subject.sniffed.is_any("sas7bdat")


async def show(subject: Subject) -> Preview:
    if subject.sniffed.magic != "sas7bdat":
        raise PreviewError("named a SAS dataset but does not begin like one: it is encrypted, or something else")
    header = header_of(subject.head)
    beginning = await beginning_of(subject, header)
    found = await asyncio.to_thread(_preview, subject, header, beginning)
    labels, notices = await labels_of(subject.siblings, [one.format for one in found.columns], subject.limits.whole)
    return _labelled(found, labels, notices, subject.limits.cell)


def _labelled(found: Preview, labels: Labels, notices: Sequence[str], width: int) -> Preview:
    """A preview with the labels of its values."""
    columns = []
    for column in found.columns:
        pairs = labels.get(name_of(column.format), ())[:MOST_VALUE_LABELS]
        told = tuple((cut(one, width), cut(two, width)) for one, two in pairs)
        columns.append(replace(column, value_labels=told) if told else column)
        if len(labels.get(name_of(column.format), ())) > MOST_VALUE_LABELS:
            notices = [*notices, f"{column.name}: only the first {MOST_VALUE_LABELS:,} labels of its values are kept"]
    if notice := language_notice(column.format for column in columns):
        notices = [*notices, notice]
    number = sum(bool(column.value_labels) for column in columns)
    facts = (("value labels", f"of {number:,} column{'' if number == 1 else 's'}"),) if number else ()
    return replace(found, columns=tuple(columns), facts=(*found.facts, *facts), notices=(*found.notices, *notices))


def _preview(subject: Subject, header: Header, beginning: Beginning) -> Preview:
    limits, metadata, rows = subject.limits, beginning.metadata, beginning.rows
    variables = metadata.variables(max(limits.columns, 1))
    faults = Counter(fault for variable in variables for fault in variable.faults)
    special: Counter[SpecialMissing] = Counter()
    columns: list[Column] = []
    values: list[list[Cell]] = []
    for index, variable in enumerate(variables):
        column = _column(variable, index + 1, limits.cell)
        columns.append(column)
        if variable.is_number:
            numbers = numbers_of(variable, rows, metadata.row_length, header)
            values.append(_number_cells(numbers, column, special))
        else:
            texts = texts_of(variable, rows, metadata.row_length)
            values.append(_text_cells(texts, header, limits.cell, faults))
    total = metadata.row_count - metadata.deleted_count
    is_cut = subject.size is not None and subject.size < header.size
    said, total = total, rows.count if variables and beginning.is_ended and not is_cut else total
    return Preview(
        kind="table",
        columns=tuple(columns),
        rows=tuple(zip(*values, strict=True)),
        notices=tuple(_notices(subject, header, beginning, len(variables), said, faults, special)),
        total_rows=total,
        more=rows.count < total and bool(variables) and not beginning.is_ended and not rows.is_damaged,
        format="sas7bdat",
        facts=tuple(_facts(header, metadata)),
    )


def _column(variable: Variable, number: int, width: int) -> Column:
    kind = (format_kind(variable.format) or "number") if variable.is_number else "text"
    name = cut(variable.name, width) or f"column {number}"
    return Column(name, kind, cut(variable.label, width), cut(variable.format, 80))


def _number_cells(
    values: Sequence[float | SpecialMissing | None], column: Column, special: Counter[SpecialMissing]
) -> list[Cell]:
    """Numbers as their format prints them, each printed once; ``special`` counts the special missing values."""
    each = list(dict.fromkeys(values))
    cells = dict(
        zip(each, number_cells(each, column.format, None if column.type == "number" else formatted), strict=True)
    )
    if any(isinstance(value, SpecialMissing) for value in each):
        special.update(value for value in values if isinstance(value, SpecialMissing))
    return [cells[value] for value in values]


def _text_cells(values: Sequence[bytes], header: Header, width: int, faults: Counter[Fault]) -> list[Cell]:
    """Texts, each decoded once; ``faults`` counts what befell them."""
    cells: dict[bytes, Cell] = {}
    faulty: dict[bytes, Fault] = {}
    for value in set(values):
        text, fault = header.encoding.decode(value)
        cells[value] = cut(text, width) or None
        if fault:
            faulty[value] = fault
    if faulty:
        faults.update(faulty[value] for value in values if value in faulty)
    return [cells[value] for value in values]


def _notices(
    subject: Subject,
    header: Header,
    beginning: Beginning,
    shown: int,
    total: int,
    faults: Counter[Fault],
    special: Counter[SpecialMissing],
) -> Iterator[str]:
    metadata, rows = beginning.metadata, beginning.rows
    size, encoding = subject.size, header.encoding
    count = metadata.column_count or 0
    if not count:
        yield f"a dataset without variables, of {total:,} row{'' if total == 1 else 's'}"
    elif rows.count < total and not beginning.is_ended:
        yield f"first {rows.count:,} of {total:,} rows"
    if shown < count:
        if shown < max(subject.limits.columns, 1):
            yield f"only {shown:,} of {count:,} columns are described in the pages that were read"
        else:
            yield f"first {shown:,} of {count:,} columns"
    if size is not None and size < header.size:
        yield f"the file is cut off: it has {size:,} of {header.size:,} bytes"
    if rows.is_damaged:
        yield f"row {rows.count + 1:,} is damaged: no row from there on can be shown"
    elif count and beginning.is_ended and rows.count != total and not (size is not None and size < header.size):
        yield f"its pages have {rows.count:,} rows, not {total:,} as the dataset says"
    if metadata.deleted_count:
        are = "row was" if metadata.deleted_count == 1 else "rows were"
        yield f"{metadata.deleted_count:,} {are} deleted in place, and not shown"
    if rows.is_unsure:
        yield "which rows were deleted in place cannot be told of a page: they are shown"
    if metadata.missing_texts:
        yield "some names, labels or formats are not known: they lie in pages that were not read"
    if faults["windows"]:
        yield f"{_texts(faults['windows'])} bytes that {encoding.name} does not have: read as {encoding.windows}"
    if faults["utf-8"]:
        have = "1 text reads" if faults["utf-8"] == 1 else f"{faults['utf-8']:,} texts read"
        yield f"{have} as UTF-8: the dataset may be wrong to say {encoding.name}, in which they are shown"
    if faults["lost"] and encoding.codec:
        yield f"{_texts(faults['lost'])} bytes that are no {encoding.name}: shown as \ufffd"
    elif faults["lost"]:
        yield f"{_texts(faults['lost'])} more than ASCII in {encoding.name}, which is not known here: shown as \ufffd"
    if special:
        told = ", ".join(f"{special[one]:,} {one}" for one in sorted(special, key=missing_order))
        yield f"special missing values in these rows: {told}"


def _texts(number: int) -> str:
    return "1 text has" if number == 1 else f"{number:,} texts have"


def _facts(header: Header, metadata: Metadata) -> Iterator[tuple[str, str]]:
    for name, value in (("dataset", header.name), ("dataset label", metadata.label),
                        ("encoding", header.encoding.name), ("created", header.created),
                        ("modified", header.modified)):  # fmt: skip
        if value:
            yield name, plain(value)
    compression = metadata.compression
    yield "compression", compression[0] if compression else "none"
    if metadata.deleted_count:
        yield "deleted rows", f"{metadata.deleted_count:,}"
    yield "page size", f"{header.page_size:,} bytes"
    yield "pages", f"{header.page_count:,}"
    yield "row length", f"{metadata.row_length:,} bytes"
    order = "little-endian" if header.is_little_endian else "big-endian"
    yield "written by", plain(f"SAS {header.release} {header.platform}, {header.bits} bits, {order}".replace("  ", " "))
