"""``flowtui preview --json`` of each kind of table."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from flowtui import cli
from tests.preview.test_hostile_tables import content_of
from tests.preview.xpt_file import Column as Variable
from tests.preview.xpt_file import member_of, transport_file


@pytest.mark.parametrize("name", ["f.parquet", "f.arrow", "f.sas7bdat", "f.xpt", "f.xlsx", "f.xls", "f.sav", "f.dta"])
def test_each_kind_is_a_table(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = content_of(name, tmp_path)
    (tmp_path / f"whole-{name}").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLOWTUI_HOME", str(tmp_path / "home"))
    assert cli.main(["preview", f"whole-{name}", "--json", "--rows", "2"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["kind"] == "table"
    assert len(shown["rows"]) in (0, 1, 2)
    assert all(len(row) == len(shown["columns"]) for row in shown["rows"])
    assert cli.main(["preview", f"whole-{name}"]) == 0
    assert capsys.readouterr().out


def test_a_script_gets_the_date_and_what_is_printed_and_a_person_what_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = [Variable("ID", 1, False), Variable("D", format="DATE", width=9), Variable("N")]
    rows = [("a", 18_000.0, "A"), ("b", ".", 1.5)]
    (tmp_path / "f.xpt").write_bytes(transport_file(member_of("T", columns, rows)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLOWTUI_HOME", str(tmp_path / "home"))
    assert cli.main(["preview", "f.xpt", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["rows"] == [["a", "2009-04-13", ".A"], ["b", None, 1.5]]
    assert [column["type"] for column in shown["columns"]] == ["text", "date", "number"]
    assert [column["printed"] for column in shown["columns"]] == [None, ["13APR2009", None], None]
    assert cli.main(["preview", "f.xpt"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [["ID", "D", "N"], ["a", "13APR2009", ".A"], ["b", "1.5"]]


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_two_of_thousands_of_columns(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = pa.table({f"V{at}": [at] for at in range(14_461)})
    if form == "parquet":
        pq.write_table(wide, tmp_path / "wide.parquet")
    else:
        feather.write_feather(wide, tmp_path / "wide.arrow")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLOWTUI_HOME", str(tmp_path / "home"))
    assert cli.main(["preview", f"wide.{form}", "--columns", "V14460,v0", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in shown["columns"]] == ["V14460", "V0"]
    assert shown["rows"] == [[14460, 0]]
    assert cli.main(["preview", f"wide.{form}", "--columns", "V14460,V99999"]) == 2
    assert "has no column 'V99999'" in capsys.readouterr().err
