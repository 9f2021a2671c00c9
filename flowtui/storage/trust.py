"""Which places are read for a run, and with whose rights: the one module that decides it.

A run on any server can name any URI as a file of its own, also one that only the person who looks can read. So what a
run names is read where it cannot be the person's own affair:

- files of this machine: where they lie below a folder of the embedded server and of the flows that it ran, or below one
  that the settings name (``storage.local``); links are resolved before that is decided.
- http(s): without credentials, and from public addresses only, unless the settings name the host (``storage.hosts``).
  The same holds for where a signed URL is redirected to.
- buckets, with credentials of this machine: where the server keeps its own data in them, has signed a URL that opened
  an object of them whose key Flyte made, or the settings name them (``storage.buckets``); others are asked by signed
  URL only.

What a person typed on the command line is read as it is.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import re
import stat as modes
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

from flowtui.config import StorageSettings
from flowtui.errors import NotFoundError, StorageError
from flowtui.storage.credentials import STORES
from flowtui.storage.directory_tree import DirectoryTree, LinkError, encoded_path
from flowtui.text import plain

if TYPE_CHECKING:
    from flowtui.storage.known_buckets import KnownBuckets

_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)
_FOLDERS_SECONDS = 2.0
"""The folders of flows are asked for again after so long: one may have run meanwhile."""
_GENERATED = re.compile(r"-\d+/[0-9a-f]{32}(/|$)|/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(/|$)")
"""Keys of which Flyte itself made a part, with or without flytekit: nobody's other data has such a name."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""All that IANA gives to networks; Python takes others for public too, such as those of a site (fec0::/10)."""

_T = TypeVar("_T")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class UntrustedError(StorageError):
    """A run names a place that is not read for it."""


def is_local_uri(uri: str) -> bool:
    """Whether a URI names a file of a machine, this one or another; nothing is looked at."""
    return uri.startswith(("/", "file://"))


def local_path(uri: str) -> str:
    """The path in a local URI, as it stands; empty where it names none."""
    path = uri.removeprefix("file://")
    if path.startswith("localhost/"):
        path = path.removeprefix("localhost")
    return path if path.startswith("/") else ""


