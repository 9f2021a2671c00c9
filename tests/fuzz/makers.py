"""One small valid file of every format that is shown: the seeds of the fuzz script and of property tests.

A new format is one more entry of :data:`MAKERS`.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

_MODELS = Path(__file__).parents[1] / "data" / "models"
_CSV = b"USUBJID,AGE,TRTSDT\n" + b"".join(b"S-%03d,%d,2024-01-%02d\n" % (n, 20 + n, 1 + n % 28) for n in range(60))


def _json() -> bytes:
    return json.dumps({"auc": 0.91, "rows": [{"id": n, "text": "x\ny", "none": None} for n in range(40)]}).encode()


def _json_lines() -> bytes:
    return b"".join(
        json.dumps({"step": n, "loss": 1 / (n + 1), "tags": ["a", {"b": None}]}).encode() + b"\n" for n in range(60)
    )


def zip_file(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 5, 6, 7, 8, 10)), content, method)
    return file.getvalue()


def tar_file(members: dict[str, bytes], format_: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar archive."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=format_) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.mtime = 1_700_000_000
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def npy_file(array: object) -> bytes:
    """A numpy array as a file."""
    import numpy

    file = io.BytesIO()
    numpy.save(file, array)
    return file.getvalue()


def _structured() -> bytes:
    import numpy

    fields = [("id", "<i4"), ("dose", ">f8"), ("arm", "U5"), ("day", "M8[D]"), ("xyz", "f4", (3,))]
    return npy_file(numpy.zeros(7, fields))


def _npz() -> bytes:
    import numpy

    return zip_file({"a.npy": npy_file(numpy.arange(12.0).reshape(3, 4)), "b.npy": npy_file(numpy.array(["x", "yy"]))})


def _keras() -> bytes:
    config = {"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"units": 8}}]}}
    return zip_file(
        {
            "metadata.json": b'{"keras_version": "3.3.3", "date_saved": "2024-05-06@07:08:09"}',
            "config.json": json.dumps(config).encode(),
            "model.weights.h5": b"\x89HDF\r\n\x1a\n" + bytes(500),
        }
    )


def _zstd() -> bytes:
    from backports import zstd

    return bytes(zstd.compress(_CSV))


def _lz4() -> bytes:
    import lz4.frame

    return bytes(lz4.frame.compress(_CSV))


def _tar() -> bytes:
    return tar_file({"adam/adsl.csv": _CSV, f"long/{'name' * 40}.txt": b"text", "log.txt": b"line\n" * 50})


_TEXTS: dict[str, Callable[[], bytes]] = {
    "adsl.csv": lambda: _CSV,
    "adsl.tsv": lambda: _CSV.replace(b",", b"\t"),
    "metrics.json": _json,
    "log.jsonl": _json_lines,
    "run.log": lambda: b"2024-05-06 INFO step\r\n" * 200,
    "notes.txt": lambda: "Grüße, µm ± 5 °C\n".encode("cp1252") * 30,
    "wide.txt": lambda: "被験者の年齢と性別\n".encode("utf-16") * 30,
    "sjis.txt": lambda: "被験者の年齢と性別、治療群を示す。\n".encode("shift_jis") * 30,
    "data.bin": lambda: bytes(range(256)) * 8,
}
_ARCHIVES: dict[str, Callable[[], bytes]] = {
    "a.zip": lambda: zip_file({"adsl.csv": _CSV, "sub/": b"", "sub/x.json": _json()}),
    "stored.zip": lambda: zip_file({"adsl.csv": _CSV}, zipfile.ZIP_STORED),
    "a.tar": _tar,
    "gnu.tar": lambda: tar_file({f"{'n' * 150}.txt": b"x"}, tarfile.GNU_FORMAT),
    "a.tar.gz": lambda: gzip.compress(_tar()),
    "adsl.csv.gz": lambda: gzip.compress(_CSV),
    "adsl.csv.bz2": lambda: bz2.compress(_CSV),
    "adsl.csv.xz": lambda: lzma.compress(_CSV),
    "adsl.csv.zst": _zstd,
    "adsl.csv.lz4": _lz4,
}
_ARRAYS: dict[str, Callable[[], bytes]] = {
    "table.npy": _structured,
    "arrays.npz": _npz,
    "model.keras": _keras,
}


def _file(path: Path) -> Callable[[], bytes]:
    return path.read_bytes


_MODEL_FILES: dict[str, Callable[[], bytes]] = {
    path.name: _file(path) for path in sorted(_MODELS.iterdir()) if path.suffix != ".md"
}


def _table(name: str) -> Callable[[], bytes]:
    """A file of a table, as its usual writer makes it."""

    def make() -> bytes:
        from tests.preview.test_hostile_tables import content_of

        with tempfile.TemporaryDirectory() as folder:
            return content_of(name, Path(folder))

    return make


def _picture(format_: str) -> Callable[[], bytes]:
    def make() -> bytes:
        from tests.preview.documents import picture

        return picture(format_)

    return make


def _pdf() -> bytes:
    from tests.preview.documents import table_pdf

    return table_pdf()


def _docx() -> bytes:
    from tests.preview.documents import report_docx

    return report_docx()


def _notebook() -> bytes:
    cell = {"cell_type": "code", "source": ["1 + 1"], "outputs": [{"output_type": "stream", "text": ["2\n"]}]}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


_RTF = (
    rb"{\rtf1\ansi\ansicpg1252{\header\pard Protocol CDISC01\par}\trowd\cellx4000\cellx8000"
    rb"\pard\intbl Placebo\cell\pard\intbl 63 (9.1%)\cell\row\page\u8805? 65\'b5\par}"
)
_HTML = b"<html><head><title>t</title></head><body><h1>AE</h1><table><tr><td>1<td>2</table><p>a&amp;b</body></html>"
_MARKDOWN = b"# Title\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\nx = 1\n```\n"
_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="20" height="20" fill="red"/></svg>'

_TABLES: dict[str, Callable[[], bytes]] = {
    name: _table(name)
    for name in (
        "f.parquet", "zstd.parquet", "f.arrow", "f.arrows", "f.sas7bdat", "rle.sas7bdat", "f.xpt", "v8.xpt", "f.xlsx",
        "f.xls", "f.sav", "f.dta",
    )
}  # fmt: skip
_DOCUMENTS: dict[str, Callable[[], bytes]] = {
    "t.pdf": _pdf,
    "t.docx": _docx,
    "t.rtf": lambda: _RTF,
    "t.html": lambda: _HTML,
    "t.md": lambda: _MARKDOWN,
    "t.ipynb": _notebook,
    "t.svg": lambda: _SVG,
    **{f"t.{format_.lower()}": _picture(format_) for format_ in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")},
}

MAKERS: dict[str, Callable[[], bytes]] = {
    **_TEXTS, **_ARCHIVES, **_ARRAYS, **_MODEL_FILES, **_TABLES, **_DOCUMENTS,
}  # fmt: skip
"""File names and what makes their content."""
