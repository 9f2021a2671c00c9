"""Ids of the domain as parts of paths and as flyteidl's messages, and new names."""

from __future__ import annotations

import uuid

from flyteidl.core import identifier_pb2

from flowtui.domain.execution import EntityId, ExecutionId


def new_name() -> str:
    """A fresh name for an execution: a letter and 19 characters, as Flyte's own are."""
    return "f" + uuid.uuid4().hex[:19]


def execution_parts(id_: ExecutionId) -> tuple[str, str, str]:
    return id_.project, id_.domain, id_.name


def entity_parts(id_: EntityId) -> tuple[str, str, str, str]:
    return id_.project, id_.domain, id_.name, id_.version


def entity_name(id_: EntityId) -> str:
    return f"{id_.name} version {id_.version}"


def execution_message(id_: ExecutionId) -> identifier_pb2.WorkflowExecutionIdentifier:
    return identifier_pb2.WorkflowExecutionIdentifier(project=id_.project, domain=id_.domain, name=id_.name)


def execution_id(id_: identifier_pb2.WorkflowExecutionIdentifier) -> ExecutionId:
    """The domain's id of an execution."""
    return ExecutionId(id_.project, id_.domain, id_.name)
