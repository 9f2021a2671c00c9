"""Members of archives on the screen: opened, gone through, and left."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile

import pytest

from flowtui.tui.screens.preview import PreviewScreen
from flowtui.tui.screens.run import RunScreen
from tests.tui.conftest import LARGE, SMALL, Open, Person
from tests.tui.test_pictures import OTHER, put
from tests.tui.test_run import go_to
from tests.tui.test_viewer import opened

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE])
MEMBERS = {
    "adam/": b"",
    "adam/adsl.csv": b"USUBJID,AGE\n01-1,63\n01-2,64\n",
    "log.txt": b"alpha\nbeta\n",
    "inner.zip": b"",
    "\x1b[31mred.txt": b"painted\n",
}


def zip_bytes() -> bytes:
    made, inner = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("deep.txt", "deep")
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in MEMBERS.items():
            archive.writestr(name, inner.getvalue() if name == "inner.zip" else content)
    return made.getvalue()


def tar_bytes() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for number in range(40):
            info = tarfile.TarInfo(f"part-{number:02}.txt")
            content = f"this is part {number}\n".encode()
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("link.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "part-00.txt"
        archive.addfile(link)
    return made.getvalue()


@pytest.fixture(autouse=True)
def files(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in {
        "a.zip": zip_bytes(), "a.tar": tar_bytes(), "a.tar.gz": gzip.compress(tar_bytes()),
        "a.zip.gz": gzip.compress(zip_bytes()), "small.txt": b"small\n",
    }.items():  # fmt: skip
        put(monkeypatch, f"viewer/{name}", content)


def title(person: Person) -> str:
    return person.seen.splitlines()[0]


@SIZES
async def test_a_member_opens_and_esc_goes_back_to_its_row(at_screen: Open, size: tuple[int, int]) -> None:
    async with at_screen(size) as person:
        pane = await opened(person, "a.zip", "small.txt")
        # A folder has no content.
        assert "open member" not in person.keys
        await person.press("j")
        assert "enter open member" in person.keys
        await person.press("enter")
        assert "01-2" in person.seen
        assert "a.zip > adam/adsl.csv" in title(person)
        assert "member 1 of 4" in title(person)
        assert "esc to the archive" in person.keys
        assert "2 rows x 2 columns" in person.seen
        assert "28 B" in person.seen
        await person.press("escape")
        assert isinstance(person.app.screen, PreviewScreen)
        assert pane.viewer.content.cursor == 1
        assert "log.txt" in person.seen
        assert " > " not in title(person)
        assert "n next" in person.keys
        await person.press("escape")
        assert not isinstance(person.app.screen, PreviewScreen)


@SIZES
async def test_n_and_p_go_through_members_and_stay_in_the_archive(at_screen: Open, size: tuple[int, int]) -> None:
    async with at_screen(size) as person:
        pane = await opened(person, "a.zip", "small.txt")
        await person.press("j", "enter")
        assert "previous member" not in person.keys
        await person.press("p")
        assert "a.zip > adam/adsl.csv" in title(person)
        await person.press("n")
        assert "beta" in person.seen
        assert "a.zip > log.txt" in title(person)
        assert "USUBJID" not in person.seen
        await person.press("n", "n")
        assert "painted" in person.seen
        assert "\x1b" not in person.seen
        assert "member 4 of 4" in title(person)
        await person.press("n", "n")
        assert "painted" in person.seen
        await person.press("escape")
        assert pane.viewer.content.cursor == 4
        await person.press("n")
        assert "small.txt" in title(person)


async def test_an_archive_in_an_archive_is_listed_only(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        await opened(person, "a.zip")
        await person.press("j", "j", "j", "enter")
        assert "deep.txt" in person.seen
        assert "open member" not in person.keys
        await person.press("enter")
        assert "a.zip > inner.zip" in title(person)


@SIZES
@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
async def test_members_of_tar_archives_open(at_screen: Open, name: str, size: tuple[int, int]) -> None:
    async with at_screen(size) as person:
        pane = await opened(person, name)
        await person.press("G")
        assert "open member" not in person.keys
        await person.press("k", "k")
        y = pane.viewer.scroll_offset.y
        assert y > 0
        await person.press("enter")
        assert "this is part 38" in person.seen
        await person.press("p", "escape")
        assert pane.viewer.content.cursor == 37
        assert "part-37.txt" in person.seen
        assert pane.viewer.scroll_offset.y == y


async def test_sorted_members_are_gone_through_as_they_are_listed(at_screen: Open) -> None:
    async with at_screen(LARGE) as person:
        await opened(person, "a.tar")
        await person.press("s", "s", "g", "enter")
        assert "this is part 39" in person.seen
        await person.press("n")
        assert "this is part 38" in person.seen
        await person.press("escape")
        assert "name ↓" in person.seen


async def test_a_zip_in_a_compressed_file_has_no_members_to_open(at_screen: Open) -> None:
    async with at_screen(SMALL) as person:
        await opened(person, "a.zip.gz")
        assert "adam/adsl.csv" in person.seen
        await person.press("j")
        assert "open member" not in person.keys


async def test_find_comes_before_the_way_back(at_screen: Open) -> None:
    async with at_screen(LARGE) as person:
        await opened(person, "a.zip")
        await person.press("j", "j", "enter", "slash")
        await person.type("beta")
        await person.press("enter", "escape")
        assert "a.zip > log.txt" in title(person)
        await person.press("escape")
        assert "a.zip > " not in title(person)


async def test_a_damaged_member_is_told_and_left(at_screen: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = bytearray(zip_bytes())
    at = whole.index(b"PK\x03\x04", 4)
    whole[at : at + 4] = b"XXXX"
    put(monkeypatch, "viewer/a.zip", bytes(whole))
    async with at_screen(SMALL) as person:
        await opened(person, "a.zip")
        await person.press("j", "enter")
        assert "adam/adsl.csv is not where the archive's directory says" in " ".join(person.seen.split())
        await person.press("escape")
        assert "adam/adsl.csv" in person.seen
        assert "is not where" not in person.seen


async def test_a_member_beside_the_list_stays_when_the_run_is_read_again(
    at_screen: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(monkeypatch, OTHER, zip_bytes())
    async with at_screen(LARGE) as person:
        await person.open("domino-reports-1")
        await go_to(person, "TFL Reports", "t_ae_rel tfl report")
        await person.press("tab", "j", "enter")
        screen = person.app.screen
        assert isinstance(screen, RunScreen)
        assert "01-2" in person.seen
        assert "t_ae_rel tfl report > adam/adsl.csv" in person.seen
        await person.press("r")
        assert "01-2" in person.seen
        await person.press("escape")
        assert person.app.screen is screen
        assert "log.txt" in person.seen
        await person.press("enter", "shift+tab", "j")
        assert "adsl.csv" not in person.seen
