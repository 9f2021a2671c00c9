"""``flowtui preview --json`` of one small file of every format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flowtui.cli import main
from tests.fuzz.makers import MAKERS

_KINDS = {"data.bin": "hex", "run.log": "text"} | dict.fromkeys(("notes.txt", "wide.txt", "sjis.txt"), "text")


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_the_command_shows_every_format(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / name
    path.write_bytes(MAKERS[name]())
    assert main(["preview", "--json", str(path)]) == 0
    shape = json.loads(capsys.readouterr().out)
    assert shape["kind"] == _KINDS.get(name, shape["kind"])
    assert shape["kind"] != "hex" or name in _KINDS, shape["notices"]
    is_picture = shape["kind"] == "image"
    assert is_picture or shape["rows"] or shape["lines"] or shape["tree"]["children"]
    assert shape["format"]
    assert main(["preview", str(path)]) == 0
    # A picture is drawn on a terminal only.
    assert is_picture or capsys.readouterr().out.strip()


def test_a_member_of_an_archive_is_shown_as_a_file_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(MAKERS["a.zip"]())
    assert main(["preview", "--json", str(path), "--member", "adsl.csv"]) == 0
    shape = json.loads(capsys.readouterr().out)
    assert (shape["kind"], shape["format"], shape["rows"][0][0]) == ("table", "csv", "S-000")
    assert main(["preview", "--json", str(path), "--member", "nothing.csv"]) == 1
    error = json.loads(capsys.readouterr().err)["error"]
    assert error["kind"] == "preview"
    assert "there is no member nothing.csv" in error["message"]


def test_the_tail_of_a_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run.log"
    path.write_bytes(b"".join(b"line %d\n" % number for number in range(100_000)))
    assert main(["preview", str(path), "--tail", "--rows", "3"]) == 0
    assert capsys.readouterr().out.splitlines() == ["line 99997", "line 99998", "line 99999"]
