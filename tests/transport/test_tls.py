"""Certificates, with a server that speaks TLS."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from flowtui.config import TransportSettings
from flowtui.errors import ConfigError, StorageError, UnreachableError
from flowtui.tls import tls_context


async def read_object(session) -> bytes:  # type: ignore[no-untyped-def]
    return b"".join([chunk async for chunk in session.storage.stream("s3://bucket/key")])


async def test_a_custom_authority_is_trusted_by_client_and_storage(serve, sitting, ca_file) -> None:
    with serve() as served:
        async with sitting(served.url(), TransportSettings(ca_file=ca_file)) as session:
            assert await session.client.version() == "v1.16.8"
            assert await read_object(session) == b"what lies there"
        by_path = dict(served.requests)
        assert by_path["/api/v1/version"]["x-key"] == "hush"
        # A signed URL belongs to somebody else: neither login nor headers go there.
        assert "hush" not in str(by_path["/store/key"])
        assert "authorization" not in by_path["/store/key"]


async def test_an_unknown_authority_is_refused_by_both(serve, sitting) -> None:
    with serve() as served, serve(tls=False) as plain:
        async with sitting(served.url()) as session:
            with pytest.raises(UnreachableError, match=r"(?i)certificate"):
                await session.client.version()
        plain.store = served.url()
        async with sitting(plain.url()) as session:
            with pytest.raises(StorageError, match=r"(?i)certificate"):
                await read_object(session)
        assert not served.requests


async def test_certificates_are_not_checked_where_a_person_says_so(serve, sitting) -> None:
    with serve() as served:
        async with sitting(served.url(), TransportSettings(verify=False)) as session:
            assert await session.client.version() == "v1.16.8"
            assert await read_object(session) == b"what lies there"


async def test_a_certificate_of_another_host_is_refused(serve, sitting, ca_file) -> None:
    with serve() as served:
        async with sitting(served.url("127.0.0.2"), TransportSettings(ca_file=ca_file)) as session:
            with pytest.raises(UnreachableError):
                await session.client.version()
        assert not served.requests


async def test_ssl_cert_file_is_honoured(serve, sitting, ca_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
    with serve() as served:
        async with sitting(served.url()) as session:
            assert await session.client.version() == "v1.16.8"


async def test_without_tls_no_certificates_are_loaded(serve, sitting, tmp_path: Path) -> None:
    with serve(tls=False) as served:
        async with sitting(served.url(), TransportSettings(ca_file=tmp_path / "none.pem")) as session:
            assert await session.client.version() == "v1.16.8"


async def test_a_missing_file_of_certificates_is_told_at_once(sitting, tmp_path: Path) -> None:
    missing = tmp_path / "none.pem"
    with pytest.raises(ConfigError, match=r"none\.pem cannot be read: No such file") as raised:
        async with sitting("https://localhost:1", TransportSettings(ca_file=missing)):
            pass
    assert raised.value.hint == "Correct --ca-file or tls.ca_file."


def test_a_custom_authority_stands_beside_those_of_the_machine(ca_file: Path) -> None:
    alone = tls_context(TransportSettings(), {})
    both = tls_context(TransportSettings(ca_file=ca_file), {})
    assert alone.verify_mode is both.verify_mode is ssl.CERT_REQUIRED
    assert both.check_hostname
    assert both.cert_store_stats()["x509_ca"] == alone.cert_store_stats()["x509_ca"] + 1 > 1


def test_ssl_cert_file_stands_for_those_of_the_machine(ca_file: Path, tmp_path: Path) -> None:
    context = tls_context(TransportSettings(), {"SSL_CERT_FILE": str(ca_file), "SSL_CERT_DIR": "/nowhere"})
    assert context.cert_store_stats()["x509_ca"] == 1
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    with pytest.raises(ConfigError, match=r"text\.pem holds no certificate") as raised:
        tls_context(TransportSettings(), {"SSL_CERT_FILE": str(text)})
    assert "SSL_CERT_FILE" in raised.value.hint
    with pytest.raises(ConfigError, match="it is no file"):
        tls_context(TransportSettings(ca_file=Path("a\0b")), {})
