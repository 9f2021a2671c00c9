"""Files to export as one word of a command line, for the flowtui of a job that carries an export out elsewhere.

``z:`` and base64 (URL alphabet) of zlib of JSON: ``{"version": 1, "runs": {"project/domain/name": [[type, artifact,
file, node], ...]}}``.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Iterable

from flowtui.domain.artifact import RunArtifacts
from flowtui.domain.execution import ExecutionId
from flowtui.errors import NotFoundError, UsageError
from flowtui.exports.plan import PlannedFile
from flowtui.exports.source import Selection, SourceRun

_PREFIX = "z:"
_VERSION = 1
_MOST_BYTES = 64 * 1024 * 1024

FileKey = tuple[str, str, str, str]
"""Type, artifact, file and node."""


def encoded_selection(files: Iterable[PlannedFile]) -> str:
    """The word for the sources of planned files."""
    runs: dict[str, dict[FileKey, None]] = {}
    for file in files:
        source = file.source
        runs.setdefault(str(file.run.id), {})[source.type, source.artifact, source.file, source.node] = None
    content = {"version": _VERSION, "runs": {run: list(keys) for run, keys in runs.items()}}
    packed = zlib.compress(json.dumps(content, separators=(",", ":")).encode(), 9)
    return _PREFIX + base64.urlsafe_b64encode(packed).decode()


def decoded_selection(word: str) -> dict[ExecutionId, frozenset[FileKey]]:
    """The files of :func:`encoded_selection` by run. Raises UsageError where the word is none."""
    try:
        if not word.startswith(_PREFIX):
            raise ValueError("it does not begin with z:")
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(base64.urlsafe_b64decode(word[len(_PREFIX) :].encode("ascii")), _MOST_BYTES)
        if unpacker.unconsumed_tail or not unpacker.eof:
            raise ValueError("it is cut or too large")
        content = json.loads(data)
        if content["version"] != _VERSION:
            raise ValueError(f"version {content['version']}")
        found = {}
        for run, keys in content["runs"].items():
            project, domain, name = run.split("/")
            found[ExecutionId(project, domain, name)] = frozenset(_key(*map(str, key)) for key in keys)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, zlib.error, binascii.Error) as error:
        raise UsageError(f"The selection is none of flowtui's: {error}.", "Start the export anew.") from error
    return found


def selected(artifacts: RunArtifacts, run: SourceRun, keys: frozenset[FileKey]) -> Selection:
    """These files of a run. Raises NotFoundError where the run has not all of them."""
    files = [(_key(file.type, file.artifact, file.file, file.node), file) for file in artifacts.files]
    lost = sorted(keys - {key for key, _ in files})
    if lost:
        raise NotFoundError(f"{run.id.name} has no file {lost[0][1]}/{lost[0][2]}.", "`flowtui artifacts` lists them.")
    return Selection(run, tuple(file for key, file in files if key in keys))


def _key(type_: str, artifact: str, file: str, node: str) -> FileKey:
    return type_, artifact, file, node
