"""What is exported: files of one or several runs, and the facts of each run that go into the manifest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowtui.domain.artifact import ArtifactFile
from flowtui.domain.execution import Execution, ExecutionId, LaunchInput


@dataclass(frozen=True, slots=True)
class SourceRun:
    """A run that files come from.

    Attributes:
        workflow, version, launch_plan: names as Flyte has them; empty where they are not known.
        principal: who launched it.
        inputs: its Launch Inputs by name, as text.
    """

    id: ExecutionId
    workflow: str = ""
    version: str = ""
    launch_plan: str = ""
    principal: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """For the journal and the manifest."""
        return {
            "project": self.id.project,
            "domain": self.id.domain,
            "name": self.id.name,
            "workflow": self.workflow,
            "version": self.version,
            "launch_plan": self.launch_plan,
            "principal": self.principal,
            "inputs": dict(self.inputs),
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> SourceRun:
        """The run of :meth:`to_json`. Raises KeyError where it is something else."""
        return cls(
            ExecutionId(facts["project"], facts["domain"], facts["name"]),
            workflow=facts["workflow"],
            version=facts["version"],
            launch_plan=facts["launch_plan"],
            principal=facts["principal"],
            inputs=facts["inputs"],
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """Files of one run that are to be exported."""

    run: SourceRun
    files: tuple[ArtifactFile, ...]


def source_run(execution: Execution, inputs: Iterable[LaunchInput] = ()) -> SourceRun:
    """The facts of a run for the manifest."""
    return SourceRun(
        execution.id,
        workflow=execution.workflow.name,
        version=execution.workflow.version,
        launch_plan=execution.launch_plan.name,
        principal=execution.principal,
        inputs={one.name: one.value for one in inputs},
    )
