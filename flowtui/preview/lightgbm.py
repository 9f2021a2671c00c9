"""Models of LightGBM in its text format: objective, features, trees by their sizes, parameters.

The format is that of ``GBDT::SaveModelToString`` (``src/boosting/gbdt_model_text.cpp``): lines of a name and a value, a
block for each tree, importances and parameters behind them.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Iterator

from flowtui.errors import PreviewError
from flowtui.preview.model_tree import ModelTree, facts_of
from flowtui.preview.result import Preview
from flowtui.preview.source import Ranges
from flowtui.preview.subject import Subject

_BEGINS = re.compile(rb"tree\r?\nversion=v\d+\r?\n")
_TREE = re.compile(r"^Tree=(\d+)$", re.MULTILINE)
_TAIL = 64 * 1024
_PARAMETER = re.compile(r"^\[([^:\]]+): (.*)\]$", re.MULTILINE)


def accepts(subject: Subject) -> bool:
    """Text that begins as LightGBM writes it."""
    return bool(_BEGINS.match(subject.head[:40]))


async def show(subject: Subject) -> Preview:
    await subject.read_whole()
    text = subject.head.decode("utf-8", "replace").replace("\r\n", "\n")
    end = text
    if not subject.whole:
        end = ""
        if subject.size is not None:
            start = max(subject.size - _TAIL, 0)
            tail = await Ranges(subject).read(start, subject.size - start)
            end = (tail or b"").decode("utf-8", "replace").replace("\r\n", "\n")
    return await asyncio.to_thread(_preview, subject, text, end)


def _preview(subject: Subject, text: str, end: str) -> Preview:
    limits = subject.limits
    trees = list(_TREE.finditer(text))
    head = text[: trees[0].start()] if trees else text
    told = dict(_lines(head))
    if "feature_names" not in told and "max_feature_idx" not in told:
        raise PreviewError("not a model of LightGBM: it names no features")
    names, ranges = told.get("feature_names", "").split(), told.get("feature_infos", "").split()
    total = len(told.get("tree_sizes", "").split())
    blocks = list(_blocks(text, trees))
    count = f"{total:,}" if total else f"{len(blocks):,}{'' if subject.whole else ' at least'}"
    parameters = end[end.rfind("\nparameters:\n") :] if "\nparameters:\n" in end else ""
    tree = ModelTree(limits)
    tree.group("model", "", ((name, value) for name, value in told.items() if name not in _LONG))
    ranges += [""] * (len(names) - len(ranges))
    tree.group("features", f"{len(names):,}" if names else "", zip(names, map(_range, ranges), strict=False))
    tree.group("importances", "", _lines(_section(end, "feature_importances:")))
    categories = next((line for line in end.splitlines() if line.startswith("pandas_categorical:")), "")
    tree.group("pandas categories", categories.partition(":")[2])
    tree.group("trees", count, ((name, words) for name, words in blocks))
    tree.group("parameters", "", (found.groups() for found in _PARAMETER.finditer(parameters)))  # type: ignore[misc]
    facts = [
        ("written by", f"LightGBM, model format {told.get('version', '')}"),
        ("objective", told.get("objective", "")),
        ("classes", told.get("num_class", "")),
        ("features", f"{len(names):,}"),
        ("trees", count),
    ]
    notices = []
    if "\nend of trees" not in end:
        notices.append("the model is cut: its end is missing" if subject.whole else "the end of the model was not read")
    if total and len(blocks) < total:
        notices.append(f"first {len(blocks):,} of {total:,} trees: {subject.amount()}")
    notices += tree.notices()
    return Preview(
        kind="tree",
        tree=tree.root("LightGBM"),
        notices=tuple(notices),
        more=tree.is_cut or not subject.whole,
        format="lightgbm",
        facts=facts_of(facts, limits),
    )


_LONG = ("tree", "feature_names", "feature_infos", "tree_sizes", "version")


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals:
            yield name, value


def _section(text: str, title: str) -> str:
    """The lines below a title, up to an empty one."""
    start = text.find(f"\n{title}\n")
    return "" if start < 0 else text[start + len(title) + 2 :].partition("\n\n")[0]


def _range(info: str) -> str:
    """The range of a feature's values; ``none`` is a feature that no tree may use."""
    if info.startswith("["):
        return info.strip("[]").replace(":", " to ")
    if info == "none":
        return "not used"
    return f"categories {info.replace(':', ', ')}" if info else ""


def _blocks(text: str, trees: list[re.Match[str]]) -> Iterator[tuple[str, str]]:
    """Each tree in words, with a checksum of its block; one that is cut is left out."""
    for index, found in enumerate(trees):
        end = trees[index + 1].start() if index + 1 < len(trees) else text.find("\nend of trees", found.end())
        if end < 0:
            return
        block = text[found.end() : end]
        told = dict(_lines(block))
        words = f"{told.get('num_leaves', '?')} leaves"
        if told.get("num_cat", "0") != "0":
            words += f", {told['num_cat']} splits by category"
        yield found.group(1), f"{words}; CRC-32 {zlib.crc32(block.strip().encode()):08x}"
