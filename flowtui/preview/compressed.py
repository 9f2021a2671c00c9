"""Compressed streams: their content is unpacked as far as it is looked at, and shown as the file that it is."""

from __future__ import annotations

import re
from dataclasses import replace

from flowtui.errors import PreviewError
from flowtui.preview.archives import PACKED_TARS
from flowtui.preview.compressed_streams import Stream, stream_of
from flowtui.preview.result import Preview
from flowtui.preview.sniff import magic
from flowtui.preview.subject import Subject
from flowtui.preview.unpacked import Unpacked

_MAGIC = 512
_FROM_THE_END = ("pdf", "zip", "ole", "parquet", "arrow")
"""Formats that are read from their end, so that it is to be known where that is."""

_ENDINGS = re.compile(r"\.(gz|gzip|bz2|xz|lzma|zst|zstd|lz4|z|zlib)$", re.IGNORECASE)
_TAR_ENDINGS = re.compile(r"\.(tgz|tbz2?|txz|tzst)$", re.IGNORECASE)


def accepts(subject: Subject) -> bool:
    """A stream of a known kind, by its first bytes."""
    return _stream(subject) is not None


def _stream(subject: Subject) -> Stream | None:
    is_text = subject.sniffed.encoding is not None and not subject.sniffed.is_any("z", "zlib")
    return stream_of(subject.head, is_text=is_text)


async def show(subject: Subject) -> Preview:
    stream = _stream(subject)
    assert stream is not None
    if subject.show_inside is None:
        raise PreviewError(f"{stream.words} data within a compressed file or archive is not looked into")
    source = Unpacked(subject.reader, stream.kind, start=stream.start, head=subject.head)
    if not await source.read(0, 1) and source.damage:
        raise PreviewError(f"{stream.words} data of which nothing can be unpacked: {source.damage}")
    if magic(await source.read(0, _MAGIC)) in _FROM_THE_END:
        await source.read_to_end()
    found = await subject.show_inside(source, inner_name(subject.name))
    notices = [f"{stream.words} compressed: this is its content, unpacked as far as it is shown"]
    if source.damage:
        notices.append(f"the compressed data is not whole: {source.damage}")
    members = found.members if found.format == "tar" and stream.kind in PACKED_TARS else ()
    facts = (("compression", stream.words), *found.facts)
    return replace(found, notices=(*notices, *found.notices), facts=facts, members=members)


def inner_name(name: str) -> str:
    """The name of what a compressed file holds: ``a.csv`` for ``a.csv.gz``, ``a.tar`` for ``a.tgz``."""
    if _TAR_ENDINGS.search(name):
        return _TAR_ENDINGS.sub(".tar", name)
    return _ENDINGS.sub("", name)
