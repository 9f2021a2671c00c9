"""URLs that Admin signs for native URIs, kept until they expire."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone

from flowtui.domain.signed import SignedUrl
from flowtui.errors import NotFoundError, StorageError
from flowtui.text import plain

_SPARE = timedelta(seconds=30)
_KEPT = 512


class SignedUrls:
    """Where to GET a native URI (``s3://``, ``gs://``, ...): a signed URL, asked for once and again when it is old.

    Args:
        sign: asks Admin; its errors pass through.
    """

    renewable = True

    def __init__(self, sign: Callable[[str], Awaitable[SignedUrl]]) -> None:
        self._sign = sign
        self._kept: OrderedDict[str, SignedUrl] = OrderedDict()
        self._clock_is_off = False

    def handles(self, uri: str) -> bool:
        return "://" in uri and not uri.startswith(("http://", "https://", "file://"))

    async def url(self, uri: str, *, renew: bool) -> str:
        """A URL that reads the object now; ``renew`` asks for a new one in any case."""
        kept = self._kept.get(uri)
        if kept is None or renew or (_is_old(kept.expires_at, _SPARE) and not self._clock_is_off):
            kept = await self._ask(uri)
            # One that is over when it comes tells of the clock here: then only a refusal shows that it is.
            self._clock_is_off = _is_old(kept.expires_at, timedelta(0))
            self._kept[uri] = kept
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return kept.url

    async def _ask(self, uri: str) -> SignedUrl:
        try:
            return await self._sign(uri)
        except NotFoundError as error:
            # Admin signs without looking for the object, so it is the call itself that is not there.
            raise StorageError(
                f"The server signs no URL for {plain(uri)}: {error.message}",
                "Installations can block /api/v1/dataproxy/artifact_urn; ask for it, or for credentials of the store.",
            ) from error


def _is_old(expires_at: datetime | None, spare: timedelta) -> bool:
    if expires_at is None:
        return False
    if expires_at.tzinfo is None:
        expires_at = expires_at.replace(tzinfo=timezone.utc)
    return datetime.now(timezone.utc) >= expires_at - spare
