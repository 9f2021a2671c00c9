"""Datasets of Domino: which there are, which may be written, and new ones."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from flowtui.errors import AuthError, NotFoundError, ServerError
from flowtui.exports.domino.client import DominoClient, Params, segment
from flowtui.exports.domino.fields import every, inner, items, number, text, texts

MAY_WRITE = "UpdateDatasetRwV2"
"""The permission that an upload needs (``DatasetRwPermissionV1``)."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset.

    Attributes:
        project_id, project, owner: of the project that it belongs to; empty where Domino does not tell.
        size: bytes of its files, None where Domino does not tell.
        snapshots: how many there are.
    """

    id: str
    name: str
    project_id: str = ""
    project: str = ""
    owner: str = ""
    description: str = ""
    size: int | None = None
    snapshots: int = 0
    may_write: bool = False


@dataclass(frozen=True, slots=True)
class DatasetDetails:
    """What an upload has to know of a dataset.

    Attributes:
        head: id of its read-write snapshot, the files as they are now.
        tags: tag to the id of the snapshot that it names.
    """

    id: str
    name: str
    project: str
    owner: str
    head: str
    tags: Mapping[str, str] = field(default_factory=dict)


async def datasets(
    client: DominoClient, *, search: str = "", project: str = "", permission: str = ""
) -> tuple[Dataset, ...]:
    """The datasets that the user sees, by project and name.

    Args:
        search: a part of a name, whatever its case.
        project: id of a project.
        permission: what the user must be allowed (``DatasetRwPermissionV1``).

    Raises:
        NotFoundError, AuthError, ServerError, UnreachableError: as ``DominoClient.get``.
    """
    params: Params = [("projectIdsToInclude", project)] if project else []
    writable, listed, storage = await asyncio.gather(
        _listed(client, params, MAY_WRITE), _listed(client, params, permission), _storage(client, params)
    )
    ids = {text(inner(one, "dataset"), "id") for one in writable}
    found = []
    for one in listed:
        dataset = _dataset(inner(one, "dataset"), inner(one, "projectInfo"), storage, ids)
        if dataset is not None and search.casefold() in dataset.name.casefold():
            found.append(dataset)
    return tuple(sorted(found, key=lambda one: (one.project, one.owner, one.name)))


def _listed(client: DominoClient, params: Params, permission: str) -> Any:
    asked = [*params, ("includeProjectInfo", "true"), ("includeArchivedProjects", "false")]
    if permission:
        asked.append(("minimumPermission", permission))
    return every(client, "/api/datasetrw/v2/datasets", asked, "datasets", what="the datasets")


async def _storage(client: DominoClient, params: Params) -> dict[str, tuple[int | None, int]]:
    """Bytes and number of snapshots by dataset; empty where this Domino does not tell them in this way."""
    try:
        answer = await client.get("/v4/datasetrw/datasets-v2", params, what="the sizes of datasets")
    except (NotFoundError, AuthError, ServerError):
        return {}
    found = {}
    for one in (inner(one, "datasetRwDto") for one in items(answer)):
        versions = set(texts(one, "snapshotIds")) - {text(one, "readWriteSnapshotId")}
        found[text(one, "id")] = number(one, "sizeInBytes"), len(versions)
    return found


def _dataset(
    found: Mapping[str, Any],
    info: Mapping[str, Any],
    storage: Mapping[str, tuple[int | None, int]],
    may_write: set[str],
) -> Dataset | None:
    id_, name = text(found, "id"), text(found, "name")
    if not id_ or not name:
        return None
    size, snapshots = storage.get(id_, (None, len(texts(found, "snapshotIds"))))
    return Dataset(
        id_,
        name,
        project_id=text(found, "projectId") or text(info, "projectId"),
        project=text(info, "projectName"),
        owner=text(info, "projectOwnerUsername"),
        description=text(found, "description"),
        size=size,
        snapshots=snapshots,
        may_write=id_ in may_write,
    )


async def named_datasets(client: DominoClient, name: str) -> tuple[Dataset, ...]:
    """The datasets of a name, of all projects; without sizes and permissions. Raises as ``DominoClient.get``."""
    listed = await _listed(client, (), "")
    found = (_dataset(inner(one, "dataset"), inner(one, "projectInfo"), {}, set()) for one in listed)
    return tuple(one for one in found if one is not None and one.name == name)


async def may_write(client: DominoClient, dataset: str) -> bool:
    """Whether the user may upload to a dataset. Raises as ``DominoClient.get``."""
    params: Params = [("datasetIds", dataset), ("minimumPermission", MAY_WRITE)]
    answer = await client.get("/v4/datasetrw/datasets-v2", params, what=f"your permissions on dataset {dataset}")
    return any(text(inner(one, "datasetRwDto"), "id") == dataset for one in items(answer))


async def create_dataset(client: DominoClient, name: str, project_id: str, description: str = "") -> Dataset:
    """Make a dataset. Raises ServerError where the project has one of that name, and as ``DominoClient.call``."""
    body = {"name": name, "projectId": project_id, "description": description}
    answer = await client.call("POST", "/api/datasetrw/v1/datasets", body, what=f"a new dataset {name}")
    made = _dataset(inner(answer, "dataset"), {}, {}, set())
    if made is None:
        raise ServerError(f"Domino does not tell the id of the new dataset {name}.", "Look whether it is there.")
    return made


async def dataset_details(client: DominoClient, dataset: str) -> DatasetDetails:
    """What an upload has to know.

    Raises:
        NotFoundError: there is no such dataset, or the user does not see it.
    """
    params: Params = [("datasetIds", dataset), ("includeProjectInfo", "true")]
    answer = await client.get("/v4/datasetrw/datasets-v2", params, what=f"dataset {dataset}")
    for one in items(answer):
        found, info = inner(one, "datasetRwDto"), inner(one, "projectInfo")
        if text(found, "id") == dataset and text(found, "readWriteSnapshotId"):
            tags = {str(tag): id_ for tag, id_ in inner(found, "tags").items() if isinstance(id_, str)}
            return DatasetDetails(
                dataset,
                text(found, "name"),
                text(info, "projectName"),
                text(info, "projectOwnerUsername"),
                text(found, "readWriteSnapshotId"),
                tags,
            )
    raise NotFoundError(f"Domino has no dataset {dataset} that you see.", "Check its id, and which Domino is asked.")


async def add_tag(client: DominoClient, dataset: str, tag: str, snapshot: str) -> None:
    """Let a tag name a snapshot. Raises as ``DominoClient.call``."""
    body = {"tagName": tag, "snapshotId": snapshot}
    path = f"/api/datasetrw/v1/datasets/{segment(dataset)}/tags"
    await client.call("POST", path, body, what=f"tag {tag} on dataset {dataset}")


async def remove_tag(client: DominoClient, dataset: str, tag: str) -> None:
    """Take a tag away. Raises as ``DominoClient.call``."""
    path = f"/api/datasetrw/v1/datasets/{segment(dataset)}/tags/{quote(tag, safe='')}"
    await client.call("DELETE", path, what=f"tag {tag} on dataset {dataset}")
