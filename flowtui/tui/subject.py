"""What a preview pane is to show: a file, a directory, or a member of an archive; and its preview."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowtui.errors import NotFoundError, StorageError
from flowtui.preview.limits import Limits
from flowtui.preview.result import Preview

if TYPE_CHECKING:
    from flowtui.session import Session


@dataclass(frozen=True)
class Subject:
    """What is to be shown.

    Attributes:
        name: the declared name of the file; the last part of a member's name.
        uris: where its bytes are; several for a list, of which the first is shown.
        absence: why there is nothing to show, in words; empty where there is.
        archive: the archive that it is a member of.
        path: its name in the archive, as the archive has it.
        catalogs: names and URIs of the SAS catalogs of its artifact, which tell what its values are called.
    """

    name: str
    format: str = ""
    uris: tuple[str, ...] = ()
    size: int | None = None
    directory: bool = False
    absence: str = ""
    archive: Subject | None = None
    path: str = ""
    catalogs: tuple[tuple[str, str], ...] = ()

    def member(self, path: str, size: int | None) -> Subject:
        """A member of this archive."""
        return Subject(path.rstrip("/").rpartition("/")[2] or path, "", self.uris, size, archive=self, path=path)


async def read_preview(session: Session, subject: Subject, limits: Limits) -> Preview:
    """The preview of a file or directory.

    Raises:
        FlowtuiError: it cannot be read or shown.
    """
    from flowtui.preview.frame_directory import frame_part
    from flowtui.preview.registry import preview, preview_folder
    from flowtui.preview.siblings import Siblings

    uri, file = subject.uris[0], subject.archive or subject
    if subject.directory:
        return await preview_folder(session.storage, uri, limits=limits)
    try:
        async with session.storage.open(uri) as reader:
            return await preview(
                reader,
                name=file.name,
                format=file.format,
                limits=limits,
                workers=session.workers,
                member=subject.path,
                siblings=Siblings(session.storage, dict(file.catalogs)),
            )
    except (StorageError, NotFoundError):
        part = await frame_part(session.storage, uri, file.format)
        if part is None:
            raise
        async with session.storage.open(part.uri) as reader:
            found = await preview(
                reader, name=file.name, format=part.format, limits=limits, workers=session.workers, member=""
            )
        return part.told(found)
