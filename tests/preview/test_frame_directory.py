"""Data frames that are folders: flytekit's single file, Spark's parts, and folders that are neither."""

from __future__ import annotations

from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from flowtui.preview.frame_directory import frame_part
from flowtui.preview.registry import preview
from flowtui.preview.result import Preview
from flowtui.storage import Storage
from tests.trusting import TrustsAll


def _write(folder: Path, *names: str) -> str:
    folder.mkdir()
    for number, name in enumerate(names):
        pyarrow.parquet.write_table(pyarrow.table({"AGE": [34 + number, 51]}), folder / name)
    return str(folder)


async def _shown(uri: str, format_: str) -> Preview | None:
    storage = Storage(TrustsAll())
    part = await frame_part(storage, uri, format_)
    if part is None:
        return None
    async with storage.open(part.uri) as reader:
        return part.told(await preview(reader, name="o0", format=part.format))


async def test_the_one_file_of_flytekit_shows_the_rows(tmp_path: Path) -> None:
    found = await _shown(_write(tmp_path / "9b2d", "00000"), "parquet")
    assert found is not None
    assert (found.rows, found.total_rows, found.notices) == (((34,), (51,)), 2, ())


@pytest.mark.parametrize("format_", ["parquet", ""])
async def test_of_several_parts_the_first_is_shown_and_the_rows_are_not_counted(tmp_path: Path, format_: str) -> None:
    uri = _write(tmp_path / "frame", "part-00001.parquet", "part-00000.parquet")
    (tmp_path / "frame" / "_SUCCESS").write_bytes(b"1")
    found = await _shown(uri, format_)
    assert found is not None
    assert (found.rows[0], found.total_rows) == ((35,), None)
    assert found.notices[0] == "the first of 2 files: the rows of the others are not here"


async def test_a_file_in_a_folder_of_its_name_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "a#?.csv").mkdir()
    (tmp_path / "a#?.csv" / "a#?.csv").write_text("a,b\n1,2\n")
    found = await _shown(f"{tmp_path}/a#?.csv", "csv")
    assert found is not None
    assert (found.total_rows, found.notices) == (1, ())


async def test_a_folder_of_tables_is_no_data_frame(tmp_path: Path) -> None:
    assert await _shown(_write(tmp_path / "adam", "adsl.parquet", "adae.parquet"), "") is None
    assert await _shown(f"{tmp_path}/nothing", "parquet") is None
    (tmp_path / "empty").mkdir()
    assert await _shown(f"{tmp_path}/empty", "parquet") is None
