"""What the answer of an http(s) server says: ranges, sizes, checksums, and refusals in the words of object stores."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flowtui.errors import StorageError
from flowtui.storage.backend import Stat
from flowtui.text import first_line, plain

if TYPE_CHECKING:
    from flowtui.httpclient import httpx

_CONTENT_RANGE = re.compile(r"bytes\s+(?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)\s*$", re.IGNORECASE)
_ERROR_CODE = re.compile(r"<Code>\s*([A-Za-z0-9]{1,64})\s*</Code>")
_ERROR_MESSAGE = re.compile(r"<Message>\s*([^<]{1,300})")
_LOGIN = re.compile(r"(?i)log-?in|sign-?in|auth|sso|saml")
_CLUSTER_NAME = re.compile(r"\.svc(\.|$)|\.cluster\.local$|^minio\.[a-z0-9-]+$", re.IGNORECASE)
_INSIDE = "The URL is signed for a host inside the cluster and works only there"
_PERHAPS_INSIDE = "A URL signed for a host inside the cluster works only there"
_MD5 = re.compile(r"[0-9a-f]{32}")


def content_range(header: str) -> tuple[int | None, int | None, int | None]:
    """First byte, byte after the last, and total of ``Content-Range``; None for what it does not say."""
    match = _CONTENT_RANGE.match(header.strip())
    if not match:
        return None, None, None
    first, last, total = match.groups()
    return (
        None if first is None else int(first),
        None if last is None else int(last) + 1,
        None if total == "*" else int(total),
    )


def _range_of(response: httpx.Response) -> tuple[int | None, int | None, int | None]:
    return content_range(response.headers.get("content-range", ""))


def _content_length(response: httpx.Response) -> int | None:
    length = response.headers.get("content-length", "")
    return int(length) if length.isdecimal() and len(length) <= 18 else None


def whole_size(response: httpx.Response) -> int | None:
    """Size of the whole object in bytes, as far as the answer tells."""
    if response.status_code == 200:
        return _content_length(response)
    return _range_of(response)[2]


def is_delimited(response: httpx.Response) -> bool:
    """Whether the end of the body is told, by a length or by chunks (RFC 9112 section 6.3)."""
    return "content-length" in response.headers or "chunked" in response.headers.get("transfer-encoding", "").lower()


def part_of(uri: str, response: httpx.Response, position: int) -> tuple[int, int | None, int | None]:
    """How a body relates to the range asked for: bytes to skip, position where it ends, size of the object.

    Raises StorageError where the answer is not the part of the object that begins at ``position``.
    """
    if response.status_code == 200:
        size = _content_length(response)
        return position, size, size
    if response.headers.get("content-type", "").startswith("multipart/byteranges"):
        raise StorageError(f"The server of {plain(uri)} answered with several ranges where one was asked for.")
    first, end, size = _range_of(response)
    if first is None:
        length = _content_length(response)
        return 0, None if length is None else position + length, size
    if first > position or end is None or end <= position or (size is not None and end > size):
        raise StorageError(f"The server of {plain(uri)} answered with other bytes than those asked for.")
    return position - first, end, size


def stat_of(response: httpx.Response) -> Stat | None:
    """What the answer to a one-byte range tells; None where the range was refused without a size."""
    size = whole_size(response)
    if response.status_code == 416 and size is None:
        return None
    return Stat(size=size, md5=md5_of(response.headers), etag=response.headers.get("etag", ""))


def md5_of(headers: Mapping[str, str]) -> str:
    """Hex MD5 of the whole object, where the store says it in one of the ways that can be trusted.

    Admin's upload URLs keep flytekit's checksum as metadata; Google lists hashes; an ETag is an MD5 only in S3, for
    objects uploaded in one part and not encrypted with a KMS key. The names of the headers are in lower case.
    """
    encoded = headers.get("x-amz-meta-flytecontentmd5", "")
    for item in headers.get("x-goog-hash", "").split(","):
        name, _, value = item.strip().partition("=")
        if name == "md5":
            encoded = value
    if encoded:
        try:
            digest = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            digest = b""
        if len(digest) == 16:
            return digest.hex()
    is_s3 = any(name.startswith("x-amz-") for name in headers)
    is_encrypted = "kms" in headers.get("x-amz-server-side-encryption", "") or (
        "x-amz-server-side-encryption-customer-algorithm" in headers
    )
    etag = headers.get("etag", "").strip('"')
    return str(etag) if is_s3 and not is_encrypted and _MD5.fullmatch(etag) else ""


def is_login_page(response: httpx.Response, uri: str, *, signed: bool) -> bool:
    """True where HTML came in place of the object: a login page in front of the store.

    A part (206) is never one. An object of a plain URL may be HTML itself, unless the request was led to a login.
    """
    if response.status_code != 200 or not response.headers.get("content-type", "").startswith("text/html"):
        return False
    path = urlsplit(uri).path
    if signed:
        return bool(response.history) or not path.lower().endswith((".html", ".htm"))
    return bool(response.history) and bool(_LOGIN.search(response.url.path)) and not _LOGIN.search(path)


def login_page(uri: str, response: httpx.Response) -> StorageError:
    return StorageError(
        f"A web page of {plain(response.url.host)} came in place of {plain(uri)}: the store is behind a login.",
        "Log in to the network or VPN that the store wants, or ask for signed URLs that pass it.",
    )


def expired(body: str) -> bool:
    """True where a store's error says that the signature is too old."""
    return "expired" in body.lower() or "not valid in the specified time" in body.lower()


