"""The join: what the interfaces declare and what the nodes put out, as the artifacts of a run.

Two pure steps, so that data is asked for only where something is declared: ``plan`` says which file comes from which
leaf, ``needed`` which nodes' data is wanted, ``join`` puts files and values together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from flyteidl.core import literals_pb2

from flowtui.catalog import convert
from flowtui.catalog.declared import Declaration, declaration, file_type
from flowtui.catalog.literals import Found, files, step_into
from flowtui.catalog.resolve import Resolver, Source
from flowtui.catalog.run_nodes import RunNode, Tree
from flowtui.catalog.same_names import Inputs, distinctions, in_words
from flowtui.domain.artifact import ARTIFACT_TYPES, Artifact, ArtifactFile, FileState, RunArtifacts, UndeclaredOutput
from flowtui.domain.execution import (
    TERMINAL_NODE_PHASES,
    TERMINAL_PHASES,
    WITH_OUTPUTS_PHASES,
    Execution,
    ExecutionId,
    NodeId,
)

_LISTED = 5
"""Names that a notice lists."""

Outputs = Mapping[str, literals_pb2.LiteralMap]
"""Outputs by node execution id; the start node's are the Launch Inputs. A node whose data is not there has none."""


@dataclass
class PlannedFile:
    """A declared file and where its bytes come from."""

    declared: Declaration
    sources: tuple[Source, ...]
    format: str
    directory: bool
    declared_at: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """All files that a run declares, and its other outputs that hold files."""

    tree: Tree
    files: tuple[PlannedFile, ...]
    undeclared: tuple[Source, ...]
    children: tuple[ExecutionId, ...]
    notices: tuple[str, ...] = ()
    workflow_outputs: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """Names of the run's own outputs that belong to no artifact, by the node and variable that become them."""


def plan(tree: Tree) -> Plan:
    """What a run declares so far: more may come while dynamic nodes have not run yet."""
    planned: dict[object, PlannedFile] = {}
    resolver = Resolver()

    def add(declared: Declaration, variable_type: object, sources: list[Source], at: str) -> None:
        key = (declared, tuple(source.key for source in sources))
        if key not in planned:
            type_ = file_type(variable_type)
            planned[key] = PlannedFile(
                declared, tuple(sources), type_.format if type_ else "", type_ is not None and type_.directory
            )
        found = planned[key]
        if at not in found.declared_at:
            found.declared_at.append(at)

    nodes = list(tree.walk())
    for name, variable in sorted(tree.root.template.interface.outputs.variables.items()):
        declared = declaration(variable, name)
        sources = resolver.workflow_output(tree.root, name) if declared else []
        if declared and sources:
            add(declared, variable.type, sources, "")
    for node in nodes:
        for name, variable in sorted(node.outputs.items()):
            declared = declaration(variable, name)
            if declared:
                add(declared, variable.type, resolver.output(node, name), node.id)
    covered = {(source.node.id, source.variable) for file in planned.values() for source in file.sources}
    undeclared = tuple(
        Source(node, name)
        for node in nodes
        if node.is_leaf and node.phase in WITH_OUTPUTS_PHASES
        for name, variable in sorted(node.outputs.items())
        if (node.id, name) not in covered and file_type(variable.type) is not None
    )
    becoming = _workflow_outputs(tree, resolver) if undeclared else {}
    children = {child for node in nodes if node.row is not None and (child := convert.child_execution(node.row))}
    notices = ("The bindings of the workflow are too many to follow; some files are shown at the wrong node.",)
    return Plan(
        tree,
        tuple(planned.values()),
        undeclared,
        tuple(sorted(children)),
        notices if resolver.is_exhausted else (),
        becoming,
    )


def _workflow_outputs(tree: Tree, resolver: Resolver) -> dict[tuple[str, str], tuple[str, ...]]:
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, variable in sorted(tree.root.template.interface.outputs.variables.items()):
        if declaration(variable, name) or file_type(variable.type) is None:
            continue
        sources = resolver.workflow_output(tree.root, name)
        # A part of what a node put out has no name of its own.
        if all(source.constant is None and not source.steps for source in sources):
            for source in sources:
                found[source.node.id, source.variable].append(name)
    return {key: tuple(names) for key, names in found.items()}


def needed(plan: Plan, *, undeclared: bool) -> list[str]:
    """Ids of the node executions whose data ``join`` wants, in the order of the plan."""
    sources = [source for file in plan.files for source in file.sources]
    sources += plan.undeclared if undeclared else ()
    return list(
        dict.fromkeys(
            source.node.id
            for source in sources
            if source.constant is None and source.node.row is not None and source.node.phase in WITH_OUTPUTS_PHASES
        )
    )


