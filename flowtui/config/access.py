"""How a server is reached and who is asking: what configuration says about TLS, proxies and login.

The words are those of Flyte's ``admin:`` section (flyteidl/clients/go/admin/config.go) where it has one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

AUTH_MODES = ("pkce", "device", "client_secret", "command", "token", "domino", "none")
"""What ``auth.mode`` may be; empty: what the server offers and the environment has (``flowtui.admin.auth``)."""

TOKEN_STORES = ("keyring", "file", "none")
"""Where tokens of a login are kept: pyflyte's slots of the keyring, a 0600 file, or nowhere."""


@dataclass(frozen=True)
class AuthSettings:
    """How to log in. Nothing secret is in the repr.

    Attributes:
        mode: one of ``AUTH_MODES``; empty to find out.
        client_id: of the OAuth2 client with a secret. A person logs in with the client that the server names
            (``/config/v1/flyte_client``), as with pyflyte, and with this one where it names none.
        client_secret: as a text; else ``client_secret_file`` or the environment variable ``client_secret_env`` has it.
        scopes, audience: asked for instead of what the server names.
        command: prints an access token to stdout (``ExternalCommand``); no shell sees it, as with the other commands.
        proxy_command: prints the token for ``proxy-authorization``.
        header_command: prints headers, one ``Name: value`` a line.
        token: a bearer token as it is (``FLOWTUI_TOKEN``); ``token_file``: a file that holds one, read at each use.
        token_url: answers a GET with a token, such as Domino's ``http://localhost:8899/access-token``.
        api_key: sent as ``X-Domino-Api-Key``. Domino's of the environment are here only where the server is Domino's
            (``flowtui.config.domino``), so what is here may be sent to ``Settings.endpoint``, and to no other server.
        store: one of ``TOKEN_STORES``.
        keyring_service: what pyflyte keeps the tokens of this server under, its gRPC endpoint without ``dns:///``;
            empty to look under the host of the base URL.
    """

    mode: str = ""
    client_id: str = ""
    client_secret: str = ""
    client_secret_file: Path | None = None
    client_secret_env: str = ""
    scopes: tuple[str, ...] = ()
    audience: str = ""
    command: tuple[str, ...] = ()
    proxy_command: tuple[str, ...] = ()
    header_command: tuple[str, ...] = ()
    token: str = ""
    token_file: Path | None = None
    token_url: str = ""
    api_key: str = ""
    store: str = "keyring"
    keyring_service: str = ""

    def __repr__(self) -> str:
        return f"AuthSettings(mode={self.mode!r}, client_id={self.client_id!r}, store={self.store!r})"


@dataclass(frozen=True)
class TransportSettings:
    """How bytes get to the server.

    Attributes:
        verify: False only where a person asked for it: certificates are not checked.
        ca_file: certificates to trust beside those of the machine.
        proxy: URL of an HTTP proxy, which may hold a password; empty for what the environment says.
    """

    verify: bool = True
    ca_file: Path | None = None
    proxy: str = ""

    def __repr__(self) -> str:
        return f"TransportSettings(verify={self.verify!r}, ca_file={self.ca_file!r})"
