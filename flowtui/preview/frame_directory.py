"""The file to show of a directory that holds a data frame: flytekit writes one as ``<uri>/00000``, Spark as many parts.

As in flytekit/types/structured/basic_dfs.py (``00000`` for Parquet, ``data.csv`` for csv).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from flowtui.errors import NotFoundError, StorageError
from flowtui.preview.result import Preview
from flowtui.storage import Storage
from flowtui.storage.nested_file import nested_file
from flowtui.words import count

_PART = re.compile(r"(part-.*|\d+)\.parquet")
_ONLY = {"parquet": "00000", "csv": "data.csv"}
"""The name that flytekit gives the one file of a frame, by the frame's format."""


@dataclass(frozen=True, slots=True)
class FramePart:
    """The first file of a data frame.

    Attributes:
        files: how many files the frame has; None where the directory cannot be listed.
    """

    uri: str
    format: str
    files: int | None

    def told(self, preview: Preview) -> Preview:
        """The preview of the file as one of the frame."""
        if self.files == 1:
            return preview
        others = (
            "whether there are others is not known" if self.files is None else "the rows of the others are not here"
        )
        which = f"the first of {count(self.files, 'file')}" if self.files else "the first file of a data frame"
        return replace(preview, total_rows=None, notices=(f"{which}: {others}", *preview.notices))


async def frame_part(storage: Storage, uri: str, format_: str) -> FramePart | None:
    """The first file of a data frame, or the one file of a folder of its name; None where a directory holds neither.

    Args:
        format_: the format of the frame as its type or its value tells it; else the names of the files do.
    """
    try:
        entries = await storage.list(uri)
    except (StorageError, NotFoundError):
        only = f"{uri.rstrip('/')}/{_ONLY.get(format_, '')}"
        try:
            # A signed URL lists no directory, but opens the one file that flytekit writes.
            found = format_ in _ONLY and not (await storage.stat(only)).directory
        except (StorageError, NotFoundError):
            found = False
        return FramePart(only, format_, None) if found else None
    nested = nested_file(uri, entries)
    if nested is not None:
        return FramePart(f"{uri.rstrip('/')}/{nested.name}", format_, 1)
    names = sorted(
        entry.name for entry in entries if entry.size and not entry.name.rpartition("/")[2].startswith(("_", "."))
    )
    # Files of other names may be tables of their own.
    is_parquet = all(_PART.fullmatch(name.rpartition("/")[2]) for name in names)
    known = format_ if format_ in _ONLY else "parquet" if is_parquet and not format_ else ""
    return FramePart(f"{uri.rstrip('/')}/{names[0]}", known, len(names)) if known and names else None
