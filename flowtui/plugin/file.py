"""Where a Domino job finds the files of its inputs and leaves those of its outputs.

A file input ``x`` is at ``/workflow/inputs/x`` and an output at ``/workflow/outputs/x``. ``PathConfig`` names another
path. ``DominoFile[TypeVar("csv")]`` adds the extension (``x.csv``); ``DominoFileLegacy`` offers both names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

from flytekit.types.file import FlyteFile

__all__ = ["DominoFile", "DominoFileLegacy", "PathConfig"]


@dataclass(frozen=True)
class PathConfig:
    """The path at which a job reads or writes one file; goes into ``Annotated``, next to a file type."""

    path: str


@dataclass(frozen=True)
class Extension:
    """The file's name has its format as extension; ``bare`` too: it is there without one as well."""

    bare: bool = False


class DominoFile(FlyteFile):  # type: ignore[misc]
    """A file whose name in the job carries the extension of its format."""

    def __class_getitem__(cls, item: Any) -> Any:
        return Annotated[FlyteFile[item], Extension()]


class DominoFileLegacy(FlyteFile):  # type: ignore[misc]
    """A file that the job finds both without and with the extension of its format."""

    def __class_getitem__(cls, item: Any) -> Any:
        return Annotated[FlyteFile[item], Extension(bare=True)]


def job_paths(name: str, file_type: Any, file_format: str) -> list[str]:
    """The paths of a variable in a job that differ from its plain name; relative ones are to its inputs or outputs."""
    for annotation in get_args(file_type)[1:] if get_origin(file_type) is Annotated else ():
        if isinstance(annotation, PathConfig):
            return [annotation.path]
        if isinstance(annotation, Extension) and file_format:
            with_extension = f"{name}.{file_format}"
            return [name, with_extension] if annotation.bare else [with_extension]
    return []
