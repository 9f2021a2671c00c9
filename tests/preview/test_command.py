"""``flowtui preview --json`` of one small file of every format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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


def shown(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["preview", "--json", *arguments]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_layout_of_delimited_text_can_be_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.dat"
    path.write_text("noise, more\nnoise\na::b\n1::'2::3'\n")
    found = shown([str(path), "--delimiter", "::", "--quote", "'", "--skip", "2"], capsys)
    assert [column["name"] for column in found["columns"]] == ["a", "b"]
    assert found["rows"] == [["1", "2::3"]]
    path.write_text("a\tb\n1\t2\n")
    assert shown([str(path), "--delimiter", "tab"], capsys)["rows"] == [["1", "2"]]
    assert main(["preview", str(path), "--delimiter", '"']) == 2
    assert "is no delimiter" in capsys.readouterr().err
    assert main(["preview", str(path), "--skip", "-1"]) == 2
    assert "is not a whole number" in capsys.readouterr().err


def test_diff_reads_both_files_by_the_layout_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in (("a.txt", 1), ("b.txt", 2)):
        (tmp_path / name).write_text(f"id=>n\nx=>{value}\ny=>5\n")
    arguments = ["diff", "--json", str(tmp_path / "a.txt"), str(tmp_path / "b.txt"), "--delimiter", "=>"]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)["files"][0]
    assert found["table"]["key"] == ["id"]
    assert found["table"]["changed"] == 1


def test_columns_far_to_the_right_are_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wide.csv"
    names, values = ([f"{mark}{at}" for at in range(14_461)] for mark in ("V", ""))
    path.write_text("".join(f"{','.join(line)}\n" for line in (names, values, values)))
    found = shown([str(path), "--columns", "V14460,V0"], capsys)
    assert found["rows"] == [["14460", "0"]] * 2


def test_values_of_json_keep_their_type(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.ndjson"
    path.write_text(
        '{"a": 1, "b": "1", "c": [1, "1"], "d": null}\n{"a": "1", "b": "null", "c": {"x": null}, "d": true}\n'
    )
    found = shown([str(path)], capsys)
    assert found["rows"] == [[1, "1", [1, "1"], None], ["1", "null", {"x": None}, True]]
    assert main(["preview", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[0] == "1"
    assert lines[2].split()[0] == '"1"'
