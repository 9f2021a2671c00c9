"""The JSON of what the embedded Domino answers: of the public API, and of the internal one below ``/v4``."""

from __future__ import annotations

import os
import stat as modes
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from flowtui.local.domino.refusals import request_id
from flowtui.local.domino.store import Dataset, Project, Snapshot
from flowtui.local.domino.users import User

_STORAGE = "0" * 24


def metadata(**more: Any) -> dict[str, Any]:
    """What every public answer has."""
    return {"requestId": request_id(), "notices": [], **more}


def page(offset: int, limit: int, total: int) -> dict[str, Any]:
    """The metadata of a page: ``PaginatedMetadataV1`` wants the numbers on both levels."""
    numbers = {"offset": offset, "limit": limit, "totalCount": total}
    return metadata(**numbers, pagination=numbers)


def instant(milliseconds: int) -> str:
    """A time as the public API writes it."""
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc).isoformat(timespec="milliseconds")


def dataset(one: Dataset) -> dict[str, Any]:
    """``DatasetRwDetailsV1``."""
    return {
        "id": one.id,
        "name": one.name,
        "description": one.description,
        "projectId": one.project,
        "createdAt": instant(one.created),
        "snapshotIds": [one.head, *(snapshot.id for snapshot in one.snapshots)],
        "tags": one.tags,
    }


def dataset_info(one: Dataset) -> dict[str, Any]:
    """``DatasetRwInfoDtoV1``."""
    project = {"projectId": one.project, "projectName": one.project_name, "projectOwnerUsername": one.project_owner}
    return {"dataset": dataset(one), "projectInfo": project}


def dataset_v4(one: Dataset, head: Path) -> dict[str, Any]:
    """``DatasetRwInfoDto``."""
    return {
        "datasetRwDto": {
            "id": one.id,
            "name": one.name,
            "description": one.description,
            "projectId": one.project,
            "author": one.author,
            "createdTime": one.created,
            "lifecycleStatus": "Active",
            "statusLastUpdatedBy": one.author,
            "statusLastUpdatedTime": one.created,
            "snapshotIds": [one.head, *(snapshot.id for snapshot in one.snapshots)],
            "readWriteSnapshotId": one.head,
            "datasetPath": str(head),
            "datasetStorageId": _STORAGE,
            "tags": one.tags,
            "ownerUsernames": [one.project_owner],
            "sizeStatus": "Active",
            "sizeInBytes": _bytes_below(head),
        },
        "projectInfo": {
            "projectId": one.project,
            "projectName": one.project_name,
            "projectOwnerUsername": one.project_owner,
            "isProjectArchived": False,
        },
    }


def snapshot(one: Snapshot) -> dict[str, Any]:
    """``SnapshotDetailsV1``."""
    return {
        "id": one.id,
        "datasetId": one.dataset,
        "creatorId": one.author,
        "createdAt": instant(one.created),
        "status": one.status.lower(),
    }


def snapshot_v4(one: Snapshot) -> dict[str, Any]:
    """``DatasetRwSnapshotDto``."""
    return {
        "id": one.id,
        "datasetId": one.dataset,
        "author": one.author,
        "version": one.version,
        "creationTime": one.created,
        "lifecycleStatus": one.status,
        "statusLastUpdatedBy": one.author,
        "statusLastUpdatedTime": one.created,
        "storageSize": 0,
        "isPartialSize": False,
        "isReadWrite": one.version == 0,
        "datasetStorageId": _STORAGE,
        "resourceId": one.id,
    }


def files(folder: Path, below: str) -> dict[str, Any]:
    """``DatasetRwSnapshotFilesViewDto``: what lies directly in a folder of a snapshot.

    Args:
        below: the folder's own path, with a slash at its end, or empty.
    """
    rows = []
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        stat = entry.stat(follow_symlinks=False)
        is_directory = modes.S_ISDIR(stat.st_mode)
        rows.append(
            {
                "name": {"label": entry.name, "fileName": below + entry.name, "isDirectory": is_directory},
                "size": {"label": str(stat.st_size), "sizeInBytes": None if is_directory else stat.st_size},
                "lastModified": int(stat.st_mtime * 1000),
            }
        )
    return {"rows": rows}


def project(one: Project) -> dict[str, Any]:
    """``ProjectV1``."""
    return {
        "id": one.id,
        "name": one.name,
        "description": one.description,
        "ownerId": one.owner,
        "ownerUsername": one.owner_name,
        "collaborators": [],
        "isRestricted": False,
        "visibility": "Private",
    }


def user(one: User) -> dict[str, Any]:
    """``UserV1``."""
    return {
        "id": one.id,
        "userName": one.name,
        "firstName": one.name,
        "lastName": "",
        "fullName": one.name,
        "avatarUrl": "",
        "roles": ["Practitioner"],
    }


def grant_details(grants: dict[str, str], users: Sequence[User]) -> list[dict[str, Any]]:
    """``DatasetRwGrantDetailsV1`` for each grant."""
    names = {one.id: one.name for one in users}
    return [
        {"targetId": id_, "targetName": names.get(id_, id_), "targetRole": role, "isOrganization": False}
        for id_, role in grants.items()
    ]


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
