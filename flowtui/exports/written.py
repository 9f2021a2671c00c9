"""What became of single files of an export: whole in the stage and verified, or failed."""

from __future__ import annotations

from dataclasses import dataclass

from flowtui.errors import ExportError, FlowtuiError
from flowtui.exports.plan import PlannedFile
from flowtui.text import plain


class DamagedError(ExportError):
    """What came is not what the store says it holds."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file that is whole in the stage and verified.

    Attributes:
        sha256: of what arrived, in hex.
        modified: its time of change there, as the manifest has it.
    """

    file: PlannedFile
    size: int
    sha256: str
    modified: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be brought into the stage, and why."""

    file: PlannedFile
    error: FlowtuiError


def check_size(file: PlannedFile, size: int) -> None:
    """Raises DamagedError where so many bytes are not those that the plan has."""
    if file.size is not None and size != file.size:
        raise DamagedError(f"{plain(file.uri)} gave {size:,} bytes instead of {file.size:,}.", "Export it again.")
