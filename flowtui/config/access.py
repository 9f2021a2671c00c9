"""How a server and its object store are reached and who is asking: TLS, proxies, login, credentials of stores.

The words are those of Flyte's ``admin:`` section (flyteidl/clients/go/admin/config.go) where it has one, and those of
flytekit's ``S3Config`` and ``AzureBlobStorageConfig`` (flytekit/configuration/__init__.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

AUTH_MODES = ("pkce", "device", "client_secret", "command", "token", "domino", "none")
"""What ``auth.mode`` may be; empty: what the server offers and the environment has (``flowtui.admin.auth``)."""

TOKEN_STORES = ("keyring", "file", "none")
"""Where tokens of a login are kept: pyflyte's slots of the keyring, a 0600 file, or nowhere."""

DIRECT_ROADS = ("auto", "always", "never")
"""Whether object stores are read with credentials of this machine: where there are some, in any case, or never."""


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


@dataclass(frozen=True)
class StorageSettings:
    """How object stores are read, beside by signed URLs. Nothing secret is in the repr.

    What is not set here, the libraries of the stores find as they do for flytekit: ``AWS_*`` and ``~/.aws``,
    ``GOOGLE_APPLICATION_CREDENTIALS`` and gcloud's own file, ``AZURE_STORAGE_*``.

    Attributes:
        direct: one of ``DIRECT_ROADS``; ``always`` asks the metadata service of a cloud machine, too.
        endpoint: base URL of an S3-compatible store; empty for Amazon's.
        access_key_id, secret_access_key, region: of S3.
        addressing_style: ``path``, ``virtual`` or ``auto``; empty for the library's choice.
        azure_account_name, azure_account_key, azure_tenant_id, azure_client_id, azure_client_secret: of Azure.
        cache_megabytes: of blocks of remote files kept on disk, 0 for none.
        local, hosts, buckets: places that are read for a run beside its own (``flowtui.storage.trust``): folders of
            this machine, ``HOST``, ``HOST:PORT``, ``*.DOMAIN`` or a network (``10.1.0.0/16``), and ``s3://BUCKET``.
    """

    direct: str = "auto"
    endpoint: str = ""
    access_key_id: str = ""
    secret_access_key: str = ""
    region: str = ""
    addressing_style: str = ""
    azure_account_name: str = ""
    azure_account_key: str = ""
    azure_tenant_id: str = ""
    azure_client_id: str = ""
    azure_client_secret: str = ""
    cache_megabytes: int = 256
    local: tuple[Path, ...] = ()
    hosts: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"StorageSettings(direct={self.direct!r}, region={self.region!r})"


@dataclass(frozen=True)
class DominoSettings:
    """Which Domino exports go to, and its login. Nothing secret is in the repr.

    The ways to log in exclude each other: where there are several, only the one to use is here, in python-domino's
    order. Domino's proxy in a run (``DOMINO_API_PROXY``) adds the login by itself, so there is none here then.

    Attributes:
        url: base URL of Domino; empty where none is configured.
        project: the project that is meant where a dataset is named without one: name, ``OWNER/NAME`` or id.
        token: a bearer token as it is; token_file: a file that holds one; token_url: answers a GET with one.
        api_key: sent as ``X-Domino-Api-Key``.
        places: field to where it came from.
    """

    url: str = ""
    project: str = ""
    token: str = ""
    token_file: Path | None = None
    token_url: str = ""
    api_key: str = ""
    places: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __repr__(self) -> str:
        return f"DominoSettings(url={self.url!r}, project={self.project!r})"

    def place(self, name: str) -> str:
        """Where a field comes from, for people."""
        return self.places.get(name, f"domino.{name}")
