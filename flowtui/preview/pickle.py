"""Pickles of Python, joblib and old torch as a tree, read as symbols: nothing in the file is imported or executed."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace

from flowtui.errors import PreviewError
from flowtui.preview.compressed_streams import Stream, stream_of
from flowtui.preview.limits import Limits
from flowtui.preview.pickle_machine import MOST_OPERATIONS, Machine
from flowtui.preview.pickle_tree import TENSOR_COLUMNS, PickleTree, tensor_rows
from flowtui.preview.pickled_arrays import array_of, arrow_stream
from flowtui.preview.result import Preview, TreeNode
from flowtui.preview.source import Ranges
from flowtui.preview.subject import Subject
from flowtui.preview.symbols import Call, Items, Opaque, Ref, Symbol, value_of
from flowtui.preview.unpacked import Part, Unpacked
from flowtui.storage.cache import BLOCK_SIZE
from flowtui.text import cut, plain

_FORMATS = ("pkl", "pickle", "joblib", "pt", "pth", "p")
_PACKED_FORMATS = ("pkl", "pickle", "joblib", "p")
_SHORT = 4096
_MOST_PICKLES = 100
_OPERATIONS_PER_NODE = 40
_LEAST_OPERATIONS = 20_000
_MOST_LISTED = 12
_TORCH_MAGIC = 0x1950A86A20F9469CFC6C
_FAMILIAR = (
    "numpy", "scipy", "pandas", "sklearn", "torch", "collections", "datetime", "decimal", "copyreg", "copy_reg",
    "_codecs", "joblib", "xgboost", "lightgbm", "catboost", "statsmodels", "transformers",
)  # fmt: skip
"""Modules whose names come last in a list of imports: they are in almost every model, which says nothing of them."""


class JoblibMachine(Machine):
    """Reads also what joblib writes: an array's bytes, or a pickle of its objects, are behind its wrapper."""

    def built(self, made: Call) -> None:
        if not (isinstance(made.function, Ref) and made.function.name == "NumpyArrayWrapper"):
            return
        if not made.function.module.startswith("joblib."):
            return
        array = array_of(made)
        if array is None:
            return
        if array.dtype.has_objects:
            self.enter(made)
        else:
            padded = value_of(made, "numpy_array_alignment_bytes") is not None
            self.skip(array.count * array.dtype.size, padded=padded)


def accepts(subject: Subject) -> bool:
    """A pickle by its first bytes; or what calls itself one and begins with an old protocol's, or compressed."""
    sniffed = subject.sniffed
    if sniffed.magic == "pickle":
        return True
    if not sniffed.is_any(*_FORMATS):
        return False
    return _packing(subject) is not None or (not sniffed.magic and subject.head[:1] in _BEGINNINGS)


_BEGINNINGS = tuple(bytes((byte,)) for byte in b"(]}dlc\x80NIFSVLK)")


async def show(subject: Subject) -> Preview:
    packing = _packing(subject)
    if packing is None:
        return await show_pickle(subject)
    source = Unpacked(subject.reader, packing.kind, start=packing.start, head=subject.head)
    head = await source.read(0, subject.limits.head)
    inner = replace(subject, reader=source, head=head, size=await source.size())
    found = await show_pickle(inner)
    notices = found.notices
    if source.damage:
        notices = (f"the compressed data is not whole: {source.damage}", *notices)
    return replace(found, notices=notices, facts=(("compression", packing.words), *found.facts))


def _packing(subject: Subject) -> Stream | None:
    """The stream that joblib packed a pickle in."""
    return stream_of(subject.head) if subject.sniffed.is_any(*_PACKED_FORMATS) else None


async def show_pickle(subject: Subject) -> Preview:
    """The tree of an unpacked pickle.

    Raises:
        PreviewError: it is none.
    """
    machine = JoblibMachine(most_operations=most_operations(subject.limits))
    is_whole = await run_pickles(machine, subject)
    symbols = list(machine.found)
    if machine.end != "stopped":
        begun = await asyncio.to_thread(machine.partial)
        if begun is not None:
            symbols.append(begun)
    if not symbols or (not machine.found and machine.end == "damaged" and machine.operations < 4):
        raise PreviewError("not a pickle, or a damaged one: nothing of it can be read")
    table = await _frame(subject, machine, symbols)
    if table is not None:
        return table
    return await asyncio.to_thread(_preview, subject, machine, symbols, is_whole)


async def _frame(subject: Subject, machine: Machine, symbols: list[Symbol]) -> Preview | None:
    """The table of a frame or series of polars, which is pickled as an Arrow stream; None for anything else."""
    stream = arrow_stream(symbols[0]) if len(symbols) == 1 else None
    if stream is None or stream.start < 0 or subject.show_inside is None:
        return None
    found = await subject.show_inside(Part(subject.reader, stream.start, stream.length), "frame.arrows")
    if found.kind != "table":
        return None
    symbol = symbols[0]
    name = str(symbol.function) if isinstance(symbol, Call) else ""
    notices = (
        f"a pickle of {plain(name)}: the Arrow stream within it",
        *found.notices,
        imports_notice(machine.imports),
    )
    facts = (("protocol", str(machine.protocol)), ("pickled", cut(name, subject.limits.cell)), *found.facts)
    return replace(found, notices=notices, facts=facts)


def most_operations(limits: Limits) -> int:
    """How many opcodes a preview runs: a second's worth at most, and less at first."""
    return min(max(_OPERATIONS_PER_NODE * limits.nodes, _LEAST_OPERATIONS), MOST_OPERATIONS)


