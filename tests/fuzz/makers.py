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

MAKERS: dict[str, Callable[[], bytes]] = {**_TEXTS, **_ARCHIVES, **_ARRAYS, **_MODEL_FILES}
"""File names and what makes their content."""
