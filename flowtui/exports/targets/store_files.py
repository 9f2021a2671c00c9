"""The objects of one place in a store, by their paths in it, with what the store refuses in words."""

from __future__ import annotations

import asyncio
import random
import re
import warnings
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from typing import Any, TypeVar

from flowtui.errors import ExportError
from flowtui.exports.targets.azure_calls import AzureCalls
from flowtui.exports.targets.fsspec_calls import FsspecCalls
from flowtui.exports.targets.google_calls import GoogleCalls
from flowtui.exports.targets.s3_calls import S3Calls
from flowtui.exports.targets.store_calls import STAGING, ChangedError, StoreCalls, part_bytes
from flowtui.storage import Stat, StoreAccess
from flowtui.storage.backend import Chunk
from flowtui.storage.clients import EXTRA, store_client
from flowtui.storage.credentials import STORES
from flowtui.text import first_line, plain

_T = TypeVar("_T")

_CALLS: dict[str, type[S3Calls] | type[GoogleCalls] | type[AzureCalls]] = {
    "s3": S3Calls,
    "gs": GoogleCalls,
    "abfs": AzureCalls,
}
_QUERY = re.compile(r"(?<=\S)\?\S+")
_PATIENCE = 300.0
_SLOWEST = 100_000
"""Bytes a second; what is slower is given up."""

TRIES = 20
"""How often something is done where others may come in between."""

_CHECK = "Look at the bucket and at your credentials with the store's own tools."
_HINTS = {
    "access denied": "These credentials may not write there: ask for them, or export to another place.",
    "no such bucket": "Look at the name; the bucket has to be there before.",
    "no credentials": "Log in with the store's own tools, or name the credentials in flowtui's file ([storage]).",
    "the store does not answer": "Look at the network, the proxy settings and the endpoint.",
}
_UNREACHABLE = re.compile(r"Connect|Timeout|ServiceRequest|ServiceResponse|gaierror|ServerDisconnected")
_NO_CREDENTIALS = re.compile(r"NoCredentials|DefaultCredentials|ClientAuthentication|CredentialUnavailable")


