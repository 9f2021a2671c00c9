"""Map tasks: the artifact id that they have lost is found at the task that they run.

A map task's own task declares a plain list. Its container's arguments name the inner task, which is registered on its
own in the same version and still has the artifact id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flyteidl.core import interface_pb2, tasks_pb2

from flowtui.domain.execution import EntityId


def with_artifact(
    variable: interface_pb2.Variable, inner: Mapping[str, interface_pb2.Variable], name: str
) -> interface_pb2.Variable:
    """The output of a map task with the artifact id that only the inner task has kept."""
    if variable.HasField("artifact_partial_id") or name not in inner:
        return variable
    restored = interface_pb2.Variable()
    restored.CopyFrom(variable)
    if inner[name].HasField("artifact_partial_id"):
        restored.artifact_partial_id.CopyFrom(inner[name].artifact_partial_id)
    return restored


def inner_task_of(task: tasks_pb2.TaskTemplate) -> EntityId | None:
    """The task that a map task runs, from the arguments of its container; None where they do not say.

    flytekit's resolver writes ``task-module MODULE task-name NAME``; the inner task is called ``MODULE.NAME``.
    """
    args = list(task.container.args)
    if task.HasField("k8s_pod"):
        args += _pod_args(task.k8s_pod.pod_spec)
    words = {args[index]: args[index + 1] for index in range(len(args) - 1)}
    module, name = words.get("task-module"), words.get("task-name")
    if not module or not name:
        return None
    return EntityId(task.id.project, task.id.domain, f"{module}.{name}", task.id.version)


def _pod_args(spec: Any) -> Iterator[str]:
    for container in spec.fields["containers"].list_value.values if "containers" in spec.fields else ():
        fields = container.struct_value.fields
        for arg in fields["args"].list_value.values if "args" in fields else ():
            yield arg.string_value
