"""Models that skops wrote (``.skops``): the estimator's tree, its parameters, versions and arrays.

Such a file is a ZIP archive with a ``schema.json``, in which every object is a JSON object with its class, module and
content (``skops/io/_general.py`` and its neighbours, protocols 0 to 2), and a member for each array. Members are named
after memory addresses, which no two saves have in common: nothing of them is shown. Nothing is imported or built.
"""

from __future__ import annotations

import asyncio
import re

from flowtui.domain.size import human_size
from flowtui.errors import PreviewError
from flowtui.preview.json import parse
from flowtui.preview.json_cells import JsonObject
from flowtui.preview.pickle import sorted_imports, tree_notices
from flowtui.preview.pickle_tree import TENSOR_COLUMNS
from flowtui.preview.result import Cell, Preview
from flowtui.preview.skops_arrays import StoredArrays
from flowtui.preview.skops_tree import SkopsTree
from flowtui.preview.source import Ranges
from flowtui.preview.subject import Subject
from flowtui.preview.zip_directory import Directory, directory_of, open_member
from flowtui.text import cut, plain

_MEMBER = re.compile(rb"\d{6,20}\.np[yz]|[0-9a-f-]{36}\.bin|schema\.json")
_MOST_SCHEMA = 16 * 1024 * 1024
_MOST_LISTED = 12


def accepts(subject: Subject) -> bool:
    """A ZIP archive that calls itself skops, or begins with a member that is named as skops names them."""
    if subject.sniffed.magic != "zip":
        return False
    length = int.from_bytes(subject.head[26:28], "little")
    return subject.sniffed.is_any("skops") or bool(_MEMBER.fullmatch(subject.head[30 : 30 + length]))


async def show(subject: Subject) -> Preview:
    await subject.read_whole()
    ranges = Ranges(subject)
    directory = await directory_of(subject, ranges)
    schema = await _schema(subject, ranges, directory)
    arrays = StoredArrays(directory)
    await arrays.read(ranges, most=subject.limits.nodes)
    return await asyncio.to_thread(_preview, subject, schema, arrays, directory.is_complete)


async def _schema(subject: Subject, ranges: Ranges, directory: Directory) -> bytes:
    member = directory.named("schema.json")
    if member is None:
        raise PreviewError("a ZIP archive that skops did not write: it has no schema.json")
    most = _MOST_SCHEMA if ranges.is_local else subject.limits.whole
    if member.size > most:
        raise PreviewError(f"its schema.json of {human_size(member.size)} is longer than a preview reads")
    text = await (await open_member(subject, ranges, member)).read(0, member.size)
    if len(text) < member.size:
        raise PreviewError("its schema.json is cut or damaged")
    return text


def _preview(subject: Subject, schema: bytes, arrays: StoredArrays, is_complete: bool) -> Preview:
    limits = subject.limits
    state = parse(schema.decode("utf-8", "replace"))
    if not isinstance(state, JsonObject):
        raise PreviewError("its schema.json is no JSON object")
    tree = SkopsTree(limits, arrays)
    root = tree.node("", state)
    told = dict(state)
    facts = [
        (name, cut(value, limits.cell))
        for name, key in (("skops", "_skops_version"), ("protocol", "protocol"))
        if isinstance(value := told.get(key), str)
    ]
    facts += [(name, cut(version, limits.cell)) for name, version in tree.versions.items()]
    at_least = " at least" if tree.is_cut or tree.is_deep else ""
    if tree.arrays:
        elements = sum(one.count for one in {one.member: one for _, one in tree.arrays}.values())
        facts += [("arrays", f"{len(tree.arrays):,}{at_least}"), ("elements", f"{elements:,}{at_least}")]
    notices = tree_notices(tree.is_cut, tree.is_deep, limits)
    if tree.missing:
        notices.append(f"{tree.missing:,} arrays are not in the archive, or not in what was read of its directory")
    if tree.unread:
        notices.append(f"types and shapes of {tree.unread:,} arrays were not read: they are far apart in the file")
    notices.append(_types(tree.types))
    rows: list[tuple[Cell, ...]] = [
        (cut(path, limits.cell), cut(one.dtype, limits.cell), cut(one.shape, limits.cell), one.count)[: limits.columns]
        for path, one in tree.arrays[: limits.rows]
    ]
    return Preview(
        kind="tree",
        tree=root,
        columns=TENSOR_COLUMNS[: limits.columns] if rows else (),
        rows=tuple(rows),
        notices=tuple(notices),
        more=tree.is_cut or not is_complete or bool(tree.missing or tree.unread),
        format="skops",
        facts=tuple(facts),
    )


def _types(types: dict[str, None]) -> str:
    """Which classes and functions the file names, those of the usual libraries last."""
    names = [plain(name[:200]) for name in sorted_imports(types)]
    if not names:
        return "nothing was built; no types found but those of Python"
    more = f" and {len(names) - _MOST_LISTED:,} more" if len(names) > _MOST_LISTED else ""
    return f"nothing was built; types found: {', '.join(names[:_MOST_LISTED])}{more}"
