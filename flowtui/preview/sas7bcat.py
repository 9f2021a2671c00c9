"""SAS catalogs of formats: what each value is called, as a table; and for the datasets beside them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from flowtui.errors import NotFoundError, PreviewError, StorageError
from flowtui.preview.result import Column, Preview
from flowtui.preview.sas7bcat_formats import Format, formats_of
from flowtui.preview.sas7bdat_header import header_of
from flowtui.preview.sas_values import moment
from flowtui.preview.sniff import magic
from flowtui.text import cut, plain

if TYPE_CHECKING:
    from flowtui.preview.siblings import Siblings
    from flowtui.preview.subject import Subject

_COLUMNS = (Column("format", "text"), Column("value", "text"), Column("label", "text"), Column("created", "datetime"))
_MOST_CATALOGS = 3
_WIDTH = re.compile(r"[0-9]*\.[0-9]*$")
_OF_SAS = frozenset(("", "$", "$CHAR", "$F", "F", "BEST", "COMMA", "COMMAX", "DOLLAR", "PERCENT", "NUMX", "Z", "E"))
"""Formats that every SAS has and that are no dates; no catalog is read for them."""


def accepts(subject: Subject) -> bool:
    """Files that begin like a SAS catalog or are called one."""
    return subject.sniffed.magic == "sas7bcat" or subject.sniffed.is_any("sas7bcat")


async def show(subject: Subject) -> Preview:
    if subject.sniffed.magic != "sas7bcat":
        raise PreviewError("named a SAS catalog but does not begin like one")
    is_whole = await subject.read_whole()
    return await asyncio.to_thread(_preview, subject, is_whole)


def _preview(subject: Subject, is_whole: bool) -> Preview:
    limits, header = subject.limits, header_of(subject.head)
    formats = list(formats_of(subject.head, header))
    total = sum(len(one.values) for one in formats)
    most = max(min(limits.rows, limits.cells // len(_COLUMNS)), 1)
    rows: list[tuple[str | None, ...]] = []
    for one in formats:
        name, created = cut(one.name, limits.cell), moment(one.created)
        rows += [
            (name, cut(value.text, limits.cell), cut(value.label, limits.cell), created or None)
            for value in one.values[: most - len(rows)]
        ]
    notices = []
    if len(rows) < total or not is_whole:
        notices.append(f"first {len(rows):,} of {total:,} labels" if is_whole else f"first {len(rows):,} labels")
    if not formats:
        notices.append("it has no formats with labels, or none in the part that was read")
    if any(value.first != value.last for one in formats for value in one.values):
        notices.append("whether the ends of a range belong to it is not known")
    facts = [("catalog", header.name), ("encoding", header.encoding.name), ("formats", f"{len(formats):,}")]
    facts += [("created", header.created), ("modified", header.modified)]
    return Preview(
        kind="table",
        columns=_COLUMNS,
        rows=tuple(rows),
        notices=tuple(notices),
        total_rows=total if is_whole else None,
        more=len(rows) < total or not is_whole,
        format="sas7bcat",
        facts=tuple((name, plain(value)) for name, value in facts if value),
    )


Labels = dict[str, tuple[tuple[str, str], ...]]
"""Values and what they are called, by the name of a format."""


async def labels_of(siblings: Siblings | None, formats: Sequence[str], most: int) -> tuple[Labels, list[str]]:
    """The labels of those of some formats that the catalogs beside a dataset hold, and what to say of the catalogs.

    Args:
        formats: of the variables, ``SEXF8.``.
        most: bytes to read of each catalog.
    """
    wanted = {name_of(one) for one in formats} - _OF_SAS
    names = siblings.ending(".sas7bcat")[:_MOST_CATALOGS] if siblings and wanted else []
    found: Labels = {}
    notices: list[str] = []
    for name in names:
        assert siblings is not None
        try:
            async with siblings.open(name) as reader:
                data = await reader.read(0, most)
                size = await reader.size()
            for one in await asyncio.to_thread(_formats, data):
                if one.name.upper() in wanted:
                    found.setdefault(one.name.upper(), tuple((value.text, value.label) for value in one.values))
        except (PreviewError, StorageError, NotFoundError) as error:
            notices.append(f"its catalog {plain(name)} is not read: {plain(error.message)}")
            continue
        if size is not None and size > len(data):
            notices.append(f"its catalog {plain(name)} is larger than what was read of it: labels may be missing")
    return found, notices


def name_of(format_: str) -> str:
    """The name of a format without its width, in capitals: ``SEXF`` of ``SEXF8.``."""
    return _WIDTH.sub("", format_).upper()


def _formats(data: bytes) -> list[Format]:
    if magic(data) != "sas7bcat":
        raise PreviewError("it does not begin like one")
    return list(formats_of(data, header_of(data)))
