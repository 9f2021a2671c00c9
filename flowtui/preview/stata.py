"""Datasets of Stata (dta): the first rows with labels, formats, dates, periods and special missing values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, BinaryIO

from flowtui.errors import PreviewError
from flowtui.preview.dataset_table import Variable, dataset_table, rows_to_read, text_cell
from flowtui.preview.number_cells import number_cells
from flowtui.preview.result import Preview
from flowtui.preview.special_missing import SpecialMissing
from flowtui.preview.stata_formats import format_kind, formatted
from flowtui.preview.worker import Request

_INTEGERS = ("b", "h", "l", "i1", "i2", "i4")
_BUSINESS = "%tb"


def dta(file: BinaryIO, request: Request) -> Preview:
    """The preview of a dataset; runs in a worker."""
    notices: list[str] = []
    try:
        found = _read(file, request, with_letters=True)
    except (KeyError, ValueError, OverflowError, IndexError, UnicodeError):
        # pandas knows the missing values of Stata only: an infinite number costs it the file.
        file.seek(0)
        try:
            found = _read(file, request, with_letters=False)
        except (ValueError, OverflowError, IndexError, KeyError, UnicodeError) as error:
            raise PreviewError(f"a damaged Stata dataset: {error}") from error
        notices.append("special missing values (.a to .z) could not be told from others in this file")
    labels, formats, types, values, total, facts = found
    variables = [
        _variable(name, label, formats[at], types[at], values[at], request.limits.cell)
        for at, (name, label) in enumerate(list(labels.items())[: len(values)])
    ]
    if any(one.format.lstrip("%-").startswith("tb") for one in variables):
        notices.append(
            f"dates of a business calendar ({_BUSINESS}) are shown as numbers: the calendar is not in the file"
        )
    return dataset_table("dta", variables, len(labels), total, facts, request.limits, notices)


def _read(
    file: BinaryIO, request: Request, *, with_letters: bool
) -> tuple[dict[str, str], list[str], list[str], list[list[Any]], int | None, list[tuple[str, str | None]]]:
    """Labels by name, formats, storage types, values by column, the number of rows, and facts."""
    from pandas.io.stata import StataReader

    limits = request.limits
    with StataReader(file, convert_categoricals=False, convert_dates=False, preserve_dtypes=True) as reader:
        labels = reader.variable_labels()
        total = getattr(reader, "_nobs", None)
        frame = reader.read(rows_to_read(limits, len(labels), total), convert_missing=with_letters)
        shown = min(len(labels), max(limits.columns, 1))
        formats = _texts(getattr(reader, "_fmtlist", []), shown)
        types = _texts(getattr(reader, "_typlist", []), shown)
        facts = [
            ("dataset label", reader.data_label), ("created", reader.time_stamp),
            ("encoding", str(getattr(reader, "_encoding", ""))),
            ("format version", str(getattr(reader, "_format_version", ""))),
        ]  # fmt: skip
    values = [frame.iloc[:, at].tolist() for at in range(shown)]
    return labels, formats, types, values, total, facts


def _texts(values: Sequence[Any], count: int) -> list[str]:
    return [str(one) for one in values[:count]] + [""] * (count - len(values))


def _variable(name: str, label: str, format_: str, type_: str, values: Sequence[Any], width: int) -> Variable:
    kind = format_kind(format_)
    how = formatted if kind else None
    if type_.isdecimal() or type_ == "Q" or any(isinstance(value, str | bytes) for value in values):
        texts = [None if _is_nothing(value) else text_cell(value, width) for value in values]
        return Variable(name, "text", texts, label, format_)
    numbers = [_letter(value) if hasattr(value, "string") else value for value in values]
    is_integer = type_ in _INTEGERS or any(isinstance(value, int) for value in numbers)
    return Variable(
        name, kind or ("integer" if is_integer else "number"), number_cells(numbers, format_, how), label, format_
    )


def _letter(value: Any) -> SpecialMissing | None:
    """A missing value of pandas, ``.a`` or ``.``."""
    letter = str(value.string).removeprefix(".")
    return SpecialMissing(letter) if letter else None


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
