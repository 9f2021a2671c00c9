"""The bytes behind a URI: local file, http(s), signed URL; stat, ranged read, stream."""

from flowtui.storage.backend import Backend, Entry, Stat
from flowtui.storage.reader import Reader
from flowtui.storage.storage import Storage

__all__ = ["Backend", "Entry", "Reader", "Stat", "Storage"]
