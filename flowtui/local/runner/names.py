"""Ids and places of node executions, as Flyte's engine makes them.

A node below the top level is ``PARENT-ATTEMPT-SPECID``; an id of more than 20 characters becomes ``f`` and the 32-bit
FNV-1a hash in base 32. Child executions do the same with 64 bits. Inputs and outputs of a node lie in
``metadata/propeller/PROJECT-DOMAIN-EXECUTION/NODE/data``, those of a nested one in a folder below its parent's attempt.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

_ALPHABET = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"abcdefghijklmnopqrstuvwxyz123456")
_ID_LENGTH = 20

START = "start-node"
END = "end-node"


def fnv1a(data: bytes, bits: int = 32) -> int:
    """The FNV-1a hash of 32 or 64 bits."""
    value, prime = (0x811C9DC5, 0x01000193) if bits == 32 else (0xCBF29CE484222325, 0x100000001B3)
    for byte in data:
        value = ((value ^ byte) * prime) % (1 << bits)
    return value


def _hashed(text: str, bits: int) -> str:
    digest = fnv1a(text.encode(), bits).to_bytes(bits // 8, "big")
    return "f" + base64.b32encode(digest).translate(_ALPHABET).decode().rstrip("=")


def node_id(parent: str, attempt: int, spec_id: str) -> str:
    """The id of a node execution below ``parent`` in the parent's attempt."""
    text = f"{parent}-{attempt}-{spec_id}"
    return text if len(text) <= _ID_LENGTH else _hashed(text, 32)


def child_execution_name(execution: str, node: str, attempt: int) -> str:
    """The name of the execution that a launch-plan node starts."""
    text = f"{execution}-{node}-{attempt}"
    return text if len(text) <= _ID_LENGTH else _hashed(text, 64)


def shard(text: str) -> str:
    """Two characters that spread raw outputs over folders, as Flyte's sharding does."""
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    high, low = divmod(fnv1a(text.encode()) % (36 * 36), 36)
    return digits[high] + digits[low]


@dataclass(frozen=True)
class Place:
    """Where a node execution stands: its ids, and the folder of its inputs and outputs.

    Attributes:
        node_id: id of the node execution, unique in the execution.
        spec_id: id of the node in its workflow.
        directory: holds ``inputs.pb`` and ``ATTEMPT/outputs.pb``.
        parent: the node execution that it belongs to, None on the top level.
        parent_attempt: the attempt of the parent.
        dynamic: it comes from a dynamic node, at whatever depth.
    """

    node_id: str
    spec_id: str
    directory: Path
    parent: Place | None = None
    parent_attempt: int = 0
    dynamic: bool = False

    @property
    def inputs(self) -> Path:
        return self.directory / "inputs.pb"

    def attempt(self, number: int) -> Path:
        """The folder of one attempt."""
        return self.directory / str(number)

    def outputs(self, attempt: int = 0) -> Path:
        return self.attempt(attempt) / "outputs.pb"

    def child(self, spec_id: str, attempt: int, *, dynamic: bool = False) -> Place:
        """The place of a node below this one."""
        return Place(
            node_id=node_id(self.node_id, attempt, spec_id),
            spec_id=spec_id,
            directory=self.attempt(attempt) / spec_id,
            parent=self,
            parent_attempt=attempt,
            dynamic=self.dynamic or dynamic,
        )


@dataclass(frozen=True)
class Layout:
    """The folders of one execution below the home's blobs."""

    blobs: Path
    project: str
    domain: str
    name: str

    @property
    def metadata(self) -> Path:
        return self.blobs / "metadata" / "propeller" / f"{self.project}-{self.domain}-{self.name}"

    def place(self, spec_id: str) -> Place:
        """The place of a node on the top level."""
        return Place(node_id=spec_id, spec_id=spec_id, directory=self.metadata / spec_id / "data")

    def task_name(self, place: Place, attempt: int) -> str:
        """The generated name of a task's attempt, unique in the home."""
        return f"{self.name}-{place.node_id}-{attempt}"

    def raw(self, task_name: str) -> Path:
        """The prefix of the files that an attempt writes."""
        return self.blobs / "data" / self.project / self.domain / shard(task_name) / task_name
