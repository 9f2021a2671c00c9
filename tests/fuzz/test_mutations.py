"""The fuzz script for a moment, with seeds that never change, so that it itself keeps working."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.preview.limits import Limits
from flowtui.preview.workers import Workers
from tests.fuzz.fuzz_previews import fuzz, problem
from tests.fuzz.makers import MAKERS


async def test_a_moment_of_fuzzing_finds_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await fuzz(3600, 1, "", tmp_path, most=150) == 0
    assert "150 files, 0 failed" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())  # noqa: ASYNC240


@pytest.mark.parametrize("name", sorted(MAKERS))
async def test_every_seed_is_shown_in_its_own_format(name: str) -> None:
    async with Workers() as workers:
        assert await problem(MAKERS[name](), name, Limits(), True, workers) == ""


async def test_what_is_wrong_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flowtui.preview import hex as hex_dump

    monkeypatch.setattr(hex_dump, "dump", lambda data: ("\x1b[2J",) * 5000)
    monkeypatch.setattr("tests.fuzz.fuzz_previews.MAKERS", {"x.bin": lambda: bytes(range(256))})
    with pytest.raises(SystemExit, match="as it was made"):
        await fuzz(60, 1, "", tmp_path, most=1)
