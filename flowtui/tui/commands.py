"""What can be typed after ``:``; a pure parser."""

from __future__ import annotations

from dataclasses import dataclass

from flowtui.errors import UsageError

COMMANDS: dict[str, str] = {
    "runs": "the runs",
    "artifacts": "artifact versions of the newest runs",
    "bookmarks": "what you keep",
    "exports": "what was exported",
    "run": "open a run by its name",
    "projects": "choose another project and domain",
    "ctx": "choose a context, `:ctx NAME`; `:ctx -` goes back",
    "connect": "see a Flyte server, `:connect URL`",
    "local": "see the runs of this machine",
    "refresh": "ask again",
    "help": "the keys of this place",
    "q": "quit",
}
_OTHER_NAMES = {
    "quit": "q",
    "exit": "q",
    "q!": "q",
    "wq": "q",
    "h": "help",
    "r": "refresh",
    "open": "run",
    "context": "ctx",
}


@dataclass(frozen=True)
class Command:
    """A command and what follows it."""

    name: str
    argument: str = ""


def parse(line: str) -> Command:
    """The command of a line; the beginning of a name is enough where only one name begins so.

    Raises:
        UsageError: no command, or several, have this name.
    """
    name, _, argument = line.strip().lstrip(":").partition(" ")
    name = _OTHER_NAMES.get(name, name)
    if name in COMMANDS:
        return Command(name, argument.strip())
    near = [known for known in COMMANDS if name and known.startswith(name)]
    if len(near) == 1:
        return Command(near[0], argument.strip())
    if near:
        raise UsageError(f":{name} may be {', '.join(f':{known}' for known in near)}.")
    raise UsageError(f":{name} is not a command.", f"There are {', '.join(f':{known}' for known in COMMANDS)}.")


def complete(line: str) -> list[str]:
    """The commands that begin like the line."""
    name = line.strip().lstrip(":")
    return [known for known in COMMANDS if known.startswith(name)] if " " not in name else []
