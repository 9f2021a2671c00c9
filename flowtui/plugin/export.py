"""Export of a run's artifacts, declared in the flow: the specifications and the task that carries them.

The task has no input and no output, so it starts with the run. It is a Domino job like any other, whose command is
``flowtui export-artifacts base64:...`` with the request: it waits for the producers of the files in the run that it is
in, and exports them. So the job's environment needs flowtui, and flowtui there the address of Flyte Admin and the run:
Flyte's engine sets ``FLYTE_INTERNAL_EXECUTION_PROJECT``, ``_DOMAIN`` and ``_ID`` in its pods; where a job does not get
these, ``FLOWTUI_RUN`` names it. What marks the task is the key ``exportArtifacts`` in its ``custom``::

    {"exportArtifacts": {
        "timeoutSeconds": 10800,
        "specs": [
            {"kind": "dataset", "artifactName": ..., "artifactType": "data", "datasetId": ...},
            {"kind": "netAppVolume", "artifactName": ..., "artifactType": ..., "netAppVolumeId": ...,
             "targetRelativePath": ...},                                       # the path only where one is given
            {"kind": "bundle", "bundles": [name, ...],
             "files": [{"artifactName": ..., "artifactType": ..., "fileName": ...}, ...]},
        ]},
     "Command": "flowtui export-artifacts base64:...", "environmentId": ..., ...}       # else as a DominoJobTask

Artifact types are ``data``, ``model`` and ``report``. ``export_request`` reads it back.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flowtui.domain.export_request import ENCODED, EXPORT_KEY
from flowtui.errors import ArtifactError, FlowError
from flowtui.plugin.encoding import key_of_type

if TYPE_CHECKING:
    from flowtui.plugin.artifact import Artifact

EXPORT_COMMAND = "flowtui export-artifacts"


@dataclass(frozen=True)
class ExportArtifactToDatasetsSpec:
    """Export every file of an artifact to the Domino dataset with this id, which then gets a new snapshot.

    Raises:
        ArtifactError: ``artifact`` is not an ``Artifact``, or ``dataset_id`` is empty.
    """

    artifact: Artifact
    dataset_id: str

    def __post_init__(self) -> None:
        _check_artifact(self.artifact)
        _check_text(self.dataset_id, "dataset_id", f'the export of "{self.artifact.name}"')

    def to_json(self) -> dict[str, Any]:
        return {"kind": "dataset", **_artifact_json(self.artifact), "datasetId": self.dataset_id}


@dataclass(frozen=True)
class ExportArtifactToNetAppVolumesSpec:
    """Export every file of an artifact to a folder of a NetApp volume, its root by default.

    The volume has to be mounted in the job, below ``/domino/netapp-volumes`` or ``/mnt/netapp-volumes`` as a folder of
    this name; the environment variable ``FLOWTUI_NETAPP_MOUNTS`` of the job names others (``ID=PATH``, or a folder of
    mounts, parted by colons).

    Raises:
        ArtifactError: ``artifact`` is not an ``Artifact``, or ``netapp_volume_id`` is empty.
    """

    artifact: Artifact
    netapp_volume_id: str
    target_relative_path: str | None = None

    def __post_init__(self) -> None:
        _check_artifact(self.artifact)
        _check_text(self.netapp_volume_id, "netapp_volume_id", f'the export of "{self.artifact.name}"')

    def to_json(self) -> dict[str, Any]:
        spec = {"kind": "netAppVolume", **_artifact_json(self.artifact), "netAppVolumeId": self.netapp_volume_id}
        if self.target_relative_path:
            spec["targetRelativePath"] = self.target_relative_path
        return spec


@dataclass(frozen=True)
class ExportArtifactFilesToBundleSpec:
    """Attach single files to governance bundles of the project.

    What the body of Domino's request for that must hold is not public, so on Domino the task fails with that reason
    after it has exported the rest; with ``flowtui run`` the files go to a folder for each bundle.

    Args:
        files: what ``Artifact.File`` returned, also inside a further ``Annotated``.
        bundles: names of the bundles.

    Raises:
        ArtifactError: a member of ``files`` declares no artifact file, or one of the two lists is empty.
    """

    files: Sequence[Any]
    bundles: Sequence[str]

    def __post_init__(self) -> None:
        if not self.files or not self.bundles:
            raise ArtifactError("An export to bundles needs at least one file and one bundle.")
        for bundle in self.bundles:
            _check_text(bundle, "bundles", "an export to bundles")
        for index, file in enumerate(self.files):
            if key_of_type(file) is None:
                raise ArtifactError(
                    f"files[{index}] of an export to bundles is not an artifact file: {file!r}.",
                    "Pass what Artifact.File(...) returned.",
                )

    def to_json(self) -> dict[str, Any]:
        keys = [key for key in map(key_of_type, self.files) if key is not None]
        files = [{"artifactName": key.artifact, "artifactType": key.type, "fileName": key.file} for key in keys]
        return {"kind": "bundle", "bundles": list(self.bundles), "files": files}


ExportSpec = ExportArtifactToDatasetsSpec | ExportArtifactToNetAppVolumesSpec | ExportArtifactFilesToBundleSpec


def run_launch_export_artifacts_task(
    spec_list: Sequence[ExportSpec],
    use_project_defaults_for_omitted: bool = False,
    environment_name: str | None = None,
    environment_id: str | None = None,
    environment_revision_id: str | None = None,
    hardware_tier_name: str | None = None,
    hardware_tier_id: str | None = None,
    retries: int = 0,
    timeout: timedelta | int = timedelta(hours=3),
) -> Any:
    """Export artifacts of this run when their files are there; called once in a workflow's body.

    The task is a Domino job that runs ``flowtui export-artifacts``: choose an environment that has flowtui installed
    (``pip install flowtui``) and says where Flyte Admin is, in a Flyte configuration or with ``FLOWTUI_ENDPOINT``. It
    fails, and says why, where a file is missing, the flow has failed, or the time is over. It never waits for nodes
    that run after it, nor for another export.

    Args:
        spec_list: what goes where.
        use_project_defaults_for_omitted: take the project's latest defaults for what is not given here.
        environment_name: the environment of the Domino job, by name; it needs flowtui.
        environment_id: the same, by id; it survives a renaming.
        environment_revision_id: one revision of the environment.
        hardware_tier_name: the hardware tier of the Domino job, by name; a small one does.
        hardware_tier_id: the same, by id.
        retries: how often to try again within a run.
        timeout: the longest that one try may take, in seconds or as a timedelta; longer than the flow itself.

    Raises:
        ArtifactError: ``spec_list`` is empty or holds something else.
        FlowError: flytekit is not installed, or an environment or hardware tier is given twice.
    """
    from flowtui.plugin.artifact import require_flytekit

    require_flytekit()
    from flowtui.plugin.task import DominoJobTask, job_config, seconds

    if not spec_list:
        raise ArtifactError("The export task has no specification.", "Pass at least one in spec_list.")
    for index, spec in enumerate(spec_list):
        if not isinstance(spec, ExportSpec):
            raise ArtifactError(f"spec_list[{index}] is not an export specification: {spec!r}.")
    request = {"specs": [spec.to_json() for spec in spec_list], "timeoutSeconds": seconds(timeout)}
    config = job_config(
        command=export_command(request),
        environment_id=environment_id,
        environment_name=environment_name,
        environment_revision_id=environment_revision_id,
        hardware_tier_id=hardware_tier_id,
        hardware_tier_name=hardware_tier_name,
    )
    # Two exports of one project need two task names, the same export in two workflows needs one.
    content = json.dumps([request, config.to_json()], sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()[:8]
    task = DominoJobTask(
        name=f"Launch export artifacts {digest}",
        domino_job_config=config,
        use_latest=use_project_defaults_for_omitted,
        environment_name=environment_name,
        hardware_tier_name=hardware_tier_name,
        retries=retries,
        timeout=timeout,
        extra_custom={EXPORT_KEY: request},
    )
    return task()


def export_command(request: Mapping[str, Any]) -> str:
    """The command that carries out a request in the run that it is started in; safe as it is for a shell."""
    content = json.dumps(request, separators=(",", ":"), sort_keys=True)
    return f"{EXPORT_COMMAND} {ENCODED}{base64.b64encode(content.encode()).decode()}"


def export_request(custom: Mapping[str, Any]) -> dict[str, Any] | None:
    """The specifications and the timeout in a task's ``custom``, as the module says; None for any other task."""
    request = custom.get(EXPORT_KEY)
    return dict(request) if isinstance(request, Mapping) else None


def _check_artifact(artifact: object) -> None:
    from flowtui.plugin.artifact import Artifact

    if not isinstance(artifact, Artifact):
        raise ArtifactError(f"An export specification needs an Artifact, not {artifact!r}.")


def _check_text(value: object, name: str, where: str) -> None:
    if not isinstance(value, str) or not value.strip():
        raise FlowError(f"{name} of {where} is empty: {value!r}.")


def _artifact_json(artifact: Artifact) -> dict[str, str]:
    return {"artifactName": artifact.name, "artifactType": artifact.type.value}
