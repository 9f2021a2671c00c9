"""Two files read and compared, with as little of them read as tells how they differ."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from flowtui.domain.size import human_size
from flowtui.errors import FlowtuiError, StorageError
from flowtui.preview.comparison.lines import text_difference
from flowtui.preview.comparison.looks import LONGEST, USUAL, Look, Options, Version, look
from flowtui.preview.comparison.result import Comparison, FileFacts, Result
from flowtui.preview.comparison.tables import table_difference
from flowtui.preview.comparison.trees import tree_difference
from flowtui.preview.limits import DEFAULT
from flowtui.preview.result import Column, Preview
from flowtui.preview.workers import Workers
from flowtui.storage import Stat, Storage
from flowtui.text import plain

_SMALL = 2 * 1024 * 1024
_DATA = frozenset(
    [
        "csv", "tsv", "jsonl", "parquet", "arrow", "feather", "sas7bdat", "xpt", "xlsx", "xlsm", "xlsb", "xls", "ods",
        "sav", "zsav", "dta", "directory", "spreadsheetml", "dataset-json",
    ]
)  # fmt: skip
"""Formats of tables whose previews hold the data themselves."""

_DATA_TREES = frozenset(["json", "skops"])
"""Formats whose trees hold the data themselves, or a checksum of all of it."""

_RENDERED = frozenset(["pdf", "rtf", "docx", "odt", "pptx", "html", "htm", "xhtml", "ipynb", "markdown", "md"])
"""Formats of texts whose previews leave out pictures and layout."""

_ETAG = re.compile(r'"?[0-9a-f]{32}(-[0-9]{1,5})?"?')


async def compare(
    storage: Storage, left: Version, right: Version, *, options: Options = USUAL, workers: Workers | None = None
) -> Comparison:
    """How two files or directories differ.

    The same URI, or equal checksums of the store, are the same file without reading it.

    Raises:
        NotFoundError, StorageError: one of them cannot be read.
        UsageError: a column of ``options.key`` is not in both tables.
    """
    names = FileFacts(left.name, left.uris[0]), FileFacts(right.name, right.uris[0])
    if left.uris == right.uris:
        return Comparison("identical", *names, "the same object: both have this URI")
    stats = await asyncio.gather(_stat(storage, left), _stat(storage, right))
    if all(stat.directory for stat in stats):
        return await _directories(storage, left, right, options)
    if any(stat.directory for stat in stats):
        return Comparison("different", *names, "kinds", "bytes", notices=("one is a directory, the other a file",))
    async with storage.open(left.uris[0]) as one, storage.open(right.uris[0]) as two:
        sides = Look(left, one, stats[0]), Look(right, two, stats[1])
        found = await _compare(storage, sides, options, workers)
        found = replace(found, bytes_read=found.bytes_read + one.bytes_read + two.bytes_read)
        found = replace(found, requests=one.requests + two.requests)
    return _with_parts(found, left, right)


async def _stat(storage: Storage, version: Version) -> Stat:
    """What the store says of a file; one that is declared as a directory is no object that could be asked for."""
    return Stat(None, directory=True) if version.directory else await storage.stat(version.uris[0])


def _with_parts(found: Comparison, left: Version, right: Version) -> Comparison:
    """What is to be said of files with several parts, of which the first were compared."""
    one, two = len(left.uris), len(right.uris)
    if one == two == 1:
        return found
    if one != two:
        notice = f"{one:,} parts and {two:,} parts: the first of each was compared"
        return replace(found, result="different", notices=(notice, *found.notices))
    result: Result = found.result if found.result == "different" else "unknown"
    return replace(found, result=result, notices=(f"the first of {one:,} parts was compared", *found.notices))


async def _compare(storage: Storage, sides: tuple[Look, Look], options: Options, workers: Workers | None) -> Comparison:
    left, right = sides
    if _same_in_store(left, right):
        return Comparison("identical", left.facts, right.facts, "checksums of the store")
    size, other = left.stat.size, right.stat.size
    differ = size is not None and other is not None and size != other
    if size == other and size is not None and size <= _SMALL:
        first, second = await asyncio.gather(left.reader.read(0, size), right.reader.read(0, size))
        if first == second:
            return Comparison("identical", left.facts, right.facts, "every byte")
        differ = True
    await asyncio.gather(*(look(side, options, workers) for side in sides))
    found = await asyncio.to_thread(_contents, left, right, options)
    if found.result in ("different", "equal"):
        return found
    if not differ:
        return await _hashed(storage, found, size, options)
    if found.kind == "bytes":
        return replace(found, result="different", compared="sizes" if size != other else "every byte")
    if found.kind == "table" and _is_content(left.preview) and _is_content(right.preview):
        # Equal rows may be written in other bytes, and there are more rows than were compared.
        return found
    notice = "the bytes differ, in something that was not compared"
    return replace(found, result="different", notices=(*found.notices, notice))


def _same_in_store(left: Look, right: Look) -> bool:
    """Whether checksums of the store say that the bytes are the same; an ETag counts where it has the form of S3's."""
    if left.stat.size != right.stat.size:
        return False
    if left.stat.md5 and left.stat.md5 == right.stat.md5:
        return True
    etag = left.stat.etag
    return bool(_ETAG.fullmatch(etag)) and etag == right.stat.etag


