"""The table of a dataset of SPSS or Stata: the values of its variables as cells, with labels, formats and facts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flowtui.preview.limits import Limits
from flowtui.preview.result import Cell, Column, Preview
from flowtui.text import cut


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable.

    Attributes:
        type: as ``Column.type`` says; format: as its program writes it.
        cells: its values in the rows that were read.
        missing_values: those that count as missing, as texts.
    """

    name: str
    type: str
    cells: Sequence[Cell]
    label: str = ""
    format: str = ""
    missing_values: tuple[str, ...] = ()


def rows_to_read(limits: Limits, columns: int, total: int | None) -> int:
    """How many rows the limits allow, at least one."""
    rows = max(min(limits.rows, limits.cells // max(min(columns, limits.columns), 1)), 1)
    return rows if total is None else min(rows, max(total, 1))


def dataset_table(
    format_: str,
    variables: Sequence[Variable],
    column_count: int,
    total: int | None,
    facts: Iterable[tuple[str, str | None]],
    limits: Limits,
    notices: Iterable[str] = (),
) -> Preview:
    """The preview of a dataset.

    Args:
        variables: those to show; column_count: of all.
        total: rows of the whole file, None where that is not known.
    """
    columns = tuple(
        Column(
            cut(one.name, limits.cell), one.type, cut(one.label, limits.cell), cut(one.format, 80),
            missing_values=tuple(cut(text, limits.cell) for text in one.missing_values),
        )
        for one in variables
    )  # fmt: skip
    rows = tuple(zip(*(one.cells for one in variables), strict=True))
    said = []
    if total is None or len(rows) < total:
        said.append(f"first {len(rows):,} of {total:,} rows" if total is not None else f"first {len(rows):,} rows")
    if len(columns) < column_count:
        said.append(f"first {len(columns):,} of {column_count:,} columns")
    return Preview(
        kind="table",
        columns=columns,
        rows=rows,
        notices=(*said, *notices),
        total_rows=total,
        more=total is None or len(rows) < total,
        format=format_,
        facts=tuple((name, cut(str(value), limits.cell)) for name, value in facts if value),
    )


def text_cell(value: Any, width: int) -> Cell:
    """A text without the blanks that fill it; None where it is empty."""
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return cut(text.rstrip(), width) or None