class StoreFiles:
    """The objects below one URL.

    Paths are relative to it and joined to it by a slash; nothing else is done to them.

    Args:
        url: bucket and prefix as a person writes them; one slash at the end counts for nothing.
        access: what is known of object stores on this machine.
    """

    def __init__(self, url: str, access: StoreAccess) -> None:
        self._url = url.removesuffix("/")
        self._access = access
        self._scheme = url.partition("://")[0].lower()
        self._root = ""
        self._calls: StoreCalls | None = None
        self._has_answered = False
        self._lock = asyncio.Lock()

    def shown(self, path: str = "") -> str:
        """A path as a URL."""
        return plain(f"{self._url}/{path}" if path else self._url)

    async def calls(self) -> StoreCalls:
        """What the store can do. Raises ExportError where its library or credentials are missing."""
        async with self._lock:
            if self._calls is None:
                self._calls = await asyncio.to_thread(self._open)
        return self._calls

    async def stat(self, path: str) -> Stat | None:
        """What is known of an object, None where there is none."""
        try:
            return await self._ask(path, lambda calls, key: calls.stat(key), "read")
        except FileNotFoundError:
            return None

    async def read(self, path: str, most: int) -> Chunk | None:
        """The first bytes of an object, all of one version, None where there is none."""
        for number in range(TRIES):
            try:
                return await self._ask(path, lambda calls, key: calls.read(key, most), "read")
            except FileNotFoundError:
                return None
            except ChangedError:
                await pause(number)
        raise self.busy(path)

    def busy(self, path: str) -> ExportError:
        """That others keep writing an object."""
        return ExportError(f"{self.shown(path)} is written by others all the time.", "Try again, or resume the export.")

    async def sizes(self, folder: str, names: Collection[str]) -> dict[str, int]:
        """The sizes of the objects among these that are directly below a folder."""
        return await self._list(folder, lambda calls, prefix: calls.sizes(prefix, names), {})

    async def folders(self, folder: str) -> list[str]:
        """The names of the folders directly below one."""
        return await self._list(folder, lambda calls, prefix: calls.folders(prefix), [])

    async def names(self, folder: str, most: int) -> list[str]:
        """Paths of objects below a folder, relative to that, ``most`` at most."""
        nothing: list[str] = []
        found = await self._list(folder, lambda calls, prefix: calls.keys(prefix, most), nothing)
        prefix = self._key(f"{folder}/")
        return [key[len(prefix) :] for key in found if key.startswith(prefix)]

    async def put(self, path: str, data: bytes, replaces: str | None = None) -> None:
        """Write a small object at once. Raises ChangedError as ``StoreCalls.put``."""
        await self._ask(path, lambda calls, key: calls.put(key, data, replaces), "written", len(data))

    async def begin(self, path: str) -> Any:
        """Begin an object in parts."""
        return await self._ask(path, lambda calls, key: calls.begin(key), "written")

    async def part(self, path: str, upload: Any, number: int, offset: int, data: bytes) -> Any:
        """Send a part; gives the receipt."""
        return await self._ask(
            path, lambda calls, key: calls.part(key, upload, number, offset, data), "written", len(data)
        )

    async def finish(self, path: str, upload: Any, receipts: Sequence[Any], offset: int, tail: bytes) -> None:
        """Send the last part, and make the object of all."""
        await self._ask(
            path, lambda calls, key: calls.finish(key, upload, receipts, offset, tail), "written", offset + len(tail)
        )

    async def abandon(self, path: str, upload: Any) -> None:
        """Throw the parts away."""
        await self._ask(path, lambda calls, key: calls.abandon(key, upload), "written")

    async def abandon_all(self, folder: str) -> None:
        """Throw the parts away of all objects below a folder that are not whole."""
        await self._ask(f"{folder}/", lambda calls, prefix: calls.abandon_all(prefix), "written")

    async def copy(self, source: str, target: str, size: int) -> None:
        """Copy an object within the store."""
        await self._ask(target, lambda calls, key: calls.copy(self._key(source), key, size), "written", size)

    async def moves(self) -> bool:
        """Whether what is copied is gone from where it was."""
        return (await self.calls()).moves

    async def keeps_folders(self) -> bool:
        """Whether a folder is in the way of a file of its name."""
        return (await self.calls()).keeps_folders

    async def remove(self, path: str) -> None:
        """Remove an object."""
        await self._ask(path, lambda calls, key: calls.remove(key), "written")

    async def remove_all(self, folder: str) -> None:
        """Remove what is below a folder."""
        try:
            await self._ask(f"{folder}/", lambda calls, prefix: calls.remove_all(prefix), "read")
        except FileNotFoundError:
            return

    async def aclose(self) -> None:
        """Close the connections; a later call opens new ones."""
        async with self._lock:
            calls, self._calls = self._calls, None
            if calls is not None:
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(calls.close(), calls.loop))

    async def part_bytes(self, size: int | None) -> int:
        """How large the parts of an object have to be."""
        return part_bytes(size, (await self.calls()).most_parts)

    async def _list(self, folder: str, ask: Callable[[StoreCalls, str], Coroutine[Any, Any, _T]], nothing: _T) -> _T:
        try:
            return await self._ask(f"{folder}/" if folder else "", ask, "read")
        except FileNotFoundError:
            return nothing

    def _key(self, path: str) -> str:
        return f"{self._root}/{path}" if self._root else path

    async def _ask(
        self, path: str, ask: Callable[[StoreCalls, str], Coroutine[Any, Any, _T]], verb: str, size: int = 0
    ) -> _T:
        """The store's answer. Raises FileNotFoundError where an object that is read is not there, else ExportError."""
        calls = await self.calls()
        failures: tuple[type[Exception], ...] = (OSError, asyncio.TimeoutError, *calls.errors)
        answer = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(ask(calls, self._key(path)), calls.loop))
        try:
            result = await self._wait(answer, size)
        except FileNotFoundError as error:
            if verb == "read":
                raise
            raise self._refusal(path, error, verb) from error
        except failures as error:
            raise self._refusal(path, error, verb) from error
        self._has_answered = True
        return result

    async def _wait(self, answer: Awaitable[_T], size: int) -> _T:
        # Some libraries try again for minutes; a store that has not answered yet gets the time of one timeout.
        base = _PATIENCE if self._has_answered else self._access.timeout
        return await asyncio.wait_for(answer, base + size / _SLOWEST)

    def _refusal(self, path: str, error: BaseException, verb: str) -> ExportError:
        reason = _reason(error)
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        # Behind a question mark of a URL a signature may stand.
        said = _QUERY.sub("?...", first_line(plain(said)))[:200].rstrip(".")
        told = said if reason != "the store does not answer" else ""
        words = f"{reason} ({told})" if reason and told else reason or told or type(error).__name__
        where = self.shown("" if path.startswith(STAGING) else path.rstrip("/"))
        return ExportError(f"{where} cannot be {verb}: {words}.", _HINTS.get(reason, _CHECK))

    def _open(self) -> StoreCalls:
        try:
            with warnings.catch_warnings():
                # What the libraries say of old versions of Python would be painted over the screen.
                warnings.simplefilter("ignore")
                return self._open_store() if self._scheme in STORES else self._open_other()
        except ImportError as error:
            needs = plain(error.name or error)
            hint = f"pip install 'flowtui[{EXTRA}]'" if self._scheme in STORES else "Install it beside flowtui."
            raise ExportError(
                f"Writing to {self._scheme}:// needs a library that is missing: {needs}.", hint
            ) from error
        # What a library makes of wrong options is its own, and its text may hold them.
        except (ValueError, TypeError, KeyError, OSError, RuntimeError, EOFError) as error:
            name = type(error.__cause__ or error).__name__
            raise ExportError(f"{self.shown()} cannot be written: {name} of its library.", _CHECK) from error

    def _open_store(self) -> StoreCalls:
        store = STORES[self._scheme]
        bucket, _, self._root = self._url.partition("://")[2].partition("/")
        bucket, _, host = bucket.partition("@") if store == "abfs" else (bucket, "", "")
        client = store_client(store, self._access.options(store, host.partition(".")[0]))
        return _CALLS[store](client, bucket)

    def _open_other(self) -> StoreCalls:
        from fsspec import get_filesystem_class
        from fsspec.core import url_to_fs

        try:
            get_filesystem_class(self._scheme)
        except ValueError as error:
            raise ExportError(
                f"{self._scheme}:// is no kind of place that fsspec knows.", "Look at its name."
            ) from error
        fs, root = url_to_fs(self._url)
        self._root = str(root)
        return FsspecCalls(fs)


async def pause(number: int) -> None:
    """Wait before try ``number + 1``: longer each time, and not as long as the others who came in between."""
    await asyncio.sleep(random.uniform(0, min(0.05 * 2**number, 5)))  # noqa: S311


def _reason(error: BaseException) -> str:
    """The store's refusal in words, empty where it is another."""
    status = getattr(error, "status_code", None) or getattr(error, "code", None)
    names = " ".join(type(one).__name__ for one in (error, error.__cause__) if one is not None)
    if _NO_CREDENTIALS.search(names):
        return "no credentials"
    if isinstance(error, PermissionError) or status in (401, 403) or str(error).startswith("Forbidden"):
        return "access denied"
    if isinstance(error, FileNotFoundError) or status == 404:
        return "no such bucket"
    if isinstance(error, asyncio.TimeoutError | TimeoutError | ConnectionError) or _UNREACHABLE.search(names):
        return "the store does not answer"
    return ""
