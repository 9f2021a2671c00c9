"""Models of Keras 3 (``.keras``): their configuration as a tree; the weights in the archive are not read."""

from __future__ import annotations

import asyncio

from flowtui.domain.size import human_size
from flowtui.errors import PreviewError
from flowtui.preview.json import JsonObject, JsonTree, parse
from flowtui.preview.result import Preview
from flowtui.preview.source import Ranges
from flowtui.preview.subject import Subject
from flowtui.preview.zip_directory import directory_of, member_head
from flowtui.text import cut

_MOST_CONFIG = 4 * 1024 * 1024


def accepts(subject: Subject) -> bool:
    """A ZIP archive that calls itself a model of Keras."""
    return subject.sniffed.magic == "zip" and subject.sniffed.is_any("keras")


async def show(subject: Subject) -> Preview:
    ranges = Ranges(subject)
    directory = await directory_of(subject, ranges)
    texts = {}
    for name in ("metadata.json", "config.json"):
        member = directory.named(name)
        if member and member.size <= _MOST_CONFIG:
            texts[name] = await member_head(ranges, member, member.size)
    config = texts.get("config.json")
    if config is None:
        raise PreviewError("a ZIP archive that is no model of Keras: it has no config.json that can be read")
    weights = directory.named("model.weights.h5")
    facts = [("weights", human_size(weights.size))] if weights else []
    return await asyncio.to_thread(_preview, subject, config, texts.get("metadata.json") or b"", facts)


def _preview(subject: Subject, config: bytes, metadata: bytes, facts: list[tuple[str, str]]) -> Preview:
    limits = subject.limits
    tree = JsonTree(limits.nodes, limits.depth, limits.cell)
    root = tree.node("", parse(config.decode("utf-8", "replace")), 0)
    about = parse(metadata.decode("utf-8", "replace")) if metadata else None
    pairs = about if isinstance(about, JsonObject) else []
    told = [(cut(name, 80), cut(text, limits.cell)) for name, text in pairs[:20] if isinstance(text, str)]
    notices = [f"the tree shows the first {tree.count:,} values"] if tree.cut else []
    if tree.deep:
        notices.append(f"levels below {limits.depth} are left out of the tree")
    return Preview(kind="tree", tree=root, notices=tuple(notices), more=tree.cut, format="keras", facts=(*told, *facts))
