"""Files of tables that were changed or cut anywhere: a preview of what is left, or bytes with a reason."""

from __future__ import annotations

import gzip
import io
import sqlite3
import unicodedata
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas
import pyarrow.parquet as pq
import pyreadstat
import pytest
import xlwt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowtui.errors import PreviewError
from flowtui.preview.limits import Limits
from flowtui.preview.registry import preview
from flowtui.preview.result import Preview
from flowtui.preview.workers import Workers
from flowtui.storage import Storage
from tests.preview.look import strings
from tests.preview.r_file import frame, rds
from tests.preview.sas7bcat_file import CatalogFile
from tests.preview.sas7bdat_file import SasFile
from tests.preview.test_arrow import written as arrow_written
from tests.preview.test_arrow_types import VIEWS
from tests.preview.test_orc_avro import RECORD, TABLE, avro_written, orc_written
from tests.preview.test_parquet import TYPES, random_table
from tests.preview.test_r_data import COLUMNS
from tests.preview.test_sas7bcat import FORMATS, LONG
from tests.preview.test_sas7bdat import ROWS, VARIABLES
from tests.preview.test_spreadsheet import saved, study
from tests.preview.test_xpt import SUBJECTS
from tests.storage.store import Store
from tests.trusting import TrustsAll

_LIMITS = Limits(head=4096, whole=4096, rows=20, columns=10, cell=40, cells=100)
_NAMES = (
    "f.parquet", "zstd.parquet", "f.arrow", "lz4.arrow", "f.arrows", "f.sas7bdat", "rle.sas7bdat", "rdc.sas7bdat",
    "big32.sas7bdat", "deleted.sas7bdat", "mixed32.sas7bdat", "later.sas7bdat", "f.sas7bcat", "small.sas7bcat",
    "f.xpt", "v8.xpt", "f.xlsx", "f.xls", "f.sav", "f.dta",
    "views.arrow", "variant.parquet", "f.orc", "f.avro", "f.db", "f.rds",
)  # fmt: skip


@cache
def content_of(name: str, folder: Path) -> bytes:
    """A real file of each kind."""
    path = folder / name
    if name.startswith("large."):
        table = random_table(20_000).select(["x", "holes", "name", "text", "list"])
        sink = io.BytesIO()
        if name == "large.arrow":
            return arrow_written(table, "file", "zstd")
        pq.write_table(table, sink)
        return sink.getvalue()
    if name == "views.arrow":
        return arrow_written(VIEWS, "stream", "zstd")
    if name == "variant.parquet":
        duckdb.sql(f"COPY (SELECT {{'a': i, 'b': ['x' || i]}}::VARIANT v FROM range(9) t(i)) TO '{path}'")
        return path.read_bytes()
    if name == "f.orc":
        return orc_written(TABLE)
    if name == "f.avro":
        return avro_written([RECORD] * 5)
    if name == "f.rds":
        return gzip.decompress(rds(frame(COLUMNS)))
    if name == "f.db":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS t (a, b)")
            connection.executemany("INSERT INTO t VALUES (?, ?)", [(at, "x") for at in range(50)])
            connection.commit()
        return path.read_bytes()
    if name.endswith(".parquet"):
        sink = io.BytesIO()
        pq.write_table(TYPES, sink, compression="zstd" if name.startswith("zstd") else "snappy")
        return sink.getvalue()
    if name.endswith((".arrow", ".arrows")):
        return arrow_written(TYPES, "stream" if name.endswith("s") else "file", "lz4" if name[0] == "l" else None, 2)
    if name.endswith(".sas7bdat"):
        options: dict[str, Any] = {
            "rle": {"compression": "rle"}, "rdc": {"compression": "rdc"}, "deleted": {"deleted": {0, 9, 17}},
            "mixed32": {"is_mixed": True, "is_wide": False, "is_unaligned": True, "page_size": 8192},
            "later": {"later_labels": True},
        }.get(name.partition(".")[0], {})  # fmt: skip
        is_big = name.startswith("big32")
        form = {"page_size": 4096, "is_little": not is_big, "is_wide": not is_big} | options
        return SasFile(VARIABLES, ROWS * 20, **form).content
    if name.endswith(".sas7bcat"):
        return CatalogFile(FORMATS, long_names=LONG, is_wide=name[0] == "f").content
    if name.endswith(".xpt"):
        pyreadstat.write_xport(SUBJECTS, str(path), file_format_version=8 if name[0] == "v" else 5)
    elif name == "f.sav":
        pyreadstat.write_sav(SUBJECTS, str(path))
    elif name == "f.dta":
        pandas.DataFrame({"a": ["x", "y"], "n": [1, 2.5]}).to_stata(path, write_index=False)
    elif name == "f.xls":
        book = xlwt.Workbook()
        book.add_sheet("One").write(0, 0, 2.5)
        return saved(book)
    else:
        return saved(study())
    return path.read_bytes()


