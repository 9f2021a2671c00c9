"""ZIP and tar archives as a table of their members, and one member of them as a file."""

from __future__ import annotations

from dataclasses import replace

from flowtui.domain.size import human_size
from flowtui.errors import PreviewError
from flowtui.preview.result import Column, Preview
from flowtui.preview.source import Ranges, Source, is_local
from flowtui.preview.subject import Subject
from flowtui.preview.tar_members import Parts, TarMember, tar_members
from flowtui.preview.unpacked import MOST_UNPACKED, Part, Unpacked
from flowtui.preview.zip_directory import Directory, Member, directory_of, open_member
from flowtui.text import cut, plain

_MOST_MEMBERS = 100_000
_RATIO = 200
_NAMED_FETCHES = 100
"""Fetches that finding a member of a tar archive by its name may cost, as each of its headers may be one."""

_MOST_PASSED, _MOST_PASSED_FAR = 1 << 30, 128 << 20
"""Bytes that are unpacked on the way to a member of a compressed tar archive on this machine, and of one elsewhere."""

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
    source: Source
    size: int | None = None
    if accepts_zip(subject):
        source, size = await _zip_member(subject, name)
    elif accepts_tar(subject):
        source = await _tar_member(subject, name)
    elif subject.sniffed.magic in PACKED_TARS:
        source, size = await _packed_tar_member(subject, name)
    else:
        raise PreviewError(f"{plain(subject.name)} is no archive that can be looked into", "ZIP and tar archives can.")
    if subject.show_inside is None:
        raise PreviewError("archives within archives are not looked into")
    found = await subject.show_inside(source, name.rsplit("/", 1)[-1])
    notices = list(found.notices)
    if isinstance(source, Unpacked) and source.damage:
        notices.append(f"the member is not whole: {source.damage}")
    elif size is not None and size > MOST_UNPACKED:
        notices.append(f"only {human_size(MOST_UNPACKED)} of its {human_size(size)} are unpacked for a preview")
    return replace(found, notices=tuple(notices), members=())


async def _zip_member(subject: Subject, name: str) -> tuple[Source, int | None]:
    """The member, and the size that it unpacks to where it is packed."""
    ranges = Ranges(subject)
    # A person who names a member means it: the fetches that finding it costs are worth it.
    ranges.left += 4
    found = (await directory_of(subject, ranges)).named(name)
    if found is None:
        raise _missing(name)
    source = await open_member(subject, ranges, found)
    return source, found.size if isinstance(source, Unpacked) else None


async def _tar_member(subject: Subject, name: str) -> Source:
    ranges = Ranges(subject)
    ranges.left += _NAMED_FETCHES
    return Part(subject.reader, *await _place(ranges, name))


async def _packed_tar_member(subject: Subject, name: str) -> tuple[Source, int]:
    unpacked = Unpacked(subject.reader, subject.sniffed.magic, head=subject.head)
    passing = _Passing(unpacked, _MOST_PASSED if is_local(subject.reader) else _MOST_PASSED_FAR)
    start, size = await _place(passing, name)
    await unpacked.pass_to(start)
    return Part(unpacked, start, size), size


class _Passing:
    """A compressed archive that is gone through, and of which nothing is kept but what is asked for last."""

    def __init__(self, unpacked: Unpacked, most: int) -> None:
        self._unpacked = unpacked
        self._most = most

    async def read(self, start: int, length: int) -> bytes | None:
        if start + length > self._most:
            return None
        await self._unpacked.pass_to(start)
        return await self._unpacked.read(start, length)


async def _place(parts: Parts, name: str) -> tuple[int, int]:
    """Where the file of that name begins in a tar archive, and its size."""
    members, reason = await tar_members(parts, _MOST_MEMBERS, name)
    found = next((one for one in members if one.name == name and not one.kind), None)
    if found is None:
        raise _missing(name, reason)
    return found.start, found.size


def _missing(name: str, reason: str = "") -> PreviewError:
    if reason == "more":
        return PreviewError(
            f"{plain(name)} was not found in the first part of the archive, as far as a preview goes through it",
            "It can be looked for after `flowtui get`.",
        )
    return PreviewError(
        f"there is no member {plain(name)} in the archive"
        + (f", as far as it can be read: {reason}" if reason else ""),
        "`flowtui preview` without a member lists those that are found.",
    )


def _how(one: Member) -> str:
    how = "folder" if one.is_folder else one.method
    return f"{how}, encrypted" if one.is_encrypted else how


def _kind(one: TarMember, width: int) -> str:
    return cut(f"{one.kind} to {one.target}" if one.target and "link" in one.kind else one.kind or "file", width)
