"""DuckDB's database files: that they are such, and which version wrote them.

The header is ``MainHeader`` of DuckDB's ``single_file_block_manager``; its tables are read by DuckDB alone.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

from flowtui.preview.arrow_values import short
from flowtui.preview.result import Preview, TreeNode

if TYPE_CHECKING:
    from flowtui.preview.subject import Subject

_VERSION, _WRITER = 12, 52
_WRITER_LENGTH = 32


def accepts(subject: Subject) -> bool:
    """Files that begin like DuckDB's."""
    return subject.sniffed.magic == "duckdb" and len(subject.head) >= _WRITER + 2 * _WRITER_LENGTH


async def show(subject: Subject) -> Preview:
    facts = tuple(_facts(subject.head))
    return Preview(
        kind="tree",
        tree=TreeNode("DuckDB database", "", tuple(TreeNode(name, value) for name, value in facts)),
        notices=("a DuckDB database: DuckDB shows its tables, `duckdb -readonly FILE -c 'SHOW ALL TABLES'`",),
        format="duckdb",
        facts=facts,
    )


def _facts(head: bytes) -> Iterator[tuple[str, str]]:
    yield "storage version", f"{struct.unpack_from('<Q', head, _VERSION)[0]:,}"
    writer = head[_WRITER : _WRITER + _WRITER_LENGTH].split(b"\0")[0].decode(errors="replace")
    if writer:
        yield "written by", short(f"DuckDB {writer}", 80)
