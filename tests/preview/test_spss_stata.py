"""Datasets of SPSS and Stata, as pyreadstat and pandas write them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas
import pyreadstat
import pytest

from flowtui.preview.registry import preview
from flowtui.storage import Storage
from tests.preview.look import look, texts_of, values_of
from tests.storage.store import Store
from tests.trusting import TrustsAll

FRAME = pandas.DataFrame(
    {
        "id": ["01-001", "01-é", ""],
        "age": [50.0, None, 61.5],
        "start": [dt.date(2020, 1, 31), None, dt.date(1959, 12, 31)],
        "at": [dt.datetime(2020, 1, 31, 12, 0, 1), None, None],
    }
)


@pytest.mark.parametrize("name", ["f.sav", "f.zsav"])
async def test_spss(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    pyreadstat.write_sav(
        FRAME, str(path), file_label="Subjects", column_labels=["Subject", "Age", "", ""], compress=name == "f.zsav"
    )
    found = await look(path.read_bytes(), name)
    assert found.format == "sav"
    assert values_of(found)[0] == ("01-001", 50, "2020-01-31", "2020-01-31 12:00:01")
    assert found.rows[1][:3] == ("01-é", None, None)
    assert values_of(found)[2] == (None, 61.5, "1959-12-31", None)
    assert texts_of(found)[0][2:] == ("31-JAN-2020", "31-JAN-2020 12:00:01")
    assert [column.type for column in found.columns] == ["text", "number", "date", "datetime"]
    assert [column.label for column in found.columns] == ["Subject", "Age", "", ""]
    assert (found.total_rows, found.more) == (3, False)
    assert dict(found.facts)["dataset label"] == "Subjects"
    assert dict(found.facts)["encoding"] == "UTF-8"


@pytest.mark.parametrize("version", [114, 118])
async def test_stata(version: int, tmp_path: Path) -> None:
    path = tmp_path / "f.dta"
    frame = FRAME.drop(columns="start").assign(start=pandas.to_datetime(FRAME["start"]), id=["a", "b", ""])
    frame.to_stata(
        path, version=version, write_index=False, data_label="Subjects", variable_labels={"age": "Age"},
        convert_dates={"at": "tc", "start": "td"},
    )  # fmt: skip
    found = await look(path.read_bytes(), "f.dta")
    assert found.format == "dta"
    assert [column.name for column in found.columns] == ["id", "age", "at", "start"]
    assert values_of(found)[0] == ("a", 50, "2020-01-31 12:00:01", "2020-01-31")
    assert values_of(found)[2] == (None, 61.5, None, "1959-12-31")
    assert texts_of(found)[0][2:] == ("31jan2020 12:00:01", "31jan2020")
    assert [column.type for column in found.columns] == ["text", "number", "datetime", "date"]
    assert found.columns[1].label == "Age"
    assert found.total_rows == 3
    assert dict(found.facts)["dataset label"] == "Subjects"


@pytest.mark.parametrize("name", ["f.sav", "f.dta"])
async def test_heads_of_large_files(name: str, tmp_path: Path) -> None:
    frame = pandas.DataFrame({"n": range(200_000), "s": ["some text"] * 200_000})
    path = tmp_path / name
    if name == "f.sav":
        pyreadstat.write_sav(frame, str(path))
    else:
        frame.to_stata(path, write_index=False, version=118)
    store = Store({f"bucket/{name}": path.read_bytes()})
    async with (
        Storage(TrustsAll(), transport=store.transport) as storage,
        storage.open(f"http://store/bucket/{name}") as reader,
    ):
        found = await preview(reader, name=name)
        assert (found.total_rows, len(found.rows), found.rows[99][0]) == (200_000, 100, 99)
        assert found.notices == ("first 100 of 200,000 rows",)
        assert reader.requests <= 3
        assert reader.bytes_read < 512 * 1024


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
@pytest.mark.parametrize("name", ["f.sav", "f.dta"])
async def test_truncated(name: str, share: float, tmp_path: Path) -> None:
    frame = pandas.DataFrame({"n": range(2000), "s": ["some text"] * 2000})
    path = tmp_path / name
    if name == "f.sav":
        pyreadstat.write_sav(frame, str(path))
    else:
        frame.to_stata(path, write_index=False, version=118)
    content = path.read_bytes()
    found = await look(content[: int(len(content) * share)], name)
    assert found.kind == "table" or found.notices


async def test_an_encrypted_sav_is_said() -> None:
    found = await look(b"ENCRYPTEDSAV" + bytes(range(256)) * 8, "f.sav")
    assert "an encrypted SPSS dataset: it can be read with its password only" in found.notices
