"""The other files of the artifact that a file belongs to, for formats whose files tell of each other."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from flowtui.preview.source import Source
from flowtui.storage import Storage


@dataclass(frozen=True, slots=True)
class Siblings:
    """Files by their declared names.

    Attributes:
        uris: where the bytes of each are.
    """

    storage: Storage
    uris: Mapping[str, str]

    def ending(self, ending: str) -> list[str]:
        """The names that end so in any case, the shortest first."""
        return sorted((name for name in self.uris if name.lower().endswith(ending)), key=lambda name: (len(name), name))

    def open(self, name: str) -> AbstractAsyncContextManager[Source]:
        """A reader of a sibling; its reads raise NotFoundError and StorageError."""
        return self.storage.open(self.uris[name])
