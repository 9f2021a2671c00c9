"""Export targets of other packages: the README's own example, found by its entry point."""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

from flowtui.errors import UsageError
from flowtui.exports import Selection, SourceRun, make_plan, parse_target, run
from flowtui.exports.targets import registry
from flowtui.exports.targets.directory import DirectoryTarget
from flowtui.storage import Storage
from tests.exports.test_plan import RUN, artifact_file
from tests.trusting import TrustsAll

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def entry_points(monkeypatch: pytest.MonkeyPatch) -> list[metadata.EntryPoint]:
    """Entry points of the group, as packages that are installed would give them."""
    found: list[metadata.EntryPoint] = []
    monkeypatch.setattr(metadata, "entry_points", lambda group: found if group == registry.ENTRY_POINT else [])
    return found


@pytest.fixture
def share(entry_points: list[metadata.EntryPoint], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The share of the README's example."""
    text = README.read_text("utf-8")
    source = next(block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "SHARE" in block)
    named = re.search(r'^share = "([\w.]+:\w+)"$', text, re.MULTILINE)
    assert named is not None
    module = ModuleType("flowtui_share")
    exec(compile("from __future__ import annotations\n" + source, "README.md", "exec"), module.__dict__)
    module.__dict__["SHARE"] = tmp_path / "share"
    monkeypatch.setitem(sys.modules, "lab", ModuleType("lab"))
    monkeypatch.setitem(sys.modules, named[1].partition(":")[0], module)
    entry_points.append(metadata.EntryPoint("share", named[1], registry.ENTRY_POINT))
    return tmp_path / "share"


async def test_the_example_of_the_readme_takes_exports(share: Path, tmp_path: Path) -> None:
    (tmp_path / "adsl.csv").write_bytes(b"1")
    files = (artifact_file("adsl.csv", str(tmp_path / "adsl.csv")),)
    async with Storage(TrustsAll()) as storage:
        outcome = await run(
            await make_plan([Selection(SourceRun(RUN), files)], parse_target("share:adam"), storage), storage
        )
    assert outcome.publication is not None
    assert outcome.publication.place == str(share / "adam" / "snapshots" / "1")
    assert (share / "adam" / "snapshots" / "1" / "ADaM" / "adsl.csv").read_bytes() == b"1"


def test_what_it_does_not_take_is_a_path_as_ever(share: Path) -> None:
    assert isinstance(parse_target("share:../x"), DirectoryTarget)
    assert parse_target("share:../x").text.endswith("/x")


def test_one_that_cannot_be_loaded_stands_in_the_way_of_its_own_word_only(
    entry_points: list[metadata.EntryPoint], tmp_path: Path
) -> None:
    entry_points.append(metadata.EntryPoint("gone", "nowhere_at_all:parse", registry.ENTRY_POINT))
    assert parse_target(str(tmp_path)).text == str(tmp_path)
    assert parse_target("s3://bucket/x").kind == "store"
    with pytest.raises(UsageError, match="target gone: cannot be loaded from nowhere_at_all:parse: No module named"):
        parse_target("gone:place")


def test_a_plain_path_asks_for_no_entry_points(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(metadata, "entry_points")
    assert parse_target(str(tmp_path / "a:b")).kind == "directory"
