"""The export dialog: where to, options, the plan, datasets of a real embedded Domino."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from flowtui.admin.auth.sources import GivenToken
from flowtui.exports import Plan, TargetOptions
from flowtui.exports.domino import DominoClient, create_dataset, datasets
from flowtui.exports.domino.login import DominoLogin
from flowtui.local.domino import User
from flowtui.session import Session
from flowtui.tui.screens.datasets import DatasetsScreen
from flowtui.tui.screens.export import ExportScreen
from flowtui.tui.widgets.form import Field, Form
from tests.exports.domino.conftest import ADA, BOB, URL, Domino
from tests.tui.conftest import LARGE, SMALL, Open, Person, blobs
from tests.tui.held_store import HeldStore
from tests.tui.test_exports import latest
from tests.tui.test_run import go_to

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE])


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
async def domino(tmp_path: Path) -> AsyncIterator[Domino]:
    one = Domino(tmp_path / "domino-home", users=[ADA, BOB])
    async with one.app.router.lifespan_context(one.app):
        yield one


def login(user: User) -> DominoLogin:
    return DominoLogin(URL, GivenToken(user.token, "a test"))


async def dialog(person: Person) -> ExportScreen:
    """The dialog for the artifact ADaM Datasets of clinical-1."""
    await person.open("clinical-1")
    await go_to(person, "ADaM Datasets", "adsl.csv")
    await person.press("h", "e")
    screen = person.app.screen
    assert isinstance(screen, ExportScreen)
    return screen


def words(person: Person) -> str:
    return " ".join(person.seen.split())


@SIZES
async def test_everything_is_seen_before_anything_is_written(at_screen: Open, size: tuple[int, int]) -> None:
    async with at_screen(size) as person:
        await dialog(person)
        for said in (
            "ADaM Datasets 2 files of clinical-1",
            "To ○ Dataset ● Directory ○ Bucket",
            "Directory /",
            "If it exists ○ keep both ● replace ○ stop",
            "ADaM Datasets/adsl.csv 416 B new",
            "2 files, 445 B",
            "enter exports",
        ):
            assert said in words(person), said
        for key in ("enter export", "t another place", "tab options", "esc back", "? help"):
            assert key in person.keys
        await person.press("escape")
        assert not (Path.cwd() / "exports").exists()


async def test_options_are_changed_with_the_arrows_and_the_plan_follows(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        screen = await dialog(person)
        await person.press("tab", "j", "j", "enter")
        await person.type("2026/q4")
        await person.press("enter")
        assert "2026/q4/ADaM Datasets/adsl.csv" in person.seen
        await person.press("j", "l")
        assert "● a folder snapshots/<n>" in person.seen
        assert "If it exists" not in person.seen
        await person.press("tab", "enter")
        await person.exported()
        (manifest,) = (Path.cwd() / "exports" / "clinical-1").rglob("adsl.csv")
        assert manifest.parent.parent.parent.parent.name == "1"
        assert latest(person).options == TargetOptions(layout="snapshots", folder="2026/q4")
        assert screen.destination.options.folder == "2026/q4"


async def test_escape_leaves_a_typed_place_as_it_was(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        screen = await dialog(person)
        before = screen.destination.place
        await person.press("t")
        await person.type("/elsewhere")
        assert screen.destination.place == before + "/elsewhere"
        await person.press("escape")
        assert screen.destination.place == before
        assert person.app.screen is screen
        assert "2 files, 445 B" in person.seen


async def test_the_last_place_is_proposed_again_also_by_another_process(at_screen: Open) -> None:
    place = str(Path.cwd() / "shared")
    async with at_screen(SMALL) as person:
        await dialog(person)
        await person.press("t")
        await person.pilot.press("ctrl+u")
        await person.type(place)
        await person.press("enter", "enter")
        await person.exported()
    async with at_screen(SMALL) as person:
        screen = await dialog(person)
        assert screen.destination.place == place
        assert "there already" in person.seen
        assert "Everything is there already." in person.seen


async def test_a_download_goes_where_flowtui_was_started_and_is_no_last_place(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        await person.open("clinical-1")
        await go_to(person, "ADaM Datasets", "adsl.csv")
        await person.press("d")
        assert "Download" in person.seen
        await person.press("enter")
        await person.exported()
        assert (Path.cwd() / "ADaM Datasets" / "adsl.csv").exists()
        screen = await dialog(person)
        assert screen.destination.place == str(Path.cwd() / "exports" / "clinical-1")


async def test_a_bucket_is_asked_for_in_words(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        await dialog(person)
        await person.press("tab", "l")
        assert "● Bucket" in person.seen
        assert "Which bucket?" in person.seen
        await person.press("t")
        await person.type("my-bucket")
        assert "my-bucket names no bucket." in person.seen
        assert not person.app.screen.check_action("leave_out", ())


async def test_files_that_cannot_be_read_are_left_out_with_a_key(at_screen: Open) -> None:
    store = HeldStore(dict(blobs()))
    async with at_screen(SMALL, store=store) as person:
        await person.open("clinical-1")
        known = person.app.context.memory.artifacts.values()
        (file,) = [
            one for run in known for one in run.files if (run.execution.id.name, one.file) == ("clinical-1", "adsl.csv")
        ]
        store.objects.pop(file.uris[0].partition("://")[2])
        await dialog(person)
        assert "1 file cannot be read." in person.seen
        assert "There is no object" in person.seen
        assert "enter" not in person.keys
        assert "o leave them out" in person.keys
        await person.press("enter")
        assert not (Path.cwd() / "exports").exists()
        await person.press("o")
        assert "1 file, 29 B" in person.seen
        assert "left out" in person.seen
        await person.press("enter")
        await person.exported()
        assert "✔ done" in await the_list(person)


async def the_list(person: Person) -> str:
    await person.press("4")
    return person.seen


async def test_without_a_domino_the_dialog_says_how_to_name_one(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        await dialog(person)
        await person.press("tab", "h")
        assert "● Dataset" in person.seen
        assert "Which dataset? enter lists them." in words(person)
        await person.press("t")
        assert isinstance(person.app.screen, DatasetsScreen)
        assert "No Domino is configured." in person.seen
        assert "FLOWTUI_DOMINO_URL" in person.seen


@SIZES
async def test_a_dataset_is_chosen_and_really_filled(at_screen: Open, domino: Domino, size: tuple[int, int]) -> None:
    ada, bob = (domino.client(auth=login(user)) for user in (ADA, BOB))
    project = (await projects_of(ada))["quick-start"]
    await create_dataset(ada, "Study1-ADaM", project, "ADaM of study 1")
    theirs = await create_dataset(bob, "Bobs-own", (await projects_of(bob))["quick-start"])
    domino.app.state.store.grant(theirs.id, ADA.id, "DatasetRwReader")
    async with at_screen(size, domino=lambda: ada) as person:
        screen = await dialog(person)
        await person.press("tab", "h", "j", "enter")
        assert isinstance(person.app.screen, DatasetsScreen)
        assert "write" in person.line_of("Study1-ADaM")
        assert "read" in person.line_of("Bobs-own")
        assert person.app.screen.rows.move_to(theirs.id)
        await person.press("enter")
        assert isinstance(person.app.screen, DatasetsScreen)
        await person.press("slash")
        await person.type("study1")
        assert "Bobs-own" not in person.seen
        await person.press("enter", "enter")
        assert person.app.screen is screen
        assert "Dataset Study1-ADaM (quick-start)" in words(person)
        assert "2 files, 445 B" in person.seen
        await person.press("tab", "j", "j", "j", "enter")
        await person.type("adam-2026-11")
        await person.press("enter", "tab", "enter")
        await person.exported()
        assert "✔ done" in await the_list(person)
        record = latest(person)
        assert record.options == TargetOptions(tag="adam-2026-11")
        assert record.kind == "dataset"
        (filled,) = [one for one in await datasets(ada) if one.name == "Study1-ADaM"]
        assert filled.snapshots == 1
        await person.press("enter")
        assert "snapshot with tag adam-2026-11" in person.seen


async def test_a_new_dataset_is_made_when_the_export_begins(at_screen: Open, domino: Domino) -> None:
    ada = domino.client(auth=login(ADA))
    async with at_screen(SMALL, domino=lambda: ada) as person:
        await dialog(person)
        await person.press("tab", "h", "j", "enter")
        assert "n makes one" in person.seen or "n new dataset" in person.keys
        await person.press("n")
        assert "New dataset ADaM-Datasets" in words(person)
        assert "quick-start" in person.seen
        await person.press("enter")
        assert "ADaM-Datasets (quick-start) will be made" in words(person)
        assert "2 files, 445 B" in person.seen
        assert "ADaM-Datasets" not in [one.name for one in await datasets(ada)]
        await person.press("enter")
        await person.exported()
        assert "ADaM-Datasets" in [one.name for one in await datasets(ada)]
        assert "✔ done" in await the_list(person)


async def test_a_name_that_domino_does_not_take_is_told_at_once(at_screen: Open, domino: Domino) -> None:
    ada = domino.client(auth=login(ADA))
    await create_dataset(ada, "ADaM-Datasets", (await projects_of(ada))["quick-start"])
    async with at_screen(SMALL, domino=lambda: ada) as person:
        await dialog(person)
        await person.press("tab", "h", "j", "enter", "n", "enter")
        assert "has a dataset ADaM-Datasets already" in person.keys
        await person.press("t")
        await person.type(" 2")
        await person.press("enter", "tab", "enter")
        assert "letters, digits, - and _ only" in person.keys


async def projects_of(client: DominoClient) -> Mapping[str, str]:
    from flowtui.exports.domino import projects

    return {one.name: one.id for one in await projects(client)}


class ByTransfers:
    """A road that asks for a tier and carries the export out at once."""

    name = "domino-job"
    words = "Job next to the data"

    def __init__(self) -> None:
        self.asked: list[Mapping[str, str]] = []

    def needs(self, values: Mapping[str, str]) -> tuple[Field, ...]:
        tiers = (("small", "small"), ("large", "large"))
        return (Field("tier", "Hardware tier", values.get("tier", "small"), tiers),)

    async def start(self, session: Session, plan: Plan, options: TargetOptions, values: Mapping[str, str]) -> str:
        self.asked.append(dict(values))
        return await session.transfers.start(plan, options)


async def test_a_road_is_listed_with_what_it_needs_and_recommended_for_much(
    at_screen: Open, domino: Domino, monkeypatch: pytest.MonkeyPatch
) -> None:
    road = ByTransfers()
    monkeypatch.setattr("flowtui.tui.screens.export.ROADS", (road,))
    monkeypatch.setattr("flowtui.tui.roads.MANY_FILES", 1)
    ada = domino.client(auth=login(ADA))
    await create_dataset(ada, "ADaM", (await projects_of(ada))["quick-start"])
    async with at_screen(SMALL, domino=lambda: ada) as person:
        await dialog(person)
        assert "○ Job next to the data" in person.seen
        assert "2 files: much for this machine. tab, then To: Job next to the data" in person.seen
        await person.press("tab", "h", "h", "j", "enter")
        assert "● Job next to the data" in person.app.screen_stack[-2].query_one(Form).text
        await person.press("enter")
        assert "much for" not in person.seen
        assert "Hardware tier ● small ○ large" in words(person)
        form = person.app.screen.query_one(Form)
        form.focus()
        form.go_to("tier")
        await person.press("l", "tab", "enter")
        await person.exported()
        assert road.asked == [{"tier": "large"}]
        assert "✔ done" in await the_list(person)
