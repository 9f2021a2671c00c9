"""Any content as a hex dump: offset, sixteen bytes, and what of them is printable ASCII."""

from __future__ import annotations

from flowtui.domain.size import human_size
from flowtui.preview.result import Preview
from flowtui.preview.subject import Subject

_WIDTH = 16
_BYTES = 4096
_PRINTABLE = bytes(byte if 32 <= byte < 127 else ord(".") for byte in range(256))

_DESCRIPTIONS = {
    "sqlite": "a SQLite database", "hdf5": "an HDF5 file, as Keras, MATLAB and h5py write them",
    "7z": "a 7-Zip archive", "rar": "a RAR archive", "ole": "a file of an old Office", "avro": "an Avro file",
    "elf": "a program", "rdata": "data of R", "sav": "a data set of SPSS", "dta": "a data set of Stata",
    "class": "a class of Java", "wasm": "a WebAssembly module", "netcdf": "a NetCDF file", "ogg": "sound",
    "flac": "sound",
}  # fmt: skip
"""Formats that have a name of their own and no preview."""


def accepts(subject: Subject) -> bool:
    """Everything can be shown so."""
    return True


async def show(subject: Subject) -> Preview:
    grown = max(subject.limits.head // (64 * 1024), 1)
    data = subject.head[: min(_BYTES * grown, subject.limits.lines * _WIDTH)]
    cut = len(data) < len(subject.head) or not subject.whole
    sniffed = subject.sniffed
    notices = []
    looks = sniffed.magic or ("text" if sniffed.encoding else "binary data")
    declared = next((name for name in sniffed.formats if name != sniffed.magic), "")
    if sniffed.magic in _DESCRIPTIONS:
        notices.append(f"{_DESCRIPTIONS[sniffed.magic]}: no preview of it, shown as bytes")
    elif not sniffed.magic and sniffed.encoding is None:
        notices.append("binary data, shown as bytes")
    elif declared and declared not in ("bin", "dat"):
        notices.append(f"called {declared}, looks like {looks}; shown as bytes")
    else:
        notices.append(f"{looks}, shown as bytes")
    if cut:
        whole = f" of {human_size(subject.size)}" if subject.size is not None else ""
        notices.append(f"first {human_size(len(data))}{whole}")
    return Preview(kind="hex", lines=dump(data), notices=tuple(notices), more=cut, format=sniffed.magic or "binary")


def dump(data: bytes) -> tuple[str, ...]:
    """The lines of a hex dump of ``data``, offsets from 0."""
    lines = []
    for offset in range(0, len(data), _WIDTH):
        row = data[offset : offset + _WIDTH]
        half = _WIDTH // 2
        digits = f"{row[:half].hex(' ')}  {row[half:].hex(' ')}"
        lines.append(f"{offset:08x}  {digits:<49}  {row.translate(_PRINTABLE).decode('ascii')}")
    return tuple(lines)
