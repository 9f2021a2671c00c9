"""Fetch files of a run by their URIs, in a notebook or script."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flowtui.errors import StorageError
from flowtui.text import file_name


@dataclass(frozen=True)
class BlobDataLocation:
    """A file of a run and where to put it.

    Attributes:
        uri: as the run's output holds it; never normalised.
        local_dir: the folder to put it in; by default the working folder.
        local_filename: its name there; by default the last part of the URI.
        local_file_extension: added to the name where it does not end with it already.
    """

    uri: str
    local_dir: str = ""
    local_filename: str = ""
    local_file_extension: str = ""

    @property
    def local_path(self) -> Path:
        """Where the file is put."""
        name = file_name(self.local_filename or self.uri.rstrip("/").rpartition("/")[2])
        extension = self.local_file_extension.lstrip(".")
        if extension and not name.lower().endswith(f".{extension.lower()}"):
            name = f"{name}.{extension}"
        return Path(self.local_dir or ".") / name


def download_blobs(blobs: Sequence[BlobDataLocation] | BlobDataLocation) -> list[Path]:
    """Download files through fsspec, with the credentials that it finds in the environment.

    Returns:
        The local paths, in the order of ``blobs``. A file that is there already is replaced once the new one is whole.

    Raises:
        StorageError: two of them have one local path, or one cannot be read or written.
    """
    import fsspec

    locations = [blobs] if isinstance(blobs, BlobDataLocation) else list(blobs)
    seen: dict[Path, str] = {}
    for location in locations:
        other = seen.setdefault(location.local_path.absolute(), location.uri)
        if other != location.uri:
            raise StorageError(
                f"{other} and {location.uri} have the same local path {location.local_path}.",
                "Give one of them another local_filename or local_dir.",
            )
    for location in locations:
        path = location.local_path
        partial = path.with_name(f"{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with fsspec.open(location.uri, "rb") as source, partial.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
            partial.replace(path)
        except (OSError, ValueError, ImportError) as error:
            partial.unlink(missing_ok=True)
            raise StorageError(f"{location.uri} cannot be downloaded to {path}: {error}") from error
    return [location.local_path for location in locations]
