"""Datasets of SPSS (sav, zsav, por): the first rows with labels, formats, dates and user-missing values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, BinaryIO

from flowtui.errors import PreviewError
from flowtui.preview.dataset_table import Variable, dataset_table, rows_to_read, text_cell
from flowtui.preview.limits import Limits
from flowtui.preview.number_cells import number_cells
from flowtui.preview.result import Cell, Preview
from flowtui.preview.special_missing import UserMissing
from flowtui.preview.spss_formats import format_kind, formatted
from flowtui.preview.worker import Request
from flowtui.text import plain

_MOST_TOLD = 5
_FARTHEST = 1e300
"""Numbers beyond are the lowest and the highest that a range of missing values may begin and end with."""


def sav(file: BinaryIO, request: Request) -> Preview:
    """The preview of a dataset; runs in a worker."""
    import pyreadstat

    limits = request.limits
    try:
        # With a limit of rows the reader takes that for their number.
        _, whole = pyreadstat.read_sav(file, metadataonly=True)
        rows = rows_to_read(limits, len(whole.column_names), whole.number_rows)
        file.seek(0)
        # Numbers stay numbers: pyreadstat takes times modulo a day, and dates beyond Python's cost the file.
        data, meta = pyreadstat.read_sav(
            file, row_limit=rows, output_format="dict", user_missing=True, disable_datetime_conversion=True
        )
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, ValueError, OverflowError, TypeError) as error:
        raise PreviewError(f"a damaged SPSS dataset: {error}") from error
    return _preview("sav", data, meta, whole.number_rows, limits)


def por(file: BinaryIO, request: Request) -> Preview:
    """The preview of a portable file, which does not say how many rows it has; runs in a worker."""
    import pyreadstat

    limits = request.limits
    try:
        _, whole = pyreadstat.read_por(file, metadataonly=True)
        rows = rows_to_read(limits, len(whole.column_names), None)
        file.seek(0)
        # One more row tells whether there are more.
        data, meta, notices = _portable(file, rows + 1)
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, ValueError, OverflowError, TypeError) as error:
        raise PreviewError(f"a damaged SPSS portable file: {error}") from error
    found = max((len(values) for values in data.values()), default=0)
    data = {name: values[:rows] for name, values in data.items()}
    return _preview("por", data, meta, None if found > rows else found, limits, notices)


def _portable(file: BinaryIO, rows: int) -> tuple[dict[str, list[Any]], Any, list[str]]:
    """Values by variable, metadata and notices. pyreadstat's function for portable files leaves user-missing values out
    without a word; what it calls for all formats does not."""
    import pyreadstat
    import pyreadstat.pyreadstat as functions

    options: dict[str, Any] = {"row_limit": rows, "output_format": "dict", "disable_datetime_conversion": True}
    read = getattr(functions, "parser_entry_point", None)
    if read is not None:
        data, meta = read(file, parser_format="por", user_missing=True, **options)
        return dict(data), meta, []
    data, meta = pyreadstat.read_por(file, **options)
    return dict(data), meta, ["values that count as missing are blank: this version of pyreadstat leaves them out"]


def _preview(
    format_: str,
    data: Mapping[str, Sequence[Any]],
    meta: Any,
    total: int | None,
    limits: Limits,
    notices: Sequence[str] = (),
) -> Preview:
    names = list(meta.column_names)
    formats = meta.original_variable_types or {}
    variables = []
    told: list[str] = []
    for name, label in list(zip(names, meta.column_labels, strict=True))[: max(limits.columns, 1)]:
        ranges = (meta.missing_ranges or {}).get(name) or []
        variable = _variable(name, str(formats.get(name) or ""), data[name], ranges, limits)
        missing = variable.missing_values
        if missing:
            labels = (meta.variable_value_labels or {}).get(name) or {}
            told.append(f"{plain(name)} {', '.join(_with_label(one, labels) for one in missing)}")
        variables.append(
            Variable(
                variable.name, variable.type or _type(meta, name), variable.cells, label or "", variable.format, missing
            )
        )
    facts = [("dataset label", meta.file_label), ("encoding", meta.file_encoding)]
    facts += [("created", _moment(meta.creation_time)), ("modified", _moment(meta.modification_time))]
    notices = list(notices)
    if told:
        more = f"; and those of {len(told) - _MOST_TOLD:,} more" if len(told) > _MOST_TOLD else ""
        notices.append(f"values that count as missing: {'; '.join(told[:_MOST_TOLD])}{more}")
    return dataset_table(format_, variables, len(names), total, facts, limits, notices)


def _variable(
    name: str, format_: str, values: Sequence[Any], ranges: Sequence[Mapping[str, Any]], limits: Limits
) -> Variable:
    kind = format_kind(format_)
    how = formatted if kind else None
    cells: list[Cell]
    if any(isinstance(value, str) for value in values):
        cells = [None if value is None else text_cell(value, limits.cell) for value in values]
    else:
        cells = number_cells(values, format_, how)
    is_missing = _missing_test(ranges)
    if is_missing is not None:
        cells = [
            cell if cell is None or not is_missing(value) else UserMissing(cell)  # type: ignore[arg-type]
            for value, cell in zip(values, cells, strict=True)
        ]
    texts = tuple(_range_text(one, lambda value: str(number_cells([value], format_, how)[0])) for one in ranges)
    return Variable(name, kind, cells, "", format_, texts)


def _type(meta: Any, name: str) -> str:
    return "text" if (meta.readstat_variable_types or {}).get(name) == "string" else "number"


def _missing_test(ranges: Sequence[Mapping[str, Any]]) -> Callable[[Any], bool] | None:
    """Tells whether a value counts as missing; None where none does."""
    if not ranges:
        return None
    texts = {one["lo"].rstrip() for one in ranges if isinstance(one["lo"], str)}
    spans = [(one["lo"], one["hi"]) for one in ranges if not isinstance(one["lo"], str)]

    def test(value: Any) -> bool:
        if isinstance(value, str):
            return value.rstrip() in texts
        return any(low <= value <= high for low, high in spans)

    return test


def _range_text(one: Mapping[str, Any], shown: Callable[[float], str]) -> str:
    low, high = one["lo"], one["hi"]
    if isinstance(low, str):
        return plain(low.rstrip())
    if low == high:
        return shown(low)
    ends = (
        "lowest" if low < -_FARTHEST or math.isnan(low) else shown(low),
        "highest" if high > _FARTHEST or math.isnan(high) else shown(high),
    )
    return " to ".join(ends)


def _with_label(text: str, labels: Mapping[Any, str]) -> str:
    for value, label in labels.items():
        same = value.rstrip() if isinstance(value, str) else str(number_cells([value], "", None)[0])
        if same == text and label:
            return f'{text} "{plain(label)}"'
    return text


def _moment(value: datetime | None) -> str:
    return value.isoformat(sep=" ") if isinstance(value, datetime) and value.year > 1960 else ""
