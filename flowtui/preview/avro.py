"""Avro's object container files (https://avro.apache.org/docs/1.12.0/specification/): the schema and the first rows.

fastavro reads a file from its beginning, block by block. Its own dates and moments end at the year 9999 and at
microseconds, so the numbers are taken and written here.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from flowtui.errors import PreviewError
from flowtui.preview.arrow_times import date_text, interval_text, moment_text, time_text
from flowtui.preview.arrow_values import column_names, short
from flowtui.preview.bounded_file import BoundedFile, OverBudgetError
from flowtui.preview.limits import Limits, chosen_places
from flowtui.preview.plain_values import cell_of
from flowtui.preview.reasons import reason_of
from flowtui.preview.result import Cell, Column, Preview
from flowtui.preview.worker import Request

if TYPE_CHECKING:
    from flowtui.preview.subject import Subject

_BUFFER = 64 * 1024
_VALUE = "value"
"""Names the only column where the values are no records."""

_TYPES = {
    "boolean": "boolean", "int": "integer", "long": "integer", "float": "number", "double": "number",
    "date": "date", "decimal": "number", "big-decimal": "number",
    "time-millis": "time", "time-micros": "time",
    "timestamp-millis": "datetime", "timestamp-micros": "datetime", "timestamp-nanos": "datetime",
    "local-timestamp-millis": "datetime", "local-timestamp-micros": "datetime", "local-timestamp-nanos": "datetime",
}  # fmt: skip


def _logical(convert: Callable[[Any], str]) -> Callable[..., str]:
    def read(data: Any, writer_schema: Any = None, reader_schema: Any = None) -> str:
        return convert(data)

    return read


def _duration(value: bytes) -> str:
    months, days, milliseconds = struct.unpack("<III", value)
    return interval_text(months, days, milliseconds * 1_000_000)


_READERS: dict[str, Callable[..., str]] = {
    "int-date": _logical(date_text),
    "int-time-millis": _logical(lambda value: time_text(value, "ms")),
    "long-time-micros": _logical(lambda value: time_text(value, "us")),
    "fixed-duration": _logical(_duration),
    **{
        f"long-{prefix}timestamp-{name}": _logical(
            lambda value, unit=unit, zone=zone: moment_text(value, unit) + zone  # type: ignore[misc]
        )
        for prefix, zone in (("", "Z"), ("local-", ""))
        for name, unit in (("millis", "ms"), ("micros", "us"), ("nanos", "ns"))
    },
}
"""Readers in the place of fastavro's, by type and logical type."""


def accepts(subject: Subject) -> bool:
    """Files that begin like Avro's."""
    return subject.sniffed.magic == "avro"


async def show(subject: Subject) -> Preview:
    await subject.read_whole()
    return await subject.workers.show(table, subject)


def table(file: BinaryIO, request: Request) -> Preview:
    """The preview of an Avro file; runs in a worker."""
    import fastavro
    from fastavro.read import LOGICAL_READERS

    LOGICAL_READERS.update(_READERS)
    whole = request.size is not None
    source: BinaryIO = file
    if whole:
        source = io.BufferedReader(BoundedFile.of(file, request), buffer_size=_BUFFER)
    try:
        blocks = fastavro.block_reader(source)
        return _table(blocks, request)
    except OverBudgetError:
        raise PreviewError("an Avro file whose schema is larger than a preview may read") from None
    except (ValueError, TypeError, KeyError, IndexError, EOFError, StopIteration, OSError, ArithmeticError) as error:
        raise PreviewError(f"an Avro file that cannot be read: {reason_of(error)}") from error


def _table(blocks: Any, request: Request) -> Preview:
    limits = request.limits
    schema = blocks.writer_schema
    fields = schema["fields"] if isinstance(schema, dict) and schema.get("type") == "record" else None
    told: list[tuple[Any, Any, Any]] = [(_VALUE, schema, None)]
    if fields is not None:
        told = [(field["name"], field["type"], field.get("doc")) for field in fields]
    places = chosen_places([str(name) for name, _, _ in told], limits)
    rows = max(min(limits.rows, limits.cells // max(len(places), 1)), 1)
    found: list[tuple[Cell, ...]] = []
    total: int | None = 0
    problem = ""
    try:
        for block in blocks:
            total += block.num_records
            if len(found) < rows:
                for record in block:
                    values = [record[told[at][0]] for at in places] if fields is not None else [record]
                    found.append(tuple(cell_of(value, limits.cell) for value in values))
                    if len(found) >= rows:
                        break
            elif request.size is None or request.size > limits.whole:
                total = None
                break
    except OverBudgetError:
        total = None
    except (ValueError, TypeError, KeyError, IndexError, EOFError, OSError, ArithmeticError, struct.error) as error:
        total = None
        problem = f"it cannot be read further: {reason_of(error)}"
    notices = []
    if total is None or len(found) < total:
        notices.append(f"first {len(found):,} of {total:,} rows" if total is not None else f"first {len(found):,} rows")
    if len(places) < len(told) and not limits.wanted:
        notices.append(f"first {len(places):,} of {len(told):,} columns")
    if problem:
        notices.append(problem)
    return Preview(
        kind="table",
        columns=tuple(_column(*told[at], limits) for at in places),
        rows=tuple(found),
        notices=tuple(notices),
        total_rows=total,
        column_names=column_names([str(name) for name, _, _ in told], len(places), limits),
        more=(total is None or len(found) < total) and not problem,
        format="avro",
        facts=tuple(_facts(blocks, schema, limits)),
    )


def _column(name: Any, of: Any, doc: Any, limits: Limits) -> Column:
    type_, format_ = _type(of)
    return Column(
        short(str(name), limits.cell),
        type_,
        label=short(str(doc), limits.cell) if doc else "",
        format=short(format_, 80),
    )


def _type(of: Any) -> tuple[str, str]:
    """The type of a column in the words of :class:`Column`, and the words of Avro for it."""
    if isinstance(of, list):
        parts = [one for one in of if one != "null"]
        if len(parts) == 1:
            return _type(parts[0])
        return "text", " or ".join(_type(one)[1] for one in parts)
    if isinstance(of, dict):
        logical = of.get("logicalType")
        if isinstance(logical, str):
            digits = f"({of.get('precision')}, {of.get('scale', 0)})" if logical == "decimal" else ""
            return _TYPES.get(logical, "text"), f"{logical}{digits}"
        inner = of.get("type")
        return _TYPES.get(str(inner), "text"), str(of.get("name", inner)).rpartition(".")[2]
    return ("" if of == "null" else _TYPES.get(str(of), "text")), str(of)


def _facts(blocks: Any, schema: Any, limits: Limits) -> Iterator[tuple[str, str]]:
    yield "codec", short(str(blocks.codec), 40)
    if isinstance(schema, dict) and "name" in schema:
        yield "record", short(str(schema["name"]), limits.cell)
    for key, value in list(blocks.metadata.items())[:50]:
        if not str(key).startswith("avro."):
            yield short(str(key), 80), short(value if isinstance(value, str) else json.dumps(value, default=str), 500)
