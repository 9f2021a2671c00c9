"""The folder that holds everything of the embedded Flyte Admin: database, blobs, runs, datasets, locks."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from flowtui.domain.execution import ExecutionId
from flowtui.errors import ConfigError

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True, slots=True)
class Home:
    """Paths of one home folder; nothing is created before :meth:`ensure`."""

    path: Path

    @property
    def database(self) -> Path:
        return self.path / "admin.sqlite3"

    @property
    def blobs(self) -> Path:
        """The blob store: ``s3://bucket/key`` lies at ``blobs/bucket/key``."""
        return self.path / "blobs"

    @property
    def datasets(self) -> Path:
        return self.path / "datasets"

    @property
    def runs(self) -> Path:
        """Working folders and logs of the runner, one folder per execution."""
        return self.path / "runs"

    @property
    def locks(self) -> Path:
        return self.path / "locks"

    @property
    def serve_token(self) -> Path:
        return self.path / "serve-token"

    @property
    def signing_key(self) -> Path:
        return self.path / "signing-key"

    def lock_file(self, execution: ExecutionId) -> Path:
        """The file that the runner of ``execution`` holds with ``fcntl.flock`` while it lives."""
        return self.locks / f"{execution.project}-{execution.domain}-{execution.name}.lock"

    def ensure(self) -> Home:
        """Create the folders, readable by their owner only.

        Raises:
            ConfigError: they cannot be created.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.blobs, self.datasets, self.runs, self.locks):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"The folder {self.path} cannot be created: {error.strerror}.", "Name another one with --home."
            ) from error
        return self

    def resolve(self, uri: str) -> Path | None:
        """The file or folder behind a URI, or None where the URI does not lead into this home.

        ``scheme://bucket/key`` of any scheme but ``file`` leads into :attr:`blobs`. A plain absolute path and
        ``file://`` count where they lie below blobs, runs or datasets, symbolic links followed.
        """
        if uri.startswith("file://"):
            return self._below(Path(unquote(urlsplit(uri).path)))
        if _SCHEME.match(uri):
            bucket, _, key = uri.split("://", 1)[1].partition("/")
            parts = [part for part in key.split("/") if part]
            if not bucket or bucket in (".", "..") or ".." in parts or "." in parts or "\0" in uri:
                return None
            return self._below(self.blobs.joinpath(bucket, *parts))
        return self._below(Path(uri)) if uri.startswith("/") and "\0" not in uri else None

    def _below(self, path: Path) -> Path | None:
        try:
            real = path.resolve()
            roots = [folder.resolve() for folder in (self.blobs, self.runs, self.datasets)]
        except (OSError, RuntimeError):
            return None
        return real if any(real.is_relative_to(root) for root in roots) else None

    def read_secret(self, path: Path) -> str:
        """The secret in ``path``; a new random one is written, readable by its owner only, where there is none."""
        import secrets

        with contextlib.suppress(FileNotFoundError):
            if text := path.read_text("ascii").strip():
                return text
        self.ensure()
        text = secrets.token_urlsafe(32)
        scratch = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with _private(scratch) as descriptor:
            os.write(descriptor, text.encode("ascii"))
        try:
            # A link fails where another process was first: its secret counts then.
            os.link(scratch, path)
        except FileExistsError:
            return path.read_text("ascii").strip()
        finally:
            scratch.unlink()
        return text


@contextlib.contextmanager
def _private(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
