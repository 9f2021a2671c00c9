"""Help, commands, palette, footer and rebound keys."""

from __future__ import annotations

import pytest
from textual.command import CommandPalette

from flowtui.errors import UsageError
from flowtui.tui.bindings import KEYS, clean_keymap
from flowtui.tui.clipboard import LIMIT, osc52
from flowtui.tui.commands import COMMANDS, Command, complete, parse
from flowtui.tui.screens.help import HelpScreen, help_groups
from tests.tui.conftest import LARGE, SMALL, Open


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_help_lists_the_real_keys_in_three_columns(at_screen: Open, size: tuple[int, int]) -> None:
    async with at_screen(size) as person:
        groups = help_groups(person.app.screen)
        await person.press("question_mark")
        assert isinstance(person.app.screen, HelpScreen)
        assert any(
            all(word in line for word in ("Move", "On this row", "Everywhere")) for line in person.seen.splitlines()
        )
        for lines in groups.values():
            for keys, _ in lines:
                assert keys in person.seen
        assert "wf:" in person.seen
        await person.press("escape")
        assert "1 Runs" in person.seen


async def test_a_rebound_key_works_and_help_says_so(at_screen: Open) -> None:
    async with at_screen(keymap={"bookmarks": "f3", "nonsense": "z"}) as person:
        assert "nonsense" in person.keys
        await person.press("f3")
        assert "No bookmarks yet." in person.seen
        await person.press("question_mark")
        assert "f3" in person.seen


async def test_the_footer_has_at_most_eight_keys_and_always_help(at_screen: Open) -> None:
    async with at_screen(LARGE) as person:
        for key in ("2", "3", "4", "1", "enter"):
            await person.press(key)
            assert "? help" in person.keys
            assert len(person.keys.split("  ")) <= 8


@pytest.mark.parametrize(("typed", "title"), [("exports", "No exports yet."), ("book", "No bookmarks yet.")])
async def test_commands_go_to_places(at_screen: Open, typed: str, title: str) -> None:
    async with at_screen() as person:
        await person.press("colon")
        await person.type(typed)
        await person.press("enter")
        assert title in person.seen


async def test_run_as_a_command_opens_a_run(at_screen: Open) -> None:
    async with at_screen() as person:
        await person.press("colon")
        await person.type("run clinical-1")
        await person.press("enter")
        assert "ADaM Datasets" in person.seen


async def test_a_wrong_command_is_told_where_it_was_typed(at_screen: Open) -> None:
    async with at_screen() as person:
        await person.press("colon")
        await person.type("sudo")
        await person.press("enter")
        assert ":sudo is not a command." in person.seen
        await person.press("escape", "colon")
        await person.type("connect")
        await person.press("enter")
        assert ":connect URL, such as" in person.keys


async def test_q_as_a_command_quits(at_screen: Open) -> None:
    async with at_screen() as person:
        await person.press("colon")
        await person.type("q")
        await person.pilot.press("enter")
        await person.pilot.pause()
        assert not person.app.is_running or person.app._exit


async def test_the_palette_finds_our_actions_and_shows_their_keys(at_screen: Open) -> None:
    async with at_screen() as person:
        found = {command.title: command.help for command in person.app.get_system_commands(person.app.screen)}
        assert found["Re-run"] == "key R"
        assert found["Bookmarks"] == "key 3"
        assert "Down, up" not in found
        await person.pilot.press("ctrl+p")
        await person.pilot.pause()
        assert isinstance(person.app.screen, CommandPalette)


def test_the_beginning_of_a_command_is_enough_where_it_is_the_only_one() -> None:
    assert parse(":run abc ") == Command("run", "abc")
    assert parse("art") == Command("artifacts")
    assert parse("quit") == Command("q")
    assert complete("re") == ["refresh"]
    assert complete("") == list(COMMANDS)
    with pytest.raises(UsageError):
        parse("ru")
    with pytest.raises(UsageError):
        parse("nothing")


def test_a_keymap_keeps_what_is_known() -> None:
    assert clean_keymap({"refresh": "f5", "fly": "f"}) == ({"refresh": "f5"}, ("fly",))
    assert all(key.words for key in KEYS.values())


def test_a_text_for_the_clipboard_passes_a_multiplexer() -> None:
    bare = osc52("uri", {})
    assert bare == "\x1b]52;c;dXJp\x07"
    inside = osc52("uri", {"TMUX": "/tmp/tmux"})
    assert inside is not None
    assert inside.endswith("\x1bPtmux;\x1b\x1b]52;c;dXJp\x07\x1b\\")
    assert osc52("uri", {"STY": "1"}) == f"\x1bP{bare}\x1b\\"
    assert osc52("x" * LIMIT, {}) is None
