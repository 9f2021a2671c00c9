"""``flowtui preview --json`` of each kind of table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flowtui import cli
from tests.preview.test_hostile_tables import content_of


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