async def _hashed(storage: Storage, found: Comparison, size: int | None, options: Options) -> Comparison:
    """The comparison of two files of one size with their hashes, where these may be taken."""
    if options.hash_most is not None and (size is None or size > options.hash_most):
        amount = "their sizes are not known" if size is None else f"both are {human_size(size)}"
        cost = f"{amount}: they were not read to their end for a hash"
        return replace(found, notices=(*found.notices, cost), more=True)
    first, second = await asyncio.gather(_sha256(storage, found.left.uri), _sha256(storage, found.right.uri))
    left, right = replace(found.left, sha256=first), replace(found.right, sha256=second)
    how = f"{found.compared}, and the hash of all bytes" if found.compared else "the hash of all bytes"
    result: Result = "identical" if first == second else "different"
    return replace(found, result=result, left=left, right=right, compared=how, bytes_read=2 * (size or 0))


async def _sha256(storage: Storage, uri: str) -> str:
    """The hash of an object, streamed."""
    digest = hashlib.sha256()
    async with aclosing(storage.stream(uri)) as chunks:
        async for chunk in chunks:
            await asyncio.to_thread(digest.update, chunk)
    return digest.hexdigest()


def _is_content(found: Preview | None) -> bool:
    """Whether a preview holds the content itself, and not a summary of it as of models, archives and documents."""
    if found is None:
        return False
    if found.kind == "table":
        return found.format in _DATA
    return (found.kind == "tree" and found.format in _DATA_TREES) or (
        found.kind == "text" and found.format not in _RENDERED
    )


def _contents(left: Look, right: Look, options: Options) -> Comparison:
    """What the previews of two files say of their difference."""
    one, two = left.preview, right.preview
    if one is None or two is None:
        return Comparison("unknown", left.facts, right.facts, "", "bytes")
    facts = _facts(one, two)
    content = _is_content(one) and _is_content(two)
    base = Comparison("unknown", left.facts, right.facts, "", "bytes", facts=facts, notices=_notices(one, two))
    paged = left.paged or right.paged
    if paged:
        of = " and ".join(dict.fromkeys(_page_of(found) for found in (one, two)))
        base = replace(base, notices=(f"only {of} was compared", *base.notices))
    same_facts = not base.telling_facts
    if one.kind == two.kind == "table":
        return _tables(base, left, right, options, paged)
    if one.tree is not None and two.tree is not None:
        tree = tree_difference(one.tree, two.tree, examples=options.examples)
        whole = left.whole and right.whole and not paged and not _has_cut_tree(one, two)
        compared = "all values by their paths" if whole else "the first values of each by their paths"
        return replace(
            base,
            result=_result(tree.equal and same_facts, whole and content),
            compared=compared,
            kind="tree",
            tree=tree,
        )
    if _has_text(one) and _has_text(two):
        text = text_difference(one.lines, two.lines, left_whole=left.whole, right_whole=right.whole)
        whole = left.whole and right.whole and not paged and not _has_cut_lines(one, two)
        compared = _of_each("lines", text.left_lines, text.right_lines, whole)
        return replace(
            base,
            result=_result(text.equal and same_facts, whole and content),
            compared=compared,
            kind="text",
            text=text,
            more=not (left.whole and right.whole),
        )
    if one.kind != two.kind:
        notice = f"one is shown as {one.kind} ({one.format}), the other as {two.kind} ({two.format})"
        base = replace(base, notices=(notice, *base.notices))
    return base


def _tables(base: Comparison, left: Look, right: Look, options: Options, paged: bool) -> Comparison:
    one, two = left.preview, right.preview
    assert one is not None
    assert two is not None
    table = table_difference(one, two, key=options.key, tolerance=options.tolerance, examples=options.examples)
    columns_cut = any(len(found.columns) >= look.limits.columns for found, look in ((one, left), (two, right)))
    cut = columns_cut or any(_is_cut(cell) for found in (one, two) for row in found.rows for cell in row)
    whole = table.whole and not cut and not paged and _is_content(one) and _is_content(two)
    return replace(
        base,
        result=_result(table.equal and not base.telling_facts, whole),
        compared=_of_each("rows", table.left_rows, table.right_rows, table.whole),
        kind="table",
        table=table,
        more=not table.whole,
    )


