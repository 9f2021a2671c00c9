"""Flow Artifacts of a run: named groups of files of type data, model or report.

An artifact version is one artifact as filled by one execution; its identity is (project, domain, execution, artifact
name, artifact type). A file's identity is its artifact version, the file name and the producing node.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from flowtui.domain.execution import Execution, ExecutionId, NodeId

FileState = Literal["present", "pending", "not_produced", "unavailable"]
"""``present``: has its URIs. ``pending``: may still come. ``not_produced``: the run or the node ended without it.
``unavailable``: the node succeeded, yet Admin returns no value, or the URIs are none that are read on this machine (a
notice says why)."""

_GENERATED = re.compile(r"[0-9a-f]{32}")

ARTIFACT_TYPES = ("data", "model", "report")
"""The types of Domino's artifacts on the wire; other values are shown as they came, a missing one is ``unknown``."""


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """One file of an artifact version.

    Attributes:
        file: the declared file name; it may hold blanks and slashes and may have no extension.
        format: the blob's format in the interface (``csv``), empty where none is declared.
        node: id of the leaf node execution that made the bytes, or that would have made them.
        node_name: its display name.
        variable: the output variable of that node.
        declared_at: where the file is declared: node ids, and ``""`` for the run's own workflow outputs.
        uris: as the literal holds them, never normalised; several for a list or a map task, in order.
        size: bytes, None where it was not asked for or is not known.
        directory: True where the literal is a multipart blob.
        made_by: the node execution that made the bytes, also in another execution (cache hit, recovered run);
            None where nothing was made.
        differing_inputs: where several files of the artifact have this name, the inputs that differ on the way to the
            nodes that made them, by name, with shortened values.
        distinction: what tells it apart from these, in words (``name = l``); empty where its name is its own.
    """

    type: str
    artifact: str
    file: str
    format: str
    node: str
    variable: str
    declared_at: tuple[str, ...]
    state: FileState
    uris: tuple[str, ...] = ()
    size: int | None = None
    directory: bool = False
    made_by: NodeId | None = None
    notices: tuple[str, ...] = ()
    node_name: str = ""
    differing_inputs: tuple[tuple[str, str], ...] = ()
    distinction: str = ""

    @property
    def title(self) -> str:
        """The file's name, with its distinction where that is not its own: ``inner.csv (name = l)``."""
        return f"{self.file} ({self.distinction})" if self.distinction else self.file


@dataclass(frozen=True, slots=True)
class Artifact:
    """An artifact version: the files that one execution declares under one name and type."""

    type: str
    name: str
    files: tuple[ArtifactFile, ...]

    @property
    def present(self) -> int:
        """How many of the files exist."""
        return sum(file.state == "present" for file in self.files)


@dataclass(frozen=True, slots=True)
class UndeclaredOutput:
    """An output of a node that holds files and belongs to no artifact.

    Attributes:
        uris: None where they were not asked for yet.
        places: where in the value each URI is, as one would write it: ``[2]``, ``.others[0]``; empty for the value.
        workflow_outputs: the names of the run's own outputs that it becomes as a whole.
        part_of: of one file of an output (see ``parts``) the variable that it is of.
    """

    node: str
    variable: str
    format: str
    uris: tuple[str, ...] | None = None
    size: int | None = None
    node_name: str = ""
    directory: bool = False
    places: tuple[str, ...] = ()
    workflow_outputs: tuple[str, ...] = ()
    part_of: str = ""

    @property
    def selector(self) -> str:
        """What names it on the command line: ``n0.o0``."""
        return f"{self.node}.{self.variable}"

    @property
    def parts(self) -> tuple[UndeclaredOutput, ...]:
        """Each of its files as an output of its own: of ``n0.o0`` with three ``n0.o0[0]``, ...; itself with one."""
        if self.uris is None or len(self.uris) < 2:
            return (self,)
        places = self.places if len(set(self.places)) == len(self.uris) else ()
        places = places or tuple(f"[{index}]" for index in range(len(self.uris)))
        return tuple(
            replace(
                self,
                variable=f"{self.variable}{place}",
                uris=(uri,),
                size=None,
                places=("",),
                workflow_outputs=(),
                part_of=self.variable,
            )
            for uri, place in zip(self.uris, places, strict=True)
        )

    @property
    def artifact(self) -> Artifact:
        """Its files as those of an artifact that is named after the whole output, for what works on artifacts."""
        name = f"{self.node}.{self.part_of or self.variable}"
        files = tuple(
            ArtifactFile(
                "data",
                name,
                part.file_name,
                self.format,
                self.node,
                part.variable,
                (),
                "present",
                part.uris,
                part.size,
                self.directory,
                node_name=self.node_name,
            )
            for part in self.parts
            if part.uris
        )
        return Artifact("data", name, files)

    @property
    def file_name(self) -> str:
        """The last part of its first URI; the variable where that is a name that Flyte made up, or there is none."""
        name = self.uris[0].partition("?")[0] if self.uris and "://" in self.uris[0] else (self.uris or ("",))[0]
        name = name.rstrip("/").rpartition("/")[2]
        return self.variable if not name or _GENERATED.fullmatch(name) else name


@dataclass(frozen=True, slots=True)
class RunArtifacts:
    """What a run declares and what exists of it, sorted by type, name, file and node.

    Attributes:
        children: the executions that launch-plan nodes of this run started; their files are theirs.
        complete: False where something could not be read this time; a notice says what.
    """

    execution: Execution
    artifacts: tuple[Artifact, ...]
    undeclared: tuple[UndeclaredOutput, ...] = ()
    children: tuple[ExecutionId, ...] = ()
    notices: tuple[str, ...] = ()
    complete: bool = True

    @property
    def files(self) -> tuple[ArtifactFile, ...]:
        return tuple(file for artifact in self.artifacts for file in artifact.files)

    def siblings(self, file: ArtifactFile) -> dict[str, str]:
        """Where the other files of a file's artifact are that are single files, by name."""
        found = next((one for one in self.artifacts if (one.type, one.name) == (file.type, file.artifact)), None)
        others = found.files if found else ()
        return {one.file: one.uris[0] for one in others if one != file and len(one.uris) == 1 and not one.directory}


@dataclass(frozen=True, slots=True)
class ArtifactVersionId:
    """What a bookmark is on: an artifact version, or one file of it."""

    execution: ExecutionId
    artifact: str
    type: str
    file: str = ""
    node: str = ""
