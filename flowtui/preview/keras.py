"""Models of Keras 3 (``.keras``): their layers, their weights by name, type and shape, and their configuration.

Such a file is a ZIP archive with two texts of JSON and the weights as HDF5. A group of weights is named after the class
of its layer and counted; the name of the layer itself is an attribute of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

from flowtui.domain.size import human_size
from flowtui.errors import PreviewError
from flowtui.preview import hdf5
from flowtui.preview.json import JsonTree, parse
from flowtui.preview.json_cells import JsonObject
from flowtui.preview.limits import Limits
from flowtui.preview.result import Preview, TreeNode
from flowtui.preview.source import Ranges
from flowtui.preview.subject import Subject
from flowtui.preview.zip_directory import Member, directory_of, member_head, open_member
from flowtui.text import cut

_MOST_CONFIG = 4 * 1024 * 1024
_MOST_LAYERS = 2000
_MOST_SETTINGS = 200
_SETTINGS = (
    "batch_shape", "batch_input_shape", "dtype", "units", "filters", "kernel_size", "strides", "padding", "pool_size",
    "activation", "rate", "input_dim", "output_dim", "num_heads", "key_dim", "axis", "layer", "target_shape",
)  # fmt: skip
"""What of a layer's configuration is shown with it; all of it is in the configuration below."""


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
    member = directory.named("model.weights.h5")
    facts = [("weights", human_size(member.size))] if member else []
    weights, notices = await _weights(subject, ranges, member) if member else (None, [])
    about = texts.get("metadata.json") or b""
    found = await asyncio.to_thread(_preview, subject, config, about, facts, weights)
    return replace(found, notices=(*found.notices, *notices))


async def _weights(subject: Subject, ranges: Ranges, member: Member) -> tuple[Preview | None, list[str]]:
    """The tree of the weights, or why there is none."""
    try:
        source = await open_member(subject, ranges, member)
        inner = replace(subject, reader=source, name="model.weights.h5", size=member.size, head=b"", is_short=True)
        inner.limits = replace(subject.limits, nodes=max(subject.limits.nodes // 2, 1))
        found = await subject.workers.show(hdf5.tree_of, inner)
    except PreviewError as error:
        return None, [f"the weights are not shown: {error.message}"]
    return found, list(found.notices)


def _preview(
    subject: Subject, config: bytes, metadata: bytes, facts: list[tuple[str, str]], weights: Preview | None
) -> Preview:
    limits = subject.limits
    parsed = parse(config.decode("utf-8", "replace"))
    layers = tuple(_layers(parsed, limits)) if limits.depth > 1 else ()
    groups = [TreeNode("layers", f"{len(layers):,}", layers)] if layers else []
    used = 1 + len(groups) + sum(1 + len(layer.children) for layer in layers)
    if weights is not None and weights.tree is not None and limits.depth > 1:
        groups.append(replace(weights.tree, label="weights"))
        used += _size(weights.tree)
    if used >= limits.nodes:
        groups, used = [], 1
    tree = JsonTree(max(limits.nodes - used, 1), limits.depth, limits.cell)
    root = tree.node("", parsed, 0)
    about = parse(metadata.decode("utf-8", "replace")) if metadata else None
    pairs = about if isinstance(about, JsonObject) else []
    told = [(cut(name, 80), cut(text, limits.cell)) for name, text in pairs[:20] if isinstance(text, str)]
    if layers:
        facts.append(("layers", f"{len(layers):,}"))
    facts += [fact for fact in (weights.facts if weights else ()) if fact[0] == "elements"]
    notices = [f"the tree shows the first {tree.count:,} values of the configuration"] if tree.cut else []
    if tree.deep:
        notices.append(f"levels below {limits.depth} are left out of the tree")
    return Preview(
        kind="tree",
        tree=replace(root, children=(*groups, *root.children)),
        columns=weights.columns if weights else (),
        rows=weights.rows if weights else (),
        notices=tuple(notices),
        more=tree.cut or bool(weights and weights.more),
        format="keras",
        facts=(*told, *facts),
    )


def _layers(config: object, limits: Limits) -> Iterator[TreeNode]:
    """The layers of a model: name, class, and what of its configuration is a number, a text or a list of them."""
    for layer in _list(_named(_named(config, "config"), "layers"))[:_MOST_LAYERS]:
        about, class_ = _named(layer, "config"), _named(layer, "class_name")
        name = _named(about, "name")
        label = name if isinstance(name, str) else "layer"
        kept = [
            TreeNode(cut(key, limits.cell), cut(words, limits.cell))
            for key, value in (about if isinstance(about, JsonObject) else ())[:_MOST_SETTINGS]
            if key in _SETTINGS and (words := _words(value))
        ]
        yield TreeNode(
            cut(label, limits.cell), cut(class_ if isinstance(class_, str) else "?", limits.cell), tuple(kept)
        )


def _named(value: object, key: str) -> object:
    if not isinstance(value, JsonObject):
        return None
    return next((one for name, one in value if name == key), None)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) and not isinstance(value, JsonObject) else []


def _words(value: object) -> str:
    if isinstance(value, JsonObject):
        # A policy of types, as Keras 3 writes a dtype, is known by its own name.
        inner = _named(_named(value, "config"), "name") or _named(value, "class_name")
        return inner if isinstance(inner, str) else ""
    if isinstance(value, list):
        return " x ".join("?" if one is None else str(one) for one in value[:20])
    return "" if value is None else str(value)


def _size(node: TreeNode) -> int:
    total, stack = 0, [node]
    while stack:
        one = stack.pop()
        total += 1
        stack += one.children
    return total
