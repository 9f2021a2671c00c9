"""The words of the filter line, ``wf:adam !phase:aborted 7f2``: a pure parser and matcher.

A word is looked for in every field; ``field:word`` in one; ``!`` in front turns it round. A row must satisfy all
words. Upper and lower case are one. Quotes hold a blank: ``wf:"my flow"``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_WORD = re.compile(r'(?P<no>!?)(?:(?P<field>[A-Za-z]+):)?(?:"(?P<quoted>[^"]*)"?|(?P<bare>\S+))')


@dataclass(frozen=True, slots=True)
class Word:
    """One condition: ``text`` occurs in ``field`` (any field where it is empty), or does not where ``no``."""

    text: str
    field: str = ""
    no: bool = False


def parse(line: str, fields: frozenset[str] | set[str] = frozenset()) -> tuple[Word, ...]:
    """The conditions of a filter line.

    Args:
        line: what the person typed; nothing in it is an error, as it is parsed while being typed.
        fields: the names that may stand before a colon; any other ``a:b`` is looked for as it stands. A field without
            a word yet is left out.
    """
    words: list[Word] = []
    for found in _WORD.finditer(line):
        name = (found["field"] or "").lower()
        text = found["quoted"] if found["quoted"] is not None else found["bare"]
        if not name and text.endswith(":") and text[:-1].lower() in fields:
            continue
        if name and name not in fields:
            name, text = "", f"{found['field']}:{text}"
        if text:
            words.append(Word(text.lower(), name, bool(found["no"])))
    return tuple(words)


def matches(words: tuple[Word, ...], fields: Mapping[str, str]) -> bool:
    """Whether a row whose fields are given satisfies every word."""
    for word in words:
        if word.field:
            found = word.text in fields.get(word.field, "").lower()
        else:
            found = any(word.text in value.lower() for value in fields.values())
        if found == word.no:
            return False
    return True
