"""What a flow's export task asks for: which files of which artifacts go where, and how long it may take.

The JSON is what ``flowtui.plugin.export`` writes into the task.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from flowtui.errors import UsageError

EXPORT_KEY = "exportArtifacts"
"""Key of the request in the ``custom`` of an export task."""

MAX_BYTES = 1 << 20
"""Bytes of a request that is read."""

ENCODED = "base64:"
"""What an encoded request begins with, for a command line."""

PlaceKind = Literal["dataset", "netAppVolume", "bundle"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Files of an artifact.

    Attributes:
        type: ``data``, ``model`` or ``report``.
        file: the declared name of one file; empty for every file of the artifact.
    """

    artifact: str
    type: str
    file: str = ""

    def matches(self, artifact: str, type_: str, file: str) -> bool:
        """Whether a file is meant."""
        return self.artifact == artifact and self.type == type_ and self.file in ("", file)

    @property
    def text(self) -> str:
        """As a selector of a command."""
        return f"{self.artifact}/{self.file}" if self.file else self.artifact


@dataclass(frozen=True, slots=True)
class ExportSpec:
    """Files that go to one place.

    Attributes:
        place: id of the dataset or volume, name of the bundle.
        folder: folder of a volume, relative; empty for its root.
    """

    kind: PlaceKind
    place: str
    wanted: tuple[Wanted, ...]
    folder: str = ""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """All that one export task has to do.

    Attributes:
        timeout: seconds from its start; 0 for no limit.
    """

    specs: tuple[ExportSpec, ...]
    timeout: float = 0.0

    @property
    def wanted(self) -> tuple[Wanted, ...]:
        """What its specifications name, each once."""
        return tuple(dict.fromkeys(wanted for spec in self.specs for wanted in spec.wanted))

    def wants(self, artifact: str, type_: str, file: str) -> bool:
        """Whether a file is to be exported."""
        return any(wanted.matches(artifact, type_, file) for wanted in self.wanted)


def parse_request(text: str | bytes) -> ExportRequest:
    """The request in a text: its JSON, or ``base64:`` and that of the JSON.

    Raises:
        UsageError: it is none, or longer than 1 MiB.
    """
    try:
        data = text.encode() if isinstance(text, str) else text
        data = data.strip()
        if data.startswith(ENCODED.encode()):
            data = base64.b64decode(data[len(ENCODED) :], validate=True)
        if len(data) > MAX_BYTES:
            raise _off(f"it is longer than {MAX_BYTES:,} bytes")
        found = json.loads(data)
    except (binascii.Error, ValueError, RecursionError) as error:
        raise _off("it is no JSON") from error
    return request_of(found)


def request_of(found: object) -> ExportRequest:
    """The request in JSON that was read.

    Raises:
        UsageError: it is none.
    """
    if not isinstance(found, Mapping):
        raise _off("it is no object")
    specs = found.get("specs")
    if not isinstance(specs, Iterable) or isinstance(specs, str | bytes | Mapping):
        raise _off("specs is no list")
    seconds = found.get("timeoutSeconds", 0)
    # A protobuf Struct has no whole numbers, and gives them back as floats.
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < float("inf"):
        raise _off("timeoutSeconds is no number of seconds")
    parsed = tuple(one for number, spec in enumerate(specs) for one in _specs(spec, f"specs[{number}]"))
    if not parsed:
        raise _off("it has no specs")
    return ExportRequest(parsed, float(seconds))


def _specs(spec: Any, where: str) -> list[ExportSpec]:
    if not isinstance(spec, Mapping):
        raise _off(f"{where} is no object")
    kind = spec.get("kind")
    if kind == "dataset":
        return [ExportSpec("dataset", _text(spec, "datasetId", where), (_wanted(spec, where),))]
    if kind == "netAppVolume":
        folder = spec.get("targetRelativePath") or ""
        if not isinstance(folder, str):
            raise _off(f"{where}.targetRelativePath is no text")
        return [ExportSpec("netAppVolume", _text(spec, "netAppVolumeId", where), (_wanted(spec, where),), folder)]
    if kind != "bundle":
        raise _off(f"{where}.kind is none of dataset, netAppVolume and bundle")
    files, bundles = spec.get("files"), spec.get("bundles")
    if not isinstance(files, list) or not isinstance(bundles, list) or not files or not bundles:
        raise _off(f"{where} needs files and bundles")
    if not all(isinstance(bundle, str) and bundle.strip() for bundle in bundles):
        raise _off(f"{where}.bundles has something that is no name")
    wanted = tuple(dict.fromkeys(_wanted(file, f"{where}.files", file=True) for file in files))
    return [ExportSpec("bundle", bundle, wanted) for bundle in dict.fromkeys(bundles)]


def _wanted(found: Any, where: str, *, file: bool = False) -> Wanted:
    if not isinstance(found, Mapping):
        raise _off(f"{where} has something that is no object")
    name = _text(found, "fileName", where) if file else ""
    return Wanted(_text(found, "artifactName", where), _text(found, "artifactType", where), name)


def _text(found: Mapping[str, Any], key: str, where: str) -> str:
    value = found.get(key)
    if not isinstance(value, str) or not value.strip():
        raise _off(f"{where}.{key} is missing")
    return value


def _off(why: str) -> UsageError:
    return UsageError(
        f"The request for an export cannot be understood: {why}.",
        "It is the JSON that run_launch_export_artifacts_task writes: a file, - for stdin, or base64:... itself.",
    )
