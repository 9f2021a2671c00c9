"""A preview under the hands of a person: cursor, columns, find, copy, folding, and what is given up."""

from __future__ import annotations

import asyncio
import json

import pytest
from textual.events import MouseScrollDown

from flowtui.domain.artifact import ArtifactFile
from flowtui.domain.execution import ExecutionId
from flowtui.errors import UsageError
from flowtui.preview import workers
from flowtui.preview.limits import Limits
from flowtui.tui.contents.table import TableContent
from flowtui.tui.delimited_layout import typed_layout, with_layout
from flowtui.tui.screens.copy import CopyScreen
from flowtui.tui.screens.preview import PreviewScreen
from flowtui.tui.widgets.preview import PreviewPane
from tests.headless.conftest import DOMAIN, PROJECT
from tests.preview.documents import picture, table_pdf
from tests.storage.store import Store
from tests.tui.conftest import LARGE, SMALL, Open, Person, blobs
from tests.tui.test_pictures import put
from tests.tui.test_run import go_to

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE])
RUN = ExecutionId(PROJECT, DOMAIN, "clinical-1")


def table(rows: int = 400, columns: int = 60) -> bytes:
    """A csv file: names, then a number that falls and is missing now and then, and many columns."""
    lines = [",".join(["USUBJID", "AGE", *(f"V{number:02}" for number in range(2, columns))])]
    for row in range(rows):
        age = "" if row % 50 == 3 else str(1000 - row)
        lines.append(",".join([f"s-{row:05}", age, *(f"{row}.{number}" for number in range(2, columns))]))
    return "\n".join(lines).encode()


def log(lines: int, marked: int) -> bytes:
    return b"\n".join(b"line %d%s" % (n, b" the Needle" if n % marked == marked - 1 else b"") for n in range(lines))


async def opened(person: Person, *names: str) -> PreviewPane:
    """The full preview of files of the store."""
    things = [
        ArtifactFile("data", "A", name, "", "n0", "o0", (), "present", (f"s3://flyte/viewer/{name}",)) for name in names
    ]
    screen = PreviewScreen(person.app.context, RUN, things, 0)
    person.app.push_screen(screen)
    await person.settle()
    return screen.pane


