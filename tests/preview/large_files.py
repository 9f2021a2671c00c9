"""Files of any size in the formats that runs write, sparse where no reader looks.

Each function writes a file of about ``size`` bytes. What a preview and the format's usual library read of it is real.
Where it takes ``real``, no more than the first so many bytes are written, and the others are zeros.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

from tests.preview.documents import write_pages_pdf
from tests.preview.sas7bdat_file import SasFile, Value, Variable

_GROUP_ROWS = 1_000_000
_MEGABYTE = 1 << 20
_ALL = 1 << 62


def _subject(number: int) -> list[Value]:
    visit = 21_915.0 + number % 900
    return [f"CDISC01-{number // 100:04}-{number % 100:03}", 18.0 + number % 70, visit, float(number), "FM"[number % 2]]


def csv(path: Path, size: int, real: int = _ALL) -> None:
    """Subjects, repeated."""
    rows = "".join(",".join(str(value) for value in _subject(number)) + "\n" for number in range(20_000)).encode()
    _repeat(path, b"USUBJID,AGE,TRTSDT,SUBJECT,SEX\n", rows, b"", size, real, b"\n")


def json(path: Path, size: int, real: int = _ALL) -> None:
    """A list of objects."""
    rows = b"".join(b'{"id": %d, "term": "Headache", "grade": %d}, ' % (n, n % 5) for n in range(20_000))
    _repeat(path, b"[", rows, b"{}]", size, real, b"}, ")


def xpt(path: Path, size: int, real: int = _ALL) -> None:
    """A transport file of version 5: the header as ReadStat writes it, then its rows again and again."""
    import pandas
    import pyreadstat

    names = ["USUBJID", "AGE", "TRTSDT", "SUBJECT", "SEX"]
    rows = [_subject(number) for number in range(2000)]
    pyreadstat.write_xport(pandas.DataFrame(rows, columns=names), str(path), file_format_version=5)
    content = path.read_bytes()
    each = 16 + 3 * 8 + 1
    start = content.rindex(b"HEADER RECORD") + 80
    # 80 times the rows end where a record does.
    rows_once = content[start : start + each * 1920]
    _repeat(path, content[:start], rows_once, b"", size, real)


def sas7bdat(path: Path, size: int, real: int = _ALL) -> None:
    variables = [
        Variable("USUBJID", False, 24, "Unique Subject Identifier", "$", 24),
        Variable("AGE", True, 8, "Age", "", 8, 1),
        Variable("TRTSDT", True, 8, "Start", "DATE", 9),
        Variable("SUBJECT"),
        Variable("SEX", False, 4),
    ]
    each = (65536 - 40) // sum(variable.length for variable in variables)
    rows = [_subject(number) for number in range(each)]
    made = SasFile(variables, rows, page_size=65536, times=max(size // 65536 - 2, 1))
    _repeat(path, made.content[: -len(made.data)], made.data, b"", size, real)


def pdf(path: Path, size: int) -> None:
    """Pages with a picture each, 5,000 of them in a large file."""
    pages = max(min(5000, size // 20_000), 1)
    with path.open("wb") as file:
        write_pages_pdf(file, pages, max(size // pages - 500, 1))


def pt(path: Path, size: int) -> None:
    """As ``torch.save`` lays it out: the pickle first, then the storages."""
    with zipfile.ZipFile(Path(__file__).parents[1] / "data" / "models" / "state.pt") as template:
        content = template.read("state/data.pkl")
    sparse_zip(path, {"state/data.pkl": content}, [f"state/data/{n}" for n in range(300)], size=size)


def parquet(path: Path, size: int, columns: int = 6) -> None:
    """Row groups of a million rows. All of them are the first one again, as only that is in the file."""
    import pyarrow.parquet as pq

    rows = _GROUP_ROWS if size > 40 * _MEGABYTE else 20_000 * max(size // _MEGABYTE, 1)
    once = io.BytesIO()
    pq.write_table(_table(rows, columns), once, row_group_size=rows)
    content = once.getvalue()
    length = struct.unpack_from("<I", content, len(content) - 8)[0]
    metadata = pq.read_metadata(io.BytesIO(content))
    groups = pq.read_metadata(io.BytesIO(content))
    for _ in range(max(size // len(content), 1) - 1):
        metadata.append_row_groups(groups)
    footer = io.BytesIO()
    metadata.write_metadata_file(footer)
    with path.open("wb") as file:
        file.write(content[: -length - 8])
        # A file that begins with a footer alone has its mark twice.
        end = footer.getvalue()[4:]
        file.seek(max(size - len(end), file.tell()))
        file.write(end)


class _Sparse(io.RawIOBase):
    """A file to write to that leaves out what is large, behind the first megabytes."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("wb")

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def write(self, data: Any) -> int:
        length = len(memoryview(data).cast("B"))
        if length > 64 * 1024 and self._file.tell() > 32 * _MEGABYTE:
            self._file.seek(length, io.SEEK_CUR)
            return length
        return self._file.write(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def feather(path: Path, size: int, columns: int = 6) -> None:
    """Forty batches of 65,536 rows, as many as pyarrow writes at once; the first ones are really there."""
    import pyarrow as pa

    table = _table(65_536, columns)
    with _Sparse(path) as sink:
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.ipc.new_file(sink, table.schema, options=options) as writer:
            for _ in range(40):
                writer.write_table(table)
            sink.seek(max(size - 4096, sink.tell()))


def _table(rows: int, columns: int) -> Any:
    """Subjects as an analysis has them: texts that repeat and that do not, numbers with holes, dates, doubles."""
    import numpy
    import pyarrow as pa

    random = numpy.random.default_rng(1)
    numbers = numpy.arange(rows)
    sites = pa.array([f"site {n:03}" for n in range(200)])
    terms = pa.array([f"Adverse event number {n} of the dictionary" for n in range(5000)])
    kinds = [
        pa.array(numpy.char.add("CDISC01-", numbers.astype("U8"))),
        pa.array(numbers),
        pa.DictionaryArray.from_arrays(pa.array((numbers // 10 % 200).astype("int32")), sites).cast(pa.string()),
        pa.array(random.normal(size=rows), mask=random.random(rows) < 0.2),
        pa.array((numbers % 900 + 18_000).astype("int32"), pa.date32()),
        pa.DictionaryArray.from_arrays(pa.array((numbers % 5000).astype("int32")), terms).cast(pa.string()),
        pa.array(random.normal(size=rows)),
    ]
    return pa.table({f"V{at:02}": kinds[at % len(kinds)] for at in range(columns)})


def _repeat(path: Path, head: bytes, block: bytes, end: bytes, size: int, real: int, mark: bytes = b"") -> None:
    with path.open("wb") as file:
        file.write(head)
        left = min(size, real) - len(head) - len(end)
        while left > 0:
            # A row that would be cut is left out.
            cut = block[:left]
            file.write(cut if left >= len(block) else cut[: cut.rfind(mark) + len(mark)] if mark in cut else b"")
            left -= len(block)
        if end:
            file.write(b" " * min(size - len(end) - file.tell(), len(block)))
        if end or real < size:
            file.seek(max(size - len(end), file.tell()))
        file.write(end)
        file.truncate()


def sparse_zip(
    path: Path,
    first: dict[str, bytes],
    others: list[str],
    begin: bytes = b"",
    last: dict[str, bytes] | None = None,
    size: int = 2 << 30,
) -> None:
    """A ZIP archive whose other members are zeros that the disk does not hold."""
    each = size // max(len(others), 1)
    entries = []
    with path.open("wb") as file:
        for name, content in [*first.items(), *((name, b"") for name in others), *(last or {}).items()]:
            length = len(content) or each
            offset = file.tell()
            sizes = struct.pack("<3L2H", zlib.crc32(content), length, length, len(name), 0)
            file.write(b"PK\x03\x04" + struct.pack("<5H", 45, 0, 0, 0, 33) + sizes + name.encode())
            file.write(content or begin)
            file.seek(offset + 30 + len(name) + length)
            fields = struct.pack("<6H", 45, 45, 0, 0, 0, 33) + sizes + struct.pack("<3H2L", 0, 0, 0, 0, offset)
            entries.append(b"PK\x01\x02" + fields + name.encode())
        start = file.tell()
        directory = b"".join(entries)
        tail = struct.pack("<4H2LH", 0, 0, len(entries), len(entries), len(directory), start, 0)
        file.write(directory + b"PK\x05\x06" + tail)