def join(
    plan: Plan,
    execution: Execution,
    data: Outputs,
    *,
    undeclared: bool,
    failed: Mapping[str, str] | None = None,
    notices: Iterable[str] = (),
    launched: Iterable[ExecutionId] = (),
    inputs: Inputs | None = None,
) -> RunArtifacts:
    """The artifacts of a run. Pure; never raises, whatever the messages hold.

    Args:
        data: outputs of the nodes that ``needed`` names.
        undeclared: whether the data has the undeclared outputs, too.
        failed: why the data of a node could not be had, by its id.
        launched: executions that eager nodes started.
        inputs: of nodes whose data is there, to tell files of one name apart.
    """
    failed = failed or {}
    files_ = files_of(plan, execution, data, failed, inputs or {})
    unread = [failed[source.node.id] for source in plan.undeclared if undeclared and source.node.id in failed]
    files_ = _with_duplicate_notices(files_)
    groups: dict[tuple[str, str], list[ArtifactFile]] = defaultdict(list)
    for file in sorted(files_, key=lambda file: (file.type, file.artifact, file.file, file.node, file.variable)):
        groups[file.type, file.artifact].append(file)
    return RunArtifacts(
        execution=execution,
        artifacts=tuple(Artifact(type_, name, tuple(group)) for (type_, name), group in groups.items()),
        undeclared=tuple(
            _undeclared(
                source,
                data,
                plan.workflow_outputs.get((source.node.id, source.variable), ()),
                asked=undeclared and source.node.id not in failed,
            )
            for source in plan.undeclared
        ),
        children=tuple(sorted({*plan.children, *launched})),
        notices=tuple(dict.fromkeys((*plan.tree.notices, *plan.notices, *notices, *unread))),
        complete=not failed,
    )


def files_of(
    plan: Plan, execution: Execution, data: Outputs, failed: Mapping[str, str], inputs: Inputs
) -> list[ArtifactFile]:
    """The declared files with their states and URIs, and with what tells those of one name apart."""
    found = [file_of(one, execution, data, failed) for one in plan.files]
    for index, one in distinctions(plan.files, inputs).items():
        found[index] = replace(found[index], differing_inputs=one.inputs, distinction=one.words)
    return found


def file_of(planned: PlannedFile, execution: Execution, data: Outputs, failed: Mapping[str, str]) -> ArtifactFile:
    """One declared file with its state and URIs."""
    sources = planned.sources
    first = sources[0]
    values = [_value(source, data) for source in sources]
    found = [files(value) for value in values if value is not None]
    uris = tuple(uri for one in found for uri in one.uris)
    states = [_state(source, value, execution) for source, value in zip(sources, values, strict=True)]
    state: FileState = next(one for one in ("pending", "not_produced", "unavailable", "present") if one in states)
    if uris and state != "pending":
        state = "present"
    elif state == "present" and any(one.nones for one in found):
        state = "not_produced"
    notices = [*_value_notices(planned, found, uris, state), *_source_notices(sources, execution)]
    notices += [failed[source.node.id] for source in sources[:1] if source.node.id in failed]
    return ArtifactFile(
        type=planned.declared.type,
        artifact=planned.declared.artifact,
        file=planned.declared.file,
        format=planned.format or next((one.format for one in found if one.format), ""),
        node=first.node.id,
        node_name=first.node.name,
        variable=first.variable,
        declared_at=tuple(planned.declared_at),
        state=state,
        uris=uris if state == "present" else (),
        directory=planned.directory or any(one.directory for one in found),
        made_by=made_by(first.node, execution) if state == "present" else None,
        notices=tuple(dict.fromkeys(notices)),
    )


def _value(source: Source, data: Outputs) -> literals_pb2.Literal | None:
    literal = source.constant
    if literal is None:
        outputs = data.get(source.node.id) if source.node.phase in WITH_OUTPUTS_PHASES else None
        if outputs is None or source.variable not in outputs.literals:
            return None
        literal = outputs.literals[source.variable]
    return step_into(literal, source.steps) if source.steps else literal


def _state(source: Source, value: literals_pb2.Literal | None, execution: Execution) -> FileState:
    if value is not None and (source.constant is None or execution.phase in WITH_OUTPUTS_PHASES):
        return "present"
    node: RunNode | None = source.node
    while node is not None:
        if node.phase in WITH_OUTPUTS_PHASES:
            return "unavailable"
        if node.phase in TERMINAL_NODE_PHASES:
            return "not_produced"
        node = node.parent
    return "not_produced" if execution.phase in TERMINAL_PHASES else "pending"


