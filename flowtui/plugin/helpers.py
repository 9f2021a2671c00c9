"""Shorter ways to write a Domino job into a workflow, and to fetch the files that a run left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flowtui.plugin.blobs import BlobDataLocation, download_blobs
from flowtui.plugin.config import (
    ClusterProperties,
    DatasetSnapshot,
    DominoJobConfig,
    ExternalDataVolume,
    GitRef,
    NetAppVolumeSnapshot,
)
from flowtui.plugin.task import DominoJobTask, job_config

__all__ = [
    "BlobDataLocation",
    "DominoJobConfig",
    "DominoJobTask",
    "Input",
    "Output",
    "download_blobs",
    "run_domino_job_task",
]


@dataclass(frozen=True, eq=False)
class Input:
    """An input of a job: its name, its type, and its value, a constant or an output of another node."""

    name: str
    type: Any
    value: Any


@dataclass(frozen=True)
class Output:
    """An output of a job: its name and its type, which may be ``Artifact.File(...)``."""

    name: str
    type: Any


def run_domino_job_task(
    flyte_task_name: str,
    command: str,
    inputs: Sequence[Input] | None = None,
    output_specs: Sequence[Output] | None = None,
    environment_name: str | None = None,
    environment_id: str | None = None,
    environment_revision_id: str | None = None,
    hardware_tier_name: str | None = None,
    hardware_tier_id: str | None = None,
    volume_size_gib: float | None = None,
    dfs_repo_commit_id: str | None = None,
    main_git_repo_ref: GitRef | None = None,
    dataset_snapshots: Sequence[DatasetSnapshot] | None = None,
    external_data_volumes: Sequence[ExternalDataVolume] | None = None,
    netapp_volume_snapshots: Sequence[NetAppVolumeSnapshot] | None = None,
    compute_cluster_properties: ClusterProperties | None = None,
    cache: bool = False,
    cache_version: str = "",
    retries: int = 0,
    timeout: timedelta | int = timedelta(hours=3),
    use_project_defaults_for_omitted: bool = False,
    use_latest_git_ref: bool = False,
    job_title: str | None = None,
    **kwargs: Any,
) -> Any:
    """Define a Domino job and call it, inside a workflow.

    Args:
        flyte_task_name: the task's name, one per project and version.
        command: the command line of the job.
        inputs: with their values.
        output_specs: what the job leaves.
        volume_size_gib: the size of the job's disk.
        dfs_repo_commit_id: the version of the project's files.
        main_git_repo_ref: the version of the project's main repository; ``use_latest_git_ref`` takes its head.
        use_project_defaults_for_omitted: take the project's latest defaults for what is not given here.
        kwargs: what else ``DominoJobTask`` takes.

    Returns:
        The outputs: ``r["x"]``, ``r.x``, by unpacking, or, if single, ``r`` itself.
    """
    if main_git_repo_ref is None and use_latest_git_ref:
        main_git_repo_ref = GitRef("head")
    config = job_config(
        command,
        title=job_title,
        environment_id=environment_id,
        environment_name=environment_name,
        environment_revision_id=environment_revision_id,
        hardware_tier_id=hardware_tier_id,
        hardware_tier_name=hardware_tier_name,
        CommitId=dfs_repo_commit_id,
        MainRepoGitRef=main_git_repo_ref,
        ComputeClusterProperties=compute_cluster_properties,
        VolumeSizeGiB=volume_size_gib,
        DatasetSnapshots=dataset_snapshots,
        ExternalVolumeMountIds=external_data_volumes,
        NetAppVolumeSnapshots=netapp_volume_snapshots,
    )
    task = DominoJobTask(
        name=flyte_task_name,
        domino_job_config=config,
        use_latest=use_project_defaults_for_omitted,
        inputs={item.name: item.type for item in inputs or ()},
        outputs={item.name: item.type for item in output_specs or ()},
        cache=cache,
        cache_version=cache_version,
        retries=retries,
        timeout=timeout,
        environment_name=environment_name,
        hardware_tier_name=hardware_tier_name,
        **kwargs,
    )
    return task(**{item.name: item.value for item in inputs or ()})
