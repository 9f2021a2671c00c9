"""Keys that arrive at once, as over a slow link, go where the person meant them."""

from __future__ import annotations

from textual import events

from flowtui.tui.screens.command import CommandScreen
from flowtui.tui.type_ahead import PATIENCE
from flowtui.tui.widgets.filter import FilterLine
from tests.tui.conftest import Open, Person


async def burst(person: Person, text: str) -> None:
    """All keys of a text before the first of them is handled."""
    names = {":": "colon", "/": "slash", "-": "minus", "\r": "enter"}
    for char in text:
        person.app.post_message(events.Key(names.get(char, char), char if char.isprintable() else None))
    await person.settle()
    await person.settle()


async def test_what_follows_a_slash_is_in_the_filter(at_screen: Open) -> None:
    async with at_screen() as person:
        await burst(person, "/dm-e")
        assert person.app.screen.query_one(FilterLine).words == "dm-e"
        assert "Export" not in person.seen.splitlines()[0]
        await burst(person, "/q")
        assert person.app.screen.query_one(FilterLine).words == "dm-e/q"


async def test_what_follows_a_colon_is_the_command(at_screen: Open) -> None:
    async with at_screen() as person:
        await burst(person, ":bookmarks\r")
        assert "No bookmarks yet" in person.seen
        await burst(person, ":exp")
        assert isinstance(person.app.screen, CommandScreen)
        assert person.app.screen.input.value == "exp"


async def test_keys_go_on_where_no_line_opened(at_screen: Open) -> None:
    async with at_screen() as person:
        await person.press("question_mark")
        assert "Everywhere" in person.seen
        await burst(person, "/q")
        await person.pilot.pause(PATIENCE * 1.5)
        assert not person.app.is_running or "Everywhere" not in person.seen


async def test_the_person_s_own_key_opens_the_line_too(at_screen: Open) -> None:
    async with at_screen(keymap={"filter": "f"}) as person:
        await burst(person, "fdm")
        assert person.app.screen.query_one(FilterLine).words == "dm"
