"""The words of the runs filter, such as ``wf:adam !phase:aborted 7f2``.

Words are joined by AND. ``field:value`` looks at one field, ``!`` in front of it turns it round, quotes keep blanks
together, and a word without a field is a part of the run's name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from flowtui.errors import UsageError

FIELDS = {
    "run": "run",
    "name": "run",
    "wf": "workflow",
    "workflow": "workflow",
    "version": "version",
    "lp": "launch_plan",
    "plan": "launch_plan",
    "phase": "phase",
    "mode": "mode",
    "by": "user",
    "label": "label",
    "after": "after",
    "before": "before",
}
"""The words before the colon and the fields that they mean."""

_WORD = re.compile(r"(?P<not>!?)(?:(?P<field>[A-Za-z_]+):)?(?:\"(?P<quoted>[^\"]*)(?:\"|$)|(?P<bare>\S*))(?:\s+|$)")


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a query: ``field`` is a value of ``FIELDS``."""

    field: str
    value: str
    negated: bool = False


def parse(text: str) -> tuple[Term, ...]:
    """The terms of a query; a field without a value yet (``wf:``) is left out.

    Raises:
        UsageError: a field is not known.
    """
    terms: list[Term] = []
    place = 0
    text = text.strip()
    while place < len(text):
        word = _WORD.match(text, place)
        if word is None or word.end() == place:
            break
        place = word.end()
        value = word["quoted"] if word["quoted"] is not None else word["bare"]
        field = (word["field"] or "").lower()
        if field and field not in FIELDS:
            raise UsageError(f"There is no filter {field}:.", f"Filters are {', '.join(f'{one}:' for one in FIELDS)}.")
        if value:
            terms.append(Term(FIELDS.get(field, "run"), value, bool(word["not"])))
    return tuple(terms)
