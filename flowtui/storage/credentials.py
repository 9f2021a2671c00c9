"""Which object stores can be read with credentials of this machine, and what fsspec's filesystems need for them.

The options are those that flytekit gives to s3fs, gcsfs and adlfs (flytekit/core/data_persistence.py). Whether there
are credentials is seen without a request and without importing a store's library: a file or a variable says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowtui.config import StorageSettings, TransportSettings

STORES = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "abfs": "abfs", "abfss": "abfs", "az": "abfs"}
"""Scheme of a URI to the store that it is of."""

_AWS_VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_AWS_WORDS = re.compile(
    r"^\s*(aws_access_key_id|role_arn|credential_process|credential_source|sso_session|sso_start_url|login_session)\s*=",
    re.MULTILINE,
)
_AZURE_VARIABLES = (
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_CLIENT_SECRET",
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
)
_MOST_READ = 1 << 20
_CONNECT_SECONDS = 10.0


@dataclass(frozen=True, repr=False)
class StoreAccess:
    """What is known of object stores on this machine.

    Attributes:
        environ: variables, also those that the stores' libraries read by themselves.
        timeout: seconds to wait for the next bytes.
    """

    settings: StorageSettings = field(default_factory=StorageSettings)
    transport: TransportSettings = field(default_factory=TransportSettings)
    environ: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 30.0

    def has_credentials(self, store: str, account: str = "") -> bool:
        """Whether ``s3``, ``gs`` or ``abfs`` is to be asked directly; ``account`` is of an Azure URI."""
        if self.settings.direct != "auto":
            return self.settings.direct == "always"
        if store == "abfs":
            return self._of_azure(account)
        return self._of_s3() if store == "s3" else self._of_google()

    def options(self, store: str, account: str = "") -> dict[str, Any]:
        """Arguments of the store's fsspec filesystem; they hold secrets."""
        if store == "abfs":
            return self._azure(account)
        return self._s3() if store == "s3" else self._google()

    def _s3(self) -> dict[str, Any]:
        settings = self.settings
        client: dict[str, Any] = {}
        if settings.endpoint:
            client["endpoint_url"] = settings.endpoint
        if settings.region:
            client["region_name"] = settings.region
        if not self.transport.verify:
            client["verify"] = False
        elif self.transport.ca_file is not None and settings.endpoint:
            client["verify"] = str(self.transport.ca_file)
        config: dict[str, Any] = {
            "connect_timeout": min(self.timeout, _CONNECT_SECONDS),
            "read_timeout": self.timeout,
            "retries": {"max_attempts": 1},
        }
        if settings.addressing_style:
            config["s3"] = {"addressing_style": settings.addressing_style}
        if self.transport.proxy:
            config["proxies"] = {"http": self.transport.proxy, "https": self.transport.proxy}
        # flytekit has s3fs look up each bucket's region first; botocore goes to another one when the store says so.
        options: dict[str, Any] = {"cache_regions": False, "client_kwargs": client, "config_kwargs": config}
        if settings.access_key_id and settings.secret_access_key:
            options |= {"key": settings.access_key_id, "secret": settings.secret_access_key}
        return options

    def _google(self) -> dict[str, Any]:
        # An emulator takes everybody.
        return {"token": "anon" if self.environ.get("STORAGE_EMULATOR_HOST") else "google_default"}

    def _azure(self, account: str) -> dict[str, Any]:
        settings = self.settings
        options = {
            "account_name": account or settings.azure_account_name,
            "account_key": settings.azure_account_key,
            "tenant_id": settings.azure_tenant_id,
            "client_id": settings.azure_client_id,
            "client_secret": settings.azure_client_secret,
        }
        return {key: value for key, value in options.items() if value} | {"anon": False}

    def _of_s3(self) -> bool:
        settings = self.settings
        if settings.access_key_id and settings.secret_access_key:
            return True
        if any(self.environ.get(name) for name in _AWS_VARIABLES):
            return True
        files = (
            self.environ.get("AWS_SHARED_CREDENTIALS_FILE") or self._home / ".aws" / "credentials",
            self.environ.get("AWS_CONFIG_FILE") or self._home / ".aws" / "config",
        )
        return any(_AWS_WORDS.search(_head(Path(file).expanduser())) for file in files)

    def _of_google(self) -> bool:
        if self.environ.get("GOOGLE_APPLICATION_CREDENTIALS") or self.environ.get("STORAGE_EMULATOR_HOST"):
            return True
        folder = Path(self.environ.get("CLOUDSDK_CONFIG") or self._home / ".config" / "gcloud")
        return (folder / "application_default_credentials.json").is_file()

    def _of_azure(self, account: str) -> bool:
        settings, environ = self.settings, self.environ
        if environ.get("AZURE_STORAGE_CONNECTION_STRING"):
            return True
        if not (account or settings.azure_account_name or environ.get("AZURE_STORAGE_ACCOUNT_NAME")):
            return False
        if settings.azure_account_key or settings.azure_client_secret or any(map(environ.get, _AZURE_VARIABLES)):
            return True
        folder = Path(environ.get("AZURE_CONFIG_DIR") or self._home / ".azure")
        return (folder / "azureProfile.json").is_file()

    @property
    def _home(self) -> Path:
        return Path(self.environ.get("HOME") or Path.home())


def _head(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(_MOST_READ).decode(errors="replace")
    except OSError:
        return ""
