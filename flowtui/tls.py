"""The TLS context that certificates of servers are checked with."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping

from flowtui.config.access import TransportSettings
from flowtui.errors import ConfigError


def tls_context(transport: TransportSettings, environ: Mapping[str, str] = os.environ) -> ssl.SSLContext:
    """A context that trusts the machine's certificates and those of ``transport.ca_file``, or checks none.

    The machine's are those of ``SSL_CERT_FILE`` or ``SSL_CERT_DIR`` where set, else of the system, else, where a Python
    finds none, of certifi. Loading them takes about 20 ms, so this is for servers that speak TLS only, and once.

    Raises:
        ConfigError: a file of certificates is missing or holds none.
    """
    if not transport.verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    file, folder = environ.get("SSL_CERT_FILE"), environ.get("SSL_CERT_DIR")
    try:
        # What is given stands for the system's certificates; nothing given loads them.
        context = ssl.create_default_context(cafile=file or None, capath=None if file else folder or None)
    except (OSError, ValueError) as error:
        raise _unreadable(file or folder or "", "SSL_CERT_FILE" if file else "SSL_CERT_DIR", error) from error
    if not file and not folder and not context.cert_store_stats()["x509_ca"]:
        from flowtui.httpclient import httpx

        context = httpx.create_ssl_context()
    if transport.ca_file is not None:
        try:
            context.load_verify_locations(cafile=str(transport.ca_file))
        except (OSError, ValueError) as error:
            raise _unreadable(str(transport.ca_file), "--ca-file or tls.ca_file", error) from error
    return context


def _unreadable(file: str, setting: str, error: Exception) -> ConfigError:
    if isinstance(error, ssl.SSLError):
        return ConfigError(f"{file} holds no certificate.", f"It has to be in PEM format; {setting} names it.")
    reason = getattr(error, "strerror", None) or "it is no file"
    return ConfigError(f"The certificates of {file} cannot be read: {reason}.", f"Correct {setting}.")
