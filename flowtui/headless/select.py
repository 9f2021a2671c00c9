"""Selectors: ``ARTIFACT`` and ``ARTIFACT/FILE``, matched as a whole against what a run has.

Names hold slashes and blanks, so a selector is never taken apart: ``TFL/Reports`` may be an artifact, or the file
``Reports`` of the artifact ``TFL``. One of several files of a name is named by its node (``--node``), or by its whole
title as screens and tables have it: ``Data/inner.csv (name = l)``.

An output that no artifact declares is ``NODE.OUTPUT`` by the id or the name of its node, or the name of the output of
the run that it becomes. One of its files has its place behind that, ``n0.o0[1]`` or ``n0.o0.listing``, or ``/FILE``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowtui.domain.artifact import Artifact, ArtifactFile, ArtifactVersionId, RunArtifacts, UndeclaredOutput
from flowtui.errors import NotFoundError, UsageError
from flowtui.text import plain

if TYPE_CHECKING:
    from flowtui.catalog.catalog import Catalog
    from flowtui.domain.execution import ExecutionId

_SHOWN = 12


@dataclass(frozen=True)
class Selection:
    """One artifact of a run, or one file of it.

    Attributes:
        output: where it is no artifact but an output that none declares.
    """

    artifact: Artifact
    file: ArtifactFile | None = None
    output: UndeclaredOutput | None = None

    @property
    def files(self) -> tuple[ArtifactFile, ...]:
        """The files that are meant."""
        return self.artifact.files if self.file is None else (self.file,)

    @property
    def text(self) -> str:
        """The selector that names it, as typed."""
        if self.file is not None and self.output is not None:
            return f"{self.file.node}.{self.file.variable}"
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


def select(
    run: RunArtifacts,
    selector: str,
    *,
    type_: str | None = None,
    node: str | None = None,
    undeclared: bool = False,
) -> Selection:
    """The one artifact or file that a selector names.

    Args:
        undeclared: it may also name an output that no artifact declares, whose URIs the run has.

    Raises:
        NotFoundError: the run has no such artifact or file.
        UsageError: several match; the hint lists them.
    """
    artifacts = narrow(run, type_, node)
    outputs = narrow_outputs(run, type_, node) if undeclared else ()
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
    matches += [match for output in outputs for match in _matches(output, selector, is_narrowed=bool(node))]
    if len(matches) == 1:
        return matches[0]
    name = run.execution.id.name
    if matches:
        hint = "Name one" if all(match.output is not None for match in matches) else "Narrow it with --type or --node"
        raise UsageError(
            f"{plain(selector)!r} names several things of {plain(name)}.",
            f"{hint}:\n" + _listing([_describe(match) for match in matches]),
        )
    every = [Selection(artifact, file).title for artifact in artifacts for file in artifact.files]
    every += [output.selector for output in outputs]
    within = " of that --type or --node" if type_ or node else ""
    hint = f"It has{within}:\n" + _listing([plain(text) for text in _nearest(selector, every)], len(every))
    if not every:
        hint = "The run declares no such files." if within else "The run declares no artifacts."
    what = "artifact, file or output" if undeclared and run.undeclared else "artifact or file"
    raise NotFoundError(f"{plain(selector)!r} is no {what} of {plain(name)}.", hint)


async def find(
    catalog: Catalog, id_: ExecutionId, selector: str, *, type_: str | None, node: str | None
) -> tuple[RunArtifacts, Selection]:
    """A run and what a selector names in it, outputs that no artifact declares included.

    The values of those are asked for only where the selector names no artifact.

    Raises:
        NotFoundError, UsageError: as :func:`select`.
    """
    run = await catalog.artifacts(id_)
    try:
        return run, select(run, selector, type_=type_, node=node)
    except NotFoundError:
        if not run.undeclared:
            raise
    run = await catalog.artifacts(id_, undeclared=True)
    return run, select(run, selector, type_=type_, node=node, undeclared=True)


def narrow_outputs(run: RunArtifacts, type_: str | None, node: str | None) -> tuple[UndeclaredOutput, ...]:
    """The outputs that no artifact declares, of a node where one is given; they are of no type."""
    if type_:
        return ()
    return tuple(one for one in run.undeclared if not node or node in (one.node, one.node_name))


def _matches(output: UndeclaredOutput, selector: str, *, is_narrowed: bool) -> list[Selection]:
    names = [output.selector, *output.workflow_outputs]
    names += [f"{output.node_name}.{output.variable}"] if output.node_name else []
    names += [output.variable] if is_narrowed else []
    if selector in names:
        return [Selection(output.artifact, output=output)]
    if not selector.startswith(tuple(names)):
        return []
    artifact = output.artifact
    behind = len(output.variable)
    return [
        Selection(artifact, file, output)
        for file in artifact.files
        if any(selector in (f"{name}/{file.file}", f"{name}{file.variable[behind:]}") for name in names)
    ]


def one_file(selection: Selection) -> ArtifactFile:
    """The single file that is meant.

    Raises:
        UsageError: an artifact of several files is meant; the hint lists them.
    """
    if len(selection.files) == 1:
        return selection.files[0]
    if not selection.files:
        raise NotFoundError(f"{plain(selection.text)!r} holds no file.", "Its value has no URI.")
    listing = [_describe(Selection(selection.artifact, file, selection.output)) for file in selection.files]
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
    if match.output is not None:
        what = match.output.node_name if match.file is None else match.file.file
        return f"{plain(match.text)}   {plain(what)}".rstrip()
    text = f"{plain(match.title)}   --type {plain(match.artifact.type)}"
    return text if match.file is None else f"{text} --node {plain(match.file.node)}"


def _listing(lines: list[str], total: int = 0) -> str:
    shown = lines[:_SHOWN]
    more = max(total, len(lines)) - len(shown)
    return "\n".join([f"  {line}" for line in shown] + ([f"  and {more:,} more"] if more > 0 else []))
