"""A task of a flow that is a Domino job.

Its inputs are files under ``/workflow/inputs`` and its outputs those that the job leaves under ``/workflow/outputs``,
one per variable. It is serialised with task type ``domino_job`` and this ``custom``, beside what
``DominoJobConfig.to_json`` gives::

    useLatest                   true where the project's defaults fill what is not configured
    environmentName             where environment or hardware tier are given by name
    hardwareTierName
    inputPaths, outputPaths     {variable: [path, ...]} for the variables that are not simply at their name
    inputInterfaceBase64        flyteidl.core.VariableMap of the inputs
    inputOutputInterfaceBase64  flyteidl.core.TypedInterface
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flytekit.core.base_task import PythonTask, TaskMetadata
from flytekit.core.interface import Interface

from flowtui.errors import FlowError
from flowtui.plugin import duplicates
from flowtui.plugin.config import (
    ClusterProperties,
    ComputeClusterProperties,
    ComputeClusterType,
    DatasetSnapshot,
    DominoJobConfig,
    EnvironmentRevisionSpecification,
    EnvironmentRevisionType,
    ExternalDataVolume,
    GitRef,
    NetAppVolumeSnapshot,
)
from flowtui.plugin.file import job_paths
from flowtui.plugin.results import named_results

__all__ = [
    "ClusterProperties",
    "ComputeClusterProperties",
    "ComputeClusterType",
    "DatasetSnapshot",
    "DominoJobConfig",
    "DominoJobTask",
    "EnvironmentRevisionSpecification",
    "EnvironmentRevisionType",
    "ExternalDataVolume",
    "GitRef",
    "NetAppVolumeSnapshot",
]

TASK_TYPE = "domino_job"

duplicates.install()


class DominoJobTask(PythonTask):  # type: ignore[misc]
    """A Domino job as a task of a workflow.

    Args:
        name: the task's name, one per project and version.
        domino_job_config: what the job runs; may leave fields to the project's defaults.
        use_latest: fill those with the project's latest defaults when the job starts.
        inputs: names and types of the inputs.
        outputs: names and types of the outputs; ``Artifact.File(...)`` declares a file of an artifact.
        log_level: accepted for compatibility, without effect.
        cache: take the outputs of an earlier run with the same inputs, ``cache_version`` and job configuration.
        retries: how often to try again within a run.
        timeout: the longest that one try may take, in seconds or as a timedelta.
        extra_custom: further keys of ``custom``.

    Calling it in a workflow gives the outputs: ``r["x"]``, ``r.x``, by unpacking, or, if single, ``r`` itself.
    """

    def __init__(
        self,
        name: str,
        domino_job_config: DominoJobConfig,
        use_latest: bool = False,
        inputs: Mapping[str, Any] | None = None,
        outputs: Mapping[str, Any] | None = None,
        log_level: int = 20,
        cache: bool = False,
        cache_serialize: bool = False,
        cache_version: str = "",
        cache_ignore_input_vars: tuple[str, ...] = (),
        retries: int = 0,
        timeout: timedelta | int = timedelta(hours=3),
        environment_name: str | None = None,
        hardware_tier_name: str | None = None,
        extra_custom: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(domino_job_config, DominoJobConfig):
            raise FlowError(f'The task "{name}" needs a DominoJobConfig, not {domino_job_config!r}.')
        self._job = {
            **domino_job_config.to_json(),
            "useLatest": use_latest,
            **{
                key: value
                for key, value in (("environmentName", environment_name), ("hardwareTierName", hardware_tier_name))
                if value
            },
            **(extra_custom or {}),
        }
        super().__init__(
            task_type=TASK_TYPE,
            name=name,
            task_config=domino_job_config,
            interface=Interface(inputs=dict(inputs or {}), outputs=dict(outputs or {})),
            metadata=TaskMetadata(
                cache=cache,
                cache_serialize=cache_serialize,
                cache_version=self._cache_version(cache_version) if cache else "",
                cache_ignore_input_vars=tuple(cache_ignore_input_vars),
                retries=retries,
                timeout=timedelta(seconds=seconds(timeout)),
            ),
            **kwargs,
        )

    def _cache_version(self, version: str) -> str:
        """Flyte's version and a hash of the job: another command or environment is another result."""
        digest = hashlib.sha256(json.dumps(self._job, sort_keys=True).encode()).hexdigest()[:16]
        return f"{version}-{digest}" if version else digest

    def construct_node_metadata(self) -> Any:
        """Metadata of a node of this task, with its whole name: flytekit keeps what is behind the last dot only."""
        metadata = super().construct_node_metadata()
        metadata._name = self.name  # flytekit's model has no setter
        return metadata

    def __call__(self, *args: object, **kwargs: object) -> Any:
        return named_results(super().__call__(*args, **kwargs), self)

    def get_custom(self, settings: Any) -> dict[str, Any]:
        interface = self.interface.to_flyte_idl()
        custom = {
            **self._job,
            "inputInterfaceBase64": _base64(interface.inputs),
            "inputOutputInterfaceBase64": _base64(interface),
        }
        for key, types, variables in (
            ("inputPaths", self.python_interface.inputs, interface.inputs.variables),
            ("outputPaths", self.python_interface.outputs, interface.outputs.variables),
        ):
            paths = {var: job_paths(var, type_, variables[var].type.blob.format) for var, type_ in types.items()}
            if any(paths.values()):
                custom[key] = {var: found for var, found in paths.items() if found}
        return custom

    def execute(self, **kwargs: Any) -> Any:
        """Raises FlowError: a Domino job is a process of its own, not a function of this one."""
        raise FlowError(
            f'The Domino job "{self.name}" does not run inside Python.',
            "Run the flow with: flowtui run FILE WORKFLOW",
        )


def job_config(
    command: str,
    *,
    title: str | None = None,
    environment_id: str | None = None,
    environment_name: str | None = None,
    environment_revision_id: str | None = None,
    hardware_tier_id: str | None = None,
    hardware_tier_name: str | None = None,
    **fields: Any,
) -> DominoJobConfig:
    """A ``DominoJobConfig`` from the parameters of the helper functions.

    Raises:
        FlowError: environment or hardware tier are given both by name and by id.
    """
    for what, by_id, by_name in (
        ("environment", environment_id, environment_name),
        ("hardware_tier", hardware_tier_id, hardware_tier_name),
    ):
        if by_id and by_name:
            raise FlowError(f"Both {what}_id and {what}_name are given.", "Give one of them.")
    revision = None
    if environment_revision_id:
        revision = EnvironmentRevisionSpecification(EnvironmentRevisionType.SomeRevision, environment_revision_id)
    return DominoJobConfig(
        Command=command,
        Title=title,
        EnvironmentId=environment_id,
        EnvironmentRevisionSpec=revision,
        HardwareTierId=hardware_tier_id,
        **fields,
    )


def seconds(timeout: timedelta | int) -> int:
    """A timeout in whole seconds."""
    return int(timeout.total_seconds()) if isinstance(timeout, timedelta) else int(timeout)


def _base64(message: Any) -> str:
    return base64.b64encode(message.SerializeToString(deterministic=True)).decode()
