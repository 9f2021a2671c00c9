"""The lineage of a run as one graph, from the bindings of the workflow and from equal URIs.

Vertices are leaf nodes, dynamic nodes, the files that leaves put out, Launch Inputs and other executions. Sub-workflows
and branches are looked through: their bindings join the leaves on both sides, and what a branch decides by leads to the
arm that was taken. What a dynamic node hands to its inner nodes has become a constant; it is joined by the URI where it
is a file of the run, else to the dynamic node. An edge without a name carries no value: a node that only waits for
another, such as a gate, a node that a dynamic node made, or a run that another run launched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from flyteidl.core import literals_pb2

from flowtui.catalog import convert
from flowtui.catalog.fetched import FetchedRun
from flowtui.catalog.join import Plan, files_of
from flowtui.catalog.literals import Step, files
from flowtui.catalog.resolve import Resolver, Source
from flowtui.catalog.run_nodes import RunNode
from flowtui.domain.execution import Execution, ExecutionId, LaunchInput
from flowtui.domain.lineage import Lineage, LineageEdge, LineageNode

_VALUE_LENGTH = 60
_MAX_PROMISED = 10_000


def constants_without_source(plan: Plan, run: FetchedRun, inputs: Sequence[LaunchInput]) -> bool:
    """Whether dynamic nodes hand on files that are neither Launch Inputs nor files whose data is there already."""
    known = {uri for data in run.outputs.values() for literal in data.literals.values() for uri in files(literal).uris}
    known |= {one.uri for one in inputs}
    resolver = Resolver()
    return any(
        uri not in known
        for node in plan.tree.walk()
        for sources in resolver.inputs(node).values()
        for source in sources
        if source.constant is not None
        for uri in files(source.constant).uris
    )


def graph(plan: Plan, run: FetchedRun, execution: Execution, inputs: Sequence[LaunchInput]) -> Lineage:
    """The lineage of a run. Pure.

    Args:
        run: with the data of the nodes that declare files; more data joins more equal URIs.
    """
    return _Graph(plan, run, execution, inputs).lineage()


class _Graph:
    def __init__(self, plan: Plan, run: FetchedRun, execution: Execution, inputs: Sequence[LaunchInput]) -> None:
        self._plan = plan
        self._run = run
        self._execution = execution
        self._inputs = {one.name: one for one in inputs}
        self._nodes: dict[str, LineageNode] = {}
        self._edges: dict[LineageEdge, None] = {}
        self._files: defaultdict[tuple[str, str], list[tuple[tuple[Step, ...], str]]] = defaultdict(list)
        """File vertices by the node and variable that put them out, with the steps into the value."""
        self._by_uri: defaultdict[str, list[tuple[tuple[int, int], str, str]]] = defaultdict(list)
        """By URI who has it: when its node began, the node, and the vertex."""
        self._lists: list[tuple[str, Sequence[Source]]] = []
        self._targets: set[str] = set()
        self._pairs: set[tuple[str, str]] = set()
        self._resolver = Resolver()

    def lineage(self) -> Lineage:
        for name in self._inputs:
            self._input(name)
        if self._execution.parent is not None:
            parent = self._other(self._execution.parent.execution, "")
            for name in self._inputs:
                self._join(parent, self._input(name), "")
        nodes = [node for node in self._plan.tree.walk() if node.is_leaf or node.kind == "dynamic"]
        for node in nodes:
            self._node(node)
        self._declared_files()
        self._undeclared_files()
        self._lists_of_files()
        for node in nodes:
            self._inputs_of(node)
        for node in nodes:
            self._decided_by(node)
        for node in nodes:
            self._dynamic_parent(node)
        for node in nodes:
            self._waits_for(node)
        notices = (*self._plan.tree.notices, *self._run.notices, *self._run.failed.values())
        return Lineage(tuple(self._nodes.values()), tuple(self._edges), tuple(dict.fromkeys(notices)))

    def _join(self, source: str, target: str, name: str) -> None:
        if source != target:
            self._edges[LineageEdge(source, target, name)] = None
            self._pairs.add((source, target))
            self._targets.add(target)

    def _input(self, name: str) -> str:
        id_ = _id("input", name)
        if id_ not in self._nodes:
            given = self._inputs.get(name)
            label = name
            if given is not None and given.value:
                value = given.value if len(given.value) <= _VALUE_LENGTH else given.value[: _VALUE_LENGTH - 1] + "…"
                label = f"{name} = {value}"
            uri = given.uri if given is not None else ""
            self._nodes[id_] = LineageNode(id_, "input", label, uri=uri)
            if uri:
                self._by_uri[uri].append(((0, 0), "", id_))
        return id_

    def _other(self, execution: ExecutionId, phase: str, node: str = "") -> str:
        id_ = _id("execution", execution.project, execution.domain, execution.name)
        if id_ not in self._nodes:
            self._nodes[id_] = LineageNode(id_, "execution", execution.name, phase=phase, node=node)
        return id_

    def _node(self, node: RunNode) -> str:
        child = convert.child_execution(node.row) if node.row is not None else None
        if child is not None:
            return self._other(child, node.phase, node.id)
        id_ = _id("node", node.id)
        if id_ not in self._nodes:
            self._nodes[id_] = LineageNode(id_, "node", node.name, phase=node.phase, node=node.id)
            if node.row is not None and (origin := convert.cached_from(node.row)) is not None:
                self._join(self._other(origin.execution, ""), id_, "cache")
            elif node.phase == "RECOVERED" and self._execution.reference is not None:
                self._join(self._other(self._execution.reference, ""), id_, "recovered")
            for started in self._run.eager.get(node.id, ()):
                self._join(id_, self._other(started.id, started.phase), "")
        return id_

    def _declared_files(self) -> None:
        run = self._run
        found = files_of(self._plan, self._execution, run.outputs, run.failed, run.inputs)
        for planned, file in zip(self._plan.files, found, strict=True):
            id_ = _id("file", file.type, file.artifact, file.file, file.node, file.variable)
            uri = file.uris[0] if len(file.uris) == 1 else ""
            self._nodes[id_] = LineageNode(
                id_, "file", file.file, file.artifact, file.file, uri, phase=file.state, node=file.node,
                distinction=file.distinction,
            )  # fmt: skip
            self._put_out(id_, planned.sources, file.uris)

    def _undeclared_files(self) -> None:
        outputs = self._run.outputs
        for source in self._plan.undeclared:
            node = source.node
            id_ = _id("file", node.id, source.variable)
            values = outputs[node.id].literals if node.id in outputs else {}
            uris = files(values[source.variable]).uris if source.variable in values else ()
            uri = uris[0] if len(uris) == 1 else ""
            self._nodes[id_] = LineageNode(id_, "file", source.variable, uri=uri, phase="present", node=node.id)
            self._put_out(id_, (source,), uris)

    def _put_out(self, id_: str, sources: Sequence[Source], uris: Iterable[str]) -> None:
        if len(sources) > 1:
            self._lists.append((id_, sources))
            return
        for source in sources:
            for uri in uris:
                self._by_uri[uri].append((_begun(source.node), source.node.id, id_))
            if source.node.kind == "start":
                self._join(self._input(source.variable), id_, source.variable)
            elif source.constant is None:
                self._join(self._node(source.node), id_, source.variable)
                self._files[source.node.id, source.variable].append((source.steps, id_))

    def _lists_of_files(self) -> None:
        """Join files that several nodes made with what these nodes put out: a list, bound item by item."""
        for id_, sources in self._lists:
            for source in sources:
                for origin in self._origins(source, None):
                    self._join(origin, id_, source.variable)

    def _inputs_of(self, node: RunNode) -> None:
        target = self._node(node)
        for name, sources in self._resolver.inputs(node).items():
            for source in sources:
                for origin in self._origins(source, node):
                    self._join(origin, target, name)
        # Where the template is not known, the inputs that the node had still tell by their URIs.
        if node.spec is None and node.id in self._run.data:
            for name, literal in sorted(self._run.data[node.id].full_inputs.literals.items()):
                for uri in files(literal).uris:
                    for origin in self._with_uri(uri, node):
                        self._join(origin, target, name)

    def _decided_by(self, node: RunNode) -> None:
        """Join an arm of a branch with the values that the branch compares."""
        target, up = self._node(node), node.parent
        if up is None or up.kind != "branch":
            return
        for name, sources in self._resolver.inputs(up).items():
            for source in sources:
                for origin in self._origins(source, node):
                    if (origin, target) not in self._pairs:
                        self._join(origin, target, name.lstrip("."))

    def _waits_for(self, node: RunNode) -> None:
        """Join a node with those that it waits for without taking a value of theirs."""
        if node.spec is None:
            return
        promised = _promised(bound.binding for bound in node.spec.inputs)
        for id_ in node.spec.upstream_node_ids:
            before = node.scope.nodes.get(id_)
            if before is not None and id_ not in promised and (before.is_leaf or before.kind == "dynamic"):
                self._join(self._node(before), self._node(node), "")

    def _with_uri(self, uri: str, reader: RunNode | None) -> list[str]:
        """The vertices that had a URI first: a node that hands a file through has its URI, too."""
        found = sorted(self._by_uri.get(uri, ()))
        first = [id_ for _, node, id_ in found if node == found[0][1]]
        return first if reader is None or (found and found[0][1] != reader.id) else []

    def _origins(self, source: Source, reader: RunNode | None) -> Sequence[str]:
        """The vertices that a value comes from, for the node that reads it."""
        node = source.node
        if source.constant is not None:
            found = [id_ for uri in files(source.constant).uris for id_ in self._with_uri(uri, reader)]
            return found or ([self._node(node)] if node.kind == "dynamic" else [])
        if node.kind == "start":
            return [self._input(source.variable)]
        put_out = self._files.get((node.id, source.variable), ())
        matching = [id_ for steps, id_ in put_out if all(a == b for a, b in zip(steps, source.steps))]  # noqa: B905
        return matching or [self._node(node)]

    def _dynamic_parent(self, node: RunNode) -> None:
        """Join a node that nothing leads to with the dynamic node that made it."""
        target = self._node(node)
        up = node.parent
        while up is not None and up.kind != "dynamic":
            up = up.parent
        if up is not None and target not in self._targets:
            self._join(self._node(up), target, "")


def _promised(bindings: Iterable[literals_pb2.BindingData]) -> set[str]:
    """The ids of the nodes whose outputs are bound, at any depth."""
    found: set[str] = set()
    stack = list(bindings)
    while stack and len(found) < _MAX_PROMISED:
        bound = stack.pop()
        kind = bound.WhichOneof("value")
        if kind == "promise":
            found.add(bound.promise.node_id)
        elif kind == "collection":
            stack.extend(bound.collection.bindings)
        elif kind == "map":
            stack.extend(bound.map.bindings.values())
    return found


def _begun(node: RunNode) -> tuple[int, int]:
    created = node.row.closure.created_at if node.row is not None else None
    return (created.seconds, created.nanos) if created is not None else (0, 0)


def _id(kind: str, *parts: str) -> str:
    return f"{kind}:" + "/".join(quote(part, safe=" ()=@+,") for part in parts)
