"""R's serialized data: an rds file of one object, an rda file (``.RData``) of several, each of them a page.

rdata parses the format (https://cran.r-project.org/doc/manuals/r-release/R-ints.html#Serialization-Formats); nothing of
it is evaluated, and functions and environments are named only. Data frames are tables, other objects trees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO

from flowtui.errors import PreviewError
from flowtui.preview.arrow_values import column_names, short
from flowtui.preview.limits import Limits, chosen_places
from flowtui.preview.r_values import RColumn, classes_of, column_of, length_of, names_of, pairs_of, text_of
from flowtui.preview.reasons import reason_of
from flowtui.preview.result import Preview, TreeNode
from flowtui.preview.worker import Request

if TYPE_CHECKING:
    from flowtui.preview.subject import Subject

_BEGINNINGS = (b"RDX2\n", b"RDX3\n", b"RDA2\n", b"RDA3\n", b"X\n\0\0\0\x02", b"X\n\0\0\0\x03")
_AS_TEXT = (b"A\n2\n", b"A\n3\n")
_MOST = 32 << 20
_CHUNK = 1 << 20
_DEEPEST = 20
_DAMAGES = (
    ValueError, NotImplementedError, LookupError, EOFError, TypeError, AttributeError, ArithmeticError, AssertionError,
    RecursionError,
)  # fmt: skip
"""What rdata raises of damaged files."""

_ROW_NAMES = "row names"


def accepts(subject: Subject) -> bool:
    """Files that begin like R's, once they are unpacked."""
    if subject.head.startswith(_BEGINNINGS):
        return True
    return subject.head.startswith(_AS_TEXT) and subject.sniffed.is_any("rds", "rda", "rdata")


async def show(subject: Subject) -> Preview:
    if subject.size is not None and subject.size > _MOST:
        raise PreviewError(f"R's data of {subject.size:,} bytes: it is read as a whole and is too large for a preview")
    await subject.read_whole()
    return await subject.workers.show(objects, subject)


def objects(file: BinaryIO, request: Request) -> Preview:
    """The preview of an object of an rds or rda file; runs in a worker."""
    from rdata.parser import RObjectType, parse_data

    content = _content(file)
    is_archive = content.startswith(b"RD")
    try:
        parsed = parse_data(content)
        root = parsed.object
        found = [("", root)]
        if is_archive and root.info.type == RObjectType.LIST:
            found = list(pairs_of(root))
        if not found:
            return Preview(kind="tree", tree=TreeNode("no objects"), format="rda")
        page = min(max(request.limits.page, 1), len(found))
        name, chosen = found[page - 1]
        preview = _object(name, chosen, request.limits, "rda" if is_archive else "rds")
    except _DAMAGES as error:
        raise PreviewError(f"R's data that cannot be read: {reason_of(error)}") from error
    facts = [("serialization", str(parsed.versions.format)), ("R version", _version(parsed.versions.serialized))]
    if name:
        facts.insert(0, ("object", short(name, 80)))
    return _with_page(preview, page if is_archive else 0, [one for one, _ in found], tuple(facts))


def _with_page(found: Preview, page: int, names: list[str], facts: tuple[tuple[str, str], ...]) -> Preview:
    if not page:
        return replace(found, facts=(*facts, *found.facts))
    page_names = tuple(short(name, 80) for name in names[:1000])
    return replace(found, facts=(*facts, *found.facts), page=page, pages=len(names), page_names=page_names)


def _content(file: BinaryIO) -> bytes:
    found = bytearray()
    while piece := file.read(_CHUNK):
        found += piece
        if len(found) > _MOST:
            raise PreviewError("R's data of more than 32 MB: it is read as a whole and is too large for a preview")
    return bytes(found)


def _version(number: int) -> str:
    return f"{number >> 16}.{number >> 8 & 255}.{number & 255}"