def bucket_of(uri: str) -> str:
    """The bucket of an object store's URI, as ``s3://bucket``; empty for another URI."""
    scheme, separator, rest = uri.partition("://")
    store = STORES.get(scheme)
    bucket = rest.partition("/")[0]
    return f"{store}://{bucket}" if separator and store and bucket else ""


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder below which files are read, or one file.

    Attributes:
        given: its path as it was named; ``real``: with links resolved.
        own: it belongs to the server that the runs are of.
    """

    given: str
    real: str
    own: bool

    def relative(self, path: str) -> str | None:
        """A path as it is seen from the folder, empty for the folder itself; None where it is not below."""
        for root in (self.real, self.given):
            if path == root:
                return ""
            if path.startswith(root if root.endswith("/") else f"{root}/"):
                return path[len(root) :].lstrip("/")
        return None


@dataclass(slots=True)
class _Folders:
    found: tuple[_Folder, ...] = ()
    until: float = -1.0


class Trust:
    """What may be read.

    Args:
        settings: ``local``, ``hosts`` and ``buckets`` are what the person allows.
        own_folders: gives the folders that the runs of the embedded server have their files in; None for another
            server. It may look at files.
        typed: paths and URIs that the person typed.
        known: buckets that the server has shown to be its own; None to forget them with the session.
    """

    def __init__(
        self,
        settings: StorageSettings | None = None,
        *,
        own_folders: Callable[[], Iterable[Path]] | None = None,
        typed: Sequence[str] = (),
        known: KnownBuckets | None = None,
    ) -> None:
        self._settings = settings or StorageSettings()
        self._own_folders = own_folders
        self._typed = tuple(uri if "://" in uri else os.path.abspath(os.path.expanduser(uri)) for uri in typed)
        self._known = known
        self._folders = _Folders()
        self._buckets = {bucket_of(f"{one}/") for one in (*self._settings.buckets, *self._typed)} - {""}
        self._own_buckets: set[str] = set()
        self._typed_hosts = {_host_of(uri) for uri in self._typed if uri.startswith(("http://", "https://"))}

    @property
    def is_embedded(self) -> bool:
        """Whether the runs are those of the embedded server: the person's own, made here."""
        return self._own_folders is not None

    # Files of this machine.

    def refusal(self, uri: str) -> UntrustedError | None:
        """Why a file of this machine is not read for a run, None where it may be and for every other URI.

        Only the path is looked at: a link is found out when it is opened.
        """
        if not is_local_uri(uri):
            return None
        path = local_path(uri)
        is_read = path and "\0" not in path and any(any(self._places(one)) for one in _spellings(uri, path))
        return None if is_read else self._refused(uri)

    def open_file(self, uri: str) -> int:
        """A descriptor of a file of this machine, for reading; it may be of something that is no regular file.

        Raises:
            UntrustedError: it is not read for a run.
            NotFoundError: there is no such file.
            OSError: it cannot be opened.
        """
        return self._there(uri, lambda tree, path: tree.open(path, _READ))

    def stat(self, uri: str) -> os.stat_result:
        """What a local URI names. Raises as :meth:`open_file`."""
        return self._there(uri, _stat)

    def files(self, uri: str, most: int) -> list[tuple[str, os.stat_result]]:
        """The regular files below a folder of this machine, with paths relative to it and ``/`` between their parts.

        Links to folders are left out, and so are those to files that are not read for a run. Raises as
        :meth:`open_file`.

        Args:
            most: after so many no more are looked for.
        """
        return self._there(uri, lambda tree, path: self._below(tree, path, uri.rstrip("/"), most))

    def _below(self, tree: DirectoryTree, path: str, uri: str, most: int) -> list[tuple[str, os.stat_result]]:
        files: list[tuple[str, os.stat_result]] = []
        with tree.folder(path) as root:
            for folder, _, names, descriptor in os.fwalk(".", dir_fd=root, onerror=_raise):
                below = folder.removeprefix(".").lstrip("/")
                for name in names:
                    relative = f"{below}/{name}" if below else name
                    found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                    if modes.S_ISLNK(found.st_mode):
                        try:
                            found = self.stat(f"{uri}/{relative}")
                        except (StorageError, NotFoundError, OSError):
                            continue
                    if modes.S_ISREG(found.st_mode):
                        files.append((relative, found))
                if len(files) >= most:
                    break
        return files

    def _there(self, uri: str, work: Callable[[DirectoryTree, str], _T]) -> _T:
        """The result of work on a file, given the folder that it is below and its path there without a link."""
        path = local_path(uri)
        if not path:
            raise StorageError(
                f"{plain(uri)} names no file of this machine.", "A file URI has the form file:///absolute/path."
            )
        if "\0" in path:
            raise NotFoundError(f"There is no file {plain(path)}: the name holds a NUL.")
        is_below = False
        for spelled in _spellings(uri, path):
            for folder, relative in self._places(spelled):
                is_below = True
                try:
                    return work(DirectoryTree(folder.real), relative)
                except LinkError:
                    return work(*self._resolved(spelled))
                except (FileNotFoundError, NotADirectoryError):
                    continue
        for folder, relative in self._places(path):
            tree = DirectoryTree(folder.real)
            if as_written := encoded_path(tree, relative):
                return work(tree, as_written)
        if is_below:
            raise NotFoundError(f"There is no file {plain(path)}.", _ELSEWHERE)
        raise self._refused(uri)

    def _resolved(self, path: str) -> tuple[DirectoryTree, str]:
        """Where a path with a link in it leads to, which has to be read for a run, too."""
        try:
            real = os.path.realpath(path, strict=True)
        except (FileNotFoundError, NotADirectoryError):
            raise NotFoundError(f"There is no file {plain(path)}.", "A link leads to nothing.") from None
        for folder, relative in self._places(real):
            return DirectoryTree(folder.real), relative
        raise UntrustedError(
            f"{plain(path)} is not read: a link in it leads to {plain(real)}, which is no place of the run's files.",
            self._remedy(real),
        )

    def _places(self, path: str) -> Iterator[tuple[_Folder, str]]:
        """The folders that a path is below, and how it is seen from there."""
        clean = os.path.normpath(path)
        if clean.startswith("//"):
            clean = clean[1:]
        if ".." in path.split("/"):
            # What lies behind "x/.." depends on what x is; the operating system is asked only below a known folder.
            if not any(folder.relative(clean) is not None for folder in self._all_folders()):
                return
            clean = os.path.realpath(path)
        for folder in self._all_folders():
            relative = folder.relative(clean)
            if relative is not None:
                yield folder, relative

    def _all_folders(self) -> tuple[_Folder, ...]:
        now = time.monotonic()
        if now >= self._folders.until:
            typed = [one for uri in self._typed if (path := local_path(uri)) for one in _spellings(uri, path)]
            named = [*map(str, self._settings.local), *typed]
            own = [str(path) for path in self._own_folders()] if self._own_folders is not None else []
            found = [_Folder(os.path.normpath(one), os.path.realpath(one), own=True) for one in own]
            found += [_Folder(os.path.normpath(one), os.path.realpath(one), own=False) for one in named]
            self._folders = _Folders(tuple(found), now + _FOLDERS_SECONDS)
        return self._folders.found

    def _refused(self, uri: str) -> UntrustedError:
        path = local_path(uri) or uri
        why = "a run of another server names it, and it would be a file of this machine"
        if self.is_embedded:
            why = "it lies in no folder that runs of this machine keep their files in"
        return UntrustedError(f"{plain(path)} is not read: {why}.", self._remedy(path))

    @staticmethod
    def _remedy(path: str) -> str:
        folder = plain(os.path.dirname(os.path.normpath(path))) or "/"
        return f'[storage] local = ["{folder}"] in flowtui\'s file allows a folder that you share with the run.'

    # Hosts.

    def allows_host(self, scheme: str, host: str, port: int | None) -> bool:
        """Whether a host may be asked, whatever its addresses are: the settings name it, or the person typed it."""
        host = host.lower().rstrip(".")
        where = host, _port_of(scheme, port)
        if where in self._typed_hosts:
            return True
        for pattern in self._settings.hosts:
            name, of_port = _host_pattern(pattern)
            if of_port is not None and of_port != where[1]:
                continue
            if name == host or (name.startswith("*.") and host.endswith(name[1:])):
                return True
        return False

    def allows_address(self, address: Address) -> bool:
        """Whether an address that a name was resolved to may be asked: a public one, or of a network in the settings.

        Addresses that stand for one of IPv4 (mapped, 6to4, NAT64) count as that one.
        """
        inner = _inner(address)
        if inner.is_global and not inner.is_multicast and (inner.version == 4 or inner in _GLOBAL_UNICAST):
            return True
        return any(
            inner in network
            for pattern in self._settings.hosts
            if (network := _network(pattern)) is not None and network.version == inner.version
        )

    @staticmethod
    def refused_host(url: str, address: str = "") -> UntrustedError:
        """The error for a host that is not asked."""
        host = plain(urlsplit(url).hostname or "")
        where = f"{host} ({plain(address)})" if address and address != host else host
        return UntrustedError(
            f"{where} is not asked for a file of a run: it is an address of a private network or of this machine.",
            f"[storage] hosts = [\"{host}\"] in flowtui's file allows it, if it is a place of the run's files.",
        )

    # Buckets.

    async def learn(self, prefixes: Iterable[str]) -> None:
        """Take over where the server itself keeps data of a run: URIs that its engine wrote, not those of values."""
        new = {bucket_of(prefix) for prefix in prefixes} - self._own_buckets - {""}
        self._own_buckets |= new
        if new and self._known is not None:
            await asyncio.to_thread(self._known.add, new)

    async def signature_opened(self, uri: str) -> None:
        """Take over that a URL which the server signed has opened an object whose key Flyte made: its bucket is one of
        the server's. Another object may be one of a bucket that the server can read in part only.
        """
        if _GENERATED.search(uri):
            await self.learn([uri])

    def knows_bucket(self, uri: str) -> bool:
        """Whether credentials of this machine may be used for an object."""
        bucket = bucket_of(uri)
        if self.is_embedded or bucket in self._buckets or bucket in self._own_buckets:
            return True
        if self._known is not None and bucket in self._known:
            self._own_buckets.add(bucket)
            return True
        return False

    @staticmethod
    def unknown_bucket(uri: str) -> UntrustedError:
        """Why the credentials of this machine are not used for an object."""
        bucket = plain(bucket_of(uri))
        return UntrustedError(
            f"{bucket} is not known as a bucket of this server's runs, so your own credentials are not used for it.",
            f'[storage] buckets = ["{bucket}"] in flowtui\'s file allows it, if it is one.',
        )

    # Exports.

    def is_elsewhere(self, uri: str) -> bool:
        """Whether a file's place is not one that runs of this server keep their files in.

        An object of another bucket counts as the run's where Flyte itself made its key.
        """
        if is_local_uri(uri):
            if self.refusal(uri) is not None:
                # It is read by a URL that the server signs, which `flowtui serve` does for files of its runs alone.
                return False
            found = [list(self._places(one)) for one in _spellings(uri, local_path(uri))]
            return not all(any(folder.own for folder, _ in places) for places in found if places)
        if uri.startswith(("http://", "https://")):
            return True
        bucket = bucket_of(uri)
        if bucket in self._own_buckets or bucket in self._buckets:
            return False
        return not _GENERATED.search(uri)


