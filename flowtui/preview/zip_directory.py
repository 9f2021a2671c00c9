"""The central directory of a ZIP archive, from ranged reads; APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from flowtui.errors import PreviewError
from flowtui.preview.source import Ranges, Source
from flowtui.preview.subject import Subject
from flowtui.preview.unpacked import Part, Unpacked
from flowtui.storage.cache import BLOCK_SIZE

_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_TAIL = 16 * 1024
_LONGEST_COMMENT = 65_535 + _END.size
_METHODS = {0: "stored", 8: "deflate", 12: "bzip2", 14: "lzma", 93: "zstd", 9: "deflate64", 95: "xz", 99: "aes"}
_UNPACKED = {"deflate": "deflate", "bzip2": "bzip2", "zstd": "zstd", "xz": "xz"}
_LARGE = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive.

    Attributes:
        size, packed: bytes unpacked and in the archive, as the directory claims.
        method: ``stored``, ``deflate``, ... or the number of the method.
        modified: date and time as the archive has them; empty where they make no sense.
        offset: of its local header in the file.
        checksum: the CRC-32 of its content, as the directory claims.
    """

    name: str
    size: int
    packed: int
    method: str
    is_encrypted: bool
    modified: str
    offset: int
    checksum: int = 0

    @property
    def is_folder(self) -> bool:
        return self.name.endswith("/")


@dataclass(frozen=True, slots=True)
class Directory:
    """The members of an archive.

    Attributes:
        members: in the order of the directory, as many as were read.
        total: how many the archive says that it has.
        is_complete: True where ``members`` are all of them.
        comment: of the archive.
    """

    members: tuple[Member, ...]
    total: int
    is_complete: bool
    comment: str

    def named(self, name: str) -> Member | None:
        """The last member of that name, as it is the one that unpackers leave behind."""
        return next((one for one in reversed(self.members) if one.name == name), None)


