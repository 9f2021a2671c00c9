"""By which columns the rows of two tables are paired: given ones, those of clinical data, or any that are unique.

Names of clinical variables are those of CDISC's SDTM and ADaM: USUBJID is the subject, xxSEQ (AESEQ) and ASEQ number
its records within a domain, PARAMCD and xxTESTCD say what was measured, VISITNUM and AVISITN when. Tables of a trial
without subjects have keys of their own (SDTMIG 3.4, 7): TSPARMCD and TSSEQ, ARMCD and TAETORD, and so on. Results
(xxORRES, xxSTRESN, AVAL, TSVAL, QVAL) and what is derived from them pair no rows: they are what changes.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from flowtui.errors import UsageError
from flowtui.preview.comparison.cells import Values, number_of
from flowtui.preview.result import Cell, Column
from flowtui.text import plain

_SUBJECTS = ("USUBJID", "SUBJID")
_SEQUENCE = re.compile(r"[A-Z][A-Z0-9]SEQ|ASEQ")
_RECORD = re.compile(
    r"STUDYID|DOMAIN|PARAMCD|PARAMN|[A-Z]{2}TESTCD|AVISITN|AVISIT|VISITNUM|VISIT|ATPTN|ATPT|[A-Z]{2}TPTNUM|[A-Z]{2}TPT"
    r"|ADTM|ADT|ASTDT|[A-Z]{2}DTC|[A-Z]{2}STDTC|[A-Z]{2}SPID|[A-Z]{2}DECOD|[A-Z]{2}TERM|DTYPE|QNAM|IDVARVAL"
)
_OF_RECORDS = (
    ("RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM"),
    ("RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "COSEQ"),
    ("RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "RELID"),
    ("USUBJID", "--TESTCD", "VISITNUM"),
    ("USUBJID", "--TESTCD", "VISIT"),
    ("USUBJID", "--TESTCD", "VISITNUM", "--TPTNUM"),
    ("USUBJID", "--TESTCD", "VISITNUM", "--DTC"),
    ("USUBJID", "PARAMCD", "AVISITN"),
    ("USUBJID", "PARAMCD", "AVISIT"),
    ("USUBJID", "PARAMCD"),
    ("USUBJID", "PARAMCD", "AVISITN", "ATPTN"),
)
_OF_TRIALS = (
    ("TSPARMCD", "TSSEQ"),
    ("STUDYID", "TSPARMCD", "TSSEQ"),
    ("TSPARMCD",),
    ("ARMCD", "TAETORD"),
    ("ETCD",),
    ("ARMCD", "VISITNUM"),
    ("VISITNUM", "ARMCD"),
    ("IETESTCD",),
    ("TIVERS", "IETESTCD"),
    ("SETCD", "TXPARMCD"),
    ("SETCD", "TXSEQ"),
    ("MIDSTYPE",),
    ("POOLID", "--SEQ"),
    ("SPDEVID", "--SEQ"),
    ("DOMAIN", "--SEQ"),
    ("STUDYID", "--SEQ"),
)
"""Keys of SDTM and ADaM by the names of their variables; ``--`` stands for the two letters of the domain."""

_VALUE = re.compile(
    r"TSVAL[0-9]*|TSVALNF|TSVALCD|TXVAL|QVAL|COVAL[0-9]*|AVAL|AVALC|AVALCA[0-9]*N?|BASE|BASEC|CHG|PCHG|ANRIND|BNRIND"
    r"|[A-Z]{2}(ORRES|ORRESU|STRESC|STRESN|STRESU|STAT|REASND|NRIND|ORNRLO|ORNRHI|STNRLO|STNRHI|STNRC|BLFL|LOBXFL)"
    r"|CHG[0-9]*|R2BASE|CRIT[0-9]FL"
)
_VALUE_NAMED = re.compile(r"(?i)(^|_| )(value|val|result|amount|score|measurement|comment|note|text)$")
_NAMED = re.compile(r"(?i)(^|_| )(id|key|name|uuid|guid|code|index)$|[a-z]Id$|ID$")
_OF_SUCH_DATA = "the key of such data, unique in both"
_MOST_COLUMNS = 4
_TRIED = 20
_STARTS = 4
"""Columns that a key is looked for with: each costs a pass over the rows, and each start one for every column."""


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


def find_key(pairs: Sequence[Pair], left: Rows, right: Rows, named: Sequence[str] = ()) -> Key:
    """The first columns that are unique in both tables: clinical ones, then those named like one, then any other.

    Args:
        named: those that both files say to be the key; they come first.
    """
    if not left or not right:
        return Key((), "one of them has no rows")
    said = [pair for name in named for pair in pairs if pair.name == name]
    if len(said) == len(named) > 0 and _is_unique(left, said, right=False) and _is_unique(right, said, right=True):
        return Key(tuple(said), "the key that both name, unique in both")
    for chosen, reason in _candidates(pairs, left, right):
        if _is_unique(left, chosen, right=False) and _is_unique(right, chosen, right=True):
            return Key(chosen, reason)
    return Key((), "no columns that are unique in both were found")


def _candidates(pairs: Sequence[Pair], left: Rows, right: Rows) -> Iterator[tuple[tuple[Pair, ...], str]]:
    by_name = {pair.name.upper(): pair for pair in reversed(pairs)}
    values = _Values(left, right)
    for subject in (by_name[name] for name in _SUBJECTS if name in by_name):
        for pair in pairs:
            if _SEQUENCE.fullmatch(pair.name.upper()):
                yield (subject, pair), f"the subject and its sequence variable {pair.name}, unique in both"
        yield (subject,), "the subject, unique in both"
        for chosen in _clinical(_OF_RECORDS, by_name):
            yield chosen, _OF_SUCH_DATA
        record = [pair for pair in pairs if _RECORD.fullmatch(pair.name.upper())]
        yield _grown(subject, record[:_TRIED], values), "the subject and what tells its records apart, unique in both"
    for chosen in _clinical(_OF_TRIALS, by_name):
        yield chosen, _OF_SUCH_DATA
    usable = [
        pair
        for pair in pairs
        if pair.column.type != "number"
        and pair.column.name
        and not _VALUE.fullmatch(pair.name.upper())
        and not _VALUE_NAMED.search(pair.name)
        and not _is_measured(pair, values)
    ]
    usable.sort(key=lambda pair: not _NAMED.search(pair.name))
    for pair in usable:
        if _is_unique(left, (pair,), right=False) and values.overlap((pair,)):
            yield (pair,), "unique in both"
    for pair in usable[:_STARTS]:
        grown = _grown(pair, usable[:_TRIED], values)
        if grown and values.overlap(grown):
            yield grown, "together unique in both"


def _is_measured(pair: Pair, values: _Values) -> bool:
    """Whether whole numbers are more likely counted or measured than given: most of them differ, in no order."""
    if pair.column.type != "integer" or pair.left == 0 or _NAMED.search(pair.name):
        return False
    if _SEQUENCE.fullmatch(pair.name.upper()):
        return False
    return any(
        len(side) > 3 and 5 * len(set(side)) > 4 * len(side) for side in values.of(pair)
    ) and not values.is_ascending(pair)


def _clinical(keys: Sequence[Sequence[str]], by_name: Mapping[str, Pair]) -> Iterator[tuple[Pair, ...]]:
    """The keys whose variables are all there."""
    for key in keys:
        found = []
        for name in key:
            pattern = re.compile(name.replace("--", "(?:[A-Z][A-Z0-9])")) if "--" in name else None
            pair = (
                next((pair for other, pair in by_name.items() if pattern.fullmatch(other)), None)
                if pattern
                else by_name.get(name)
            )
            if pair is None:
                break
            found.append(pair)
        else:
            yield tuple(found)


class _Values:
    """The values of columns as numbers, the same for both tables: sets of these are quick."""

    def __init__(self, left: Rows, right: Rows) -> None:
        self._rows = left, right
        self._known: dict[tuple[int, int], tuple[list[int], list[int]]] = {}

    def of(self, pair: Pair) -> tuple[list[int], list[int]]:
        """The values of a column in left and in right."""
        place = pair.left, pair.right
        if place not in self._known:
            first, second = (
                [pair.values.identity(row[at]) for row in rows] for rows, at in zip(self._rows, place, strict=True)
            )
            self._known[place] = _numbered(first, second)
        return self._known[place]

    def together(self, pairs: Sequence[Pair]) -> tuple[list[int], list[int]]:
        """The values of several columns, each combination as one number."""
        found = self.of(pairs[0])
        for pair in pairs[1:]:
            other = self.of(pair)
            found = _numbered(zip(found[0], other[0], strict=True), zip(found[1], other[1], strict=True))
        return found

    def is_ascending(self, pair: Pair) -> bool:
        """Whether the values of a column grow from row to row in both tables, as those of a running number do."""
        for rows, at in zip(self._rows, (pair.left, pair.right), strict=True):
            numbers = [number_of(row[at]) for row in rows]
            known = [number for number in numbers if number is not None]
            if len(known) < len(numbers) or any(one >= two for one, two in itertools.pairwise(known)):
                return False
        return True

    def overlap(self, pairs: Sequence[Pair]) -> bool:
        """Whether half of the rows of the shorter table have a partner: of a unique measurement few rows have one."""
        first, second = map(set, self.together(pairs))
        return 2 * len(first & second) >= min(len(first), len(second))


def _numbered(left: Iterable[Hashable], right: Iterable[Hashable]) -> tuple[list[int], list[int]]:
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(one, len(numbers)) for one in left], [
        numbers.setdefault(one, len(numbers)) for one in right
    ]


def _grown(start: Pair, others: Sequence[Pair], values: _Values) -> tuple[Pair, ...]:
    """``start`` with further columns, each the one that tells most rows apart; empty where that is not all."""
    chosen = [start]
    groups = values.of(start)
    total = len(groups[0]) + len(groups[1])
    distinct = sum(len(set(side)) for side in groups)
    while distinct < total and len(chosen) < _MOST_COLUMNS:
        best, most = None, distinct
        for pair in others:
            if pair in chosen:
                continue
            count = sum(
                len(set(zip(side, own, strict=True))) for side, own in zip(groups, values.of(pair), strict=True)
            )
            if count > most:
                best, most = pair, count
        if best is None:
            return ()
        chosen.append(best)
        groups, distinct = values.together(chosen), most
    return tuple(chosen) if distinct == total else ()


def _is_unique(rows: Rows, pairs: Sequence[Pair], *, right: bool) -> bool:
    """Whether no two rows have one key, and no row has none."""
    seen: set[Identity] = set()
    places = [(pair.right if right else pair.left, pair.values) for pair in pairs]
    for row in rows:
        identity = tuple(values.identity(row[place]) for place, values in places)
        if identity in seen or all(part is None for part in identity):
            return False
        seen.add(identity)
    return True
