"""What people read: it fits the terminal, moves no cursor, and says what matters."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from flowtui.errors import NotFoundError, UsageError
from flowtui.headless.style import Style
from flowtui.parser import parse
from flowtui.text import cells
from tests.headless.conftest import ADSL, NOW, Command, Server
from tests.preview.documents import picture
from tests.storage.store import Store

NARROW = Style(width=80, now=NOW)
EVERY = [
    ("runs",),
    ("nodes", "clinical-1"),
    ("nodes", "hostile-names-1"),
    ("nodes", "nested-1"),
    ("artifacts",),
    ("artifacts", "clinical-1"),
    ("artifacts", "hostile-names-1"),
    ("artifacts", "clinical-1", "--undeclared"),
    ("lineage", "clinical-1"),
    ("lineage", "hostile-names-1"),
    ("lineage", "clinical-1", "ADaM Datasets"),
    ("preview", "clinical-1", "ADaM Datasets/adsl.csv"),
    ("bookmark", "list"),
    ("exports",),
]


@pytest.mark.parametrize("words", EVERY)
@pytest.mark.parametrize("width", [40, 80, 140])
async def test_lines_fit_and_nothing_acts_on_the_terminal(words: tuple[str, ...], width: int, command: Command) -> None:
    output = await command(*words, style=Style(width=width, now=NOW))
    assert all(cells(line) <= width for line in output.split("\n"))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", output)


async def test_behind_a_pipe_nothing_is_cut(command: Command) -> None:
    output = await command("artifacts", "clinical-1", text=True)
    assert "s3://flyte/data/97/clinical-1-n1-0/5b3dab64aff011e105d945cc5372112a/adsl.csv" in output


async def test_runs_say_phase_age_and_why_they_failed(command: Command) -> None:
    output = await command("runs", "--limit", "60", style=NARROW)
    row = next(line for line in output.splitlines() if re.search(r"\bclinical-1\b", line))
    assert row.split() == ["✔", "done", "clinical-1", "labflows.clinical", "today", "17:09", "3m19", "v1"]
    lines = output.splitlines()
    failed = next(index for index, line in enumerate(lines) if " fails-1 " in line)
    assert lines[failed].startswith("✖ failed")
    assert lines[failed + 1].startswith("  RuntimeError: no denominators")


async def test_signs_in_ascii(command: Command) -> None:
    output = await command("runs", style=replace(NARROW, ascii=True))
    assert output.isascii()


async def test_nodes_are_a_tree(command: Command) -> None:
    lines = (await command("nodes", "nested-1", text=True)).splitlines()
    assert lines[0].split()[:3] == ["phase", "node", "id"]
    assert any(re.match(r"✔ done +  \S", line) for line in lines)


async def test_a_file_from_the_cache_says_whose_it_is(command: Command) -> None:
    assert "from cached-1" in await command("artifacts", "cached-2", text=True)


async def test_a_run_that_is_not_there(command: Command) -> None:
    for words in (("nodes", "none"), ("artifacts", "none"), ("lineage", "none")):
        with pytest.raises(NotFoundError, match="none"):
            await command(*words)


async def test_preview_of_what_is_not_there(command: Command) -> None:
    with pytest.raises(NotFoundError, match="pending"):
        await command("preview", "gated-1", "ADaM Datasets/adsl.csv", server=Server(running=True))
    with pytest.raises(UsageError, match="one is needed"):
        await command("preview", "clinical-1", "ADaM Datasets")


async def test_columns_come_in_the_order_that_was_asked_for(command: Command, store: Store) -> None:
    store.objects[ADSL.partition("://")[2]] = b'ID,AGE,"A, B",age2,SEX,sex\n1,63,x,7,F,f\n2,64,y,8,M,m\n'
    preview = ("preview", "clinical-1", "ADaM Datasets/adsl.csv", "--columns")
    shown = await command(*preview, 'SEX,"A, B",age', text=True)
    assert [line.split() for line in shown.splitlines()] == [
        ["SEX", "A,", "B", "AGE"],
        ["F", "x", "63"],
        ["M", "y", "64"],
    ]
    assert (await command(*preview, "AGE", "--rows", "1", text=True)).split() == ["AGE", "63"]
    for names, hint in [
        ("AGW", "Did you mean AGE?"),
        ("Sex", "Did you mean SEX or sex?"),
        ("WEIGHT", "It has ID, AGE, A, B, age2, SEX, sex."),
    ]:
        with pytest.raises(UsageError, match=f"has no column '{names}'") as caught:
            await command(*preview, names)
        assert caught.value.hint == hint


async def test_columns_behind_those_that_are_shown_are_found(command: Command, store: Store) -> None:
    lines = [",".join(f"{name}{number}" for number in range(800)) for name in ("V", "")]
    store.objects[ADSL.partition("://")[2]] = "\n".join(lines).encode()
    shown = await command("preview", "clinical-1", "ADaM Datasets/adsl.csv", "--columns", "V799,V0", text=True)
    assert shown.split() == ["V799", "V0", "799", "0"]


async def test_what_is_no_table_has_no_columns(command: Command, store: Store) -> None:
    store.objects[ADSL.partition("://")[2]] = picture("BMP", 8, 6)
    with pytest.raises(UsageError, match=r"adsl\.csv is shown as an image: it has no columns"):
        await command("preview", "clinical-1", "ADaM Datasets/adsl.csv", "--columns", "A")


@pytest.mark.parametrize("names", ["", ",", "A,,B", "A\nB"])
def test_a_list_of_columns_must_be_one(names: str) -> None:
    with pytest.raises(UsageError, match="names"):
        parse(["preview", "x.csv", "--columns", names])


async def test_get_of_a_run_without_files_says_where_some_are(command: Command, tmp_path: object) -> None:
    for name, hint in [("lp-parent-1", "lp-parent-1-n0-0"), ("frames-1", "--undeclared")]:
        with pytest.raises(NotFoundError) as caught:
            await command("get", name, "-o", str(tmp_path))
        assert hint in caught.value.hint


async def test_export_of_what_is_not_there(command: Command, tmp_path: object) -> None:
    with pytest.raises(NotFoundError, match="None of these files exists"):
        await command("export", "gated-1", "ADaM Datasets/adsl.csv", "--to", str(tmp_path), server=Server(running=True))
