"""Inputs and outputs of a Domino job as files: plain text for single values, files for blobs."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from flyteidl.core import interface_pb2, literals_pb2, types_pb2

from flowtui.errors import FlowError
from flowtui.local.runner.bindings import plain_value, python_value
from flowtui.local.runner.literals import unwrap
from flowtui.local.runner.mounts import TARGET


class MissingOutputError(FlowError):
    """The job has ended without one of its outputs."""


def job_path(folder: Path, side: str, name: str) -> Path:
    """Where a variable's file is in the job's folder.

    Args:
        side: ``inputs`` or ``outputs``.
        name: relative to that, or a path below ``/workflow``.

    Raises:
        FlowError: the path leads elsewhere.
    """
    path = PurePosixPath(name)
    if path.is_absolute():
        try:
            relative = path.relative_to(TARGET.as_posix())
        except ValueError as error:
            raise FlowError(
                f"The path {name} is not below {TARGET}.", "On this machine a job has no other folder of its own."
            ) from error
    else:
        relative = PurePosixPath(side) / path
    if ".." in relative.parts:
        raise FlowError(f"The path {name} leads out of {TARGET}.")
    return folder.joinpath(*relative.parts)


def write_inputs(folder: Path, inputs: literals_pb2.LiteralMap, paths: Mapping[str, list[str]]) -> None:
    """Write the inputs of a job.

    Args:
        paths: of the variables that are not simply at their name.

    Raises:
        FlowError: an input cannot be a file here.
        OSError: a file cannot be copied.
    """
    for name, literal in inputs.literals.items():
        for place in paths.get(name) or [name]:
            target = job_path(folder, "inputs", place)
            target.parent.mkdir(parents=True, exist_ok=True)
            _write_input(name, unwrap(literal), target)


def _write_input(name: str, literal: literals_pb2.Literal, target: Path) -> None:
    scalar = literal.scalar.WhichOneof("value") if literal.WhichOneof("value") == "scalar" else ""
    if scalar in ("blob", "structured_dataset", "schema"):
        source = _local(str(getattr(literal.scalar, scalar).uri), name)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copyfile(source, target)
        return
    target.write_bytes(text_of(_json_value(literal)).encode())


def _local(uri: str, name: str) -> Path:
    if uri.startswith("file://"):
        from urllib.parse import unquote, urlsplit

        uri = unquote(urlsplit(uri).path)
    path = Path(uri)
    if "://" in uri or not path.exists():
        raise FlowError(f"The file of input {name} is not on this machine: {uri}")
    return path


def _json_value(literal: literals_pb2.Literal) -> Any:
    literal = unwrap(literal)
    kind = literal.WhichOneof("value")
    if kind == "collection":
        return [_json_value(item) for item in literal.collection.literals]
    if kind == "map":
        return {name: _json_value(item) for name, item in sorted(literal.map.literals.items())}
    scalar = literal.scalar.WhichOneof("value")
    if scalar in ("blob", "structured_dataset", "schema"):
        return str(getattr(literal.scalar, scalar).uri)
    if scalar == "generic":
        from google.protobuf import json_format

        return json_format.MessageToDict(literal.scalar.generic)
    return python_value(literal)


def text_of(value: Any) -> str:
    """A value as the plain text that a job reads: lists and maps as JSON, times as RFC 3339, durations in seconds."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False, default=text_of)
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=dt.timezone.utc).isoformat().replace("+00:00", "Z")
    if isinstance(value, dt.timedelta):
        return f"{value.total_seconds():g}s"
    return repr(value) if isinstance(value, float) else str(value)


