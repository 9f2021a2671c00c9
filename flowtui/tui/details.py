"""The facts of a file, artifact, output, node or input as labelled lines; pure functions."""

from __future__ import annotations

from datetime import datetime

from flowtui import words
from flowtui.domain.artifact import Artifact, ArtifactFile, RunArtifacts, UndeclaredOutput
from flowtui.domain.execution import Attempt, LaunchedExecution, LaunchInput, NodeExecution
from flowtui.domain.lineage import Lineage, LineageNode
from flowtui.domain.size import human_size
from flowtui.text import plain, plain_block
from flowtui.tui.formatting import UNICODE, Cell, Mark, Signs, node_phase, phase_mark, state_mark
from flowtui.tui.node_rows import workflow_name
from flowtui.tui.widgets.facts import Fact

_NAMED = 6
_ITEMS = 20
_NOTICES = 3
_RUNS = 20


def lineage_file(lineage: Lineage, file: ArtifactFile) -> LineageNode | None:
    """The vertex of an artifact file: by artifact, file and node, else by its URI."""
    named = [
        node
        for node in lineage.nodes
        if node.kind == "file" and node.artifact == file.artifact and node.file == file.file
    ]
    exact = [node for node in named if node.node == file.node]
    by_uri = [node for node in lineage.nodes if node.kind == "file" and node.uri and node.uri in file.uris]
    return next(iter(exact or named or by_uri), None)


def _some(names: list[str]) -> Cell:
    """The first names of a list, and how many more there are."""
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - _NAMED} more" if len(unique) > _NAMED else ""
    return (Mark(", ".join(unique[:_NAMED])), Mark(more, "dim"))


def file_facts(file: ArtifactFile, run: RunArtifacts, lineage: Lineage | None, signs: Signs = UNICODE) -> list[Fact]:
    """What made a file, of what, and what it feeds."""
    facts: list[Fact] = [("", (Mark(plain(file.title), "strong"),))]
    if file.state != "present":
        facts.append(("state", (state_mark(file.state),)))
    maker = plain(file.node_name or file.node)
    node = lineage_file(lineage, file) if lineage else None
    phase: Cell = ()
    if lineage and node:
        producers = [up for up in lineage.parents(node.id) if up.kind in ("node", "execution")]
        if producers and producers[0].phase:
            phase = (Mark(f" {signs.dot} ", "dim"), phase_mark(producers[0].phase, signs))
    facts.append(("made by", (Mark(maker), Mark(f" ({plain(file.node)})", "dim"), *phase)))
    if file.made_by and file.made_by.execution != run.execution.id:
        facts.append(
            ("first in", (Mark(plain(file.made_by.execution.name)), Mark(f" ({plain(file.made_by.node)})", "dim")))
        )
    if lineage and node:
        made_of = [up for producer in lineage.parents(node.id) for up in lineage.parents(producer.id)]
        inputs = [plain(up.label) for up in made_of if up.kind == "input"]
        sources = [plain(up.title) for up in made_of if up.kind != "input"]
        if sources:
            facts.append(("from", _some(sources)))
        if inputs:
            facts.append(("inputs", _some(inputs)))
        fed = [down for taker in lineage.children(node.id) for down in (lineage.children(taker.id) or (taker,))]
        if fed:
            facts.append(("feeds", _some([plain(down.title) for down in fed])))
    facts += _uris(file.uris)
    facts += [("note", (Mark(plain(notice), "wait"),)) for notice in file.notices]
    return facts


def _uris(uris: tuple[str, ...]) -> list[Fact]:
    if not uris:
        return []
    more = f" and {len(uris) - 1} more" if len(uris) > 1 else ""
    return [("URI", (Mark(plain(uris[0]), "dim"), Mark(more, "dim")))]


def artifact_facts(artifact: Artifact, signs: Signs = UNICODE) -> list[Fact]:
    """How many files of an artifact exist, and how large they are together."""
    sizes = [file.size for file in artifact.files if file.state == "present"]
    known = [size for size in sizes if size is not None]
    whole = human_size(sum(known)) if known and len(known) == len(sizes) else ""
    total = words.count(len(artifact.files), "file")
    exist = total if artifact.present == len(artifact.files) else f"{artifact.present} of {total}"
    formats = dict.fromkeys(file.format for file in artifact.files if file.format)
    return [
        ("", (Mark(plain(artifact.name), "strong"), Mark(f"  {plain(artifact.type)}", "accent"))),
        ("files", (Mark(f" {signs.dot} ".join(part for part in (exist, whole) if part)),)),
        *([("formats", (Mark(", ".join(plain(name) for name in formats)),))] if formats else []),
    ]


def output_facts(output: UndeclaredOutput) -> list[Fact]:
    """Where an undeclared output comes from."""
    facts: list[Fact] = [
        ("", (Mark(plain(output.variable), "strong"), Mark("  belongs to no artifact", "dim"))),
        ("made by", (Mark(plain(output.node_name or output.node)), Mark(f" ({plain(output.node)})", "dim"))),
    ]
    if output.format:
        facts.append(("format", (Mark(plain(output.format)),)))
    return facts + _uris(output.uris or ())


def run_facts(run: RunArtifacts) -> list[Fact]:
    """The runs that a run started."""
    return [("runs", _some([plain(child.name) for child in run.children]))] if run.children else []


def run_notices(run: RunArtifacts) -> str:
    """What the reader has to say about a run as a whole, a line each: what is left out of it, and why."""
    lines = [f"! {plain(notice)}" for notice in run.notices[:_NOTICES]]
    more = len(run.notices) - _NOTICES
    return "\n".join([*lines, f"and {words.count(more, 'more notice')}"] if more > 0 else lines)


