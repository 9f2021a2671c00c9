"""Tables for comparisons, as a previewer gives them."""

from __future__ import annotations

from collections.abc import Sequence

from flowtui.preview.result import Cell, Column, Preview


def table_of(columns: str | Sequence[Column], rows: Sequence[Sequence[Cell]], *, total: int | None = -1) -> Preview:
    """A table; ``USUBJID:text AGE:integer`` names columns with types. ``total`` is the number of rows unless given."""
    if isinstance(columns, str):
        columns = [Column(*word.split(":")) for word in columns.split()]
    return Preview(
        kind="table",
        columns=tuple(columns),
        rows=tuple(map(tuple, rows)),
        total_rows=len(rows) if total == -1 else total,
        format="csv",
    )
