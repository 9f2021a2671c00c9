"""Files of one artifact that have one name, made by several nodes: what tells them apart.

A sub-workflow that declares a file and is called in a loop gives the file once for each call. What tells these files
apart for a person is what the calls differ in: the inputs of the nodes on the way from the run to the leaf that made
the bytes. They are known from the bindings where these hold constants, as below a dynamic node, and from the data that
was asked for with the outputs; only where that is not enough more is asked for (``wanted``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flyteidl.core import literals_pb2

from flowtui.catalog.literals import files, step_into
from flowtui.catalog.resolve import Resolver, Source
from flowtui.catalog.run_nodes import START, RunNode
from flowtui.catalog.values import value_text
from flowtui.domain.execution import TERMINAL_NODE_PHASES

if TYPE_CHECKING:
    from flowtui.catalog.join import PlannedFile

MAX_WANTED = 100
"""Nodes of a run whose inputs are asked for only to tell files apart."""

_SHOWN = 3
_MAX_KEYS = 60
_HEAD, _TAIL = 13, 26

Key = tuple[str, int]
"""An input on the way to a file: its name, and how many other values of that name come before it."""

Inputs = Mapping[str, literals_pb2.LiteralMap]
"""Inputs by node execution id, of the nodes whose data is there; those of the start node are the Launch Inputs."""


@dataclass(frozen=True, slots=True)
class Distinction:
    """What tells a file apart from others of its name.

    Attributes:
        inputs: the inputs that differ, by name, with shortened values; empty where none does.
        words: the same as one text, with the node where the inputs do not tell it alone: ``name = l``.
    """

    inputs: tuple[tuple[str, str], ...]
    words: str


@dataclass
class _Member:
    """A file with the nodes on the way to it, and their inputs as far as they were looked at."""

    file: PlannedFile
    values: dict[Key, str] = field(default_factory=dict)
    depths: dict[Key, tuple[bool, int]] = field(default_factory=dict)
    """Where on the way an input is, from the run on; files, whose names say less, behind everything else."""

    def __post_init__(self) -> None:
        self.way = _way(self.file.sources[0].node)


def distinctions(planned: Sequence[PlannedFile], inputs: Inputs) -> dict[int, Distinction]:
    """What tells files of one name apart, by their place in ``planned``; nothing of those whose name is their own."""
    members, found = _Members(planned, inputs), {}
    for group, keys in members.groups():
        labels = {index: _label(member, keys) for index, member in group.items()}
        count = Counter(labels.values())
        nodes = Counter(member.way[-1].id for member in group.values())
        for index, member in group.items():
            label = labels[index]
            if count[label] > 1 or not label:
                source = member.file.sources[0]
                of = f" output {source.variable}" if nodes[source.node.id] > 1 and source.variable else ""
                label = ", ".join(part for part in (label, f"node {source.node.id}{of}") if part)
            told = tuple((key[0], member.values[key]) for key in keys if key in member.values)
            found[index] = Distinction(told, label)
    return found


def wanted(planned: Sequence[PlannedFile], inputs: Inputs) -> list[str]:
    """Ids of the nodes whose inputs may tell files apart that nothing known tells apart.

    These are the nodes at which the ways to such files part, as the calls of one sub-workflow. None where there would
    be more than ``MAX_WANTED``: then the ids of the nodes have to do. Where such nodes are given different Launch
    Inputs the start node is wanted, too, though what is further down may tell the files apart: it is one call, and its
    values are those that a person gave.
    """
    members = _Members(planned, inputs)
    asked: dict[str, None] = {}
    for group, keys in members.groups():
        count = Counter(_label(member, keys) for member in group.values())
        parting = _parting(list(group.values()))
        # What is bound to the same sources is the same, whatever it is.
        if START not in inputs and members.take_different_launch_inputs(parting):
            asked[START] = None
        parting = _parting([member for member in group.values() if count[_label(member, keys)] > 1])
        if len({members.bound(node) for node in parting}) > 1:
            asked |= {
                node.id: None
                for node in parting
                if node.row is not None and node.phase in TERMINAL_NODE_PHASES and node.id not in inputs
            }
    return list(asked) if len(asked) <= MAX_WANTED else []


class _Members:
    """The files of a plan whose names meet."""

    def __init__(self, planned: Sequence[PlannedFile], inputs: Inputs) -> None:
        self._planned = planned
        self._known = inputs
        self._resolver = Resolver()
        self._inputs: dict[str, dict[str, tuple[str, bool]]] = {}
        self._names = {
            (file.sources[0].node.id, file.sources[0].variable): file.declared.file
            for file in planned
            if len(file.sources) == 1
        }

    def groups(self) -> Iterator[tuple[dict[int, _Member], list[Key]]]:
        """Files with one name, by their place in the plan, and the inputs that tell them apart."""
        by_name: defaultdict[object, list[int]] = defaultdict(list)
        for index, file in enumerate(self._planned):
            by_name[file.declared].append(index)
        for indices in by_name.values():
            if len(indices) > 1:
                group = {index: _Member(self._planned[index]) for index in indices}
                yield group, self._telling_keys(list(group.values()))

    def _telling_keys(self, members: Sequence[_Member]) -> list[Key]:
        """Inputs of the nodes from where the ways part: further down only where those above do not tell it."""
        keys: list[Key] = []
        ways = [member.way for member in members]
        for depth in range(_common_length(ways), max(map(len, ways))):
            for member in members:
                if depth < len(member.way):
                    self._add(member, depth)
            keys = _telling_keys(members)
            is_file = any(member.depths[key][0] for key in keys for member in members if key in member.depths)
            if not is_file and len({_label(member, keys) for member in members}) == len(members):
                break
        return keys

    def bound(self, node: RunNode) -> object:
        """What the inputs of a node are bound to; equal for nodes that have the same inputs."""
        return frozenset(
            (name, tuple((*source.key, _text(source.constant, None) if source.constant else "") for source in sources))
            for name, sources in self._resolver.inputs(node).items()
        )

    def take_different_launch_inputs(self, nodes: Sequence[RunNode]) -> bool:
        """Whether two nodes are given different Launch Inputs of the run for one of their own inputs."""
        found: dict[str, object] = {}
        return any(
            found.setdefault(name, source.key) != source.key
            for node in nodes
            for name, sources in self._resolver.inputs(node).items()
            for source in sources
            if source.node.kind == "start" and source.node.row is not None
        )

    def _add(self, member: _Member, depth: int) -> None:
        for name, (value, is_file) in self._of_node(member.way[depth]).items():
            number = 0
            while (name, number) in member.values and member.values[name, number] != value:
                number += 1
            if (name, number) not in member.values and len(member.values) < _MAX_KEYS:
                member.values[name, number] = value
                member.depths[name, number] = is_file, depth

    def _of_node(self, node: RunNode) -> dict[str, tuple[str, bool]]:
        """The inputs of a node in words, and whether they are files, as far as they are known."""
        if node.id not in self._inputs:
            known = self._known[node.id].literals if node.id in self._known else {}
            bound = self._resolver.inputs(node)
            found = {}
            for name in list(dict.fromkeys((*bound, *sorted(known))))[:_MAX_KEYS]:
                sources = bound.get(name, ())
                source = sources[0] if len(sources) == 1 else None
                literal = known[name] if name in known else self._value(source)
                declared = self._names.get((source.node.id, source.variable)) if source is not None else None
                text = (declared or "") if literal is None else _text(literal, declared)
                if text:
                    found[name] = text, literal is None or _is_file(literal)
            self._inputs[node.id] = found
        return self._inputs[node.id]

    def _value(self, source: Source | None) -> literals_pb2.Literal | None:
        """A value that is written into the workflow, or a Launch Input."""
        if source is None or source.constant is not None:
            return source.constant if source is not None else None
        launch = self._known.get(START) if source.node.kind == "start" else None
        if launch is None or source.variable not in launch.literals:
            return None
        literal = launch.literals[source.variable]
        return step_into(literal, source.steps) if source.steps else literal


def _is_file(literal: literals_pb2.Literal) -> bool:
    return literal.scalar.WhichOneof("value") != "primitive" and bool(files(literal).uris)


def _text(literal: literals_pb2.Literal, declared: str | None) -> str:
    """A value in a few words: of a file its name."""
    if literal.scalar.WhichOneof("value") == "primitive":
        return _short(value_text(literal))
    uris = files(literal).uris
    if uris:
        text = (declared or uris[0].rstrip("/").rpartition("/")[2]) if len(uris) == 1 else ""
    else:
        text = value_text(literal)
    return _short(text)


def _short(text: str) -> str:
    """A text in one line, long ones without their middle."""
    text = " ".join(text.split())
    return text if len(text) <= _HEAD + 1 + _TAIL else f"{text[:_HEAD]}…{text[-_TAIL:]}"


def _way(leaf: RunNode) -> tuple[RunNode, ...]:
    """The nodes from the run down to one."""
    way = [leaf]
    while way[-1].parent is not None:
        way.append(way[-1].parent)
    return tuple(reversed(way))


def _parting(members: Sequence[_Member]) -> list[RunNode]:
    """The nodes at which the ways to files part."""
    ways = [member.way for member in members]
    common = _common_length(ways) if ways else 0
    return list({way[common].id: way[common] for way in ways if common < len(way)}.values())


def _common_length(ways: Sequence[tuple[RunNode, ...]]) -> int:
    shortest = min(map(len, ways))
    return next((depth for depth in range(shortest) if len({id(way[depth]) for way in ways}) > 1), shortest)


def in_words(inputs: Sequence[tuple[str, str]]) -> str:
    """Inputs and their values as one text; empty where there are none."""
    return ", ".join(f"{name} = {value}" for name, value in inputs)


def _label(member: _Member, keys: Sequence[Key]) -> str:
    return in_words([(key[0], member.values[key]) for key in keys if key in member.values])


def _telling_keys(members: Sequence[_Member]) -> list[Key]:
    """The inputs that tell files apart: as few as do it, and what else differs at the same place, at most three."""
    depths: dict[Key, tuple[bool, int]] = {}
    for member in members:
        for key, depth in member.depths.items():
            depths[key] = min(depth, depths.get(key, depth))
    ordered = sorted(depths, key=lambda key: depths[key])
    differing = [key for key in ordered if len({member.values.get(key) for member in members}) > 1]
    chosen: list[Key] = []
    told: list[tuple[str | None, ...]] = [()] * len(members)
    while len(chosen) < _SHOWN and len(set(told)) < len(members):
        best: tuple[int, Key | None] = len(set(told)), None
        for key in differing:
            count = len({(one, member.values.get(key)) for one, member in zip(told, members, strict=True)})
            if count > best[0]:
                best = count, key
        if best[1] is None:
            break
        chosen.append(best[1])
        told = [(*one, member.values.get(best[1])) for one, member in zip(told, members, strict=True)]
    if chosen and not depths[chosen[0]][0]:
        beside = [key for key in differing if depths[key] == depths[chosen[0]] and key not in chosen]
        beside = [key for key in beside if all(key in member.values for member in members)]
        chosen += beside[: _SHOWN - len(chosen)]
    return sorted(chosen, key=ordered.index)
