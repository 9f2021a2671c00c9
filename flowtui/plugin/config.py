"""The configuration of a Domino job: command, environment, hardware, code version, data.

Field names are those of Domino's flow API. ``to_json`` gives the names of Domino's job API (``commandToRun`` is
``command`` here). ``None`` means the project's default, which only Domino knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from flowtui.errors import FlowError

GIT_REF_TYPES = ("head", "branches", "tags", "commitId")


@dataclass
class GitRef:
    """The version of the project's main repository: ``head``, or a branch, tag or commit with its ``Value``.

    Raises:
        FlowError: the type is unknown, or it needs a value and has none.
    """

    Type: str
    Value: str | None = None

    def __post_init__(self) -> None:
        if self.Type not in GIT_REF_TYPES:
            raise FlowError(
                f"Unknown type of a Git reference: {self.Type!r}.", f"Use one of {', '.join(GIT_REF_TYPES)}."
            )
        if self.Type != "head" and not self.Value:
            raise FlowError(f"A Git reference of type {self.Type} needs a value.")

    def to_json(self) -> dict[str, Any]:
        return _present(type=self.Type, value=self.Value)


class EnvironmentRevisionType(str, Enum):
    """Which revision of an environment a job uses."""

    ActiveRevision = "ActiveRevision"
    LatestRevision = "LatestRevision"
    SomeRevision = "SomeRevision"
    RestrictedRevision = "RestrictedRevision"


@dataclass
class EnvironmentRevisionSpecification:
    """A revision of an environment; ``SomeRevision`` names it by id.

    Raises:
        FlowError: ``SomeRevision`` without an id.
    """

    EnvironmentRevisionType: EnvironmentRevisionType
    EnvironmentRevisionId: str | None = None

    def __post_init__(self) -> None:
        if self.EnvironmentRevisionType == "SomeRevision" and not self.EnvironmentRevisionId:
            raise FlowError("An environment revision of type SomeRevision needs EnvironmentRevisionId.")

    def to_json(self) -> Any:
        if self.EnvironmentRevisionId:
            return {"revisionId": self.EnvironmentRevisionId}
        return EnvironmentRevisionType(self.EnvironmentRevisionType).value


class ComputeClusterType(str, Enum):
    """The kind of cluster that a job starts beside itself."""

    Dask = "Dask"
    Spark = "Spark"
    Ray = "Ray"
    MPI = "MPI"


@dataclass
class ClusterProperties:
    """A compute cluster for one job; storage in GiB. ``WorkerHardareTierId`` is spelt as Domino spells it."""

    ClusterType: ComputeClusterType
    ComputeEnvironmentId: str
    WorkerHardareTierId: str
    WorkerCount: int
    WorkerStorageGiB: float | None = None
    MaxWorkerCount: int | None = None
    ComputeEnvironmentRevisionSpec: EnvironmentRevisionSpecification | None = None
    MasterHardwareTierId: str | None = None
    ExtraConfigs: Mapping[str, str] | None = None

    def to_json(self) -> dict[str, Any]:
        revision = self.ComputeEnvironmentRevisionSpec
        return _present(
            clusterType=ComputeClusterType(self.ClusterType).value,
            computeEnvironmentId=self.ComputeEnvironmentId,
            computeEnvironmentRevisionSpec=None if revision is None else revision.to_json(),
            masterHardwareTierId=_value(self.MasterHardwareTierId),
            workerHardwareTierId=_value(self.WorkerHardareTierId),
            workerCount=self.WorkerCount,
            maxWorkerCount=self.MaxWorkerCount,
            workerStorage=None if self.WorkerStorageGiB is None else {"value": self.WorkerStorageGiB, "unit": "GiB"},
            extraConfigs=None if self.ExtraConfigs is None else dict(self.ExtraConfigs),
        )


ComputeClusterProperties = ClusterProperties


@dataclass
class DatasetSnapshot:
    """A dataset, by id or name, that the job sees at one version of it; the read-write one by default.

    Raises:
        FlowError: neither id nor name, or a version below 1.
    """

    Id: str | None = None
    Name: str | None = None
    Version: int | None = None

    def __post_init__(self) -> None:
        if not self.Id and not self.Name:
            raise FlowError("A dataset snapshot needs Id or Name.")
        _check_version(self.Version, f"the dataset {self.Name or self.Id}")

    def to_json(self) -> dict[str, Any]:
        return _present(datasetId=self.Id, datasetName=self.Name, snapshotVersion=self.Version)


@dataclass
class NetAppVolumeSnapshot:
    """A NetApp volume, by id or name, that the job sees at one version of it.

    Raises:
        FlowError: neither id nor name, or a version below 1.
    """

    Id: str | None = None
    Version: int | None = None
    Name: str | None = None

    def __post_init__(self) -> None:
        if not self.Id and not self.Name:
            raise FlowError("A NetApp volume snapshot needs Id or Name.")
        _check_version(self.Version, f"the NetApp volume {self.Name or self.Id}")

    def to_json(self) -> dict[str, Any]:
        return _present(volumeId=self.Id, volumeName=self.Name, snapshotVersion=self.Version)


@dataclass
class ExternalDataVolume:
    """An external data volume that is mounted into the job, by name or id.

    Raises:
        FlowError: neither of the two.
    """

    Name: str | None = None
    Id: str | None = None

    def __post_init__(self) -> None:
        if not self.Id and not self.Name:
            raise FlowError("An external data volume needs Name or Id.")


@dataclass
class DominoJobConfig:
    """What a Domino job runs and on what.

    Attributes:
        Command: the command line of the job.
        VolumeSizeGiB: the size of the job's disk.
        ExternalVolumeMountIds: external data volumes: their ids, or ``ExternalDataVolume`` with an id or a name.
    """

    Command: str
    Title: str | None = None
    CommitId: str | None = None
    MainRepoGitRef: GitRef | None = None
    HardwareTierId: str | None = None
    EnvironmentId: str | None = None
    EnvironmentRevisionSpec: EnvironmentRevisionSpecification | None = None
    ComputeClusterProperties: ClusterProperties | None = None
    VolumeSizeGiB: float | None = None
    DatasetSnapshots: Sequence[DatasetSnapshot] | None = None
    ExternalVolumeMountIds: Sequence[str | ExternalDataVolume] | None = None
    NetAppVolumeSnapshots: Sequence[NetAppVolumeSnapshot] | None = field(default=None)

    def unresolved_fields(self) -> list[str]:
        """Fields without which Domino does not start a job, and that are left to the project's defaults."""
        needed = ["HardwareTierId", "EnvironmentId", "EnvironmentRevisionSpec", "VolumeSizeGiB"]
        if self.MainRepoGitRef is None and self.CommitId is None:
            needed.append("CommitId")
            return [name for name in needed if getattr(self, name) is None]
        return [name for name in needed if getattr(self, name) is None]

    def is_resolved(self) -> bool:
        """True where nothing is left to the project's defaults."""
        return not self.unresolved_fields()

    def resolve_job_properties(self) -> None:
        """Fill what is left to the project's defaults. A flow compiles, registers and runs here without it.

        Raises:
            FlowError: something is left: only a Domino deployment knows the defaults of its projects.
        """
        unresolved = self.unresolved_fields()
        if unresolved:
            raise FlowError(
                f"The Domino job {self.Title or self.Command!r} leaves {', '.join(unresolved)} to the project's "
                "defaults, and flowtui does not know them.",
                "Give these fields in DominoJobConfig, or register the flow from inside Domino.",
            )

    def to_json(self) -> dict[str, Any]:
        """The fields that are set, under the names of Domino's job API; ``Command`` is there under both names."""
        return _present(
            Command=self.Command,
            command=self.Command,
            title=self.Title,
            commitId=self.CommitId,
            mainRepoGitRef=_json(self.MainRepoGitRef),
            hardwareTierId=_value(self.HardwareTierId),
            environmentId=self.EnvironmentId,
            environmentRevisionSpec=_json(self.EnvironmentRevisionSpec),
            computeClusterProperties=_json(self.ComputeClusterProperties),
            volumeSizeGiB=self.VolumeSizeGiB,
            datasetSnapshots=_jsons(self.DatasetSnapshots),
            netAppVolumeSnapshots=_jsons(self.NetAppVolumeSnapshots),
            externalVolumeMountIds=[
                volume if isinstance(volume, str) else volume.Id
                for volume in self.ExternalVolumeMountIds or ()
                if isinstance(volume, str) or volume.Id
            ]
            or None,
            externalVolumeMountNames=[
                volume.Name
                for volume in self.ExternalVolumeMountIds or ()
                if not isinstance(volume, str) and not volume.Id
            ]
            or None,
        )


def _check_version(version: int | None, what: str) -> None:
    if version is not None and version < 1:
        raise FlowError(f"The snapshot version of {what} must be 1 or higher, not {version}.")


def _present(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _value(identifier: str | None) -> dict[str, str] | None:
    return None if identifier is None else {"value": identifier}


def _json(part: Any) -> Any:
    return None if part is None else part.to_json()


def _jsons(parts: Sequence[Any] | None) -> list[Any] | None:
    return None if parts is None else [part.to_json() for part in parts]