def read_outputs(
    folder: Path, variables: Mapping[str, interface_pb2.Variable], paths: Mapping[str, list[str]], raw: Path
) -> literals_pb2.LiteralMap:
    """Take the outputs of a job: its files are moved below ``raw``, each under the name of its variable.

    Raises:
        MissingOutputError: the job did not write one of them.
        FlowError: a text cannot be the value of its output.
        OSError: a file cannot be moved.
    """
    found: dict[str, Path] = {}
    for name in variables:
        places = [job_path(folder, "outputs", place) for place in paths.get(name) or [name]]
        place = next((one for one in places if one.exists() or _target(folder, one).exists()), None)
        if place is None:
            shown = TARGET / places[-1].relative_to(folder)
            raise MissingOutputError(f"Output {name} was not produced at {shown}")
        found[name] = _target(folder, place)
    answer = literals_pb2.LiteralMap()
    for name, variable in variables.items():
        answer.literals[name].CopyFrom(_read_output(name, variable.type, found.pop(name), raw, set(found.values())))
    return answer


def _target(folder: Path, path: Path) -> Path:
    """The file behind a path: a link into ``/workflow`` is followed into the folder."""
    for _ in range(8):
        if not path.is_symlink():
            break
        link = Path(os.readlink(path))
        path = folder / link.relative_to(TARGET) if link.is_relative_to(TARGET) else path.parent / link
    return path


def _read_output(
    name: str, wanted: types_pb2.LiteralType, path: Path, raw: Path, needed: set[Path]
) -> literals_pb2.Literal:
    """One output; a file that is ``needed`` for another one too is copied, others are moved."""
    kind = wanted.WhichOneof("type")
    if kind == "union_type":
        variant = next((one for one in wanted.union_type.variants if one.WhichOneof("type") == "blob"), None)
        variant = variant or wanted.union_type.variants[0]
        inner = _read_output(name, variant, path, raw, needed)
        return literals_pb2.Literal(scalar=literals_pb2.Scalar(union=literals_pb2.Union(value=inner, type=variant)))
    if kind == "blob":
        raw.mkdir(parents=True, exist_ok=True)
        target = raw / name
        if path not in needed:
            shutil.move(path, target)
        elif path.is_dir():
            shutil.copytree(path, target)
        else:
            shutil.copyfile(path, target)
        metadata = literals_pb2.BlobMetadata(type=wanted.blob)
        return literals_pb2.Literal(
            scalar=literals_pb2.Scalar(blob=literals_pb2.Blob(metadata=metadata, uri=str(target)))
        )
    try:
        return _value(wanted, path.read_bytes().decode())
    except ValueError as error:
        raise FlowError(f"Output {name} cannot be what the job wrote: {error}") from error


def _value(wanted: types_pb2.LiteralType, text: str) -> literals_pb2.Literal:
    simple = wanted.simple
    stripped = text.strip()
    if simple == types_pb2.STRING:
        return plain_value(text.removesuffix("\n"))
    if simple == types_pb2.INTEGER:
        return plain_value(int(stripped))
    if simple == types_pb2.FLOAT:
        return plain_value(float(stripped))
    if simple == types_pb2.BOOLEAN:
        if stripped.lower() not in ("true", "false", "1", "0"):
            raise ValueError(f"{stripped!r} is neither true nor false")
        return plain_value(stripped.lower() in ("true", "1"))
    literal = literals_pb2.Literal()
    if simple == types_pb2.DATETIME:
        moment = dt.datetime.fromisoformat(stripped.replace("Z", "+00:00"))
        literal.scalar.primitive.datetime.FromDatetime(moment)
        return literal
    if simple == types_pb2.DURATION:
        literal.scalar.primitive.duration.FromTimedelta(dt.timedelta(seconds=float(stripped.removesuffix("s"))))
        return literal
    if simple == types_pb2.STRUCT:
        import msgpack

        packed = literals_pb2.Binary(value=msgpack.packb(json.loads(text)), tag="msgpack")
        return literals_pb2.Literal(scalar=literals_pb2.Scalar(binary=packed))
    if wanted.HasField("collection_type"):
        for item in json.loads(text):
            literal.collection.literals.append(_value(wanted.collection_type, text_of(item)))
        literal.collection.SetInParent()
        return literal
    if wanted.HasField("map_value_type"):
        literal.map.SetInParent()
        for key, item in json.loads(text).items():
            literal.map.literals[key].CopyFrom(_value(wanted.map_value_type, text_of(item)))
        return literal
    raise ValueError("a job cannot give a value of this type")
