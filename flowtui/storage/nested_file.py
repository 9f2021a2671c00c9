"""A file that lies in a folder of its own name, where its URI says that it is a file.

fsspec takes ``?``, ``*`` and ``[`` in the name of a file that it uploads for a pattern, and what it uploads to for a
folder: flytekit's ``a?.csv`` is stored as ``a?.csv/a?.csv``.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote

from flowtui.storage.backend import Entry


def nested_file(uri: str, entries: Sequence[Entry]) -> Entry | None:
    """The one file of a folder, where it has the folder's name; None where there are others, or it has another name."""
    name = uri.rstrip("/").rpartition("/")[2]
    return entries[0] if len(entries) == 1 and name in (entries[0].name, unquote(entries[0].name)) else None