def check(found: Preview) -> None:
    for text in strings(found):
        assert not [char for char in text if unicodedata.category(char) in ("Cc", "Zl", "Zp")], text
    assert len(found.rows) <= _LIMITS.rows
    assert len(found.columns) <= _LIMITS.columns
    assert all(len(row) == len(found.columns) for row in found.rows)
    assert all(len(cell) <= _LIMITS.cell for row in found.rows for cell in row if isinstance(cell, str))


_CHANGES = st.lists(
    st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=8)), min_size=0, max_size=4
    ).flatmap(lambda changes: st.tuples(st.just(changes), st.floats(0.02, 1))),
    min_size=15,
    max_size=15,
)


@pytest.mark.parametrize("name", _NAMES)
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=_CHANGES)
async def test_changed_and_cut_files(
    name: str, changes: list[tuple[list[tuple[float, bytes]], float]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = content_of(name, tmp_path_factory.getbasetemp())
    path = tmp_path_factory.mktemp("hostile") / name
    async with Workers() as workers, Storage(TrustsAll()) as storage:
        for places, share in changes:
            changed = bytearray(content)
            for place, data in places:
                at = int(place * len(content))
                changed[at : at + len(data)] = data
            path.write_bytes(changed[: max(int(len(content) * share) if share < 0.9 else len(content), 1)])
            async with storage.open(str(path)) as reader:
                with suppress(PreviewError):
                    check(await preview(reader, name=name, limits=_LIMITS, workers=workers))


@pytest.mark.parametrize("name", ["f.parquet", "f.arrow", "lz4.arrow", "large.parquet", "large.arrow"])
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=_CHANGES)
async def test_changed_and_cut_files_in_a_store(
    name: str, changes: list[tuple[list[tuple[float, bytes]], float]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Where parts are read at once, and a part may be another one than the file says."""
    content = content_of(name, tmp_path_factory.getbasetemp())
    async with Workers() as workers:
        for places, share in changes:
            changed = bytearray(content)
            for place, data in places:
                # The ends say where the rest is.
                at = int((place if place < 0.5 else 1 - (1 - place) ** 4) * len(content))
                changed[at : at + len(data)] = data
            cut = bytes(changed[: max(int(len(content) * share) if share < 0.2 else len(content), 1)])
            store = Store({f"bucket/{name}": cut})
            async with (
                Storage(TrustsAll(), transport=store.transport) as storage,
                storage.open(f"http://store/bucket/{name}") as reader,
            ):
                with suppress(PreviewError):
                    check(await preview(reader, name=name, limits=_LIMITS, workers=workers))
                assert reader.bytes_read < 2 << 20


@pytest.mark.parametrize("name", _NAMES)
async def test_files_as_they_are(name: str, tmp_path: Path) -> None:
    content = content_of(name, tmp_path)
    path = tmp_path / f"whole-{name}"
    path.write_bytes(content)
    async with Storage(TrustsAll()) as storage, storage.open(str(path)) as reader:
        found = await preview(reader, name=path.name, limits=_LIMITS)
    check(found)
    assert found.kind == "table"


async def test_a_login_page_in_place_of_each_file(tmp_path: Path) -> None:
    for name in _NAMES:
        path = tmp_path / name
        path.write_bytes(b"<!doctype html><html><title>Log in</title>" + b"<p>please</p>" * 200)
        async with Storage(TrustsAll()) as storage, storage.open(str(path)) as reader:
            found = await preview(reader, name=name)
        assert found.kind == "text", name
