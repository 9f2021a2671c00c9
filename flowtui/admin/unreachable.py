"""Why nothing answered, in one sentence with the remedy.

What httpx raises is told apart by the exception behind it: the resolver's, the socket's, or OpenSSL's with its verify
code (``X509_V_ERR_*`` of openssl/x509_vfy.h).
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from flowtui import text
from flowtui.errors import AuthError, FlowtuiError, UnreachableError
from flowtui.httpclient import httpx

GRPC_PORTS = frozenset({8089, 81})
"""Ports that serve Flyte's gRPC in its own charts: flyteadmin's, and its Kubernetes service's."""

CA_HINT = (
    "Name a file with your organisation's certificates: --ca-file FILE, `ca_file` of [tls] in flowtui's file, or"
    " admin.caCertFilePath of Flyte's config.yaml."
)
GRPC_HINT = (
    "That is most likely the port for gRPC (8089 or 81): flowtui needs Flyte Admin's HTTP port (8088 or 80),"
    " or the address that your browser uses for Flyte."
)
PROXY_LOGIN_HINT = "Put user and password into the proxy's URL: http://user:password@host:port."
_NETWORK_HINT = "Check the endpoint, the network and the proxy settings."
_PROXY_HINT = (
    "It comes from the setting `proxy`, or from HTTPS_PROXY, HTTP_PROXY or ALL_PROXY; NO_PROXY lists exceptions."
)

_NOT_YET_VALID, _EXPIRED = 9, 10
_SELF_SIGNED = frozenset({18, 19})
_NO_ISSUER = frozenset({2, 20, 21})
_OTHER_NAME = frozenset({62, 64})
_ROUTES = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN})


@dataclass(frozen=True)
class Attempt:
    """What was tried: the server's name in messages, its address, the proxy on the way, and the patience in seconds."""

    server: str
    address: str
    what: str
    timeout: float
    proxy: str = ""

    @property
    def place(self) -> str:
        """Host and port."""
        address = urlsplit(self.address)
        port = address.port or (443 if address.scheme == "https" else 80)
        return f"{address.hostname}:{port}"

    @property
    def is_grpc_port(self) -> bool:
        return urlsplit(self.address).port in GRPC_PORTS


def unreachable(error: Exception, attempt: Attempt) -> FlowtuiError:
    """The error for a request that got no answer.

    Args:
        error: httpx's ``TransportError``, or a ``TimeoutError``.
    """
    message, hint = _explained(error, attempt)
    if isinstance(error, httpx.ProxyError) and str(error).startswith("407"):
        return AuthError(message, hint)
    return UnreachableError(message, hint)


