"""Selectors: ``ARTIFACT`` and ``ARTIFACT/FILE``, matched as a whole against what a run has.

Names hold slashes and blanks, so a selector is never taken apart: ``TFL/Reports`` may be an artifact, or the file
``Reports`` of the artifact ``TFL``. One of several files of a name is named by its node (``--node``), or by its whole
title as screens and tables have it: ``Data/inner.csv (name = l)``.
"""

from __future__ import annotations

from dataclasses import dataclass

from flowtui.domain.artifact import Artifact, ArtifactFile, ArtifactVersionId, RunArtifacts
from flowtui.errors import NotFoundError, UsageError
from flowtui.text import plain

_SHOWN = 12


@dataclass(frozen=True)
class Selection:
    """One artifact of a run, or one file of it."""

    artifact: Artifact
    file: ArtifactFile | None = None

    @property
    def files(self) -> tuple[ArtifactFile, ...]:
        """The files that are meant."""
        return self.artifact.files if self.file is None else (self.file,)

    @property
    def text(self) -> str:
        """The selector that names it, as typed."""
        return self.artifact.name if self.file is None else f"{self.artifact.name}/{self.file.file}"

    @property
    def title(self) -> str:
        """What it is, told apart from files of the same name."""
        return self.artifact.name if self.file is None else f"{self.artifact.name}/{self.file.title}"

    def version(self, run: RunArtifacts) -> ArtifactVersionId:
        """What a bookmark on it is on."""
        file = self.file
        return ArtifactVersionId(
            run.execution.id,
            self.artifact.name,
            self.artifact.type,
            file.file if file else "",
            file.node if file else "",
        )


def narrow(run: RunArtifacts, type_: str | None, node: str | None) -> tuple[Artifact, ...]:
    """The run's artifacts of a type with the files of a node; all of them where neither is given."""
    found = []
    for artifact in run.artifacts:
        if type_ and artifact.type != type_.lower():
            continue
        files = tuple(file for file in artifact.files if not node or node in (file.node, file.node_name))
        if files or not node:
            found.append(Artifact(artifact.type, artifact.name, files))
    return tuple(found)


def select(run: RunArtifacts, selector: str, *, type_: str | None = None, node: str | None = None) -> Selection:
    """The one artifact or file that a selector names.

    Raises:
        NotFoundError: the run has no such artifact or file.
        UsageError: several match; the hint lists them.
    """
    artifacts = narrow(run, type_, node)
    matches = [Selection(artifact) for artifact in artifacts if artifact.name == selector]
    matches += [
        Selection(artifact, file)
        for artifact in artifacts
        for file in artifact.files
        if f"{artifact.name}/{file.file}" == selector
    ]
    matches = matches or [
        Selection(artifact, file)
        for artifact in artifacts
        for file in artifact.files
        if file.distinction and f"{artifact.name}/{file.title}" == selector
    ]
    if len(matches) == 1:
        return matches[0]
    name = run.execution.id.name
    if matches:
        raise UsageError(
            f"{plain(selector)!r} names several things of {plain(name)}.",
            "Narrow it with --type or --node:\n" + _listing([_describe(match) for match in matches]),
        )
    every = [Selection(artifact, file).title for artifact in artifacts for file in artifact.files]
    within = " of that --type or --node" if type_ or node else ""
    hint = f"It has{within}:\n" + _listing([plain(text) for text in _nearest(selector, every)], len(every))
    if not every:
        hint = "The run declares no such files." if within else "The run declares no artifacts."
    raise NotFoundError(f"{plain(selector)!r} is no artifact or file of {plain(name)}.", hint)


def one_file(selection: Selection) -> ArtifactFile:
    """The single file that is meant.

    Raises:
        UsageError: an artifact of several files is meant; the hint lists them.
    """
    if len(selection.files) == 1:
        return selection.files[0]
    listing = [_describe(Selection(selection.artifact, file)) for file in selection.files]
    raise UsageError(
        f"{plain(selection.text)!r} has {len(listing)} files; one is needed.", "Name one:\n" + _listing(listing)
    )


def _nearest(selector: str, names: list[str]) -> list[str]:
    import difflib

    unique = list(dict.fromkeys(names))
    if len(unique) <= _SHOWN:
        return unique
    return difflib.get_close_matches(selector, unique, n=_SHOWN, cutoff=0.0)


def _describe(match: Selection) -> str:
    text = f"{plain(match.title)}   --type {plain(match.artifact.type)}"
    return text if match.file is None else f"{text} --node {plain(match.file.node)}"


def _listing(lines: list[str], total: int = 0) -> str:
    shown = lines[:_SHOWN]
    more = max(total, len(lines)) - len(shown)
    return "\n".join([f"  {line}" for line in shown] + ([f"  and {more:,} more"] if more > 0 else []))
