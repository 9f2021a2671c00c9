"""Flow Artifacts in a flow's code: named groups of files of type data, model or report.

Importing this module does not import flytekit; ``Artifact.File`` and the export task do when they are called.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from enum import Enum
from typing import Any

from flowtui.errors import ArtifactError
from flowtui.plugin import duplicates
from flowtui.plugin.encoding import FileKey, annotate
from flowtui.plugin.export import (
    ExportArtifactFilesToBundleSpec,
    ExportArtifactToDatasetsSpec,
    ExportArtifactToNetAppVolumesSpec,
    run_launch_export_artifacts_task,
)

__all__ = [
    "DATA",
    "MODEL",
    "REPORT",
    "Artifact",
    "ArtifactType",
    "ExportArtifactFilesToBundleSpec",
    "ExportArtifactToDatasetsSpec",
    "ExportArtifactToNetAppVolumesSpec",
    "run_launch_export_artifacts_task",
]


class ArtifactType(str, Enum):
    """What the files of an artifact are: a dataset, a model or a report."""

    DATA = "data"
    MODEL = "model"
    REPORT = "report"


DATA = ArtifactType.DATA
MODEL = ArtifactType.MODEL
REPORT = ArtifactType.REPORT

# A dot, then an extension that has a letter in it: "table 14.1" and "version 2.0 final" have none.
_EXTENSION = re.compile(r"[^./]\.((?:tar\.)?(?=[^.]*[A-Za-z])[A-Za-z0-9_+~-]+)$")


@dataclass(frozen=True)
class Artifact:
    """A named artifact, to which files are added anywhere in a flow with ``File``.

    Args:
        name: the name that groups the files; any text that is not blank.
        type: ``DATA``, ``MODEL`` or ``REPORT``.

    Raises:
        ArtifactError: the name is empty or the type is none of the three.
    """

    name: str
    type: ArtifactType

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ArtifactError(
                f"An artifact has no name: {self.name!r}.", 'Give it one, as in Artifact(name="ADaM", type=DATA).'
            )
        try:
            object.__setattr__(self, "type", ArtifactType(getattr(self.type, "value", self.type)))
        except ValueError:
            raise ArtifactError(
                f'The artifact "{self.name}" has the unknown type {getattr(self.type, "value", self.type)!r}.',
                "The types are DATA, MODEL and REPORT.",
            ) from None
        if "flytekit" in sys.modules:
            duplicates.install()

    def File(self, name: str, type: str | None = None) -> Any:  # noqa: A002
        """The type of an output that holds the file ``name`` of this artifact.

        It is a ``FlyteFile`` of the file's format and stands where one may stand: as output of a task or workflow,
        inside ``Annotated``, in ``Output(type=...)``, in ``ExportArtifactFilesToBundleSpec(files=[...])``.

        Args:
            name: the file's name in the artifact, once per workflow.
            type: the file's format (``csv``); by default the extension of the name (``adae.csv``, ``runs.tar.gz``).

        Raises:
            ArtifactError: the name is empty, or it has no extension and ``type`` is not given.
            FlowError: flytekit is not installed.
        """
        if not isinstance(name, str) or not name.strip():
            raise ArtifactError(
                f'A file of the artifact "{self.name}" has no name: {name!r}.',
                'Give it one, as in .File(name="adae.csv").',
            )
        file_format = (type or "").strip().lstrip(".") or extension(name)
        if not file_format:
            raise ArtifactError(
                f'The file "{name}" of the artifact "{self.name}" has no extension and no type.',
                f'Give one of them, as in .File(name="{name}", type="csv").',
            )
        require_flytekit()
        from flytekit.types.file import FlyteFile

        duplicates.install()
        return annotate(FlyteFile[file_format], FileKey(self.name, self.type.value, name))


def extension(name: str) -> str:
    """The extension of a file name without its dot, empty where there is none.

    ``adsl.v2.csv`` gives ``csv``, ``runs.tar.gz`` gives ``tar.gz``; a dot at the start or end of the name makes no
    extension, nor does one without a letter after it (``Table 14.1``).
    """
    found = _EXTENSION.search(name)
    return found.group(1) if found else ""


def require_flytekit() -> None:
    """Raises FlowError with the way out where flytekit is not installed."""
    duplicates.require_flytekit()


if "flytekit.core.workflow" in sys.modules:
    duplicates.install()
