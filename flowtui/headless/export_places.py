"""Where the specifications of an export task lead: datasets, NetApp volumes and bundles, on Domino and on this machine.

A NetApp volume is a folder of the job: ``FLOWTUI_NETAPP_MOUNTS`` names it (``ID=PATH``), or a folder that holds mounts
by id or name, parted as in PATH; else the two folders are looked through where Domino mounts them. Domino's interface
for volumes themselves is known by its address only. On this machine ``volumes/ID`` of the home stands for a volume and
``bundles/NAME/RUN`` for a bundle; datasets are those of the configured Domino, else of the embedded one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from flowtui.domain.execution import ExecutionId
from flowtui.domain.export_request import ExportSpec
from flowtui.errors import ExportError
from flowtui.exports import Target, TargetOptions, parse_target
from flowtui.text import file_name, plain

if TYPE_CHECKING:
    from flowtui.session import Session

MOUNTS_VARIABLE = "FLOWTUI_NETAPP_MOUNTS"

MOUNTS = ("/domino/netapp-volumes", "/mnt/netapp-volumes")
"""Where Domino mounts the NetApp volumes of a Git-based project, and of one with Domino's own file system."""

OPTIONS = TargetOptions(snapshot=True)


def place_of(spec: ExportSpec, session: Session, run: ExecutionId, environ: Mapping[str, str] = os.environ) -> Target:
    """The target of a specification; nothing is asked or written yet.

    Raises:
        ExportError: there is no way to that place from here; the hint says what to do.
        ConfigError: it is a dataset, and no Domino is configured.
        UsageError: it is a dataset whose id is none.
    """
    home = session.settings.home if session.settings.local else None
    if spec.kind == "dataset":
        # Where none is configured that is said now, and not after the wait.
        session.target_access.domino()
        is_embedded = session.settings.local and not session.settings.domino.url
        name = dataset_of(spec) if is_embedded else spec.place
        return parse_target(f"dataset:{name}", OPTIONS, session.target_access)
    if spec.kind == "netAppVolume":
        root = home / "volumes" / file_name(spec.place) if home is not None else mount(spec.place, environ)
        return _directory(root.joinpath(*(file_name(part) for part in spec.folder.split("/") if part.strip())))
    if home is None:
        raise ExportError(
            f"Files cannot be attached to the bundle {plain(spec.place)}: what Domino's request for that "
            "(POST /api/governance/v1/bundles/ID/attachments) must hold for a Flow Artifact is not public.",
            "Attach them on the bundle's page in Domino, or export the artifact to a dataset.",
        )
    return _directory(home / "bundles" / file_name(spec.place) / file_name(run.name))


def dataset_of(spec: ExportSpec) -> str:
    """The id of a specification's dataset in the embedded Domino: one word, whatever stands in the flow."""
    return file_name(spec.place)


def mount(volume: str, environ: Mapping[str, str]) -> Path:
    """The folder where a NetApp volume is mounted.

    Raises:
        ExportError: there is none.
    """
    roots: list[Path] = []
    for entry in filter(None, environ.get(MOUNTS_VARIABLE, "").split(os.pathsep)):
        name, equals, path = entry.partition("=")
        if not equals or "/" in name:
            roots.append(Path(entry))
        elif name == volume:
            roots = [Path(path)]
            if roots[0].is_dir():
                return roots[0]
            raise ExportError(
                f"The NetApp volume {plain(volume)} is not at {plain(path)}: there is no such folder.",
                f"Mount it there, or correct {MOUNTS_VARIABLE}.",
            )
    roots = roots or [Path(root) for root in MOUNTS]
    for root in roots:
        if (root / file_name(volume)).is_dir():
            return root / file_name(volume)
    raise ExportError(
        f"The NetApp volume {plain(volume)} is not mounted here: none of {', '.join(map(str, roots))} has a folder of "
        "that name.",
        f"Add the volume to the job's project, and where it is mounted under another name say so: "
        f"{MOUNTS_VARIABLE}={plain(volume)}=PATH.",
    )


def _directory(path: Path) -> Target:
    return parse_target(f"directory:{path}")
