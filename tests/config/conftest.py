"""An environment of its own with flowtui's file in it, and the working folder beside it."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    config = tmp_path / "config.toml"
    config.write_text("")
    return {"HOME": str(tmp_path), "FLOWTUI_CONFIG": str(config), "FLOWTUI_HOME": str(tmp_path / "home")}


def write(environ: dict[str, str], text: str) -> str:
    """Writes flowtui's own file and gives its path."""
    Path(environ["FLOWTUI_CONFIG"]).write_text(text)
    return environ["FLOWTUI_CONFIG"]


def write_flyte(environ: dict[str, str], text: str, name: str = "config.yaml") -> Path:
    """Writes a file of ``~/.flyte`` and gives its path."""
    path = Path(environ["HOME"]) / ".flyte" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path