def refused(uri: str, response: httpx.Response, body: str, *, signed: bool, was_expired: bool) -> StorageError:
    """The error for an answer that says no; S3, Google and Azure put a code and a sentence into XML."""
    code = _ERROR_CODE.search(body)
    message = _ERROR_MESSAGE.search(body)
    words = ": ".join(plain(found.group(1)).strip() for found in (code, message) if found)
    if not words and "<" not in body:
        words = first_line(body)[:200]
    said = f"{response.status_code}{' ' + words if words else ''}"
    if was_expired:
        hint = "The signature expired at once: compare the clock of this machine with the server's."
    elif response.status_code == 403 and signed:
        hint = "Stores answer so too for an object that does not exist, where listing is not allowed."
    elif response.status_code >= 500 or response.status_code == 429:
        hint = "The store has trouble; try again later."
    else:
        hint = ""
    return StorageError(f"The store refuses {plain(uri)}: {said}.", hint)


def unreachable(uri: str, url: str, error: Exception, *, signed: bool) -> StorageError:
    """The error for a request without an answer; the URL is a secret, so only its host is named."""
    if not url:
        return StorageError(f"{plain(uri)} cannot be asked for: {plain(error) or type(error).__name__}.")
    host = plain(urlsplit(url).netloc.rpartition("@")[2])
    reason = plain(error) or type(error).__name__
    return StorageError(
        f"{host}, where {plain(uri)} lies, does not answer: {reason}.",
        f"{_INSIDE if _is_inside(url) else _PERHAPS_INSIDE}: the server's "
        "storage.signedUrl.stowConfigOverride.endpoint must name a host that this machine reaches. "
        "Credentials of the store are another road ([storage] of flowtui's file)."
        if signed
        else "Look at the network, the proxy settings, or the URL.",
    )


def _is_inside(url: str) -> bool:
    """Whether a host has a name that only Kubernetes resolves, such as ``minio.flyte`` or ``minio.flyte.svc``."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    return bool(_CLUSTER_NAME.search(host)) or ("." not in host and ":" not in host)


def no_progress(uri: str) -> StorageError:
    return StorageError(f"The server of {plain(uri)} sends fewer bytes than it announces.", "Try again.")


def too_slow(uri: str, came: int, seconds: float) -> StorageError:
    return StorageError(
        f"The server of {plain(uri)} sends next to nothing: {came:,} bytes in {seconds:.0f} s.",
        "Look at the network; try again later.",
    )
