"""A dataset of Domino: files come by an upload session into its head, and a snapshot holds them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable

from flowtui.errors import ExportError, NotFoundError, ServerError, UsageError
from flowtui.exports import manifest as manifests
from flowtui.exports.domino.client import DominoClient
from flowtui.exports.domino.datasets import (
    Dataset,
    DatasetDetails,
    create_dataset,
    dataset_details,
    may_write,
    named_datasets,
)
from flowtui.exports.domino.projects import is_named, project
from flowtui.exports.domino.snapshots import entries, file_content
from flowtui.exports.targets.base import Existing, Stage, StageRequest, TargetAccess, TargetOptions
from flowtui.exports.targets.dataset_stage import DatasetStage
from flowtui.text import plain

_PREFIX = "dataset:"
_ID = re.compile(r"[0-9a-f]{24}")


def parse(text: str, options: TargetOptions, access: TargetAccess) -> DatasetTarget | None:
    """``dataset:NAME``, ``dataset:PROJECT/NAME``, ``dataset:OWNER/PROJECT/NAME`` or ``dataset:ID`` (24 hex digits).

    None for another kind of place. Raises UsageError where it names no dataset, or a tag is to name no snapshot.
    """
    if not text.startswith(_PREFIX):
        return None
    project_, _, name = text[len(_PREFIX) :].rpartition("/")
    if not name.strip() or project_.count("/") > 1 or not all(part.strip() for part in project_.split("/") if project_):
        raise UsageError(
            f"{plain(text)} names no dataset.", "Write dataset:NAME, dataset:PROJECT/NAME, or dataset: with its id."
        )
    if options.tag and not options.snapshot:
        raise UsageError("A tag is a name of a snapshot, and none is to be made.", "Leave the tag out.")
    return DatasetTarget(name, project_ or options.project, options, access, text)


class DatasetTarget:
    """A dataset of the session's Domino; it is looked for at first use.

    Args:
        name: of the dataset, or its id.
        project: where it is: a name, ``OWNER/NAME`` or id; empty for the one of the settings.
        text: as a person wrote it.
    """

    kind = "dataset"
    whole = False
    in_place = False

    def __init__(self, name: str, project: str, options: TargetOptions, access: TargetAccess, text: str) -> None:
        self.text = text
        self._name = name
        self._project = project
        self._options = options
        self._access = access
        self._found: DatasetDetails | None = None
        self._lock = asyncio.Lock()

    async def existing(self, paths: Iterable[str]) -> dict[str, Existing]:
        dataset = await self._dataset()
        if dataset is None:
            return {}
        found = await entries(self._client, dataset.head, paths)
        return {path: Existing(one.size or 0, one.modified, one.directory) for path, one in found.items()}

    async def read(self, path: str) -> bytes | None:
        dataset = await self._dataset()
        if dataset is None or not await entries(self._client, dataset.head, [path]):
            return None
        return await file_content(self._client, dataset.head, path, limit=manifests.MOST_BYTES)

    async def free(self) -> int | None:
        return None

    async def stage(self, request: StageRequest) -> Stage:
        client, noted = self._client, request.notes.get("dataset")
        server = request.notes.get("server")
        if server and server != client.url:
            raise ExportError(
                f"This export went to Domino at {plain(server)}, and {plain(client.url)} is configured now.",
                "Resume it with FLOWTUI_DOMINO_URL as it was.",
            )
        if noted:
            dataset = await dataset_details(client, noted)
        else:
            dataset = await self._dataset() or await self._made()
            await asyncio.to_thread(request.notes.set, "server", client.url)
            await asyncio.to_thread(request.notes.set, "dataset", dataset.id)
        stage = DatasetStage(client, dataset, request, self._options)
        await stage.begin()
        return stage

    @property
    def _client(self) -> DominoClient:
        return self._access.domino()

    async def _dataset(self) -> DatasetDetails | None:
        """The dataset; None where it is still to be made.

        Raises:
            NotFoundError: there is none, and none is to be made.
            UsageError: several have that name.
            ExportError: the person may not write there.
        """
        async with self._lock:
            if self._found is None:
                id_ = self._name if _ID.fullmatch(self._name) and not self._project else await self._id()
                if id_:
                    self._found = await self._writable(id_)
            return self._found

    async def _writable(self, id_: str) -> DatasetDetails:
        found, allowed = await asyncio.gather(dataset_details(self._client, id_), may_write(self._client, id_))
        if not allowed:
            owner = f" {found.owner}" if found.owner else ""
            raise ExportError(
                f"You may read the dataset {found.name} and not write to it.",
                f"Ask its owner{owner} to make you an editor of it.",
            )
        return found

    async def _id(self) -> str:
        """The id of the dataset of this name; empty where it is still to be made."""
        client = self._client
        where = self._project or client.project
        every = await named_datasets(client, self._name)
        found = [one for one in every if not where or is_named(where, one.project_id, one.project, one.owner)]
        if len(found) > 1:
            named = ", ".join(_label(one) for one in found[:5])
            raise UsageError(
                f"Domino has {len(found)} datasets of the name {plain(self._name)}.", f"Choose one: {named}."
            )
        if found:
            return found[0].id
        if self._options.create:
            return ""
        place = f" in project {plain(where)}" if where else ""
        others = ", ".join(_label(one) for one in every[:5])
        raise NotFoundError(
            f"Domino has no dataset {plain(self._name)}{place} that you see.",
            f"There is {others}." if others else "Check its name, or have it made (--create).",
        )

    async def _made(self) -> DatasetDetails:
        client = self._client
        where = self._project or client.project
        if not where:
            raise UsageError(
                f"The new dataset {plain(self._name)} needs a project.",
                "Write dataset:PROJECT/NAME, or set domino.project.",
            )
        in_project = await project(client, where)
        try:
            id_ = (await create_dataset(client, self._name, in_project.id, "Made by flowtui")).id
        except ServerError:
            # It may have been made all the same: the answer was lost, or somebody else was faster.
            id_ = await self._id()
            if not id_:
                raise
        self._found = await self._writable(id_)
        return self._found


def _label(dataset: Dataset) -> str:
    project_ = f"{dataset.owner}/{dataset.project}" if dataset.owner else dataset.project
    return f"{_PREFIX}{project_}/{dataset.name}"