def _object(name: str, found: Any, limits: Limits, format_: str) -> Preview:
    if "data.frame" in classes_of(found):
        return _table(found, limits, format_)
    nodes = [limits.nodes]
    tree = _node(name or "object", found, limits, 0, nodes)
    notices = ("not all of it is shown",) if nodes[0] <= 0 else ()
    return Preview(kind="tree", tree=tree, notices=notices, more=nodes[0] <= 0, format=format_)


def _table(frame: Any, limits: Limits, format_: str) -> Preview:
    attributes = dict(pairs_of(frame.attributes))
    names = names_of(frame)
    parts = list(frame.value)
    if "row.names" in attributes and (labels := text_of(attributes["row.names"])) is not None:
        names, parts = [_ROW_NAMES, *names], [attributes["row.names"], *parts]
        total = len(labels)
    else:
        total = max((length_of(part) for part in parts), default=0)
    names += [f"column {at + 1}" for at in range(len(names), len(parts))]
    places = chosen_places(names, limits)
    rows = min(max(min(limits.rows, limits.cells // max(len(places), 1)), 1), total)
    columns: list[RColumn] = [column_of(names[at], parts[at], rows, limits.cell) for at in places]
    notices = [f"first {rows:,} of {total:,} rows"] if rows < total else []
    if len(places) < len(names) and not limits.wanted:
        notices.append(f"first {len(places):,} of {len(names):,} columns")
    return Preview(
        kind="table",
        columns=tuple(one.column for one in columns),
        rows=tuple(zip(*(one.cells for one in columns), strict=True)) if columns else (),
        notices=tuple(notices),
        total_rows=total,
        column_names=column_names(names, len(places), limits),
        more=rows < total,
        format=format_,
        facts=(("class", ", ".join(short(one, 40) for one in classes_of(frame))),),
    )


def _node(label: str, found: Any, limits: Limits, depth: int, left: list[int]) -> TreeNode:
    left[0] -= 1
    kind = found.info.type.name
    classes = ", ".join(classes_of(found))
    if kind in ("VEC", "EXPR", "LIST") and isinstance(found.value, list | tuple):
        members = list(pairs_of(found)) if kind == "LIST" else list(_members(found))
        summary = f"{classes or 'list'} of {len(members):,}"
        if depth >= min(_DEEPEST, limits.depth):
            return TreeNode(short(label, limits.cell), short(summary, limits.cell))
        children = []
        for name, member in members:
            if left[0] <= 0:
                break
            children.append(_node(name, member, limits, depth + 1, left))
        return TreeNode(short(label, limits.cell), short(summary, limits.cell), tuple(children))
    return TreeNode(short(label, limits.cell), short(_value(found, kind, classes, limits), limits.cell))


def _members(found: Any) -> Iterator[tuple[str, Any]]:
    names = names_of(found)
    for at, member in enumerate(found.value):
        yield (names[at] if at < len(names) and names[at] else f"[{at + 1}]"), member


_KINDS = {
    "CLO": "function",
    "ENV": "environment",
    "LANG": "call",
    "SYM": "symbol",
    "S4": "S4 object",
    "NILVALUE": "NULL",
}


def _value(found: Any, kind: str, classes: str, limits: Limits) -> str:
    if kind not in ("LGL", "INT", "REAL", "CPLX", "STR", "RAW"):
        return classes or _KINDS.get(kind, kind.lower())
    count = length_of(found)
    shown = column_of("", found, min(count, 20), limits.cell).cells
    text = ", ".join("NA" if cell is None else str(cell) for cell in shown)
    dimensions = dict(pairs_of(found.attributes)).get("dim") if found.attributes is not None else None
    size = " x ".join(str(part) for part in dimensions.value) if dimensions is not None else f"{count:,}"
    if count == 1 and dimensions is None:
        return text
    words = classes or {"LGL": "logical", "INT": "integer", "REAL": "double", "STR": "character"}.get(
        kind, kind.lower()
    )
    return f"{words} {size}: {text}{', …' if count > len(shown) else ''}"