async def run_pickles(machine: Machine, subject: Subject, *, most_fetches: int = sys.maxsize) -> bool:
    """Run the pickles of a file one after the other, fetching further parts; True where the end was reached."""
    ranges = Ranges(subject)
    ranges.left = min(ranges.left, most_fetches)
    data, offset = subject.head, 0
    while True:
        await asyncio.to_thread(machine.run, data[machine.position - offset :], machine.position)
        if machine.end == "stopped":
            if len(machine.found) >= (5 if machine.found[0] == _TORCH_MAGIC else _MOST_PICKLES):
                return True
            following = await ranges.read(machine.position, 2)
            if following is None or not following.startswith(b"\x80") or not 1 < following[-1] < 6:
                return True
        if machine.end in ("damaged", "capped"):
            return False
        if machine.position < offset + len(data) and machine.end == "stopped":
            continue
        before = machine.position
        if not ranges.is_local and before < offset + len(data) + BLOCK_SIZE:
            # Nothing was passed over: a larger head is what this takes.
            return machine.end == "stopped"
        length = BLOCK_SIZE - before % BLOCK_SIZE
        part = await ranges.read(before, length if length > _SHORT else length + BLOCK_SIZE)
        if not part or (before == offset and len(part) <= len(data)):
            return machine.end == "stopped"
        data, offset = part, before


def _preview(subject: Subject, machine: Machine, symbols: list[Symbol], is_whole: bool) -> Preview:
    limits = subject.limits
    facts = [("protocol", str(machine.protocol))]
    notices = []
    if symbols[0] == _TORCH_MAGIC:
        facts.append(("written by", "torch, before 1.6"))
        # Before the object come a magic number, a version and the sizes of C's types; after it the keys of storages.
        symbols = symbols[3:4] or symbols
    tree = PickleTree(limits)
    root = tree.node("", symbols[0]) if len(symbols) == 1 else _several(tree, symbols)
    if not is_whole:
        is_cut = subject.whole or (subject.size is not None and machine.position >= subject.size)
        reason = {
            "starved": "the end of the pickle is missing: this is what is there" if is_cut else "",
            "damaged": f"the pickle is damaged at byte {machine.position:,}: this is what comes before",
            "capped": f"first {machine.operations:,} operations of the pickle",
        }.get(machine.end, "")
        notices.append(reason or f"the beginning of the pickle: {subject.amount()}")
    notices += tree_notices(tree.is_cut, tree.is_deep, limits)
    notices.append(imports_notice(machine.imports))
    can_go_on = machine.end == "capped" or (machine.end == "starved" and not subject.whole)
    more = tree.is_cut or (not is_whole and can_go_on)
    return tree_preview(subject, tree, root, machine, notices, facts, more=more, format_="pickle")


def tree_preview(
    subject: Subject,
    tree: PickleTree,
    root: TreeNode,
    machine: Machine,
    notices: list[str],
    facts: list[tuple[str, str]],
    *,
    more: bool,
    format_: str,
) -> Preview:
    """The preview of a tree, with a table of the arrays in it and facts of its versions, arrays and imports."""
    limits = subject.limits
    facts += list(tree.versions.items())
    if tree.arrays:
        arrays = "tensors" if any(one.kind != "array" for _, one in tree.arrays) else "arrays"
        elements = "parameters" if arrays == "tensors" else "elements"
        at_least = " at least" if tree.is_cut or tree.is_deep or machine.end != "stopped" else ""
        facts.append((arrays, f"{len(tree.arrays):,}{at_least}"))
        facts.append((elements, f"{tree.elements:,}{at_least}"))
    if machine.imports:
        facts.append(("imports", plain(", ".join(sorted_imports(machine.imports))[: limits.cell])))
    return Preview(
        kind="tree",
        tree=root,
        columns=TENSOR_COLUMNS[: limits.columns] if tree.arrays else (),
        rows=tensor_rows(tree.arrays, limits),
        notices=tuple(notices),
        more=more,
        format=format_,
        facts=tuple((name, plain(value[: limits.cell])) for name, value in facts),
    )


def tree_notices(is_cut: bool, is_deep: bool, limits: Limits) -> list[str]:
    """What was left out of a tree: nodes, levels."""
    notices = []
    if is_cut:
        notices.append(f"the tree shows the first {limits.nodes:,} values")
    if is_deep:
        notices.append(f"levels below {limits.depth:,} are left out of the tree")
    return notices


def imports_notice(imports: dict[str, None]) -> str:
    """Which classes and functions a pickle names."""
    if not imports:
        return "nothing was executed; no imports found"
    names = [plain(name[:200]) for name in sorted_imports(imports)]
    more = f" and {len(names) - _MOST_LISTED:,} more" if len(names) > _MOST_LISTED else ""
    return f"nothing was executed; imports found: {', '.join(names[:_MOST_LISTED])}{more}"


def sorted_imports(imports: dict[str, None]) -> list[str]:
    """Imports in the order of their first mention, those of the usual libraries last."""
    return sorted(imports, key=lambda name: name.partition(".")[0] in _FAMILIAR)


def _several(tree: PickleTree, symbols: list[Symbol]) -> TreeNode:
    if len(symbols) >= _MOST_PICKLES:
        symbols.append(Opaque("further pickles are not shown"))
    return tree.node("", Items("list", symbols))
