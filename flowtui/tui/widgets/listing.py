"""The listing of an archive that one of its members is shown in place of, and the way back to it."""

from __future__ import annotations

from dataclasses import dataclass

from flowtui.preview.limits import Limits
from flowtui.preview.result import Preview
from flowtui.tui.contents.table import TableContent
from flowtui.tui.subject import Subject


@dataclass
class Listing:
    """An archive's members as they were listed when one of them was opened.

    Attributes:
        subject: the archive.
        limits: those that the listing was read with.
        content: the table with its cursor, columns and order.
        scroll: columns and lines that are out of sight at the left and above.
    """

    subject: Subject
    preview: Preview
    limits: Limits
    content: TableContent
    scroll: tuple[int, int]

    @property
    def _rows(self) -> list[int]:
        """The rows that have a member to show, in the order in which they are listed."""
        return [row for row in self.content.order if self.preview.members[row]]

    @property
    def place(self) -> tuple[int, int]:
        """Which of the members it is, from 1, and how many there are."""
        rows = self._rows
        row = self.content.row
        return (rows.index(row) + 1 if row in rows else 0, len(rows))

    def here(self) -> Subject | None:
        """The member under the cursor; None where the row has no content."""
        row = self.content.row
        if row is None or not self.preview.members[row]:
            return None
        names = [column.name for column in self.preview.columns]
        size = self.preview.rows[row][names.index("size")] if "size" in names else None
        return self.subject.member(self.preview.members[row], size if isinstance(size, int) else None)

    def beside(self, step: int) -> int | None:
        """The row of the member so many further on, None at either end."""
        rows, place = self._rows, self.place[0] - 1 + step
        return rows[place] if 0 <= place < len(rows) else None


def listing_of(
    subject: Subject | None, preview: Preview | None, limits: Limits, content: object, scroll: tuple[int, int]
) -> Listing | None:
    """The listing that is shown, None where something else is."""
    if subject is None or preview is None or not isinstance(content, TableContent):
        return None
    if len(preview.members) != len(preview.rows) or subject.archive is not None:
        return None
    return Listing(subject, preview, limits, content, scroll)
