"""The Artifacts tab: the tree, the facts of what is under the cursor, and its preview."""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from flowtui import words
from flowtui.domain.artifact import Artifact, ArtifactFile, RunArtifacts, UndeclaredOutput
from flowtui.domain.execution import ExecutionId
from flowtui.domain.lineage import Lineage
from flowtui.text import plain
from flowtui.tui import filters
from flowtui.tui.context import Context
from flowtui.tui.details import artifact_facts, file_facts, output_facts, run_facts, run_notices
from flowtui.tui.export_rows import exported_words
from flowtui.tui.formatting import Mark
from flowtui.tui.outlines import (
    ARTIFACT_COLUMNS,
    OTHER,
    artifact_key,
    artifact_rows,
    file_key,
    output_key,
    version_id,
)
from flowtui.tui.screens.preview import subject_of
from flowtui.tui.widgets.facts import Fact, Facts
from flowtui.tui.widgets.preview import PreviewPane
from flowtui.tui.widgets.rows import Rows
from flowtui.tui.widgets.split import NARROW, Split


class ArtifactsView(Split):
    """The artifacts of one run."""

    class OpenFile(Message):
        """A file is to be seen in full."""

        def __init__(self, thing: ArtifactFile | UndeclaredOutput) -> None:
            super().__init__()
            self.thing = thing

    class WantUndeclared(Message):
        """The URIs of the undeclared outputs are wanted."""

    def __init__(self, context: Context, run: ExecutionId, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.context = context
        self.run_id = run
        self.artifacts: RunArtifacts | None = None
        self.lineage: Lineage | None = None
        self.shut: set[str] = {OTHER}
        self.words = ""
        self.rows = Rows(ARTIFACT_COLUMNS, show_titles=False, signs=context.signs, id="tree")
        self.notices = Static("", markup=False, id="run-notices")
        self.facts = Facts(signs=context.signs, id="facts")
        self.pane = PreviewPane(context, id="preview")
        self._things: dict[str, Artifact | ArtifactFile | UndeclaredOutput] = {}

    def compose(self) -> ComposeResult:
        with Vertical(classes="main"):
            yield self.notices
            yield self.rows
            yield self.facts
        yield self.pane

    def on_mount(self) -> None:
        self.pane.add_class("side")
        self.notices.display = False
        self.rows.set_empty(f"Reading what {plain(self.run_id.name)} declares.")

    @property
    def wants_undeclared(self) -> bool:
        """Whether the group of other outputs is open, or all that there is."""
        return OTHER not in self.shut

    @property
    def chosen(self) -> Artifact | ArtifactFile | UndeclaredOutput | None:
        """What is under the cursor."""
        return self._things.get(self.rows.cursor_key)

    def things(self) -> list[ArtifactFile | UndeclaredOutput]:
        """The files and outputs in the order in which they are listed."""
        found = [self._things.get(row.key) for row in self.rows.rows if not (row.expandable and row.parent)]
        return [one for one in found if isinstance(one, (ArtifactFile, UndeclaredOutput))]

    def focus_list(self) -> None:
        """Take the keyboard."""
        self.rows.focus()

    def filter(self, typed: str) -> None:
        """Show the files that have these words, with their artifacts."""
        self.words = typed
        self.rebuild()

    def show(self, artifacts: RunArtifacts) -> None:
        """Show what a run has; the cursor stays where it is."""
        first = self.artifacts is None
        before = self.artifacts
        self.artifacts = _keep_sizes(artifacts, before)
        self._things = {artifact_key(one): one for one in artifacts.artifacts}
        self._things |= {file_key(one): one for one in self.artifacts.files}
        self._things |= {output_key(part): part for one in self.artifacts.undeclared for part in one.parts}
        self._things |= {output_key(one): one for one in self.artifacts.undeclared}
        known = {output_key(one) for one in before.undeclared if one.uris is not None} if before else set()
        # An output of several files is opened by the person.
        self.shut |= {output_key(one) for one in self.artifacts.undeclared if len(one.uris or ()) > 1} - known
        self.notices.update(run_notices(artifacts))
        self.notices.display = bool(artifacts.notices)
        if first and not artifacts.artifacts and artifacts.undeclared:
            self.shut.discard(OTHER)
        self.rebuild()
        if first and artifacts.artifacts:
            keys = [row.key for row in self.rows.rows if row.key.startswith("f\0")]
            if keys:
                self.rows.move_to(keys[0])
        self._follow()

    def show_lineage(self, lineage: Lineage) -> None:
        """The facts say where files come from."""
        self.lineage = lineage
        self._show_facts()

    def show_exported(self) -> None:
        """The facts say where files were exported to."""
        self._show_facts()

    def rebuild(self) -> None:
        """Build the rows again."""
        if self.artifacts is None:
            return
        shown = self.artifacts
        wanted = filters.parse(self.words, {"file", "node", "type", "artifact"})
        if wanted:
            kept = []
            for artifact in shown.artifacts:
                files = tuple(file for file in artifact.files if filters.matches(wanted, _fields(file)))
                kept += [Artifact(artifact.type, artifact.name, files)] if files else []
            shown = RunArtifacts(shown.execution, tuple(kept))
        self.rows.set_empty(*self._empty(shown, bool(wanted)))
        shut = set() if wanted else self.shut
        memory, selection = self.context.memory, self.context.selection
        self.rows.set_rows(artifact_rows(shown, shut, memory.bookmarks, self.context.signs, selection))

    def _empty(self, shown: RunArtifacts, filtered: bool) -> tuple[str, ...]:
        if filtered:
            return ("No file has these words.", "esc clears the filter.")
        lines = ["This run declares no artifacts and has no output files."]
        if shown.children:
            lines.append(f"It started {words.count(len(shown.children), 'run')}: see Nodes.")
        return (*lines, "A flow declares them with Artifact(name, type).File(name=...).")

    @on(Rows.Highlighted)
    def _on_highlighted(self) -> None:
        self._follow()

    def _follow(self) -> None:
        self._show_facts()
        if not self.is_attached:
            return
        if self.app.size.width >= NARROW and self.pane.is_on_screen:
            thing = self.chosen
            if isinstance(thing, (ArtifactFile, UndeclaredOutput)):
                self.pane.show(subject_of(thing, self.artifacts))
            else:
                self.pane.show(None)
        self.screen.refresh_bindings()

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self._follow)

    def on_show(self) -> None:
        self.call_after_refresh(self._follow)

    def on_hide(self) -> None:
        self.pane.stop()

    def _show_facts(self) -> None:
        thing, run = self.chosen, self.artifacts
        if run is None:
            return
        facts = self.facts
        if isinstance(thing, ArtifactFile):
            facts.show(file_facts(thing, run, self.lineage, self.context.signs) + self._exported(thing))
        elif isinstance(thing, Artifact):
            facts.show(artifact_facts(thing, self.context.signs) + self._exported(thing) + run_facts(run))
        elif isinstance(thing, UndeclaredOutput):
            facts.show(output_facts(thing))
        else:
            facts.show(run_facts(run))

    def _exported(self, thing: Artifact | ArtifactFile) -> list[Fact]:
        record = self.context.memory.exported.get(version_id(self.run_id, thing))
        if record is None:
            return []
        return [("exported", (Mark(exported_words(record, self.context.now(), self.context.signs), "good"),))]

    @on(Rows.Toggled)
    def _on_toggled(self, event: Rows.Toggled) -> None:
        self._toggle(event.key, event.expand)

    def _toggle(self, key: str, expand: bool) -> None:
        if expand:
            self.shut.discard(key)
            if key == OTHER and self.artifacts and any(one.uris is None for one in self.artifacts.undeclared):
                self.post_message(self.WantUndeclared())
        else:
            self.shut.add(key)
        self.rebuild()

    @on(Rows.Opened)
    def _on_opened(self, event: Rows.Opened) -> None:
        thing = self._things.get(event.key)
        if isinstance(thing, UndeclaredOutput) and len(thing.uris or ()) > 1:
            self._toggle(event.key, event.key in self.shut)
        elif isinstance(thing, (ArtifactFile, UndeclaredOutput)):
            self.post_message(self.OpenFile(thing))
        else:
            self._toggle(event.key, event.key in self.shut)


def _keep_sizes(new: RunArtifacts, old: RunArtifacts | None) -> RunArtifacts:
    """Sizes that were found out before stay until they are asked for again."""
    if old is None:
        return new
    from dataclasses import replace

    sizes = {file_key(file): file.size for file in old.files if file.size is not None}
    artifacts = tuple(
        Artifact(
            one.type,
            one.name,
            tuple(
                replace(file, size=file.size if file.size is not None else sizes.get(file_key(file)))
                for file in one.files
            ),
        )
        for one in new.artifacts
    )
    known = {output_key(output): output for output in old.undeclared}
    outputs = tuple(
        replace(
            one,
            uris=known[output_key(one)].uris,
            size=known[output_key(one)].size,
            places=known[output_key(one)].places,
        )
        if one.uris is None and output_key(one) in known else one
        for one in new.undeclared
    )  # fmt: skip
    return replace(new, artifacts=artifacts, undeclared=outputs)


def _fields(file: ArtifactFile) -> dict[str, str]:
    return {
        "file": plain(file.title), "node": plain(file.node_name or file.node), "type": plain(file.type),
        "artifact": plain(file.artifact),
    }  # fmt: skip
