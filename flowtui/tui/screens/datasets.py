"""The datasets of Domino, to choose one to export to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import BindingType
from textual.message import Message

from flowtui.domain.size import human_size
from flowtui.text import plain
from flowtui.tui.bindings import bindings
from flowtui.tui.context import Context
from flowtui.tui.domino_lists import read_datasets
from flowtui.tui.formatting import Cell, Mark
from flowtui.tui.screens.place import Entry, Place
from flowtui.tui.widgets.columns import Column, Row
from flowtui.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from flowtui.exports.domino import Dataset, Project

Choose = Callable[[str, str, bool], None]
"""Is told the place behind ``dataset:``, the words for it, and whether it is to be made."""


class _Choices(Rows):
    BINDINGS: ClassVar[list[BindingType]] = bindings("open", open="choose")


class DatasetsScreen(Place):
    """Every dataset that can be seen; those that may not be written to are dim and cannot be chosen.

    Args:
        choose: is told what was chosen.
        name: what a new dataset is called, to begin with.
    """

    place = "datasets"
    columns = (
        Column("dataset", least=16, most=48),
        Column("project", least=10, most=36),
        Column("owner", least=8, most=24, leave=2),
        Column("access", least=6, most=6),
        Column("size", right=True, least=7, leave=3),
        Column("snapshots", right=True, leave=4),
        Column("what it is", least=10, most=60, leave=5, sentence=True, extra=True),
    )
    rows_type = _Choices
    filter_fields = frozenset({"dataset", "project", "owner"})
    filter_hint = "filter: words, project:cdisc, owner:ann"
    BINDINGS: ClassVar[list[BindingType]] = bindings("new_dataset")

    class Read(Message):
        """Domino answered."""

        def __init__(self, datasets: tuple[Dataset, ...]) -> None:
            super().__init__()
            self.datasets = datasets

    def __init__(self, context: Context, choose: Choose, name: str) -> None:
        super().__init__(context)
        self._choose = choose
        self._suggested = name
        self.datasets: tuple[Dataset, ...] = ()

    def crumbs(self) -> list[str]:
        return ["export", "datasets"]

    async def read(self) -> None:
        session = await self.context.connection.session()
        self.post_message(self.Read(await read_datasets(session)))

    @on(Read)
    def _on_read(self, event: Read) -> None:
        self.datasets = event.datasets
        self.show_rows()

    def waiting(self) -> str:
        return "Asking Domino for its datasets."

    def empty(self) -> tuple[str, ...]:
        return ("Domino has no dataset that you can see.", "n makes one.")

    def entries(self) -> list[Entry]:
        return [Entry(_row(one), _fields(one)) for one in self.datasets]

    @on(Rows.Opened)
    def _on_opened(self, event: Rows.Opened) -> None:
        chosen = next(one for one in self.datasets if one.id == event.key)
        parts = [chosen.owner, chosen.project, chosen.name]
        # Written out where that can be, since it stands in the list of exports.
        place = "/".join(parts) if all(part and "/" not in part for part in parts) else chosen.id
        self._choose(place, f"{plain(chosen.name)}  ({plain(chosen.project)})", False)
        self.dismiss()

    def action_new_dataset(self) -> None:
        from flowtui.tui.screens.new_dataset import NewDatasetScreen

        if self.may_write("no dataset is made"):
            self.app.push_screen(NewDatasetScreen(self.context, self._suggested, self._taken), self._made)

    def _taken(self, project: Project, name: str) -> bool:
        return any(one.project_id == project.id and one.name.lower() == name.lower() for one in self.datasets)

    def _made(self, made: tuple[str, str] | None) -> None:
        if made is not None:
            place, said = made
            self._choose(place, said, True)
            self.dismiss()


def _row(one: Dataset) -> Row:
    style = "" if one.may_write else "dim"
    said = (Mark("write", "good"),) if one.may_write else (Mark("read", "dim"),)
    size: Cell = (Mark(human_size(one.size), style),)
    return Row(
        one.id,
        (
            (Mark(plain(one.name), "strong" if one.may_write else "dim"),),
            (Mark(plain(one.project), style),),
            (Mark(plain(one.owner), style),),
            said,
            size,
            (Mark(f"{one.snapshots:,}", style),),
            (Mark(plain(one.description), "dim"),),
        ),
        openable=one.may_write,
    )


def _fields(one: Dataset) -> dict[str, str]:
    return {"dataset": plain(one.name), "project": plain(one.project), "owner": plain(one.owner)}
