"""What is said of one file of an artifact in two versions: how it differs, or why that is not known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowtui.domain.artifact import ArtifactFile
from flowtui.domain.version_diff import FilePair
from flowtui.errors import FlowtuiError
from flowtui.preview.comparison.files import compare
from flowtui.preview.comparison.looks import Options, Version
from flowtui.preview.comparison.report import brief
from flowtui.preview.comparison.result import Comparison
from flowtui.words import state

if TYPE_CHECKING:
    from flowtui.preview.workers import Workers
    from flowtui.storage import Storage

SIGNS = {"only_left": "-", "only_right": "+", "failed": "!", "different": "~", "unknown": "?"}
"""A sign for each result that is not the same content, which is ``=``."""


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """What is said of one file in two versions.

    Attributes:
        state: ``compared``, ``only_left``, ``only_right``, ``neither`` or ``failed``.
        message: why it was not compared.
    """

    name: str
    state: str
    comparison: Comparison | None = None
    left: ArtifactFile | None = None
    right: ArtifactFile | None = None
    message: str = ""

    @property
    def result(self) -> str:
        """The result of the comparison, else the state."""
        return self.comparison.result if self.comparison else self.state

    @property
    def sign(self) -> str:
        """The result in one character."""
        return SIGNS.get(self.result, "=")

    @property
    def words(self) -> str:
        """The result in one line."""
        return brief(self.comparison) if self.comparison else self.message or self.result.replace("_", " ")


async def compare_pair(storage: Storage, workers: Workers | None, pair: FilePair, options: Options) -> FileAnswer:
    """The comparison of a file in two versions, or why there is none.

    Raises:
        UsageError: a column of ``options.key`` is not in both tables.
    """
    left, right = pair.left, pair.right
    if left is None or right is None:
        return FileAnswer(pair.name, "only_left" if left else "only_right", left=left, right=right)
    if not (left.uris and right.uris):
        one, two = (state(file.state) or file.state for file in (left, right))
        which = "only_left" if left.uris else "only_right" if right.uris else "neither"
        return FileAnswer(pair.name, which, left=left, right=right, message=f"{one} -> {two}")
    try:
        found = await compare(storage, version_of(left), version_of(right), options=options, workers=workers)
    except FlowtuiError as error:
        if error.exit_code == 2:
            # A wrong key is a matter of what the person asked for, of an artifact's other files too.
            raise
        return FileAnswer(pair.name, "failed", left=left, right=right, message=f"{error.message} {error.hint}".strip())
    return FileAnswer(pair.name, "compared", found, left, right)


def version_of(file: ArtifactFile) -> Version:
    """A file of a run as one of two that are compared."""
    return Version(file.file, file.uris, file.format, file.directory)
