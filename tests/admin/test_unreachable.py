"""What keeps a request from being answered, told apart by the exception behind it."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest

from flowtui.admin.proxies import proxy_of
from flowtui.admin.unreachable import Attempt, unreachable
from flowtui.errors import AuthError, UnreachableError
from flowtui.httpclient import httpx

ATTEMPT = Attempt("prod", "https://flyte.test:8443/flows", "the version", 30)


def behind(error: Exception, cause: BaseException) -> Exception:
    """The exception as httpx raises it, with what it comes of two steps behind it."""
    middle = OSError("All connection attempts failed")
    middle.__cause__ = cause
    error.__cause__ = middle
    return error


def handshake(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}] something (_ssl.c:1000)")
    error.reason = reason
    return error


def certificate(code: int, said: str = "certificate verify failed") -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, said)
    error.verify_code, error.verify_message = code, said
    return error


@pytest.mark.parametrize(
    ("cause", "said", "hint"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "flyte.test:8443 refuses the connection", "port"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "there is no way to flyte.test:8443", "VPN"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "there is no way to flyte.test:8443", "VPN"),
        (socket.gaierror(-2, "Name or service not known"), "the name flyte.test is not known", "spelling"),
        (handshake("WRONG_VERSION_NUMBER"), "flyte.test:8443 does not speak TLS", "http://"),
        (handshake("RECORD_LAYER_FAILURE"), "flyte.test:8443 does not speak TLS", "http://"),
        (handshake("TLSV1_ALERT_NO_APPLICATION_PROTOCOL"), "speaks HTTP/2 only", "8088"),
        (handshake("UNEXPECTED_EOF_WHILE_READING"), "ends the connection while TLS", "http://"),
        (handshake("TLSV13_ALERT_CERTIFICATE_REQUIRED"), "wants a certificate of the client", "without"),
        (
            handshake("TLSV1_ALERT_PROTOCOL_VERSION"),
            "do not agree on TLS: tlsv1 alert protocol version",
            "administrator",
        ),
        (certificate(10), "has expired", "clock"),
        (certificate(9), "is not valid yet", "clock"),
        (certificate(62), "is for another name than flyte.test", "name"),
        (certificate(18), "is signed by itself", "--ca-file"),
        (certificate(20), "authority that is not trusted", "--ca-file"),
        (certificate(23, "certificate revoked"), "is refused: certificate revoked", "--ca-file"),
    ],
)
def test_what_is_behind_an_error_of_connecting(cause: BaseException, said: str, hint: str) -> None:
    error = unreachable(behind(httpx.ConnectError("All connection attempts failed"), cause), ATTEMPT)
    assert isinstance(error, UnreachableError)
    assert said in error.message
    assert hint in error.hint


@pytest.mark.parametrize(
    ("error", "said", "hint"),
    [
        (httpx.ConnectTimeout(""), "nothing answers at flyte.test:8443", "firewall"),
        (httpx.ReadTimeout(""), "did not answer about the version within 30 s", "--timeout"),
        (TimeoutError(), "did not answer about the version within 30 s", "--timeout"),
        (httpx.RemoteProtocolError("illegal request line"), "does not speak HTTP/1.1", "gRPC"),
        (httpx.RemoteProtocolError("Server disconnected without sending a response."), "without an answer", "doctor"),
        (httpx.ReadError(""), "ended the connection without an answer", "doctor"),
        (
            httpx.RemoteProtocolError("peer closed connection without sending complete message body (chunked)"),
            "broke off in the middle of its answer about the version",
            "Try again",
        ),
        (httpx.ProxyError("503 Service Unavailable"), "does not let flyte.test:8443 through: 503", "NO_PROXY"),
    ],
)
def test_what_happens_later(error: Exception, said: str, hint: str) -> None:
    found = unreachable(error, ATTEMPT)
    assert isinstance(found, UnreachableError)
    assert said in found.message
    assert hint in found.hint


def test_silence_in_the_handshake_is_no_slow_server() -> None:
    error = behind(httpx.ConnectTimeout(""), ssl.SSLWantReadError(2, "The operation did not complete"))
    found = unreachable(error, ATTEMPT)
    assert "does not answer in TLS" in found.message
    assert "http://" in found.hint


def test_a_grpc_port_is_named_where_one_of_its_ports_disconnects() -> None:
    attempt = Attempt("prod", "http://flyte.test:8089", "the version", 30)
    found = unreachable(httpx.RemoteProtocolError("Server disconnected"), attempt)
    assert "8088" in found.hint


def test_a_proxy_that_wants_a_login_is_named_without_its_password() -> None:
    attempt = Attempt(
        "prod", "https://flyte.test", "the version", 30, proxy_of("https://flyte.test", "http://u:hush@p:1")
    )
    found = unreachable(httpx.ProxyError("407 Proxy Authentication Required"), attempt)
    assert isinstance(found, AuthError)
    assert "The proxy http://p:1 wants a login" in found.message
    assert "hush" not in str(found)


def test_an_error_that_is_its_own_cause_is_told_all_the_same() -> None:
    error = httpx.ConnectError("odd")
    cause = OSError("odd")
    error.__cause__, cause.__cause__ = cause, error
    assert "odd" in unreachable(error, ATTEMPT).message


@pytest.mark.parametrize(
    ("environ", "address", "proxy"),
    [
        ({}, "https://flyte.test", ""),
        ({"https_proxy": "http://p:3128"}, "https://flyte.test/flows", "http://p:3128"),
        ({"https_proxy": "http://p:3128"}, "http://flyte.test", ""),
        ({"all_proxy": "http://u:hush@p:3128"}, "http://flyte.test", "http://p:3128"),
        ({"https_proxy": "http://p:1", "no_proxy": "localhost,.test"}, "https://flyte.test", ""),
        ({"https_proxy": "http://p:1", "no_proxy": "est"}, "https://flyte.test", "http://p:1"),
        ({"https_proxy": "http://p:1", "no_proxy": "*"}, "https://flyte.test", ""),
        ({"https_proxy": "p:3128"}, "https://flyte.test", "http://p:3128"),
    ],
)
def test_the_proxy_on_the_way(
    environ: dict[str, str], address: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
        if name in environ:
            monkeypatch.setenv(name, environ[name])
    assert proxy_of(address) == proxy