def made_by(node: RunNode, execution: Execution) -> NodeId | None:
    """The node execution whose bytes a node's outputs are: of another execution after a cache hit or a recovery.

    For a launch-plan child, whose own nodes are not read here, the node is empty.
    """
    if node.row is None or node.kind in ("start", "end"):
        return None
    child = convert.child_execution(node.row)
    if child is not None:
        return NodeId(child, "")
    if convert.cache_status(node.row) == "CACHE_HIT":
        return convert.cached_from(node.row)
    if node.phase == "RECOVERED" and execution.reference is not None:
        return NodeId(execution.reference, node.id)
    return NodeId(execution.id, node.id)


def _source_notices(sources: Sequence[Source], execution: Execution) -> list[str]:
    nodes = list(dict.fromkeys(source.node.id for source in sources))
    notices = [f"Made by {len(nodes)} nodes: {_listed(nodes)}."] if len(nodes) > 1 else []
    node = sources[0].node
    if node.row is None:
        up = node.parent
        while up is not None and not up.hollow:
            up = up.parent
        if up is not None and up.phase == "RECOVERED" and execution.reference is not None:
            notices.append(f"Recovered as a whole with {up.id}: see {execution.reference.name}.")
        return notices
    if node.kind == "start":
        notices.append("Handed through from the Launch Inputs.")
    elif convert.cache_status(node.row) == "CACHE_HIT":
        origin = convert.cached_from(node.row)
        notices.append(
            f"From the cache: made by {origin.execution.name} {origin.node}." if origin else "From the cache."
        )
    elif node.phase == "RECOVERED":
        before = f": made by {execution.reference.name} {node.id}" if execution.reference else ""
        notices.append(f"Recovered{before}.")
    return notices


def _value_notices(planned: PlannedFile, found: Sequence[Found], uris: tuple[str, ...], state: FileState) -> list[str]:
    notices = []
    if planned.declared.type not in ARTIFACT_TYPES:
        notices.append(f"The type is none of {', '.join(ARTIFACT_TYPES)}.")
    offloaded = [one.offloaded for one in found if one.offloaded is not None]
    if offloaded:
        notices.append(
            f"The value ({sum(offloaded):,} bytes) is stored apart; the URI is that of the value, not of the files."
        )
    nones = sum(one.nones for one in found)
    if nones and uris:
        are = "is" if nones == 1 else "are"
        notices.append(f"{nones:,} of {nones + len(uris):,} items {are} None: their tasks gave no file.")
    elif nones:
        notices.append("The task gave None.")
    elif state == "present" and not uris:
        notices.append("The value holds no file.")
    if any(one.more for one in found):
        notices.append(f"Only the first {len(uris):,} files are listed.")
    return notices


def _with_duplicate_notices(found: list[ArtifactFile]) -> list[ArtifactFile]:
    same: dict[tuple[str, str, str], list[ArtifactFile]] = defaultdict(list)
    for file in found:
        same[file.type, file.artifact, file.file].append(file)
    # Where its inputs alone tell a file from the others there is nothing to look into.
    return [
        replace(file, notices=(*file.notices, _duplicate(file, others)))
        if len(others := same[file.type, file.artifact, file.file]) > 1
        and file.distinction != in_words(file.differing_inputs)
        else file
        for file in found
    ]


def _duplicate(file: ArtifactFile, same: list[ArtifactFile]) -> str:
    # A fan-out may give thousands of files one name: the first few say enough.
    first = [other.node for other in same[: _LISTED + 1] if other is not file][:_LISTED]
    more = len(same) - 1 - len(first)
    others = ", ".join(dict.fromkeys(first)) + (f" and {more:,} more" if more else "")
    return f"The artifact has this file name {len(same):,} times: also from {others}."


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more:,} more" if more > 0 else "")


def _undeclared(source: Source, data: Outputs, workflow_outputs: tuple[str, ...], *, asked: bool) -> UndeclaredOutput:
    type_ = file_type(source.node.outputs[source.variable].type)
    value = _value(source, data) if asked else None
    found = files(value) if value is not None else Found()
    return UndeclaredOutput(
        node=source.node.id,
        variable=source.variable,
        format=(type_.format if type_ else "") or found.format,
        uris=found.uris if asked else None,
        node_name=source.node.name,
        directory=(type_ is not None and type_.directory) or found.directory,
        places=found.places,
        workflow_outputs=workflow_outputs,
    )


def variables(plan: Plan, *, undeclared: bool) -> dict[str, list[str]]:
    """The output variables that ``join`` wants, by node."""
    found: dict[str, list[str]] = defaultdict(list)
    declared = [source for file in plan.files for source in file.sources]
    for source in (*declared, *plan.undeclared) if undeclared else declared:
        if source.variable and source.variable not in found[source.node.id]:
            found[source.node.id].append(source.variable)
    return dict(found)
