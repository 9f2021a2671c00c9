"""When two values of tables are the same: numbers as numbers, a missing value like any other plain missing one.

Special missing values are the same where they have the same letter, whatever its case: SAS's ``.A`` is Stata's ``.a``.
A user-missing value is its value; that it counts as missing is said of its column.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable

from flowtui.preview.comparison.moments import length_of, moment_of
from flowtui.preview.formatted_value import FormattedValue
from flowtui.preview.result import Cell, Column
from flowtui.preview.special_missing import MARKED_MISSING, SpecialMissing, UserMissing
from flowtui.preview.values import MISSING

_NUMERIC = frozenset({"integer", "number", ""})
_TEMPORAL = frozenset({"date", "datetime", "time"})
_LENGTH = "duration"
_LONGEST_NUMBER = 64
_LEAST_SECONDS = 1e-4


def number_of(value: Cell) -> int | float | None:
    """The number that a value is or that its text says; None for none, and for what is not a number (NaN)."""
    if isinstance(value, UserMissing):
        value = value.value
    if value is None or isinstance(value, bool | SpecialMissing | FormattedValue):
        return None
    if isinstance(value, (int, float)):
        return None if isinstance(value, float) and math.isnan(value) else value
    text = value.strip().replace(",", "")
    if not text or len(text) > _LONGEST_NUMBER or "_" in text:
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        found = float(text)
    except ValueError:
        return None
    return None if math.isnan(found) else found


def text_of(value: Cell) -> str:
    """A value as text; nothing for a missing one."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


class Values:
    """The values of one column in both tables.

    Args:
        left_type, right_type: as ``Column.type`` says. Between numbers, ``1`` and ``1.0`` are the same, compared in
            double precision unless both are whole; dates, moments and times are the same in any unit and form; else
            texts are compared as they stand.
        tolerance: the largest absolute difference of two numbers that counts as none.
        are_lengths: one of the columns has lengths of time.
    """

    def __init__(self, left_type: str, right_type: str, tolerance: float = 0.0, *, are_lengths: bool = False) -> None:
        self._is_one_type = left_type == right_type
        self.numeric = left_type in _NUMERIC and right_type in _NUMERIC
        self._said = self._meaning(left_type, right_type, are_lengths)
        self._missing = frozenset({""}) if "text" in (left_type, right_type) else MISSING
        self._tolerance = tolerance

    @staticmethod
    def of(left: Column, right: Column, tolerance: float = 0.0) -> Values:
        """Of two columns."""
        are_lengths = left.format.startswith(_LENGTH) or right.format.startswith(_LENGTH)
        return Values(left.type, right.type, tolerance, are_lengths=are_lengths)

    @staticmethod
    def _meaning(left: str, right: str, are_lengths: bool) -> Callable[[str], Hashable] | None:
        if are_lengths:
            return length_of
        is_temporal = (left in _TEMPORAL or right in _TEMPORAL) and {left, right} <= _TEMPORAL | {"text", ""}
        return moment_of if is_temporal else None

    def is_missing(self, value: Cell) -> bool:
        """Whether a value is missing: SAS's ``.`` and ``NA`` count where the column is not a text."""
        if value is None or isinstance(value, MARKED_MISSING):
            return True
        if isinstance(value, str):
            return value in self._missing
        return isinstance(value, float) and math.isnan(value)

    def same(self, left: Cell, right: Cell) -> bool:
        """Whether two values are the same within the tolerance."""
        if left == right and type(left) is type(right):
            return True
        if isinstance(left, MARKED_MISSING) or isinstance(right, MARKED_MISSING):
            return self._same_marked(left, right)
        if isinstance(left, FormattedValue) or isinstance(right, FormattedValue):
            return self._same_formatted(left, right)
        if self.is_missing(left) or self.is_missing(right):
            return self.is_missing(left) and self.is_missing(right)
        if self.numeric:
            first, second = number_of(left), number_of(right)
            if first is not None and second is not None:
                return first == second or (self._tolerance > 0 and distance(first, second) <= self._tolerance)
        if self._said is not None:
            one, two = self._said(text_of(left)), self._said(text_of(right))
            if one is not None and two is not None:
                return one == two
        return text_of(left) == text_of(right)

    def _same_formatted(self, left: Cell, right: Cell) -> bool:
        """Two of one type by what they count, whatever their formats print; else what other formats have for them."""
        if self._is_one_type and isinstance(left, FormattedValue) and isinstance(right, FormattedValue):
            # Programs count from different days in double precision, which costs a datetime its microseconds.
            return left.number == right.number or (
                left.value == right.value and abs(left.number - right.number) < _LEAST_SECONDS
            )
        return self.same(_unformatted(left), _unformatted(right))

    def _same_marked(self, left: Cell, right: Cell) -> bool:
        if isinstance(left, UserMissing) or isinstance(right, UserMissing):
            return self.same(_unmarked(left), _unmarked(right))
        # A text format has them as texts.
        return str(left).casefold() == str(right).casefold()

    def identity(self, value: Cell) -> Hashable:
        """What two values of a key have in common where they are the same; the tolerance does not count."""
        value = _unformatted(_unmarked(value))
        if isinstance(value, SpecialMissing):
            return str(value).casefold()
        if self.is_missing(value):
            return None
        number = number_of(value) if self.numeric else None
        if self._said is not None and (said := self._said(text_of(value))) is not None:
            return said
        return text_of(value) if number is None else number


def _unformatted(value: Cell) -> Cell:
    return value.value if isinstance(value, FormattedValue) else value


def _unmarked(value: Cell) -> Cell:
    return value.value if isinstance(value, UserMissing) else value


def distance(left: int | float, right: int | float) -> float:
    """How far two numbers are apart; infinite where that is no double."""
    try:
        found = float(abs(left - right))
    except OverflowError:
        return math.inf
    return math.inf if math.isnan(found) else found