@pytest.fixture(autouse=True)
def files(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = {"arms": [{"name": "Placebo", "n": 1}, {"name": "High", "n": 2}], "note": "x" * 200}
    for name, content in {
        "wide.csv": table(), "run.log": log(9000, 2500), "small.txt": b"alpha\nbeta\n",
        "tree.json": json.dumps(tree).encode(), "image.bin": bytes(range(32)) * 4 + b"Needle" + bytes(99),
        "page.pdf": table_pdf(), "plot.png": picture("PNG", 60, 40),
    }.items():  # fmt: skip
        put(monkeypatch, f"viewer/{name}", content)


@SIZES
async def test_a_cursor_goes_over_cells_and_the_column_is_told(at_screen: Open, size: tuple[int, int]) -> None:
    async with at_screen(size) as person:
        pane = await opened(person, "wide.csv")
        assert "USUBJID text · 0 missing · s-00000 to s-00099 · in 100 loaded rows" in person.seen
        await person.press("l")
        assert "AGE integer · 2 missing · 901 to 1000 · in 100 loaded rows" in person.seen
        await person.press("dollar_sign")
        assert "V59" in person.seen.splitlines()[3]
        assert "USUBJID" not in person.seen.splitlines()[3]
        await person.press("0", "right", "P", "dollar_sign")
        assert person.seen.splitlines()[3].startswith(" USUBJID   AGE│ ")
        assert "V59" in person.seen.splitlines()[3]
        await person.press("j", "j", "down")
        assert pane.viewer.content.cursor == 3
        assert pane.viewer.has_focus
        await person.press("h", "left")
        assert "V57 number" in person.seen


@SIZES
async def test_columns_are_sorted_and_hidden_with_the_title_saying_so(at_screen: Open, size: tuple[int, int]) -> None:
    async with at_screen(size) as person:
        pane = await opened(person, "wide.csv")
        assert "s sort" in person.keys
        await person.press("l", "s")
        first = person.seen.splitlines()[4]
        assert first.split()[:2] == ["s-00099", "901"]
        assert "sorted: loaded rows only" in person.seen
        assert "AGE ↑" in person.seen
        await person.press("s")
        assert person.seen.splitlines()[4].split()[:2] == ["s-00000", "1000"]
        await person.press("G")
        # What is missing comes last, and at the end more is read and sorted with the rest.
        assert pane.preview is not None
        assert len(pane.preview.rows) == 400
        await person.press("g")
        assert person.seen.splitlines()[4].split()[:2] == ["s-00000", "1000"]
        await person.press("G")
        assert person.line_of("s-00353").split()[1] == "353.2"
        assert "sorted: loaded rows only" not in person.seen
        assert "sorted" in person.seen.splitlines()[2]
        await person.press("s", "minus")
        assert "AGE" not in person.seen
        assert "1 hidden" in person.seen
        assert "+ show all columns" in person.keys
        await person.press("plus")
        assert "AGE" in person.seen


@SIZES
async def test_y_offers_what_can_be_copied(at_screen: Open, size: tuple[int, int]) -> None:
    async with at_screen(size) as person:
        await opened(person, "wide.csv")
        await person.press("l", "j", "y")
        assert isinstance(person.app.screen, CopyScreen)
        for words in ("y  cell", "r  row", "n  column name", "u  URI"):
            assert words in person.seen
        await person.press("y")
        assert person.app.clipboard == "999"
        assert "copied cell 999" in person.keys
        await person.press("y", "r")
        assert person.app.clipboard.startswith("s-00001\t999\t1.2\t1.3")
        await person.press("y", "n")
        assert person.app.clipboard == "AGE"
        await person.press("y", "u")
        assert person.app.clipboard == "s3://flyte/viewer/wide.csv"
        await person.press("y", "escape")
        assert isinstance(person.app.screen, PreviewScreen)
        assert person.app.clipboard == "s3://flyte/viewer/wide.csv"


async def test_y_copies_the_uri_at_once_where_there_is_no_cell(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        await opened(person, "small.txt")
        await person.press("y")
        assert person.app.clipboard == "s3://flyte/viewer/small.txt"


@SIZES
async def test_words_are_found_and_counted(at_screen: Open, size: tuple[int, int]) -> None:
    async with at_screen(size) as person:
        pane = await opened(person, "small.txt", "wide.csv")
        await person.press("slash")
        await person.type("a")
        assert "1 of 3" in person.line_of("/ a")
        assert "enter next match" in person.keys
        assert "up previous match" in person.keys
        await person.press("enter", "down")
        assert "3 of 3" in person.line_of("/ a")
        await person.press("enter")
        assert "1 of 3" in person.line_of("/ a")
        await person.press("up")
        assert "3 of 3" in person.line_of("/ a")
        await person.type("z")
        assert "not found" in person.line_of("/ az")
        await person.press("backspace", "tab")
        assert pane.viewer.has_focus
        await person.press("enter")
        assert "2 of 3" in person.line_of("/ a")
        await person.press("backspace")
        assert "1 of 3" in person.line_of("/ a")
        await person.press("n")
        assert "of 1" in person.line_of("/ a") or "not in the first 100 rows" in person.line_of("/ a")
        await person.press("escape")
        assert isinstance(person.app.screen, PreviewScreen)
        assert "/ a" not in person.seen
        await person.press("escape")
        assert not isinstance(person.app.screen, PreviewScreen)


@SIZES
async def test_text_scrolls_by_keys_and_wheel(at_screen: Open, size: tuple[int, int]) -> None:
    async with at_screen(size) as person:
        pane = await opened(person, "run.log")
        await person.press("j", "j")
        assert person.seen.splitlines()[3].startswith(" line 2")
        await person.press("G")
        assert pane.preview is not None
        assert len(pane.preview.lines) == 4000
        await person.press("g")
        pane.viewer._on_mouse_scroll_down(
            MouseScrollDown(pane.viewer, 2, 2, 0, 1, 0, False, False, False, screen_x=2, screen_y=5)
        )
        await person.settle()
        assert pane.viewer.scroll_offset.y > 0
        assert pane.viewer.show_vertical_scrollbar
        await person.press("l")
        assert person.seen.splitlines()[3].startswith(" ")


async def test_find_reads_on_until_there_is_a_match(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        pane = await opened(person, "run.log")
        await person.press("slash")
        await person.type("needle")
        assert "not in the first 1,000 lines: enter reads on" in person.seen
        assert pane.preview is not None
        assert len(pane.preview.lines) == 1000
        await person.press("enter")
        assert "line 2499 the Needle" in person.seen
        assert "1 of 1 in the first 4,000 lines" in person.seen
        await person.press("enter")
        assert "line 4999 the Needle" in person.seen
        assert "2 of 3" in person.seen
        assert "in the first" not in person.line_of("/ needle")


async def test_find_says_where_it_stopped(at_screen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowtui.preview.limits._MOST_HEAD", Limits().head * 4)
    put(monkeypatch, "viewer/long.log", log(20_000, 19_000))
    async with at_screen(SMALL) as person:
        await opened(person, "long.log")
        await person.press("slash")
        await person.type("needle")
        await person.press("enter")
        assert "not in the first 4,000 lines" in person.seen
        assert "reads on" not in person.seen
        assert "first 4,000 lines" in person.seen.splitlines()[2]


async def test_a_search_that_reads_on_is_given_up(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        pane = await opened(person, "run.log")
        await person.press("slash")
        await person.type("nowhere")
        await person.pilot.press("enter")
        await person.pilot.press("escape")
        await person.settle()
        assert pane.viewer.has_focus
        assert not pane.find_line.is_open
        assert not pane.find_line.is_seeking


@SIZES
async def test_find_goes_to_the_cell(at_screen: Open, size: tuple[int, int]) -> None:
    async with at_screen(size) as person:
        pane = await opened(person, "wide.csv")
        await person.press("slash")
        await person.type("42.57")
        assert "1 of 1 in the first 100 rows" in person.seen
        content = pane.viewer.content
        assert isinstance(content, TableContent)
        assert (content.cursor, content.column) == (42, 57)
        assert "s-00042" not in person.seen
        assert "V57 number" in person.seen
        assert "42.57" in person.seen
        await person.press("enter")
        assert pane.preview is not None
        assert len(pane.preview.rows) == 400
        assert "2 of 4" in person.line_of("/ 42.57")
        assert content is not pane.viewer.content
        await person.press("escape", "P", "y", "y")
        assert person.app.clipboard == "142.57"


async def test_bytes_and_keys_are_found(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        pane = await opened(person, "image.bin", "tree.json")
        assert pane.preview is not None
        assert pane.preview.kind == "hex"
        await person.press("slash")
        await person.type("needle")
        assert "1 of 1" in person.line_of("/ needle")
        await person.press("escape", "n", "slash")
        await person.press(*["backspace"] * 6)
        await person.type("high")
        assert "1 of 1" in person.line_of("/ high")
        assert pane.viewer.content.cursor == 6


@SIZES
async def test_branches_of_a_tree_shut_and_open(at_screen: Open, size: tuple[int, int]) -> None:
    async with at_screen(size) as person:
        pane = await opened(person, "tree.json")
        assert "name: Placebo" in person.seen
        await person.press("j", "h")
        assert "name: Placebo" not in person.seen
        assert "▸ arms: [2]" in person.seen
        await person.press("l")
        assert "name: Placebo" in person.seen
        await person.press("j", "j", "h", "h", "h", "h")
        assert "▸ arms: [2]" in person.seen
        await person.press("slash")
        await person.type("placebo")
        assert "name: Placebo" in person.seen
        await person.press("escape", "G", "l")
        assert pane.viewer.scroll_offset.x > 0
        await person.press("h", "y", "n")
        assert person.app.clipboard == "note"


@SIZES
async def test_what_a_file_says_of_itself_is_seen_in_full(at_screen: Open, size: tuple[int, int]) -> None:
    async with at_screen(size) as person:
        await opened(person, "page.pdf", "plot.png")
        assert "title Table 14.3.1" in person.line_of(" file ")
        await person.press("n")
        assert "60 x 40 pixels" in person.line_of(" file ")


@SIZES
async def test_keys_of_tables_are_in_help_and_at_most_eight_in_the_footer(
    at_screen: Open, size: tuple[int, int]
) -> None:
    async with at_screen(size) as person:
        await opened(person, "wide.csv", "small.txt")
        assert len(person.keys.split("  ")) <= 8
        await person.press("minus", "question_mark")
        for words in ("sort", "hide, show all", "pin up to here", "copy", "find"):
            assert words in person.seen
        await person.press("escape", "n", "question_mark")
        assert "sort" not in person.seen


async def test_the_pane_beside_the_list_has_the_same_keys(at_screen: Open) -> None:
    async with at_screen(LARGE) as person:
        await person.open("clinical-1")
        await go_to(person, "ADaM Datasets", "adsl.csv")
        assert "USUBJID text" in person.seen
        await person.press("slash")
        assert "filter" in person.seen
        await person.press("escape", "tab", "slash")
        await person.type("01")
        assert " of " in person.line_of("/ 01")
        await person.press("escape", "s")
        assert "sorted" in person.seen
        assert "ADaM Datasets" in person.seen


async def test_a_preview_that_the_cursor_left_ends_its_process_and_its_requests(
    at_screen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store gives the head of a pdf and holds back the rest; the process that waits for it must not outlive it."""
    started: list[asyncio.subprocess.Process] = []
    begin = workers._start

    async def start(memory: int) -> asyncio.subprocess.Process:
        started.append(await begin(memory))
        return started[-1]

    seen: list[str] = []
    held, asked, given_up = asyncio.Event(), asyncio.Event(), asyncio.Event()
    get = Store._get

    async def slow(self: Store, request: object) -> object:
        seen.append(request.headers.get("range", ""))  # type: ignore[attr-defined]
        if request.url.path.endswith("big.pdf") and len(seen) > 1:  # type: ignore[attr-defined]
            asked.set()
            try:
                await held.wait()
            except asyncio.CancelledError:
                given_up.set()
                raise
        return await get(self, request)  # type: ignore[arg-type]

    monkeypatch.setattr(workers, "_start", start)
    monkeypatch.setattr(Store, "_get", slow)
    whole = table_pdf()
    # Its cross-reference table is at its end: behind what the head holds.
    put(monkeypatch, "viewer/big.pdf", whole[:9] + b"%" + b" " * 900_000 + b"\n" + whole[9:])
    async with at_screen(SMALL) as person:
        things = [
            ArtifactFile("data", "A", name, "", "n0", "o0", (), "present", (f"s3://flyte/viewer/{name}",))
            for name in ("big.pdf", "small.txt")
        ]
        person.app.push_screen(PreviewScreen(person.app.context, RUN, things, 0))
        await asked.wait()
        assert len(started) == 1
        assert started[0].returncode is None
        asked_before = len(seen)
        await person.press("n")
        await given_up.wait()
        assert await started[0].wait() != 0
        assert "alpha" in person.seen
        assert len(started) == 1
        assert len(seen) == asked_before + 1


def test_the_recordings_are_not_changed() -> None:
    assert "flyte/viewer/wide.csv" in blobs()


async def test_a_key_says_how_delimited_text_is_laid_out(at_screen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, "viewer/odd.txt", b"noise\na<>b\n1<>'x<>y'\n2<>z\n")
    async with at_screen(LARGE) as person:
        pane = await opened(person, "odd.txt")
        assert pane.preview is not None
        assert pane.preview.kind == "text"
        await person.press("D")
        await person.type("<> '' 1")
        await person.press("enter")
        assert "is no quotation mark" in person.seen
        await person.press("ctrl+u")
        await person.type("<> ' 1")
        await person.press("enter")
        await person.settle()
        assert pane.preview.kind == "table"
        assert pane.preview.rows == (("1", "x<>y"), ("2", "z"))
        # What was typed stands there again; nothing finds it out again.
        await person.press("D")
        assert "<> ' 1" in person.seen
        await person.press("ctrl+u", "enter")
        await person.settle()
        assert pane.preview.kind == "text"


async def test_other_files_have_no_delimiter(at_screen: Open) -> None:
    async with at_screen(LARGE) as person:
        pane = await opened(person, "tree.json")
        assert pane.check_action("layout", ()) is False
        pane = await opened(person, "wide.csv")
        assert pane.check_action("layout", ()) is True


@pytest.mark.parametrize(
    ("answer", "limits"),
    [
        ("", Limits()),
        ("tab", Limits(delimiter="\t")),
        ("; none", Limits(delimiter=";", quote="")),
        ("auto ' 2", Limits(quote="'", skip=2)),
        ("blank auto 0", Limits(delimiter=" ", skip=0)),
    ],
)
def test_a_layout_is_typed_as_it_is_shown(answer: str, limits: Limits) -> None:
    assert with_layout(Limits(), answer) == limits
    assert typed_layout(limits) == answer
    with pytest.raises(UsageError):
        with_layout(Limits(), f"{answer} a b c d")