async def directory_of(subject: Subject, ranges: Ranges) -> Directory:
    """The directory of the archive, up to half of ``limits.head`` bytes of it.

    Raises:
        PreviewError: the file has no central directory, or a damaged one.
    """
    size = subject.size
    if size is None:
        raise PreviewError("the list of an archive's members is at its end, and the size of the file is not known")
    at, end = await _end_record(ranges, size)
    total, length, start, comment = end
    at, total, length, start = await _end_record_64(ranges, at, total, length, start)
    # What precedes the archive, such as a program that unpacks it, is not counted in its offsets.
    shift = at - length - start
    if shift < 0 or length > at:
        raise PreviewError("a ZIP archive whose directory is not where it says: it is cut or damaged")
    # Whole blocks are fetched: what is read ends where one does.
    most = max(subject.limits.head // 2, BLOCK_SIZE) - (at - length) % BLOCK_SIZE
    data = await ranges.read(at - length, min(length, most))
    if data is None:
        raise PreviewError("the list of its members needs more of the file than a preview reads")
    members = _members(data, shift, total)
    return Directory(tuple(members), total, len(members) >= total, comment)


async def open_member(subject: Subject, ranges: Ranges, member: Member) -> Source:
    """A member's content as a file.

    Raises:
        PreviewError: it is encrypted, packed with an unknown method, or not where the directory says.
    """
    if member.is_encrypted:
        raise PreviewError(f"{member.name} is encrypted")
    header = await ranges.read(member.offset, _LOCAL.size)
    if header is None:
        raise PreviewError(f"{member.name} is in a part of the file that is not read")
    if len(header) < _LOCAL.size or not header.startswith(b"PK\x03\x04"):
        raise PreviewError(f"{member.name} is not where the archive's directory says")
    fields = _LOCAL.unpack(header)
    start = member.offset + _LOCAL.size + fields[9] + fields[10]
    if member.method == "stored":
        return Part(subject.reader, start, member.packed)
    if member.method not in _UNPACKED:
        raise PreviewError(f"{member.name} is packed with a method that is not read: {member.method}")
    return Unpacked(
        subject.reader, _UNPACKED[member.method], start=start, length=member.packed, head=subject.head,
        size=member.size, checksum=member.checksum,
    )  # fmt: skip


async def member_head(ranges: Ranges, member: Member, length: int) -> bytes | None:
    """The first ``length`` bytes of a member, in one fetch; None where none is left.

    Raises:
        PreviewError: it is encrypted, packed with an unknown method, damaged, or not where the directory says.
    """
    data = await ranges.read(member.offset, _LOCAL.size + 2 * length)
    if data is None:
        return None
    if len(data) < _LOCAL.size or not data.startswith(b"PK\x03\x04"):
        raise PreviewError(f"{member.name} is not where the archive's directory says")
    fields = _LOCAL.unpack_from(data)
    start = _LOCAL.size + fields[9] + fields[10]
    body = data[start : start + member.packed]
    if member.method == "stored" and not member.is_encrypted:
        return body[:length]
    if member.method != "deflate" or member.is_encrypted:
        raise PreviewError(f"{member.name} is packed with a method that is not read: {member.method}")
    try:
        return zlib.decompressobj(-15).decompress(body, length)
    except zlib.error as error:
        raise PreviewError(f"{member.name} is damaged") from error


async def _end_record(ranges: Ranges, size: int) -> tuple[int, tuple[int, int, int, str]]:
    for length in (_TAIL, _LONGEST_COMMENT):
        start = max(size - length, 0)
        tail = await ranges.read(start, size - start)
        if tail is None:
            raise PreviewError("the list of an archive's members is at its end, in a part that is not read")
        at = tail.rfind(b"PK\x05\x06")
        while at >= 0:
            if at + _END.size <= len(tail):
                fields = _END.unpack_from(tail, at)
                comment = tail[at + _END.size : at + _END.size + fields[7]]
                if len(comment) == fields[7]:
                    return start + at, (fields[4], fields[5], fields[6], comment.decode("utf-8", "replace"))
            at = tail.rfind(b"PK\x05\x06", 0, at)
        if start == 0:
            break
    raise PreviewError("a ZIP archive without its directory: it is cut or damaged")


async def _end_record_64(ranges: Ranges, at: int, total: int, length: int, start: int) -> tuple[int, int, int, int]:
    """The end record's place and values, from the ZIP64 one where there is one."""
    if at < _END64_LOCATOR.size:
        return at, total, length, start
    locator = await ranges.read(at - _END64_LOCATOR.size, _END64_LOCATOR.size)
    if not locator or not locator.startswith(b"PK\x06\x07"):
        return at, total, length, start
    # It is directly before its locator; the offset there is off where something precedes the archive.
    place = at - _END64_LOCATOR.size - _END64.size
    record = await ranges.read(place, _END64.size) if place >= 0 else None
    if not record or not record.startswith(b"PK\x06\x06"):
        return at, total, length, start
    fields = _END64.unpack(record)
    return place, fields[7], fields[8], fields[9]


def _members(data: bytes, shift: int, total: int) -> list[Member]:
    members: list[Member] = []
    at = 0
    while at + _ENTRY.size <= len(data) and len(members) < total:
        fields = _ENTRY.unpack_from(data, at)
        if fields[0] != b"PK\x01\x02":
            break
        flags, method, time, date = fields[3:7]
        packed, size = fields[8:10]
        name_length, extra_length, comment_length = fields[10:13]
        offset = fields[16]
        at += _ENTRY.size
        name = data[at : at + name_length]
        extra = data[at + name_length : at + name_length + extra_length]
        at += name_length + extra_length + comment_length
        if at > len(data):
            break
        size, packed, offset = _large(extra, size, packed, offset)
        members.append(
            Member(
                name.decode("utf-8" if flags & 0x800 else "cp437", "replace"), size, packed,
                _METHODS.get(method, str(method)), bool(flags & 1), _modified(date, time), offset + shift,
                fields[7],
            )
        )  # fmt: skip
    return members


def _large(extra: bytes, *values: int) -> tuple[int, int, int]:
    """Size, packed size and offset, those that do not fit in 32 bits from the ZIP64 extra field."""
    at = 0
    body = b""
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            body = extra[at + 4 : at + 4 + length]
            break
        at += 4 + length
    found = []
    for value in values:
        if value == _LARGE and len(body) >= 8:
            value, body = int.from_bytes(body[:8], "little"), body[8:]
        found.append(value)
    return found[0], found[1], found[2]


def _modified(date: int, time: int) -> str:
    year, month, day = 1980 + (date >> 9), date >> 5 & 15, date & 31
    hour, minute, second = time >> 11, time >> 5 & 63, (time & 31) * 2
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60):
        return ""
    return f"{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
