"""``flowtui preview RUN ARTIFACT/FILE``, ``RUN NODE.OUTPUT`` and ``flowtui preview PATH | URI``."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from flowtui.domain.size import human_size
from flowtui.errors import FlowtuiError, NotFoundError, StorageError
from flowtui.headless.columns import chosen
from flowtui.headless.half_cells import drawn
from flowtui.headless.json import cell_value, dumps
from flowtui.headless.select import find, one_file
from flowtui.headless.style import Style
from flowtui.headless.table import Column, table, tree
from flowtui.preview.formatted_value import FormattedValue
from flowtui.preview.frame_directory import frame_part
from flowtui.preview.limits import Limits
from flowtui.preview.registry import preview, preview_folder
from flowtui.preview.result import Cell, Image, Preview, TreeNode
from flowtui.preview.result import Column as TableColumn
from flowtui.preview.siblings import Siblings
from flowtui.storage import Reader, Storage
from flowtui.text import plain
from flowtui.words import count, state

if TYPE_CHECKING:
    from flowtui.session import Session

_PIXELS = 400
_MOST_COLUMNS = 100_000
_MOST_CELLS = 2_000_000
_NUMBERS = ("integer", "number")


async def execute(session: Session, options: Namespace, style: Style) -> str:
    """The head of one file of a run.

    Args:
        options: ``run``, an ``ExecutionId``; ``selector``, ``type``, ``node``; ``rows`` to show at most; the names of
            ``columns``, none for all; ``page``; ``member`` of an archive, empty for the
            archive; ``tail``; ``delimiter``, ``quote`` and ``skip`` of delimited text.

    Raises:
        UsageError: there is no such column.
    """
    run, selection = await find(session.catalog, options.run, options.selector, type_=options.type, node=options.node)
    file = one_file(selection)
    if not file.uris:
        reason = "; ".join(file.notices) or f"the run is {run.execution.phase}"
        hint = "`flowtui nodes RUN` shows how far its node came."
        if file.state == "unavailable":
            hint = "Its node succeeded, but the server has no value for it: the outputs may have been deleted."
        raise NotFoundError(f"{plain(file.title)} is {state(file.state) or 'not there'}: {plain(reason)}.", hint)
    if len(file.uris) > 1:
        style.tell(f"{file.file} has {len(file.uris)} parts; this is the first")
    siblings = Siblings(session.storage, run.siblings(file))
    return await _show(session.storage, file.uris[0], file.file, file.format, options, style, siblings)


async def execute_uri(storage: Storage, options: Namespace, style: Style) -> str:
    """The head of a file that a path or URI names.

    Args:
        options: ``run``, the path or URI; ``rows``, ``columns``, ``page``, ``member`` and ``tail`` as above.

    Raises:
        UsageError: there is no such column.
    """
    uri = await storage.native(_absolute(options.run))
    name = PurePosixPath(uri.split("://", 1)[-1].split("?", 1)[0] if "://" in uri else uri).name or uri
    try:
        return await _show(storage, uri, name, "", options, style)
    except NotFoundError as error:
        if not any(mark in options.run for mark in "/\\."):
            error.hint = f"Is {plain(options.run)} a run? `flowtui preview RUN ARTIFACT/FILE` shows a file of it."
        raise


def _absolute(text: str) -> str:
    return text if "://" in text else os.path.abspath(os.path.expanduser(text))


async def _show(
    storage: Storage,
    uri: str,
    name: str,
    format_: str,
    options: Namespace,
    style: Style,
    siblings: Siblings | None = None,
) -> str:
    # A picture is drawn on a terminal in colour only, and measured for --json; a page of text is read as text.
    is_drawn = (style.json or (style.color and not style.ascii)) and not name.lower().endswith(".pdf")
    limits = replace(
        Limits().for_rows(options.rows),
        page=options.page,
        pixels=_PIXELS if is_drawn else 0,
        from_end=options.tail,
        wanted=tuple(options.columns),
        delimiter=options.delimiter or "",
        quote=options.quote,
        skip=options.skip,
    )
    look = partial(preview, name=name, format=format_, member=options.member, siblings=siblings)
    async with AsyncExitStack() as readers:
        reader = await readers.enter_async_context(storage.open(uri))
        try:
            found, size = await _head(look, reader, options, limits), await reader.size()
        except (StorageError, NotFoundError) as error:
            part = await frame_part(storage, uri, format_)
            if part is not None:
                reader = await readers.enter_async_context(storage.open(part.uri))
                look = partial(preview, name=name, format=part.format, member=options.member)
                found, size = part.told(await _head(look, reader, options, limits)), await reader.size()
            else:
                found, size = await _directory(storage, uri, limits, error), None
        if options.columns:
            found = chosen(found, options.columns, name)
        if style.json:
            shape = {
                "file": name,
                "uri": uri,
                "format": found.format,
                "size": size,
                "kind": found.kind,
                "columns": [_column(one, [row[at] for row in found.rows]) for at, one in enumerate(found.columns)],
                "rows": [[cell_value(cell) for cell in row] for row in found.rows],
                "total_rows": found.total_rows,
                "lines": list(found.lines),
                "tree": None if found.tree is None else _tree(found.tree),
                "image": None if found.image is None else _image(found.image),
                "facts": dict(found.facts),
                "page": found.page or None,
                "pages": found.pages,
                "page_names": list(found.page_names),
                "notices": list(found.notices),
                "more": found.more,
                "bytes_read": reader.bytes_read,
                "requests": reader.requests,
            }
            return dumps(shape)
    facts = [name, found.format, human_size(size)]
    if found.total_rows is not None:
        facts.append(f"{count(found.total_rows, 'row')} x {count(len(found.columns), 'column')}")
    if found.page:
        facts.append(f"page {found.page:,}" + (f" of {found.pages:,}" if found.pages is not None else ""))
    style.tell("   ".join(fact for fact in facts if fact))
    if found.facts and found.kind != "image":
        style.tell("; ".join(f"{fact} {value}".rstrip() for fact, value in found.facts))
    for notice in found.notices:
        style.tell(notice)
    return _text(found, style)


async def _head(look: Callable[..., Awaitable[Preview]], reader: Reader, options: Namespace, limits: Limits) -> Preview:
    found = await look(reader, limits=limits)
    is_missing = bool(set(options.columns) - {column.name for column in found.columns})
    if is_missing and len(found.columns) == limits.columns and not found.column_names:
        # It may stand behind those that are shown.
        wider = replace(limits, columns=_MOST_COLUMNS, cells=max(limits.cells, _MOST_CELLS), wanted=())
        found = await look(reader, limits=wider)
    return found


async def _directory(storage: Storage, uri: str, limits: Limits, error: FlowtuiError) -> Preview:
    """The files of a directory; ``error`` where it is none."""
    try:
        is_directory = (await storage.stat(uri)).directory
    except (StorageError, NotFoundError):
        raise error from None
    if not is_directory:
        raise error
    return await preview_folder(storage, uri, limits=limits)


def _column(column: TableColumn, cells: Sequence[Cell]) -> dict[str, Any]:
    is_printed = any(isinstance(cell, FormattedValue) and cell.text != cell.value for cell in cells)
    return {
        "name": column.name,
        "type": column.type,
        "label": column.label,
        "format": column.format,
        "nulls": column.nulls,
        "least": cell_value(column.least),
        "most": cell_value(column.most),
        "missing_values": list(column.missing_values),
        "value_labels": [{"value": value, "label": label} for value, label in column.value_labels],
        "printed": [None if cell is None else str(cell) for cell in cells] if is_printed else None,
    }


def _image(image: Image) -> dict[str, int]:
    """A picture without its pixels."""
    return {
        "width": image.width,
        "height": image.height,
        "full_width": image.full_width,
        "full_height": image.full_height,
    }


def _tree(root: TreeNode) -> dict[str, Any]:
    shape: dict[str, Any] = {}
    stack = [(root, shape)]
    while stack:
        node, into = stack.pop()
        children: list[dict[str, Any]] = [{} for _ in node.children]
        into.update({"label": node.label, "value": node.value, "children": children})
        stack += zip(node.children, children, strict=True)
    return shape


def _text(found: Preview, style: Style) -> str:
    if found.kind == "table":
        # All columns may leave but the first: which matter, the file does not say.
        columns = [
            Column(one.name, leaves=index, least=8, right=one.type in _NUMBERS)
            for index, one in enumerate(found.columns)
        ]
        rows = [["" if cell is None else str(cell) for cell in row] for row in found.rows]
        return (
            table(columns, rows, style, keep_empty=True) or "  ".join(plain(one.name) for one in found.columns) + "\n"
        )
    if found.image is not None and (found.kind == "image" or not found.lines):
        return drawn(found.image, style.width or 80)
    if found.kind == "image" and not found.lines:
        return "".join(f"{name}: {value}\n" for name, value in found.facts)
    if found.tree is not None and not found.lines:
        rows_: list[tuple[int, str]] = []
        stack = [(found.tree, 0)]
        while stack:
            node, depth = stack.pop()
            rows_.append((depth, f"{node.label}: {node.value}" if node.value else node.label))
            stack += [(child, depth + 1) for child in reversed(node.children)]
        return tree(rows_, style)
    return "".join(f"{line}\n" for line in found.lines)
