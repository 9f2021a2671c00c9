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
