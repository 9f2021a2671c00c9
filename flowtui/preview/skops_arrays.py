"""The arrays that lie in an archive of skops, by the names of their members."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass

from flowtui.errors import PreviewError
from flowtui.preview.numpy_elements import element_of
from flowtui.preview.numpy_files import Header, header_of
from flowtui.preview.result import Cell
from flowtui.preview.source import Ranges
from flowtui.preview.zip_directory import Directory, Member, member_head

_READ_PER_ARRAY = 4096
_MOST_SPARSE = 256 * 1024
_FIRST_VALUES = 8


@dataclass(frozen=True, slots=True)
class StoredArray:
    """An array, or bytes, of a member.

    Attributes:
        member: its name in the archive, which is a memory address and not to be shown.
        dtype, shape: in words; empty where they were not read.
        count: elements.
        size: bytes of the member.
        checksum: the CRC-32 that the archive's directory has of the whole member, by which two arrays are compared.
        values: the first of them.
    """

    member: str
    size: int
    checksum: int
    dtype: str = ""
    shape: str = ""
    count: int = 0
    values: tuple[Cell, ...] = ()


class StoredArrays:
    """The members of an archive that hold data."""

    def __init__(self, directory: Directory) -> None:
        self._members = {one.name: one for one in directory.members if one.name.endswith((".npy", ".npz", ".bin"))}
        self._read: dict[str, StoredArray] = {}

    async def read(self, ranges: Ranges, *, most: int) -> None:
        """Read the headers of the first ``most`` arrays, as far as fetches are left."""
        for member in list(self._members.values())[:most]:
            found = await _stored(ranges, member)
            if found is not None:
                self._read[member.name] = found

    def named(self, name: str) -> StoredArray | None:
        """The array of that member; None where there is none."""
        member = self._members.get(name)
        if member is None:
            return None
        return self._read.get(name) or StoredArray(name, member.size, member.checksum)


async def _stored(ranges: Ranges, member: Member) -> StoredArray | None:
    """The array of a member; None where it is damaged, of another kind, or too far away."""
    if member.name.endswith(".bin"):
        return None
    is_sparse = member.name.endswith(".npz")
    if is_sparse and member.size > _MOST_SPARSE:
        return None
    try:
        data = await member_head(ranges, member, member.size if is_sparse else _READ_PER_ARRAY)
        if data is None:
            return None
        return _sparse(member, data) if is_sparse else _dense(member, data)
    except PreviewError:
        return None


def _dense(member: Member, data: bytes) -> StoredArray:
    header = header_of(data)
    return StoredArray(
        member.name, member.size, member.checksum, header.dtype_name, _shape(header.shape), header.count,
        tuple(_values(header, data)),
    )  # fmt: skip


def _sparse(member: Member, data: bytes) -> StoredArray | None:
    """A matrix as ``scipy.sparse.save_npz`` writes it: its shape and stored values are arrays of an inner archive."""
    parts: dict[str, tuple[Header, tuple[Cell, ...]]] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in ("format.npy", "shape.npy", "data.npy"):
                with archive.open(name) as file:
                    head = file.read(_READ_PER_ARRAY)
                header = header_of(head)
                parts[name] = header, tuple(_values(header, head))
    except (KeyError, OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        return None
    shape = parts["shape.npy"][1]
    stored = parts["data.npy"][0]
    if not shape or len(shape) != parts["shape.npy"][0].count:
        return None
    kind = parts["format.npy"][1]
    name = f"sparse {kind[0]} " if kind and isinstance(kind[0], str) else "sparse "
    count = 1
    for length in shape:
        count *= length if isinstance(length, int) else 0
    words = f"{' x '.join(map(str, shape))}, {stored.count:,} stored"
    return StoredArray(member.name, member.size, member.checksum, f"{name}{stored.dtype_name}", words, count)


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "scalar"


def _values(header: Header, data: bytes) -> list[Cell]:
    """The first values of a plain array, in the order in which they lie."""
    dtype = header.fields[0][1]
    if header.fields[0][0] or header.has_objects or not dtype.size:
        return []
    found = []
    for index in range(min(header.count, _FIRST_VALUES)):
        at = header.start + index * dtype.size
        if at + dtype.size > len(data):
            break
        found.append(element_of(dtype, data[at : at + dtype.size], 200))
    return found