def _explained(error: Exception, attempt: Attempt) -> tuple[str, str]:
    behind = list(causes(error))
    certificate = next((cause for cause in behind if isinstance(cause, ssl.SSLCertVerificationError)), None)
    if certificate is not None:
        return _certificate(certificate, attempt)
    if isinstance(error, httpx.ProxyError):
        return _proxy(error, attempt)
    timed_out = isinstance(error, (TimeoutError, httpx.TimeoutException))
    handshake = next((cause for cause in behind if isinstance(cause, ssl.SSLError)), None)
    if handshake is not None:
        return _handshake(handshake, attempt, timed_out=timed_out)
    if timed_out:
        return _timeout(error, attempt)
    if any(isinstance(cause, socket.gaierror) for cause in behind):
        return _unresolved(attempt)
    if isinstance(error, httpx.ConnectError):
        return _no_connection(behind, attempt)
    return _broken(error, attempt)


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error and all behind it, those of several addresses included."""
    seen: set[int] = set()
    left = [error]
    while left:
        one = left.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        left += [cause for cause in (one.__context__, one.__cause__) if cause is not None]
        left += [cause for cause in getattr(one, "exceptions", ()) if isinstance(cause, BaseException)]


def _certificate(error: ssl.SSLCertVerificationError, attempt: Attempt) -> tuple[str, str]:
    code, place = error.verify_code, attempt.place
    if code == _EXPIRED:
        return (
            f"The certificate of {place} has expired.",
            "Its administrator has to renew it. If others get in, check the clock of this machine.",
        )
    if code == _NOT_YET_VALID:
        return (
            f"The certificate of {place} is not valid yet.",
            "Check the clock of this machine; if it is right, the server's administrator has to look.",
        )
    if code in _OTHER_NAME:
        host = urlsplit(attempt.address).hostname
        return (
            f"The certificate of {place} is for another name than {host}.",
            "Use the name that the certificate has, as your browser shows it, in the endpoint.",
        )
    if code in _SELF_SIGNED:
        return f"The certificate of {place} is signed by itself or an authority that is not trusted here.", CA_HINT
    if code in _NO_ISSUER:
        return f"The certificate of {place} is signed by an authority that is not trusted here.", CA_HINT
    return f"The certificate of {place} is refused: {text.plain(error.verify_message)}.", CA_HINT


def _handshake(error: ssl.SSLError, attempt: Attempt, *, timed_out: bool) -> tuple[str, str]:
    place, reason = attempt.place, getattr(error, "reason", "") or ""
    plain_hint = "Write the endpoint with http:// instead of https://, or use the port for TLS (443)."
    if "ALPN" in reason or "NO_APPLICATION_PROTOCOL" in reason:
        return f"{place} speaks HTTP/2 only, as gRPC does.", GRPC_HINT
    if timed_out:
        return f"{place} accepts a connection and does not answer in TLS.", plain_hint
    if any(word in reason for word in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")):
        return f"{place} does not speak TLS.", plain_hint
    if "CERTIFICATE_REQUIRED" in reason or "BAD_CERTIFICATE" in reason:
        return f"{place} wants a certificate of the client.", "flowtui sends none; ask for an address without."
    if "EOF" in reason or isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return f"{place} ends the connection while TLS is agreed on.", plain_hint
    said = text.plain(reason.replace("_", " ").lower() or str(error))
    return f"{place} and this machine do not agree on TLS: {said}.", "Ask the administrator which TLS the server wants."


def _proxy(error: httpx.ProxyError, attempt: Attempt) -> tuple[str, str]:
    said = text.plain(str(error)) or type(error).__name__
    where = f"The proxy {attempt.proxy}" if attempt.proxy else "The proxy"
    if said.startswith("407"):
        return (
            f"{where} wants a login.",
            f"Put user and password into its URL: http://user:password@host:port. {_PROXY_HINT}",
        )
    return f"{where} does not let {attempt.place} through: {said}.", _PROXY_HINT


def _timeout(error: Exception, attempt: Attempt) -> tuple[str, str]:
    if isinstance(error, httpx.ConnectTimeout):
        where = f"the proxy {attempt.proxy}" if attempt.proxy else attempt.place
        return (
            f"{attempt.server} cannot be reached: nothing answers at {where}.",
            "A firewall drops the request, or a VPN is off. Check the port, the network and the proxy settings.",
        )
    return (
        f"{attempt.server} did not answer about {attempt.what} within {attempt.timeout:g} s.",
        "Try again. For a slow server, raise the timeout (--timeout SECONDS).",
    )


def _unresolved(attempt: Attempt) -> tuple[str, str]:
    if attempt.proxy:
        return f"The name of the proxy {attempt.proxy} is not known.", _PROXY_HINT
    host = urlsplit(attempt.address).hostname
    return (
        f"{attempt.server} cannot be reached: the name {host} is not known.",
        "Check its spelling; a name inside a company or cluster is known only there or with its VPN.",
    )


def _no_connection(behind: list[BaseException], attempt: Attempt) -> tuple[str, str]:
    where = f"the proxy {attempt.proxy}" if attempt.proxy else attempt.place
    if any(isinstance(cause, ConnectionRefusedError) for cause in behind):
        hint = _PROXY_HINT if attempt.proxy else "Check the port, and that the server or its port-forward runs."
        return f"{attempt.server} cannot be reached: {where} refuses the connection.", hint
    if any(isinstance(cause, OSError) and cause.errno in _ROUTES for cause in behind):
        return f"{attempt.server} cannot be reached: there is no way to {where}.", "Check the network, or its VPN."
    said = next((text.plain(str(cause)) for cause in behind if str(cause)), type(behind[0]).__name__)
    return f"{attempt.server} cannot be reached: {said}.", _NETWORK_HINT


def _broken(error: Exception, attempt: Attempt) -> tuple[str, str]:
    said = text.plain(str(error))
    if isinstance(error, httpx.RemoteProtocolError) and "illegal" in said:
        hint = "If the port speaks TLS, write the endpoint with https://."
        return f"{attempt.place} does not speak HTTP/1.1.", f"{GRPC_HINT} {hint}"
    if "complete message" in said:
        return f"{attempt.server} broke off in the middle of its answer about {attempt.what}.", "Try again."
    hint = f"Try again. If it stays so: {GRPC_HINT}" if attempt.is_grpc_port else (
        "Try again. If it stays so, `flowtui doctor` finds out what speaks at that port."
    )  # fmt: skip
    return f"{attempt.server} ended the connection without an answer about {attempt.what}.", hint
