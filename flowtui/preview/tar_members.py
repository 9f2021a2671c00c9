"""The members of a tar archive, from headers that are read while their bodies are passed over; POSIX.1-1988 to 2001."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Protocol

_BLOCK = 512
_MOST_EXTENSION = 64 * 1024
_MOST_EXTENSIONS = 8
_KINDS = {
    tarfile.DIRTYPE: "folder", tarfile.SYMTYPE: "symbolic link", tarfile.LNKTYPE: "link", tarfile.CHRTYPE: "device",
    tarfile.BLKTYPE: "device", tarfile.FIFOTYPE: "pipe", tarfile.GNUTYPE_SPARSE: "sparse file",
}  # fmt: skip
_EXTENSIONS = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_BODILESS = (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)


@dataclass(frozen=True, slots=True)
class TarMember:
    """One member of a tar archive.

    Attributes:
        size: bytes of its body, which is at ``start``.
        kind: empty for a file, else what it is.
        target: where a link leads.
    """

    name: str
    size: int
    kind: str
    target: str
    modified: str
    start: int


class Parts(Protocol):
    """Parts of an archive, asked for from its beginning to its end."""

    async def read(self, start: int, length: int) -> bytes | None:
        """``length`` bytes from ``start``, fewer where the archive ends before; None where it is not read so far."""


async def tar_members(ranges: Parts, most: int, wanted: str = "") -> tuple[list[TarMember], str]:
    """The first ``most`` members up to the file called ``wanted``, and why there are no more.

    The reason is empty at the end of the archive, ``more`` where there may be more, else it is in words.
    """
    members: list[TarMember] = []
    at = 0
    names: dict[str, str] = {}
    extensions = 0
    while True:
        if len(members) >= most or (wanted and members and members[-1].name == wanted and not members[-1].kind):
            return members, "more"
        block = await ranges.read(at, _BLOCK)
        if block is None:
            return members, "more"
        if not block.strip(b"\0"):
            return members, "" if len(block) == _BLOCK else "the archive is cut: its end is missing"
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "replace")
        except (tarfile.HeaderError, ValueError):
            return members, f"the archive is damaged at byte {at:,}"
        size = max(info.size, 0)
        body = at + _BLOCK
        if info.type in _EXTENSIONS or info.type == tarfile.XGLTYPE:
            extensions += 1
            if extensions > _MOST_EXTENSIONS:
                return members, f"the archive has too many extended headers at byte {at:,}"
            data = await ranges.read(body, min(size, _MOST_EXTENSION))
            if data is None:
                return members, "more"
            if info.type in _EXTENSIONS:
                names.update(_extension(info.type, data))
            at = _after(body, size)
            continue
        if info.type not in _BODILESS and names.get("size", "").isdecimal():
            size = int(names["size"][:18])
        elif info.type in _BODILESS:
            size = 0
        members.append(
            TarMember(
                names.get("path", info.name), size, _KINDS.get(info.type, ""), names.get("linkpath", info.linkname),
                _modified(info.mtime), body,
            )
        )  # fmt: skip
        names, extensions = {}, 0
        at = _after(body, size)


def _after(body: int, size: int) -> int:
    return body + -(-size // _BLOCK) * _BLOCK


def _extension(kind: bytes, data: bytes) -> dict[str, str]:
    """The names that an extended header gives to the next member."""
    if kind == tarfile.GNUTYPE_LONGNAME:
        return {"path": data.rstrip(b"\0").decode("utf-8", "replace")}
    if kind == tarfile.GNUTYPE_LONGLINK:
        return {"linkpath": data.rstrip(b"\0").decode("utf-8", "replace")}
    found = {}
    while data:
        length, blank, _ = data.partition(b" ")
        if not blank or not length.isdigit() or len(length) > 8 or int(length) <= len(length) + 1:
            break
        record, data = data[: int(length)], data[int(length) :]
        key, _, value = record[len(length) + 1 :].rstrip(b"\n").partition(b"=")
        if key in (b"path", b"linkpath", b"size"):
            found[key.decode()] = value.decode("utf-8", "replace")
    return found


def _modified(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return ""
