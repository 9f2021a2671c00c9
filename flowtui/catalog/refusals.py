"""Files of a run that are not read on this machine, marked as such."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from flowtui.domain.artifact import Artifact, ArtifactFile, RunArtifacts
from flowtui.storage import Trust
from flowtui.storage.trust import is_local_uri


async def with_refusals(run: RunArtifacts, trust: Trust, *, signs: Callable[[], Awaitable[bool]]) -> RunArtifacts:
    """The same artifacts; files whose URIs are paths that are not read are ``unavailable``, and say why.

    Args:
        signs: whether the server signs URLs for paths of its own machine, so that they can be read there; it is asked
            where something would be refused.
    """
    if not any(is_local_uri(uri) for file in run.files for uri in file.uris):
        return run
    marked = await asyncio.to_thread(_marked, run, trust)
    return run if marked == run or await signs() else marked


def _marked(run: RunArtifacts, trust: Trust) -> RunArtifacts:
    artifacts = tuple(
        Artifact(one.type, one.name, tuple(_file(file, trust) for file in one.files)) for one in run.artifacts
    )
    return replace(run, artifacts=artifacts)


def _file(file: ArtifactFile, trust: Trust) -> ArtifactFile:
    refusals = [refusal for uri in file.uris if (refusal := trust.refusal(uri)) is not None]
    if not refusals:
        return file
    first = refusals[0]
    notice = f"{first.message} {first.hint}"
    # Of a list, some of whose files can be read, these still can be.
    state = "unavailable" if len(refusals) == len(file.uris) else file.state
    return replace(file, state=state, notices=(*file.notices, notice))
