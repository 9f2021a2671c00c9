"""Two versions of an artifact: which of their files belong together, and what of their runs may have made a difference.

The contents of files are compared elsewhere; these are pure functions over what Flyte Admin says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flowtui.domain.artifact import ArtifactFile
from flowtui.domain.execution import Execution, LaunchInput


@dataclass(frozen=True, slots=True)
class FilePair:
    """A file of an artifact in two versions; None where a version does not declare it."""

    left: ArtifactFile | None
    right: ArtifactFile | None

    @property
    def name(self) -> str:
        """The file's name, told apart from files of the same name."""
        found = self.left or self.right
        return found.title if found else ""


@dataclass(frozen=True, slots=True)
class Change:
    """Something of two runs that differs; None where a run does not have it."""

    name: str
    left: str | None
    right: str | None


@dataclass(frozen=True, slots=True)
class RunDifference:
    """Why files of two runs could differ.

    Attributes:
        facts: workflow, version, launch plan and project of the runs, where they differ.
        inputs: Launch Inputs that differ; of a file or directory its URI counts.
    """

    facts: tuple[Change, ...]
    inputs: tuple[Change, ...]


def file_pairs(left: Sequence[ArtifactFile], right: Sequence[ArtifactFile]) -> tuple[FilePair, ...]:
    """The files of two versions by name, in the order of left, then those that only right has.

    Of several files with one name, those made with the same inputs belong together, then those of one node and
    variable, the others in their order; never two that are known to be made with different values of the same inputs.
    """
    rest = list(right)
    found: dict[int, ArtifactFile] = {}
    for place_of in (_inputs, _exact, _name):
        for index, file in enumerate(left):
            if index in found:
                continue
            other = next((one for one in rest if place_of(one) == place_of(file) and not _contradict(one, file)), None)
            if other is not None:
                found[index] = other
                rest.remove(other)
    pairs = [FilePair(file, found.get(index)) for index, file in enumerate(left)]
    return (*pairs, *(FilePair(None, file) for file in rest))


def _inputs(file: ArtifactFile) -> tuple[object, ...]:
    return *_exact(file), file.differing_inputs


def _contradict(one: ArtifactFile, other: ArtifactFile) -> bool:
    """Whether the same inputs tell both apart from others of their name, and have other values."""
    mine, others = dict(one.differing_inputs), dict(other.differing_inputs)
    return bool(mine) and mine.keys() == others.keys() and mine != others


def _exact(file: ArtifactFile) -> tuple[object, ...]:
    return file.file, file.node_name or file.node, file.variable


def _name(file: ArtifactFile) -> tuple[object, ...]:
    return (file.file,)


def same_file(file: ArtifactFile, files: Sequence[ArtifactFile]) -> ArtifactFile | None:
    """The file among those of another run that is a version of this one: by artifact, name, inputs and node."""
    named = [
        one
        for one in files
        if (one.type, one.artifact, one.file) == (file.type, file.artifact, file.file) and not _contradict(one, file)
    ]
    for place_of in (_inputs, _exact):
        exact = [one for one in named if place_of(one) == place_of(file)]
        if exact:
            return exact[0]
    return next(iter(named), None)


def run_difference(
    left: Execution, right: Execution, left_inputs: Sequence[LaunchInput], right_inputs: Sequence[LaunchInput]
) -> RunDifference:
    """What of two runs differs that their files may differ for."""
    facts = (
        Change("project", f"{left.id.project}/{left.id.domain}", f"{right.id.project}/{right.id.domain}"),
        Change("workflow", left.workflow.name, right.workflow.name),
        Change("version", left.workflow.version, right.workflow.version),
        Change("launch plan", left.launch_plan.name, right.launch_plan.name),
    )
    first = {one.name: one.uri or one.value for one in left_inputs}
    second = {one.name: one.uri or one.value for one in right_inputs}
    names = dict.fromkeys((*first, *second))
    inputs = (Change(name, first.get(name), second.get(name)) for name in names)
    return RunDifference(
        tuple(change for change in facts if change.left != change.right),
        tuple(change for change in inputs if change.left != change.right),
    )
