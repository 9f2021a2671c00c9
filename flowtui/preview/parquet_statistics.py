"""Missing values, least and largest value of the columns of a Parquet file, as its footer tells them."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from flowtui.preview.arrow_forms import BYTES, TEXT, Form
from flowtui.preview.arrow_values import stat_cell
from flowtui.preview.limits import Limits

if TYPE_CHECKING:
    import pyarrow as pa

    from flowtui.preview.parquet_schema import ParquetField

_MOST_STATISTICS = 50_000


def statistics(
    metadata: Any, fields: Sequence[tuple[ParquetField, Form]], limits: Limits, *, has_infinity: bool
) -> Iterator[tuple[int, dict[str, Any]]]:
    """By the place of each field what all row groups tell of it; fields that would cost too much are left out.

    Args:
        metadata: pyarrow's, of the file.
        fields: with the form of each.
        has_infinity: as of :func:`flowtui.preview.arrow_times.temporal_texts`.
    """
    left = _MOST_STATISTICS
    groups = [metadata.row_group(at) for at in range(min(metadata.num_row_groups, left))]
    for at, (told, form) in enumerate(fields):
        left -= max(len(groups), 1)
        if left < 0:
            return
        if len(told.leaves) != 1 or told.field.type.num_fields or told.is_encrypted:
            yield at, {}
            continue
        yield at, _of_field(groups, told, form, limits.cell, has_infinity)


def _of_field(groups: list[Any], told: ParquetField, form: Form, width: int, has_infinity: bool) -> dict[str, Any]:
    of = told.field.type
    take = _taken(of, form)
    nulls: int | None = 0
    least: list[Any] | None = []
    most: list[Any] | None = []
    for group in groups:
        try:
            found = group.column(told.leaves[0]).statistics
            nulls = None if nulls is None or not found or not found.has_null_count else nulls + found.null_count
            if found is None or not (found.has_min_max or found.null_count == found.num_values == 0):
                if not (found and found.has_null_count and found.null_count == group.num_rows):
                    least = most = None
            elif least is not None and most is not None and found.has_min_max:
                smallest, largest = take(found)
                least.append(smallest)
                most.append(largest)
        # What a foreign writer left there may be nonsense.
        except (OSError, ValueError, OverflowError, NotImplementedError, AttributeError, struct.error, TypeError):
            nulls = least = most = None
        if nulls is None and least is None:
            break
    known: dict[str, Any] = {"nulls": nulls}
    if form.kind and form.kind not in (TEXT,) and not _has_order(form):
        return known
    try:
        known["least"] = stat_cell(min(least), of, width, form, has_infinity=has_infinity) if least else None
        known["most"] = stat_cell(max(most), of, width, form, has_infinity=has_infinity) if most else None
    except TypeError:
        known = {"nulls": nulls}
    return known


def _has_order(form: Form) -> bool:
    """Whether the least of the bytes that are stored is the least of what they mean."""
    return form.kind in (TEXT, BYTES) or form.kind.startswith(
        ("arrow.uuid", "arrow.bool8", "arrow.json", "pandas.period")
    )


def _taken(of: pa.DataType, form: Form) -> Any:
    """Takes the least and the largest value of a column's statistics in a form that can be compared and shown."""
    import pyarrow as pa
    import pyarrow.types as types

    if isinstance(of, pa.BaseExtensionType):
        of = of.storage_type
    if types.is_float16(of):
        return lambda found: tuple(struct.unpack("<e", raw)[0] for raw in (found.min_raw, found.max_raw))
    if types.is_temporal(of):
        # Python's dates and times end at the year 9999 and at microseconds.
        return lambda found: (_integer(found.min_raw), _integer(found.max_raw))
    return lambda found: (found.min, found.max)


def _integer(raw: Any) -> int:
    if not isinstance(raw, int):
        raise TypeError("no whole number")
    return raw
