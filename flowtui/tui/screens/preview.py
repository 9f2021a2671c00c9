"""A file over the whole screen, with its neighbours one key away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.widget import Widget

from flowtui.domain.artifact import ArtifactFile, RunArtifacts, UndeclaredOutput
from flowtui.domain.execution import ExecutionId
from flowtui.text import plain
from flowtui.tui.bindings import bindings
from flowtui.tui.context import Context
from flowtui.tui.details import file_facts, output_facts
from flowtui.tui.formatting import Cell, Mark
from flowtui.tui.screens.actions import FileActions, Thing
from flowtui.tui.subject import Subject
from flowtui.tui.widgets.facts import Fact, Facts
from flowtui.tui.widgets.preview import PreviewPane

Shown = ArtifactFile | UndeclaredOutput

_ABSENT = {
    "pending": "Not there yet: the run goes on.",
    "not_produced": "Not produced: the run or the node ended without it.",
    "unavailable": "Unavailable: the node succeeded, yet the server returns no value.",
}


def can_be_shown(thing: object) -> bool:
    """Whether there are bytes to look at."""
    return isinstance(thing, (ArtifactFile, UndeclaredOutput)) and bool(thing.uris)


def subject_of(thing: Shown, run: RunArtifacts | None) -> Subject:
    """What the preview is told of a file or output of a run."""
    if isinstance(thing, ArtifactFile):
        absence = _ABSENT.get(thing.state, "")
        if thing.state == "unavailable" and thing.notices:
            # It may be that the value could not be read, which is another thing.
            absence = plain(thing.notices[-1])
        siblings = run.siblings(thing) if run else {}
        catalogs = tuple((name, uri) for name, uri in siblings.items() if name.lower().endswith(".sas7bcat"))
        return Subject(thing.file, thing.format, thing.uris, thing.size, thing.directory, absence, catalogs=catalogs)
    absence = "Reading where it is." if thing.uris is None else "" if thing.uris else "The node made no such output."
    return Subject(thing.file_name, thing.format, thing.uris or (), thing.size, thing.directory, absence)


class PreviewScreen(FileActions):
    """Shows one of a list of files; ``n`` and ``p`` go through the list.

    Args:
        things: the files, in order.
        index: which one to begin with.
        left: is told the file that was seen last, when the screen closes.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(
        "next_file", "previous_file", "lineage", "bookmark", "export", "download", "copy"
    )

    def __init__(
        self,
        context: Context,
        run: ExecutionId,
        things: Sequence[Shown],
        index: int,
        left: Callable[[Shown], None] | None = None,
    ) -> None:
        super().__init__(context)
        self.run_id = run
        self.things = list(things)
        self.index = index
        self._left = left
        self.pane = PreviewPane(context, named=False, id="preview")
        self.facts_pane = Facts(signs=context.signs, id="file-facts")

    @property
    def thing(self) -> Thing | None:
        return self.things[self.index]

    @property
    def owner(self) -> ExecutionId | None:
        return self.run_id

    def crumbs(self) -> list[str]:
        thing, subject = self.things[self.index], self.pane.subject
        if isinstance(thing, ArtifactFile):
            path = [self.run_id.name, thing.artifact, thing.title]
        else:
            path = [self.run_id.name, plain(thing.node_name or thing.node), thing.variable]
        if subject is not None and subject.archive is not None:
            path[-1] = f"{path[-1]} > {subject.path}"
        return path

    def facts(self) -> Cell:
        if self.pane.member is not None:
            return (Mark(f"member {self.pane.member[0]} of {self.pane.member[1]}", "dim"),)
        return (Mark(f"{self.index + 1} of {len(self.things)}", "dim"),)

    def compose_body(self) -> Iterable[Widget]:
        yield self.pane
        yield self.facts_pane

    def on_mount(self) -> None:
        super().on_mount()
        self.pane.viewer.focus()
        self.pane.show(subject_of(self.things[self.index], self.context.memory.artifacts.get(self.run_id)), late=False)
        self._show_facts()

    def _show_facts(self) -> None:
        """What the file says of itself, what made it and what it feeds; its name and URI stand elsewhere."""
        thing = self.things[self.index]
        run = self.context.memory.artifacts.get(self.run_id)
        facts: list[Fact] = []
        if isinstance(thing, ArtifactFile) and run is not None:
            facts = file_facts(thing, run, self.context.memory.lineage.get(self.run_id), self.signs)
        elif isinstance(thing, UndeclaredOutput):
            facts = output_facts(thing)
        facts = [fact for fact in facts if fact[0] not in ("", "URI", "format")]
        preview = self.pane.preview
        # A picture that is not drawn shows them in its place.
        is_told = preview is not None and preview.kind == "image" and preview.image is None and not preview.lines
        if preview is not None and preview.facts and not is_told:
            dot = f" {self.signs.dot} "
            # The line above says these.
            told = [fact for fact in preview.facts if fact[0] not in ("imports", "sheet")]
            said = dot.join(f"{name} {value}" if value else name for name, value in told)
            facts[:0] = [("file", (Mark(said),))] if said else []
        self.facts_pane.show(facts)
        self.facts_pane.display = bool(facts)

    @on(PreviewPane.Shown)
    def _on_shown(self, event: PreviewPane.Shown) -> None:
        event.stop()
        self._show_facts()
        self.update_title()

    def _go(self, step: int) -> None:
        index = self.index + step
        if 0 <= index < len(self.things):
            self.index = index
            self.pane.show(subject_of(self.things[index], self.context.memory.artifacts.get(self.run_id)))
            self._show_facts()
            self.update_title()
            self.refresh_bindings()

    def action_next_file(self) -> None:
        self._go(1)

    def action_previous_file(self) -> None:
        self._go(-1)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "next_file":
            return self.index < len(self.things) - 1 and self.pane.member is None
        if action == "previous_file":
            return self.index > 0 and self.pane.member is None
        return super().check_action(action, parameters)

    def bookmarks_changed(self) -> None:
        self.update_title()

    def action_refresh(self) -> None:
        self.pane.again()

    def action_back(self) -> None:
        if self._left is not None:
            self._left(self.things[self.index])
        super().action_back()
