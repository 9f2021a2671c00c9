"""Compressed streams: their content is unpacked as far as it is looked at, and shown as the file that it is."""

from __future__ import annotations

import re
from dataclasses import replace

from flowtui.errors import PreviewError
from flowtui.preview.archives import PACKED_TARS
from flowtui.preview.result import Preview
from flowtui.preview.subject import Subject
from flowtui.preview.unpacked import Unpacked

KINDS = ("gzip", "bzip2", "xz", "zstd", "lz4")
_ENDINGS = re.compile(r"\.(gz|gzip|bz2|xz|zst|zstd|lz4|z)$", re.IGNORECASE)
_TAR_ENDINGS = re.compile(r"\.(tgz|tbz2?|txz|tzst)$", re.IGNORECASE)


def accepts(subject: Subject) -> bool:
    """A stream of a known kind, by its first bytes."""
    return subject.sniffed.magic in KINDS


async def show(subject: Subject) -> Preview:
    kind = subject.sniffed.magic
    if subject.show_inside is None:
        raise PreviewError(f"{kind} data within a compressed file or archive is not looked into")
    source = Unpacked(subject.reader, kind, head=subject.head)
    if not await source.read(0, 1) and source.damage:
        raise PreviewError(f"{kind} data of which nothing can be unpacked: {source.damage}")
    found = await subject.show_inside(source, inner_name(subject.name))
    notices = [f"{kind} compressed: this is its content, unpacked as far as it is shown"]
    if source.damage:
        notices.append(f"the compressed data is not whole: {source.damage}")
    members = found.members if found.format == "tar" and kind in PACKED_TARS else ()
    facts = (("compression", kind), *found.facts)
    return replace(found, notices=(*notices, *found.notices), facts=facts, members=members)


def inner_name(name: str) -> str:
    """The name of what a compressed file holds: ``a.csv`` for ``a.csv.gz``, ``a.tar`` for ``a.tgz``."""
    if _TAR_ENDINGS.search(name):
        return _TAR_ENDINGS.sub(".tar", name)
    return _ENDINGS.sub("", name)
