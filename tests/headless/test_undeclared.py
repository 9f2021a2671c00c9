"""Outputs that no artifact declares, previewed and downloaded over recordings of a real Flyte."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.errors import NotFoundError, UsageError
from tests.headless.conftest import Command, load
from tests.storage.store import Store


async def _uris(command: Command, run: str) -> dict[str, str]:
    """The URI of every file by what names it."""
    found = load(await command("artifacts", run, "--undeclared"))["undeclared"]
    return {selector: uri for one in found for selector, uri in zip(one["selectors"], one["uris"], strict=True)}


async def test_what_artifacts_lists_can_be_previewed_and_downloaded(
    command: Command, store: Store, tmp_path: Path
) -> None:
    uris = await _uris(command, "values-1")
    assert len(uris) == 4
    for selector, uri in uris.items():
        store.objects[uri.partition("://")[2]] = f"name,value\n{selector},1\n".encode()
    for number, selector in enumerate(uris):
        assert load(await command("preview", "values-1", selector, "--rows", "1"))["uri"] == uris[selector]
        folder = tmp_path / str(number)
        (file,) = load(await command("get", "values-1", selector, "-o", str(folder)))["files"]
        assert (folder / file["path"]).read_text() == f"name,value\n{selector},1\n"


async def test_undeclared_downloads_outputs_beside_the_files_of_artifacts(
    command: Command, store: Store, tmp_path: Path
) -> None:
    run = load(await command("artifacts", "plain-outputs-1", "--undeclared"))
    outputs = [uri for one in run["undeclared"] for uri in one["uris"]]
    declared = [uri for artifact in run["artifacts"] for file in artifact["files"] for uri in file["uris"]]
    assert outputs
    assert declared
    for uri in (*outputs, *declared):
        store.objects[uri.partition("://")[2]] = b"x\n1\n"
    files = load(await command("get", "plain-outputs-1", "--undeclared", "-o", str(tmp_path / "all")))["files"]
    assert sorted(file["uri"] for file in files) == sorted([*outputs, *declared])
    files = load(await command("get", "plain-outputs-1", "-o", str(tmp_path / "some")))["files"]
    assert sorted(file["uri"] for file in files) == sorted(declared)


async def test_an_output_of_several_files_is_downloaded_as_a_whole_and_previewed_by_its_parts(
    command: Command, store: Store, tmp_path: Path
) -> None:
    uris = await _uris(command, "values-1")
    several = next(selector.partition("[")[0] for selector in uris if "[0]" in selector)
    for uri in uris.values():
        store.objects[uri.partition("://")[2]] = b"x\n1\n"
    with pytest.raises(UsageError) as caught:
        await command("preview", "values-1", several)
    assert f"{several}[0]" in caught.value.hint
    files = load(await command("get", "values-1", several, "-o", str(tmp_path / "out")))["files"]
    assert len(files) == 2


async def test_without_artifacts_the_hint_says_how_outputs_are_downloaded(command: Command, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        await command("get", "frames-1", "-o", str(tmp_path / "out"))
    assert "--undeclared" in caught.value.hint
    with pytest.raises(NotFoundError) as caught:
        await command("preview", "frames-1", "nothing.o0")
    assert "n0.o0" in caught.value.hint
