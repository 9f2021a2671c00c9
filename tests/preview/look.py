"""Previews of content that a test gives, through a real file."""

from __future__ import annotations

import tempfile
from dataclasses import fields
from pathlib import Path

from flowtui.preview.limits import DEFAULT, Limits
from flowtui.preview.registry import preview
from flowtui.preview.result import Preview, TreeNode
from flowtui.preview.workers import Workers
from flowtui.storage import Storage


async def look(
    content: bytes, name: str, format_: str = "", limits: Limits = DEFAULT, workers: Workers | None = None
) -> Preview:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        return await look_at(Path(file.name), name, format_, limits, workers)


async def look_at(
    path: Path, name: str, format_: str = "", limits: Limits = DEFAULT, workers: Workers | None = None
) -> Preview:
    async with Storage() as storage, storage.open(str(path)) as reader:
        return await preview(reader, name=name, format=format_, limits=limits, workers=workers)


def strings(found: Preview) -> list[str]:
    """Every string of a preview."""
    gathered = [*found.lines, *found.notices, found.language, found.format]
    for column in found.columns:
        gathered += [str(getattr(column, field.name)) for field in fields(column)]
    gathered += [cell for row in found.rows for cell in row if isinstance(cell, str)]
    gathered += [*found.page_names, *(part for fact in found.facts for part in fact)]
    nodes: list[TreeNode] = [found.tree] if found.tree else []
    while nodes:
        node = nodes.pop()
        gathered += [node.label, node.value]
        nodes += node.children
    return gathered
