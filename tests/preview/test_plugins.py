"""Previewers of other packages: the README's own example, found by its entry point."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

from flowtui.preview import registry
from tests.preview.look import look

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def entry_points(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[metadata.EntryPoint]]:
    """Entry points of the group, as packages that are installed would give them."""
    found: list[metadata.EntryPoint] = []
    monkeypatch.setattr(metadata, "entry_points", lambda group: found if group == registry.ENTRY_POINT else [])
    registry.plugins.cache_clear()
    yield found
    registry.plugins.cache_clear()


def example() -> tuple[str, str]:
    """The worked example: its module, and the object that the entry point names."""
    text = README.read_text("utf-8")
    source = next(block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "fasta" in block)
    named = re.search(r'^fasta = "([\w.]+:\w+)"$', text, re.MULTILINE)
    assert named is not None
    return source, named[1]


async def test_the_example_of_the_readme_shows_its_format(
    entry_points: list[metadata.EntryPoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, named = example()
    module = ModuleType("flowtui_fasta")
    exec(compile(source, "README.md", "exec"), module.__dict__)
    monkeypatch.setitem(sys.modules, "lab", ModuleType("lab"))
    monkeypatch.setitem(sys.modules, named.partition(":")[0], module)
    entry_points.append(metadata.EntryPoint("fasta", named, registry.ENTRY_POINT))
    found = await look(b">chr1 test\nACGT\nAC\n>chr2\x1b[2J\nA\n", "genome.fasta")
    assert (found.kind, found.format) == ("table", "fasta")
    assert found.rows == (("chr1 test", 6), ("chr2", 1))
    # What it does not accept is shown as ever.
    assert (await look(b"a,b\n1,2\n", "x.csv")).format == "csv"


async def test_one_that_cannot_be_loaded_is_said_and_left_out(entry_points: list[metadata.EntryPoint]) -> None:
    entry_points.append(metadata.EntryPoint("gone", "nowhere_at_all:previewer", registry.ENTRY_POINT))
    entry_points.append(metadata.EntryPoint("odd", "json:dumps", registry.ENTRY_POINT))
    found = await look(b"a,b\n1,2\n", "x.csv")
    assert found.format == "csv"
    assert any("the previewer gone cannot be loaded: No module named 'nowhere_at_all'" in one for one in found.notices)
    assert "the previewer odd is no Previewer" in found.notices