_ELSEWHERE = "The path is one of the machine that ran the task; it may not exist on this one."


def _spellings(uri: str, path: str) -> tuple[str, ...]:
    """The paths that a local URI may mean: as it stands, and percent-decoded, since flytekit encodes nothing."""
    if not uri.startswith("file://") or "%" not in path:
        return (path,)
    decoded = unquote(path)
    return (path, decoded) if "\0" not in decoded else (path,)


def _host_of(url: str) -> tuple[str, int]:
    """The host and the port that a URL names; an empty name where it cannot be read."""
    try:
        found = urlsplit(url)
        return found.hostname or "", _port_of(found.scheme, found.port)
    except ValueError:
        return "", 0


def _port_of(scheme: str, port: int | None) -> int:
    return port if port is not None else 443 if scheme == "https" else 80


def _host_pattern(pattern: str) -> tuple[str, int | None]:
    """The name and the port of ``HOST[:PORT]``; an address of IPv6 has brackets where a port follows."""
    text = pattern.strip().lower().rstrip(".")
    match = re.fullmatch(r"(\[[^\]]*\]|[^:]*):(\d{1,5})", text)
    name, port = (match[1], int(match[2])) if match else (text, None)
    return name.strip("[]"), port


def _network(pattern: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    if "/" not in pattern:
        return None
    try:
        return ipaddress.ip_network(pattern.strip(), strict=False)
    except ValueError:
        return None


def _inner(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _stat(tree: DirectoryTree, path: str) -> os.stat_result:
    found = tree.lstat(path) if path else os.stat(tree.root)
    if modes.S_ISLNK(found.st_mode):
        raise LinkError(errno.ELOOP, "it is a link", path)
    return found


def _raise(error: OSError) -> None:
    raise error


__all__ = ["Trust", "UntrustedError", "bucket_of", "is_local_uri", "local_path"]
