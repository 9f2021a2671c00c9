"""The errors that a person sees, as one tree.

FlowtuiError
├── UsageError          exit 2   the command line or a selector is off
├── ConfigError         exit 2   a setting or a configuration file is off
├── NotFoundError       exit 3   a run, artifact, file, project or object does not exist
├── AuthError           exit 4   the server wants a login, or refuses this one
├── ServerError         exit 1   the server answered with an error
│   └── UnreachableError         nothing answered, or not in time
├── StorageError        exit 1   bytes behind a URI cannot be read or written
├── PreviewError        exit 1   a file cannot be shown
├── ExportError         exit 1   an export failed or would overwrite
├── ReadOnlyError       exit 1   nothing may be written in this sitting
└── FlowError           exit 1   a flow cannot be compiled or run
    └── ArtifactError            an artifact is declared wrongly
"""

from __future__ import annotations

from typing import ClassVar


class FlowtuiError(Exception):
    """What happened, to what, and what to do next.

    Attributes:
        message: one sentence that says what happened and to what.
        hint: what the person can do next; may be empty.
        title: the kind of failure in a few words, for a dialog's title.
        kind: a stable word for scripts (``error.kind`` with ``--json``).
        exit_code: the exit code of a command that fails with this error.
    """

    title: ClassVar[str] = "Something went wrong"
    kind: str = "error"
    exit_code: int = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UsageError(FlowtuiError):
    title = "That is not a command"
    kind = "usage"
    exit_code = 2


class ConfigError(FlowtuiError):
    title = "The configuration is off"
    kind = "config"
    exit_code = 2


class NotFoundError(FlowtuiError):
    title = "Not found"
    kind = "not_found"
    exit_code = 3


class AuthError(FlowtuiError):
    title = "Not logged in"
    kind = "auth"
    exit_code = 4


class ServerError(FlowtuiError):
    """An answer of the server that says no.

    Attributes:
        status: the HTTP status, 0 where there was no answer.
    """

    title = "The server says no"
    kind = "server"

    def __init__(self, message: str, hint: str = "", *, status: int = 0) -> None:
        super().__init__(message, hint)
        self.status = status


class UnreachableError(ServerError):
    title = "The server does not answer"
    kind = "unreachable"


class StorageError(FlowtuiError):
    title = "The file cannot be read"
    kind = "storage"


class PreviewError(FlowtuiError):
    title = "The file cannot be shown"
    kind = "preview"


class ExportError(FlowtuiError):
    title = "The export failed"
    kind = "export"


class ReadOnlyError(FlowtuiError):
    title = "Nothing is written here"
    kind = "read_only"


class FlowError(FlowtuiError):
    title = "The flow does not run"
    kind = "flow"


class ArtifactError(FlowError, ValueError):
    """A wrong declaration of an artifact; also a ``ValueError``, as flow authors expect of a bad argument."""

    title = "The artifact is declared wrongly"
    kind = "artifact"
