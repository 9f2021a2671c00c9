"""How an artifact file is written into an interface: ``flyteidl.core.Variable.artifact_partial_id``.

``artifact_key.name`` is the file name; the partitions ``artifact_type`` and ``artifact_name`` hold the artifact.
flytekit's own ``Artifact`` writes it, so that whatever reads flytekit's interfaces reads this.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple, get_args, get_origin

TYPE_KEY = "artifact_type"
NAME_KEY = "artifact_name"


class FileKey(NamedTuple):
    """Which file of which artifact a variable declares; ``type`` is ``data``, ``model`` or ``report``."""

    artifact: str
    type: str
    file: str


def annotate(file_type: Any, key: FileKey) -> Any:
    """``file_type`` as an ``Annotated`` type whose interface variable declares ``key``."""
    from flytekit import Artifact as FlyteArtifact

    artifact = FlyteArtifact(name=key.file, partition_keys=[TYPE_KEY, NAME_KEY])
    return Annotated[file_type, artifact(**{TYPE_KEY: key.type, NAME_KEY: key.artifact})]


def key_of_id(artifact_id: Any) -> FileKey | None:
    """The file that a ``flyteidl.core.ArtifactID`` declares; None for none, and for an artifact of another kind."""
    if artifact_id is None:
        return None
    partitions = artifact_id.partitions.value
    if NAME_KEY not in partitions or TYPE_KEY not in partitions:
        return None
    return FileKey(partitions[NAME_KEY].static_value, partitions[TYPE_KEY].static_value, artifact_id.artifact_key.name)


def key_of_type(file_type: Any) -> FileKey | None:
    """The file that a Python type declares: what ``Artifact.File`` returned, also inside a further ``Annotated``."""
    if get_origin(file_type) is not Annotated:
        return None
    from flytekit.core.interface import detect_artifact

    return key_of_id(detect_artifact(get_args(file_type)))


def specification_of_type(file_type: Any) -> object | None:
    """What the one call of ``Artifact.File`` that made a type put into it; None for a type that declares nothing.

    flytekit keeps the object itself in an interface's types, also through ``Annotated`` within ``Annotated`` and where
    annotations are text, so that it tells two calls for one file apart.
    """
    if get_origin(file_type) is not Annotated:
        return None
    from flytekit.core.artifact import ArtifactIDSpecification

    # The first one, as flytekit takes it.
    return next((part for part in get_args(file_type)[1:] if isinstance(part, ArtifactIDSpecification)), None)
