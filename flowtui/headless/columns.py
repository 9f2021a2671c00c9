"""The columns of a previewed table that a command names."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace

from flowtui.errors import UsageError
from flowtui.preview.result import Preview
from flowtui.text import plain


def chosen(found: Preview, names: Sequence[str], file: str) -> Preview:
    """A preview of a table with the columns of these names only, in that order.

    Args:
        names: as the file has them; in other case where that is meant without doubt. Columns that share a name come
            all.
        file: the name of the file, for the error.

    Raises:
        UsageError: the preview is no table, or has no such column.
    """
    if found.kind != "table":
        raise UsageError(
            f"{plain(file)} is shown as {'an image' if found.kind == 'image' else found.kind}: it has no columns.",
            "Leave --columns out.",
        )
    # Of many columns only those are there that were asked for, and none of these where one of them is wrong.
    known = {plain(name).casefold() for name in found.column_names}
    wrong = [name for name in names if known and plain(name).casefold() not in known]
    places = [place for name in wrong or names for place in _places(found, name, file)]
    return replace(
        found,
        columns=tuple(found.columns[place] for place in places),
        rows=tuple(tuple(row[place] for place in places) for row in found.rows),
    )


def _places(found: Preview, name: str, file: str) -> list[int]:
    wanted = plain(name)
    shown = [column.name for column in found.columns]
    exact = [place for place, one in enumerate(shown) if one == wanted]
    if exact:
        return exact
    alike = [place for place, one in enumerate(shown) if one.casefold() == wanted.casefold()]
    if len(alike) == 1:
        return alike
    known = list(found.column_names) or shown
    folded = {one.casefold(): one for one in reversed(known)}
    near = [shown[place] for place in alike]
    near = near or [folded[one] for one in difflib.get_close_matches(wanted.casefold(), folded, n=3)]
    hint = f"Did you mean {' or '.join(near)}?" if near else f"It has {_some(known)}."
    raise UsageError(f"{plain(file)} has no column {wanted!r}.", hint)


def _some(names: Sequence[str], most: int = 20) -> str:
    listed = ", ".join(names[:most])
    return f"{listed} and {len(names) - most:,} more" if len(names) > most else listed
