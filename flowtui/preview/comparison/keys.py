"""By which columns the rows of two tables are paired: given ones, those of clinical data, or any that are unique.

Names of clinical variables are those of CDISC's SDTM and ADaM: USUBJID is the subject, xxSEQ (AESEQ) and ASEQ number
its records within a domain, PARAMCD and xxTESTCD say what was measured, VISITNUM and AVISITN when.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from flowtui.errors import UsageError
from flowtui.preview.comparison.cells import Values
from flowtui.preview.result import Cell, Column
from flowtui.text import plain

_SUBJECTS = ("USUBJID", "SUBJID")
_SEQUENCE = re.compile(r"[A-Z][A-Z0-9]SEQ|ASEQ")
_RECORD = re.compile(
    r"STUDYID|DOMAIN|PARAMCD|PARAMN|[A-Z]{2}TESTCD|AVISITN|AVISIT|VISITNUM|VISIT|ATPTN|ATPT|[A-Z]{2}TPTNUM|[A-Z]{2}TPT"
    r"|ADTM|ADT|ASTDT|[A-Z]{2}DTC|[A-Z]{2}STDTC|[A-Z]{2}SPID|[A-Z]{2}DECOD|[A-Z]{2}TERM|DTYPE|QNAM|IDVARVAL"
)
_NAMED = re.compile(r"(?i)(^|_| )(id|key|name|uuid|guid|code|index)$|[a-z]Id$|ID$")
_MOST_COLUMNS = 4
_TRIED = 12


@dataclass(frozen=True, slots=True)
class Pair:
    """A column that both tables have: its places, from 0, and how its values are compared."""

    left: int
    right: int
    column: Column
    values: Values

    @property
    def name(self) -> str:
        return self.column.name


@dataclass(frozen=True, slots=True)
class Key:
    """The columns that pair rows, none for by position, and why these."""

    pairs: tuple[Pair, ...]
    reason: str


Rows = Sequence[Sequence[Cell]]
Identity = tuple[Hashable, ...]


def identities(rows: Rows, pairs: Sequence[Pair], *, right: bool) -> list[Identity]:
    """The values of a key for every row of one side."""
    places = [(pair.right if right else pair.left, pair.values) for pair in pairs]
    return [tuple(values.identity(row[place]) for place, values in places) for row in rows]


def given_key(names: Sequence[str], pairs: Sequence[Pair]) -> Key:
    """The key that the person named; the case of names counts only where they differ by nothing else.

    Raises:
        UsageError: a name is no column of both tables.
    """
    found = []
    for name in names:
        exact = [pair for pair in pairs if pair.name == name]
        matches = exact or [pair for pair in pairs if pair.name.lower() == name.lower()]
        if not matches:
            known = ", ".join(pair.name for pair in pairs[:_TRIED]) or "none"
            raise UsageError(f"{plain(name)} is no column of both tables.", f"Both have: {known}.")
        found.append(matches[0])
    return Key(tuple(found), "as given")


def find_key(pairs: Sequence[Pair], left: Rows, right: Rows) -> Key:
    """The first columns that are unique in both tables: clinical ones, then those named like one, then any other."""
    if not left or not right:
        return Key((), "one of them has no rows")
    for chosen, reason in _candidates(pairs, left, right):
        if _is_unique(left, chosen, right=False) and _is_unique(right, chosen, right=True):
            return Key(chosen, reason)
    return Key((), "no columns that are unique in both were found")


def _candidates(pairs: Sequence[Pair], left: Rows, right: Rows) -> Iterator[tuple[tuple[Pair, ...], str]]:
    by_name = {pair.name.upper(): pair for pair in reversed(pairs)}
    for subject in (by_name[name] for name in _SUBJECTS if name in by_name):
        for pair in pairs:
            if _SEQUENCE.fullmatch(pair.name.upper()):
                yield (subject, pair), f"the subject and its sequence variable {pair.name}, unique in both"
        yield (subject,), "the subject, unique in both"
        record = [pair for pair in pairs if _RECORD.fullmatch(pair.name.upper())]
        if grown := _grown((subject,), record, left, right):
            yield grown, "the subject and what tells its records apart, unique in both"
    usable = [pair for pair in pairs if pair.column.type != "number" and pair.column.name]
    usable.sort(key=lambda pair: not _NAMED.search(pair.name))
    for pair in usable:
        if _overlap(left, right, (pair,)):
            yield (pair,), "unique in both"
    for first in usable[:_TRIED]:
        if grown := _grown((first,), usable[: 2 * _TRIED], left, right):
            if _overlap(left, right, grown):
                yield grown, "together unique in both"
            return


def _grown(start: tuple[Pair, ...], others: Sequence[Pair], left: Rows, right: Rows) -> tuple[Pair, ...]:
    """``start`` with further columns, each the one that tells most rows of left apart; empty where they do not do."""
    chosen = start
    distinct = len(set(identities(left, chosen, right=False)))
    while distinct < len(left) and len(chosen) < _MOST_COLUMNS:
        best, most = None, distinct
        for pair in others[: 2 * _TRIED]:
            if pair in chosen:
                continue
            count = len(set(identities(left, (*chosen, pair), right=False)))
            if count > most:
                best, most = pair, count
        if best is None:
            return ()
        chosen, distinct = (*chosen, best), most
    return chosen if distinct == len(left) and _is_unique(right, chosen, right=True) else ()


def _is_unique(rows: Rows, pairs: Sequence[Pair], *, right: bool) -> bool:
    seen: set[Identity] = set()
    places = [(pair.right if right else pair.left, pair.values) for pair in pairs]
    for row in rows:
        identity = tuple(values.identity(row[place]) for place, values in places)
        if identity in seen or all(part is None for part in identity):
            return False
        seen.add(identity)
    return True


def _overlap(left: Rows, right: Rows, pairs: Sequence[Pair]) -> bool:
    """Whether half of the rows of the shorter table have a partner: a measurement that is unique by chance has not."""
    first, second = (set(identities(rows, pairs, right=side)) for rows, side in ((left, False), (right, True)))
    return 2 * len(first & second) >= min(len(first), len(second))
