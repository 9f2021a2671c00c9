"""Results of cached tasks, kept across runs: a table of its own in the home."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flyteidl.core import catalog_pb2, identifier_pb2, interface_pb2, literals_pb2, tasks_pb2
from google.protobuf.message import DecodeError

from flowtui.errors import StorageError
from flowtui.local.runner.literals import digest, inputs_digest

_TABLE = """
CREATE TABLE IF NOT EXISTS cached_results (
    dataset TEXT NOT NULL, version TEXT NOT NULL, tag TEXT NOT NULL,
    outputs BLOB NOT NULL, metadata BLOB NOT NULL, created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (dataset, version, tag)
) WITHOUT ROWID
"""


@dataclass(frozen=True)
class CacheKey:
    """What a cached result is found by: the task, its cache version and interface, and the inputs."""

    task: identifier_pb2.Identifier
    version: str
    tag: str

    @classmethod
    def of(cls, template: tasks_pb2.TaskTemplate, inputs: literals_pb2.LiteralMap) -> CacheKey:
        """The key of a call of a task: inputs that the task says to ignore do not count."""
        interface = template.interface
        signature = f"{_signature(interface.inputs)}-{_signature(interface.outputs)}"
        return cls(
            task=template.id,
            version=f"{template.metadata.discovery_version}-{signature}",
            tag=f"flyte_cached-{inputs_digest(inputs, template.metadata.cache_ignore_input_vars)}",
        )

    @property
    def dataset(self) -> str:
        return f"flyte_task-{self.task.name}"

    def metadata(self) -> catalog_pb2.CatalogMetadata:
        """The key as it is reported."""
        dataset = identifier_pb2.Identifier(
            resource_type=identifier_pb2.DATASET,
            project=self.task.project,
            domain=self.task.domain,
            name=self.dataset,
            version=self.version,
        )
        tag = catalog_pb2.CatalogArtifactTag(artifact_id=digest(dataset)[:22], name=self.tag)
        return catalog_pb2.CatalogMetadata(dataset_id=dataset, artifact_tag=tag)


def _signature(variables: interface_pb2.VariableMap) -> str:
    """A short hash of names and types; descriptions and artifact names do not change a result."""
    plain = interface_pb2.VariableMap()
    for name, variable in variables.variables.items():
        plain.variables[name].type.CopyFrom(variable.type)
    return digest(plain)[:8]


class TaskCache:
    """Cached results in an SQLite file; several runners may use it at once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(sqlite3.connect(self._path, timeout=10)) as connection:
                connection.execute(_TABLE)
                with connection:
                    yield connection
        except sqlite3.Error as error:
            raise StorageError(f"The cache {self._path} cannot be used: {error}.", "Remove the file.") from error

    def find(self, key: CacheKey) -> tuple[literals_pb2.LiteralMap, catalog_pb2.CatalogMetadata] | None:
        """The outputs of an earlier call, and who made them; None where there are none or their files are gone.

        Raises:
            StorageError: the file cannot be used.
        """
        with self._open() as connection:
            row = connection.execute(
                "SELECT outputs, metadata FROM cached_results WHERE dataset = ? AND version = ? AND tag = ?",
                (self._dataset(key), key.version, key.tag),
            ).fetchone()
        if row is None:
            return None
        try:
            outputs = literals_pb2.LiteralMap.FromString(row[0])
            metadata = catalog_pb2.CatalogMetadata.FromString(row[1])
        except DecodeError:
            return None
        if any(uri.startswith("/") and not Path(uri).exists() for uri in _uris(outputs)):
            return None
        return outputs, metadata

    def put(
        self,
        key: CacheKey,
        outputs: literals_pb2.LiteralMap,
        source: identifier_pb2.TaskExecutionIdentifier,
    ) -> None:
        """Keep the outputs of a call; those of an earlier one are replaced.

        Raises:
            StorageError: the file cannot be used.
        """
        metadata = key.metadata()
        metadata.source_task_execution.CopyFrom(source)
        with self._open() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO cached_results (dataset, version, tag, outputs, metadata)"
                " VALUES (?, ?, ?, ?, ?)",
                (
                    self._dataset(key),
                    key.version,
                    key.tag,
                    outputs.SerializeToString(),
                    metadata.SerializeToString(),
                ),
            )

    @staticmethod
    def _dataset(key: CacheKey) -> str:
        return f"{key.task.project}:{key.task.domain}:{key.dataset}"


def _uris(outputs: literals_pb2.LiteralMap) -> Iterator[str]:
    for literal in outputs.literals.values():
        yield from literal_uris(literal)


def literal_uris(literal: literals_pb2.Literal) -> Iterator[str]:
    """URIs of the files and tables in a literal."""
    kind = literal.WhichOneof("value")
    if kind == "collection":
        for item in literal.collection.literals:
            yield from literal_uris(item)
    elif kind == "map":
        for item in literal.map.literals.values():
            yield from literal_uris(item)
    elif kind == "scalar":
        scalar = literal.scalar.WhichOneof("value")
        if scalar == "union":
            yield from literal_uris(literal.scalar.union.value)
        elif scalar in ("blob", "structured_dataset", "schema"):
            yield str(getattr(literal.scalar, scalar).uri)
