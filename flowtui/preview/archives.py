"""ZIP and tar archives as a table of their members, and one member of them as a file."""

from __future__ import annotations

from dataclasses import replace

from flowtui.domain.size import human_size
from flowtui.errors import PreviewError
from flowtui.preview.result import Column, Preview
from flowtui.preview.source import Ranges, Source
from flowtui.preview.subject import Subject
from flowtui.preview.tar_members import TarMember, tar_members
from flowtui.preview.unpacked import Part, Unpacked
from flowtui.preview.zip_directory import Directory, Member, directory_of, open_member
from flowtui.text import cut, plain

_MOST_MEMBERS = 100_000
_RATIO = 200
PACKED_TARS = ("gzip", "bzip2", "xz", "zstd")
"""Compressions of tar archives whose members can be shown."""

_ZIP_COLUMNS = (
    Column("name", "text"), Column("size", "integer"), Column("packed", "integer"), Column("modified", "datetime"),
    Column("method", "text"),
)  # fmt: skip
_TAR_COLUMNS = (
    Column("name", "text"), Column("size", "integer"), Column("modified", "datetime"), Column("kind", "text"),
)  # fmt: skip


def accepts_zip(subject: Subject) -> bool:
    """A ZIP archive, or what calls itself one and begins with a program that unpacks it."""
    return subject.sniffed.magic == "zip" or (subject.sniffed.magic == "elf" and subject.sniffed.is_any("zip"))


def accepts_tar(subject: Subject) -> bool:
    """A tar archive."""
    return subject.sniffed.magic == "tar" or (not subject.sniffed.magic and subject.sniffed.is_any("tar"))


async def show_zip(subject: Subject) -> Preview:
    directory = await directory_of(subject, Ranges(subject))
    return zip_table(subject, directory)


def zip_table(subject: Subject, directory: Directory) -> Preview:
    """The members of a ZIP archive as a table."""
    limits = subject.limits
    columns = _ZIP_COLUMNS[: limits.columns]
    shown = directory.members[: limits.rows]
    members = directory.members
    notices = []
    if len(shown) < directory.total:
        notices.append(f"first {len(shown):,} of {directory.total:,} members")
    encrypted = sum(one.is_encrypted for one in members)
    if encrypted:
        notices.append(f"{encrypted:,} {'member is' if encrypted == 1 else 'members are'} encrypted")
    if any(one.size > max(one.packed, 1024) * _RATIO for one in members):
        notices.append(f"some members unpack to more than {_RATIO} times their packed size")
    if not directory.is_complete and len(members) < limits.rows:
        notices.append("its list of members is larger than what was read of it, or damaged")
    facts = [("members", f"{directory.total:,}")]
    if directory.is_complete:
        facts.append(("unpacked size", human_size(sum(one.size for one in members))))
    if directory.comment:
        facts.append(("comment", plain(directory.comment[: limits.cell])))
    return Preview(
        kind="table",
        columns=columns,
        rows=tuple(
            (cut(one.name, limits.cell), one.size, one.packed, one.modified, _how(one))[: len(columns)] for one in shown
        ),
        notices=tuple(notices),
        total_rows=directory.total,
        more=len(shown) < directory.total,
        format="zip",
        facts=tuple(facts),
        members=tuple("" if one.is_folder or one.is_encrypted else one.name for one in shown),
    )


async def show_tar(subject: Subject) -> Preview:
    limits = subject.limits
    ranges = Ranges(subject)
    members, reason = await tar_members(ranges, max(limits.rows, 1))
    if not members:
        raise PreviewError(reason if reason not in ("", "more") else "a tar archive without members in what was read")
    shown = members[: limits.rows]
    columns = _TAR_COLUMNS[: limits.columns]
    notices = []
    if reason == "more" or len(shown) < len(members):
        notices.append(f"first {len(shown):,} members: further ones are found by going through the archive")
    elif reason:
        notices.append(reason)
    return Preview(
        kind="table",
        columns=columns,
        rows=tuple(
            (cut(one.name, limits.cell), one.size, one.modified, _kind(one, limits.cell))[: len(columns)]
            for one in shown
        ),
        notices=tuple(notices),
        total_rows=len(members) if not reason else None,
        more=reason == "more" or len(shown) < len(members),
        format="tar",
        members=tuple("" if one.kind else one.name for one in shown),
    )


async def member(subject: Subject, name: str) -> Preview:
    """One member of an archive as if it were a file of its own; an archive within it is listed, not looked into.

    Raises:
        PreviewError: the file is no archive, has no member of that name within what is read, or the member cannot be
            read.
    """
    if accepts_zip(subject):
        source = await _zip_member(subject, name)
    elif accepts_tar(subject):
        source = await _tar_member(subject, Ranges(subject), subject.reader, name)
    elif subject.sniffed.magic in PACKED_TARS:
        source = await _packed_tar_member(subject, name)
    else:
        raise PreviewError(f"{plain(subject.name)} is no archive that can be looked into", "ZIP and tar archives can.")
    if subject.show_inside is None:
        raise PreviewError("archives within archives are not looked into")
    found = await subject.show_inside(source, name.rsplit("/", 1)[-1])
    if isinstance(source, Unpacked) and source.damage:
        found = replace(found, notices=(*found.notices, f"the member is not whole: {source.damage}"))
    return replace(found, members=())


async def _zip_member(subject: Subject, name: str) -> Source:
    ranges = Ranges(subject)
    # A person who names a member means it: the fetches that finding it costs are worth it.
    ranges.left += 4
    found = (await directory_of(subject, ranges)).named(name)
    if found is None:
        raise _missing(name)
    return await open_member(subject, ranges, found)


async def _tar_member(subject: Subject, ranges: Ranges, reader: Source, name: str) -> Source:
    if not isinstance(reader, Unpacked):
        ranges.left += 4
    members, _ = await tar_members(ranges, _MOST_MEMBERS)
    found = next((one for one in members if one.name == name and not one.kind), None)
    if found is None:
        raise _missing(name)
    return Part(reader, found.start, found.size)


async def _packed_tar_member(subject: Subject, name: str) -> Source:
    unpacked = Unpacked(subject.reader, subject.sniffed.magic, head=subject.head)
    head = await unpacked.read(0, subject.limits.head)
    inner = replace(subject, reader=unpacked, head=head, size=await unpacked.size())
    return await _tar_member(inner, Ranges(inner), unpacked, name)


def _missing(name: str) -> PreviewError:
    return PreviewError(
        f"there is no member {plain(name)} in what was read of the archive",
        "`flowtui preview` without a member lists those that are found.",
    )


def _how(one: Member) -> str:
    how = "folder" if one.is_folder else one.method
    return f"{how}, encrypted" if one.is_encrypted else how


def _kind(one: TarMember, width: int) -> str:
    return cut(f"{one.kind} to {one.target}" if one.target and "link" in one.kind else one.kind or "file", width)