def _page_of(found: Preview) -> str:
    name = found.page_names[found.page - 1] if 0 < found.page <= len(found.page_names) else ""
    count = f" of {found.pages:,}" if found.pages else ""
    return f"page {found.page:,}{count}" if not name else f"{plain(name)}, {found.page:,}{count},"


def _result(equal: bool, whole: bool) -> Result:
    return "different" if not equal else "equal" if whole else "unknown"


def _of_each(what: str, left: int, right: int, whole: bool) -> str:
    if whole:
        return f"all {what}"
    if left == right:
        return f"first {left:,} {what} of each"
    return f"first {left:,} and first {right:,} {what}"


def _has_text(found: Preview) -> bool:
    return found.kind in ("text", "tree") and (bool(found.lines) or not found.rows)


def _is_cut(cell: object) -> bool:
    return isinstance(cell, str) and len(cell) >= LONGEST


def _has_cut_lines(*found: Preview) -> bool:
    return any(_is_cut(line) for one in found for line in one.lines)


def _has_cut_tree(*found: Preview) -> bool:
    """Whether a value is cut, or levels are left out: then its summary is all that stands there."""
    for one in found:
        stack = [(one.tree, 0)] if one.tree else []
        while stack:
            node, depth = stack.pop()
            if _is_cut(node.value) or depth >= DEFAULT.depth:
                return True
            stack += [(child, depth + 1) for child in node.children]
    return False


def _facts(left: Preview, right: Preview) -> tuple[tuple[str, str, str], ...]:
    """What the formats say of the whole files and differs, with the counts of pages and the size of pictures."""
    sides: list[dict[str, str]] = []
    for found in (left, right):
        facts = dict(found.facts)
        if found.pages is not None:
            facts.setdefault("pages", str(found.pages))
        if found.page_names:
            facts.setdefault("sheets", ", ".join(found.page_names))
        if found.image is not None:
            facts.setdefault("picture", f"{found.image.full_width} x {found.image.full_height}")
        sides.append(facts)
    names = dict.fromkeys((*sides[0], *sides[1]))
    both = [(name, sides[0].get(name, ""), sides[1].get(name, "")) for name in names]
    return tuple(fact for fact in both if fact[1] != fact[2])


def _notices(left: Preview, right: Preview) -> tuple[str, ...]:
    """What the previews say, of both once, else with the side that it is of."""
    both = [notice for notice in left.notices if notice in right.notices]
    first = [f"left: {notice}" for notice in left.notices if notice not in both]
    second = [f"right: {notice}" for notice in right.notices if notice not in both]
    return (*both, *first, *second)


async def _directories(storage: Storage, left: Version, right: Version, options: Options) -> Comparison:
    """Two directories by the names, sizes and hashes of their files."""
    sides = []
    for version in (left, right):
        try:
            entries = await storage.list(version.uris[0])
        except StorageError as error:
            error.message = f"{plain(version.name)} is a directory: {error.message}"
            raise
        sides.append({entry.name: entry.size for entry in entries})
    first, second = sides
    alike = [name for name, size in first.items() if second.get(name) == size]
    known, notices, cost = await _hashes(storage, left.uris[0], right.uris[0], first, alike, options)
    columns = (Column("name", "text"), Column("size", "integer"), Column("sha256", "text"))
    tables = [
        Preview(
            kind="table",
            columns=columns,
            rows=tuple((plain(name), size, known.get((side, name))) for name, size in files.items()),
            total_rows=len(files),
            format="directory",
        )
        for side, files in enumerate(sides)
    ]
    table = table_difference(tables[0], tables[1], key=("name",), examples=options.examples)
    facts = [FileFacts(version.name, version.uris[0], "directory") for version in (left, right)]
    whole = not notices
    result: Result = "different" if not table.equal else "identical" if whole else "unknown"
    compared = "files by name, size and hash" if whole else "files by name and size"
    return Comparison(
        result, facts[0], facts[1], compared, "table", table, notices=notices, more=not whole, bytes_read=cost
    )


async def _hashes(
    storage: Storage, left: str, right: str, sizes: dict[str, int], names: Sequence[str], options: Options
) -> tuple[dict[tuple[int, str], str], tuple[str, ...], int]:
    """Hashes of the files of both directories that have one size, by side and name, within what may be read."""
    total = sum(sizes[name] for name in names)
    if options.hash_most is not None and total > options.hash_most:
        said = f"{len(names):,} files with equal sizes were not read: {human_size(total)} on each side"
        return {}, (said,), 0
    found: dict[tuple[int, str], str] = {}
    for name in names:
        for side, folder in enumerate((left, right)):
            try:
                found[side, name] = await _sha256(storage, f"{folder.rstrip('/')}/{name}")
            except FlowtuiError:
                return {}, (f"{plain(name)} cannot be read: only names and sizes were compared",), 0
    return found, (), 2 * total