def node_lines(
    node: NodeExecution, tail: tuple[str, ...], log: str, now: datetime, signs: Signs = UNICODE
) -> list[Cell]:
    """Everything that is known of a node, its whole error, and the tail of its log.

    Args:
        tail: the last lines of the log.
        log: what the log is called, or why there is none to see.
    """

    def fact(label: str, *marks: Mark) -> Cell:
        return (Mark(f"{label:<9} ", "dim"), *marks)

    lines: list[Cell] = [
        (Mark(plain(node.name), "strong"), Mark("  "), phase_mark(node_phase(node), signs)),
        fact("id", Mark(plain(node.id.node))),
    ]
    if node.entity:
        kind = plain(node.task_type or node.kind)
        lines.append(
            fact(
                plain(node.kind).replace("_", " "),
                Mark(plain(node.entity)),
                Mark(f"  {kind}" if kind != node.kind else "", "dim"),
            )
        )
    if node.started_at:
        lines.append(fact("started", Mark(words.exact(node.started_at, now))))
    if node.duration is not None:
        lines.append(fact("took", Mark(words.duration(node.duration))))
    if node.cache not in ("CACHE_DISABLED", ""):
        where = (
            f"  from {plain(node.cached_from.execution.name)} / {plain(node.cached_from.node)}"
            if node.cached_from
            else ""
        )
        lines.append(
            fact("cache", Mark(node.cache.removeprefix("CACHE_").lower().replace("_", " ")), Mark(where, "dim"))
        )
    if node.parent_attempt is not None:
        lines.append(fact("belongs to", Mark(f"try {node.parent_attempt + 1} of what is above it")))
    if node.gate:
        lines.append(fact("gate", Mark(plain(words.gate(node.gate)))))
    for one in node.launched[:_RUNS]:
        phase = (Mark("  "), phase_mark(one.phase, signs)) if one.phase else ()
        lines.append(fact("run", Mark(plain(one.id.name)), *phase, Mark(f"  {workflow_name(one)}", "dim")))
        if one.problem:
            lines.append(fact("", Mark(plain(one.problem), "bad")))
    if len(node.launched) > _RUNS:
        lines.append(fact("", Mark(f"and {len(node.launched) - _RUNS:,} more runs", "dim")))
    for attempt in node.attempts:
        lines += _attempt_lines(attempt, signs)
    failed = next((one for one in reversed(node.attempts) if one.error), None)
    error = node.error or (failed.error if failed else None)
    if error:
        # A node that succeeded in the end has none of its own.
        which = f"Error of try {failed.attempt + 1}" if failed and not node.error else "Error"
        lines += [(), (Mark(which, "bad"), Mark(f"  {plain(error.code)}", "dim"))]
        lines += [(Mark(line.expandtabs(4)),) for line in plain_block(error.message).splitlines()]
    if log:
        lines += [(), (Mark("Log", "accent"), Mark(f"  {plain(log)}", "dim"))]
        lines += [(Mark(line.expandtabs(4)),) for line in tail]
    return lines


def _attempt_lines(attempt: Attempt, signs: Signs) -> list[Cell]:
    took = f"  {words.duration(attempt.duration)}" if attempt.duration is not None else ""
    lines: list[Cell] = [
        (Mark(f"{f'try {attempt.attempt + 1}':<10}", "dim"), phase_mark(attempt.phase, signs), Mark(took, "dim"))
    ]
    lines += [
        (Mark(" " * 10), Mark(f"{plain(log.name)}  ", "dim"), Mark(plain(log.uri), "dim")) for log in attempt.logs
    ]
    failed = [item for item in attempt.items if item.phase not in ("SUCCEEDED", "UNDEFINED")]
    if attempt.items:
        lines.append(
            (
                Mark(" " * 10),
                Mark(words.count(len(attempt.items), "item"), "dim"),
                Mark(f", {len(failed):,} not done" if failed else "", "bad"),
            )
        )
    # A map may have thousands of items: those that are not done, and of these the first.
    for item in failed[:_ITEMS]:
        log = next((Mark(f"  {plain(log.uri)}", "dim") for log in item.logs if log.uri), Mark(""))
        again = f"  try {item.attempt + 1}" if item.attempt else ""
        lines.append(
            (Mark(f"{f'item {item.index}':>10}  ", "dim"), phase_mark(item.phase, signs), Mark(again, "dim"), log)
        )
        if item.error is not None:
            lines += [
                (Mark(" " * 12), Mark(line.expandtabs(4))) for line in plain_block(item.error.message).splitlines()
            ]
    if len(failed) > _ITEMS:
        lines.append((Mark(" " * 10), Mark(f"and {len(failed) - _ITEMS:,} more", "dim")))
    return lines


def launched_lines(one: LaunchedExecution, signs: Signs = UNICODE) -> list[Cell]:
    """What is known of an execution that a node started."""
    phase = (Mark("  "), phase_mark(one.phase, signs)) if one.phase else ()
    lines: list[Cell] = [(Mark(plain(one.id.name), "strong"), *phase)]
    lines += [(Mark(f"{'workflow':<10}", "dim"), Mark(workflow_name(one)))] if one.workflow else []
    return lines + ([(Mark(plain(one.problem), "bad"),)] if one.problem else [])


def input_lines(one: LaunchInput) -> list[Cell]:
    """A Launch Input with its whole value."""
    lines: list[Cell] = [
        (Mark(plain(one.name), "strong"), Mark(f"  {plain(one.type)}", "dim")),
        (),
    ]
    return lines + [(Mark(line.expandtabs(4)),) for line in plain_block(one.value).splitlines()]
