"""Datasets of SPSS (sav, zsav) and Stata (dta): the first rows with labels, formats and dates."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, BinaryIO

from flowtui.errors import PreviewError
from flowtui.preview.limits import Limits
from flowtui.preview.result import Cell, Column, Preview
from flowtui.preview.worker import Request
from flowtui.text import plain

if TYPE_CHECKING:
    from flowtui.preview.subject import Subject

_ENCRYPTED = b"ENCRYPTED"
_MOST_EXACT = 1 << 53
_BLANK = ("", "NaT", "NaN")


def accepts(subject: Subject) -> bool:
    """Files that begin like a dataset of SPSS or Stata; those of Stata before version 13 by their name."""
    sniffed = subject.sniffed
    if sniffed.magic:
        return sniffed.magic in ("sav", "dta")
    is_old = sniffed.is_any("dta") and subject.head[:1] in (
        b"\x69",
        b"\x6c",
        b"\x6e",
        b"\x6f",
        b"\x71",
        b"\x72",
        b"\x73",
    )
    return is_old or (sniffed.is_any("sav", "zsav") and subject.head.startswith(_ENCRYPTED))


async def show(subject: Subject) -> Preview:
    if subject.head.startswith(_ENCRYPTED):
        raise PreviewError("an encrypted SPSS dataset: it can be read with its password only")
    return await subject.workers.show(spss if subject.sniffed.magic == "sav" else stata, subject)


def spss(file: BinaryIO, request: Request) -> Preview:
    """The preview of a dataset of SPSS; runs in a worker."""
    import pyreadstat

    limits = request.limits
    try:
        # With a limit of rows the reader takes that for their number.
        _, whole = pyreadstat.read_sav(file, metadataonly=True)
        rows = _rows(limits, len(whole.column_names), whole.number_rows)
        file.seek(0)
        data, _ = pyreadstat.read_sav(file, row_limit=rows, output_format="dict")
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, ValueError, OverflowError, TypeError) as error:
        raise PreviewError(f"a damaged SPSS dataset: {error}") from error
    formats = [str(whole.original_variable_types.get(name) or "") for name in whole.column_names]
    facts = [("dataset label", whole.file_label), ("encoding", whole.file_encoding)]
    facts += [("created", _moment(whole.creation_time)), ("modified", _moment(whole.modification_time))]
    values = [data[name] for name in whole.column_names[: max(limits.columns, 1)]]
    return _table("sav", whole.column_names, whole.column_labels, formats, values, whole.number_rows, facts, limits)


def stata(file: BinaryIO, request: Request) -> Preview:
    """The preview of a dataset of Stata; runs in a worker."""
    import pandas
    from pandas.io.stata import StataReader

    limits = request.limits
    try:
        with StataReader(file, convert_categoricals=False, preserve_dtypes=True) as reader:
            labels = reader.variable_labels()
            total = getattr(reader, "_nobs", None)
            rows = _rows(limits, len(labels), total)
            try:
                frame = reader.read(rows)
            except (OverflowError, pandas.errors.OutOfBoundsDatetime):
                frame = reader.read(rows, convert_dates=False)
            formats = [str(one) for one in getattr(reader, "_fmtlist", [])]
            facts = [("dataset label", reader.data_label), ("created", reader.time_stamp)]
            version = getattr(reader, "_format_version", "")
            encoding = getattr(reader, "_encoding", "")
    except (ValueError, OverflowError, IndexError, KeyError, UnicodeError) as error:
        raise PreviewError(f"a damaged Stata dataset: {error}") from error
    facts += [("encoding", str(encoding)), ("format version", str(version))]
    values = [frame.iloc[:, index].tolist() for index in range(min(len(labels), max(limits.columns, 1)))]
    return _table("dta", list(labels), list(labels.values()), formats, values, total, facts, limits)


def _rows(limits: Limits, columns: int, total: int | None) -> int:
    rows = max(min(limits.rows, limits.cells // max(min(columns, limits.columns), 1)), 1)
    return rows if total is None else min(rows, max(total, 1))


def _table(
    format_: str,
    names: Sequence[str],
    labels: Sequence[str | None],
    formats: Sequence[str],
    values: Sequence[Iterable[Any]],
    total: int | None,
    facts: Iterable[tuple[str, str | None]],
    limits: Limits,
) -> Preview:
    cells = [[_cell(value, limits.cell) for value in column] for column in values]
    columns = []
    for index, column in enumerate(cells):
        kind = _kind(values[index], formats[index] if index < len(formats) else "")
        if kind == "date":
            cells[index] = column = [one[:10] if isinstance(one, str) else one for one in column]
        label = labels[index] if index < len(labels) else ""
        columns.append(
            Column(
                _short(names[index], limits.cell),
                kind,
                _short(label or "", limits.cell),
                _short(formats[index] if index < len(formats) else "", 80),
            )
        )
    rows = tuple(zip(*cells, strict=True))
    notices = []
    if total is None or len(rows) < total:
        notices.append(f"first {len(rows):,} of {total:,} rows" if total is not None else f"first {len(rows):,} rows")
    if len(columns) < len(names):
        notices.append(f"first {len(columns):,} of {len(names):,} columns")
    return Preview(
        kind="table",
        columns=tuple(columns),
        rows=rows,
        notices=tuple(notices),
        total_rows=total,
        more=total is None or len(rows) < total,
        format=format_,
        facts=tuple((name, _short(str(value), limits.cell)) for name, value in facts if value),
    )


def _kind(values: Iterable[Any], format_: str) -> str:
    if format_.startswith(("%td", "%d")):
        return "date"
    for value in values:
        if value is None or (isinstance(value, float) and math.isnan(value)) or str(value) in _BLANK:
            continue
        for name, types in (("text", str | bytes), ("boolean", bool), ("integer", int), ("number", float),
                            ("datetime", datetime), ("date", date), ("time", time)):  # fmt: skip
            if isinstance(value, types):
                return name
        return "text"
    return ""


def _cell(value: Any, width: int) -> Cell:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() and abs(value) < _MOST_EXACT else float(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, datetime):
        text = str(value)
        return None if text == "NaT" else text
    if isinstance(value, date | time | timedelta):
        return str(value)
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return None if text in _BLANK else _short(text.rstrip(), width)


def _moment(value: datetime | None) -> str:
    return value.isoformat(sep=" ") if isinstance(value, datetime) and value.year > 1960 else ""


def _short(text: str, width: int) -> str:
    return plain(text if len(text) <= width else f"{text[: max(width - 1, 0)]}…")
