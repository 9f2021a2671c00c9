"""How much of a file a preview reads and shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flowtui.text import plain

_MOST_HEAD = 16 * 1024 * 1024
_MOST_ROWS = 100_000
_ROW_BYTES = 1024
_ROW_CELLS = 50


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one preview.

    Attributes:
        head: bytes read from the beginning of a file.
        whole: files up to this many bytes are read to their end where that tells more (row counts, valid JSON).
        rows: rows of a table.
        columns: columns of a table.
        cells: rows times columns; a wide table shows fewer rows.
        cell: characters of a cell.
        lines: lines of a text or hex dump.
        line: characters of a line.
        nodes: nodes of a tree.
        depth: levels of a tree.
        page: the page or sheet to show, from 1, in formats that have them.
        pixels: width and height of a picture at most.
        delimiter: what parts the fields of delimited text; empty to find it out.
        quote: its quotation mark, empty for none; None to find it out.
        skip: its lines before the table; None to find it out.
        from_end: text is shown from its end, as the last lines of a log say most.
        wanted: names of the columns to show, of tables that can be read by columns; none for the first ones.
    """

    head: int = 256 * 1024
    whole: int = 2 * 1024 * 1024
    rows: int = 100
    columns: int = 500
    cells: int = 200_000
    cell: int = 500
    lines: int = 1000
    line: int = 2000
    nodes: int = 5000
    depth: int = 100
    page: int = 1
    pixels: int = 1024
    from_end: bool = False
    wanted: tuple[str, ...] = ()
    delimiter: str = ""
    quote: str | None = None
    skip: int | None = None

    @property
    def has_dialect(self) -> bool:
        """True where the person said how delimited text is laid out."""
        return bool(self.delimiter) or self.quote is not None or self.skip is not None

    @property
    def can_grow(self) -> bool:
        """True while :meth:`more` gives larger limits."""
        return self.head < _MOST_HEAD

    def for_rows(self, rows: int) -> Limits:
        """Limits that show so many rows or lines, up to 100,000, as far as 16 MB of the file hold them."""
        rows = min(max(rows, 0), _MOST_ROWS)
        head = min(max(self.head, rows * _ROW_BYTES), _MOST_HEAD)
        cells = max(self.cells, rows * _ROW_CELLS)
        return replace(self, head=head, whole=max(self.whole, head), rows=rows, lines=rows, cells=cells)

    def more(self) -> Limits:
        """Limits for a further look at the same file: four times as much, up to 16 MB and 100,000 rows or lines."""
        head = min(self.head * 4, _MOST_HEAD)
        return replace(
            self,
            head=head,
            whole=max(self.whole, head),
            rows=min(self.rows * 4, _MOST_ROWS),
            cells=self.cells * 4,
            lines=min(self.lines * 4, _MOST_ROWS),
            nodes=min(self.nodes * 4, _MOST_ROWS),
        )

    def more_bytes(self) -> Limits:
        """Limits that read more of a picture, which is read up to ``whole`` bytes at first; themselves at the end."""
        found, before = self, max(self.head, self.whole)
        while found.can_grow and max(found.head, found.whole) == before:
            found = found.more()
        return found


def chosen_places(names: Sequence[str], limits: Limits) -> list[int]:
    """The places of the columns to show: those that are wanted, where all of them are there, else the first ones.

    Columns that share a name come all; the case of a name counts only where a column has it in that case.
    """
    if not limits.wanted:
        return list(range(min(len(names), max(limits.columns, 1))))
    places: dict[str, list[int]] = {}
    folded: dict[str, list[int]] = {}
    for at, name in enumerate(names):
        shown = plain(name)
        places.setdefault(shown, []).append(at)
        folded.setdefault(shown.casefold(), []).append(at)
    found: set[int] = set()
    for name in limits.wanted:
        shown = plain(name)
        these = places.get(shown) or folded.get(shown.casefold())
        if not these:
            return list(range(min(len(names), max(limits.columns, 1))))
        found.update(these)
    return sorted(found)[: max(limits.columns, 1)]


DEFAULT = Limits()
"""What a first look shows."""
