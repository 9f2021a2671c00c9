"""Torch's archives (``torch.save`` since 1.6, TorchScript): tensors by name, shape and type, without their data.

Such a file is a ZIP archive with a pickle of what was saved, in which tensors are references to members ``data/0``,
``data/1``, ... Read are the archive's directory and the pickle; the members with the data are not.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

from flowtui.domain.size import human_size
from flowtui.errors import PreviewError
from flowtui.preview.pickle import imports_notice, most_operations, run_pickles, tree_notices, tree_preview
from flowtui.preview.pickle_machine import Machine
from flowtui.preview.pickle_tree import PickleTree
from flowtui.preview.result import Preview, TreeNode
from flowtui.preview.source import Ranges
from flowtui.preview.subject import Subject
from flowtui.preview.symbols import Symbol
from flowtui.preview.torch_export import is_exported, show_exported
from flowtui.preview.zip_directory import Directory, Member, directory_of, open_member
from flowtui.text import cut

_FORMATS = ("pt", "pth", "bin", "ckpt", "ptl", "pt2", "torchscript")
_FIRST_MEMBER = re.compile(
    rb"[^/]{1,200}/(data\.pkl|data/|constants\.pkl|version|byteorder|\.format_version|archive_format|archive_version|code/)"
)
_PICKLE = re.compile(r"[^/]+/data\.pkl")
_CODE = re.compile(r"[^/]+/code/(.+\.py)")
_MOST_CODE = 200
_LONGEST_HEADER = 512


def accepts(subject: Subject) -> bool:
    """A ZIP archive that begins with a member of torch's, or calls itself torch's."""
    if subject.sniffed.magic != "zip":
        return False
    return subject.sniffed.is_any(*_FORMATS) or bool(_FIRST_MEMBER.match(subject.head[30:300]))


async def show(subject: Subject) -> Preview:
    ranges = Ranges(subject)
    directory = await directory_of(subject, ranges)
    pickled = next((one for one in directory.members if _PICKLE.fullmatch(one.name)), None)
    if pickled is None:
        if is_exported(directory):
            return await show_exported(subject, ranges, directory)
        raise PreviewError("a ZIP archive that is not torch's: it has no data.pkl")
    machine = Machine(most_operations=most_operations(subject.limits))
    is_whole = await _run(machine, subject, ranges, pickled)
    symbols = list(machine.found)
    if machine.end != "stopped":
        symbols.append(await asyncio.to_thread(machine.partial))
    return await asyncio.to_thread(_preview, subject, machine, symbols[0], directory, is_whole)


async def _run(machine: Machine, subject: Subject, ranges: Ranges, member: Member) -> bool:
    """Run the pickle, as far as it lies in the head; where it does not, as much of it as the budget lets be read."""
    limits = subject.limits
    source = await open_member(subject, ranges, member)
    room = max(len(subject.head) - member.offset - _LONGEST_HEADER, limits.head // 4)
    body = await source.read(0, min(member.size, room))
    inner = replace(subject, reader=source, head=body, size=member.size, limits=replace(limits, head=max(len(body), 1)))
    return await run_pickles(machine, inner, most_fetches=ranges.left)


def _preview(subject: Subject, machine: Machine, symbol: Symbol, directory: Directory, is_whole: bool) -> Preview:
    limits = subject.limits
    tree = PickleTree(limits)
    root = tree.node("", symbol)
    notices = [] if is_whole else ["the beginning of what was saved: its list of tensors is longer than what was read"]
    notices += tree_notices(tree.is_cut, tree.is_deep, limits)
    notices.append(imports_notice(machine.imports))
    code = [(found.group(1), one) for one in directory.members if (found := _CODE.fullmatch(one.name))]
    facts = [("written by", "torch (TorchScript)" if code else "torch")]
    if code:
        facts.append(("files of code", f"{len(code):,}"))
    if directory.is_complete:
        data = [one.size for one in directory.members if "/data/" in one.name]
        facts.append(("tensor data", human_size(sum(data))))
    if code and tree.left:
        root = TreeNode(root.label, root.value, (*root.children, _code(code[: tree.left - 1], limits.cell)))
    more = tree.is_cut or (not is_whole and machine.end in ("starved", "capped"))
    return tree_preview(subject, tree, root, machine, notices, facts, more=more, format_="torch")


def _code(members: list[tuple[str, Member]], width: int) -> TreeNode:
    """The files of a TorchScript archive that hold code."""
    nodes = [TreeNode(cut(name, width), cut(human_size(one.size), width)) for name, one in members[:_MOST_CODE]]
    return TreeNode("code", "", tuple(nodes))
