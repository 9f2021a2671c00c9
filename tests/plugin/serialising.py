"""Serialise a workflow with flytekit and read the messages back."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from flyteidl.admin.task_pb2 import TaskSpec
from flyteidl.admin.workflow_pb2 import WorkflowSpec
from flyteidl.core.interface_pb2 import Variable
from flytekit.configuration import ImageConfig, SerializationSettings
from flytekit.models.admin.workflow import WorkflowSpec as WorkflowSpecModel
from flytekit.models.task import TaskSpec as TaskSpecModel
from flytekit.tools.translator import get_serializable
from google.protobuf.json_format import MessageToDict


@dataclass
class Serialised:
    workflow: WorkflowSpec
    tasks: dict[str, TaskSpec]

    def custom(self, task: str) -> dict[str, Any]:
        return MessageToDict(self.tasks[task].template.custom)

    def outputs(self, task: str) -> dict[str, Variable]:
        return dict(self.tasks[task].template.interface.outputs.variables)

    @property
    def own_outputs(self) -> dict[str, Variable]:
        return dict(self.workflow.template.interface.outputs.variables)


def declared(variables: dict[str, Variable]) -> dict[str, tuple[str, str, str, str]]:
    """``{variable: (artifact, type, file, format)}`` of the variables that declare an artifact file."""
    found = {}
    for name, variable in variables.items():
        partitions = variable.artifact_partial_id.partitions.value
        if partitions:
            found[name] = (
                partitions["artifact_name"].static_value,
                partitions["artifact_type"].static_value,
                variable.artifact_partial_id.artifact_key.name,
                variable.type.blob.format,
            )
    return found


def serialise(workflow: Any) -> Serialised:
    entities: OrderedDict[Any, Any] = OrderedDict()
    settings = SerializationSettings(
        image_config=ImageConfig.auto(img_name="flowtui.test/none:1"), project="p", domain="d", version="v"
    )
    spec = get_serializable(entities, settings, workflow)
    assert isinstance(spec, WorkflowSpecModel)
    # Through bytes, as they go over the wire.
    tasks = [
        TaskSpec.FromString(e.to_flyte_idl().SerializeToString())
        for e in entities.values()
        if isinstance(e, TaskSpecModel)
    ]
    return Serialised(
        WorkflowSpec.FromString(spec.to_flyte_idl().SerializeToString()),
        {task.template.id.name: task for task in tasks},
    )
