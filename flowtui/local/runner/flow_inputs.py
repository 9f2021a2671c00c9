"""Inputs of a workflow on a command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flowtui.errors import UsageError
from flowtui.text import plain


@dataclass(frozen=True)
class FlowInput:
    """An input of a workflow.

    Attributes:
        type: in words, such as ``integer``.
        default: as text; None where there is none.
        description: from the docstring; may be empty.
    """

    name: str
    type: str
    boolean: bool
    required: bool
    default: str | None
    description: str


def parse_inputs(words: Sequence[str]) -> dict[str, str | None]:
    """Take ``--name value``, ``--name=value`` and ``--flag`` apart.

    Returns:
        The text of each input by its name as written; None for one without a value.

    Raises:
        UsageError: a word that belongs to no option, or an option given twice.
    """
    found: dict[str, str | None] = {}
    index = 0
    while index < len(words):
        word = words[index]
        if not word.startswith("--") or len(word) < 3:
            raise UsageError(f"{word!r} belongs to no input.", "Give inputs as --NAME VALUE.")
        name, equals, value = word[2:].partition("=")
        follows = index + 1 < len(words) and not words[index + 1].startswith("--")
        if name in found:
            raise UsageError(f"--{name} is given twice.")
        if equals:
            found[name] = value
        elif follows:
            index += 1
            found[name] = words[index]
        else:
            found[name] = None
        index += 1
    return found


def match_inputs(given: Mapping[str, str | None], known: Sequence[FlowInput]) -> dict[str, str]:
    """Texts by the names of the workflow's inputs: ``--data-path`` is ``data_path``, ``--flag`` is true.

    Raises:
        UsageError: an unknown name, a missing value, or a required input that is not given.
    """
    by_name = {item.name: item for item in known}
    values: dict[str, str] = {}
    for written, text in given.items():
        name = written if written in by_name else written.replace("-", "_")
        negated = name.removeprefix("no_") if name.startswith("no_") else ""
        if name not in by_name and negated in by_name and by_name[negated].boolean and text is None:
            name, text = negated, "false"
        item = by_name.get(name)
        if item is None:
            names = ", ".join(f"--{one}" for one in by_name)
            raise UsageError(
                f"The workflow has no input {plain(written)}.", f"It has {names}." if names else "It has no inputs."
            )
        if text is None and not item.boolean:
            raise UsageError(f"--{written} needs a value: {item.type}.")
        if name in values:
            raise UsageError(f"--{name} is given twice.")
        values[name] = "true" if text is None else text
    missing = [f"--{item.name}" for item in known if item.required and item.name not in values]
    if missing:
        raise UsageError(f"The workflow needs {', '.join(missing)}.", "With --help behind it, it shows its inputs.")
    return values
