"""The bytes behind a URI: local file, object store, signed URL, http(s); stat, ranged read, stream."""

from flowtui.storage.backend import Backend, Entry, Stat
from flowtui.storage.credentials import StoreAccess
from flowtui.storage.disk_cache import DiskCache
from flowtui.storage.reader import Reader
from flowtui.storage.storage import Storage
from flowtui.storage.trust import Trust, UntrustedError

__all__ = ["Backend", "DiskCache", "Entry", "Reader", "Stat", "Storage", "StoreAccess", "Trust", "UntrustedError"]
