"""What a workbook stores of cells that python-calamine gives as blank or as a time: errors, formulas, plain numbers.

calamine gives ``''`` for an error and for a formula without a result, and a time of day for a negative number in a
format of dates.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ERRORS = {
    0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}  # fmt: skip
"""Codes of errors ([MS-XLS] 2.5.10 BErr, [MS-XLSB] 2.5.97.2)."""

FORMULA = 500
"""Characters of a formula that are kept."""


@dataclass(slots=True)
class StoredCells:
    """Cells of one sheet by row and column, from 0.

    Attributes:
        errors: texts of errors, as ``#DIV/0!``.
        formulas: formulas without a stored result, with their equals sign; ``=…`` where its text is not known.
        numbers: numbers that are no date or time, although a section of their format is one.
        results: how many formulas have a result.
        empty: how many have an empty text, which in Excel 2003 is also what writers without Excel leave.
    """

    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    formulas: dict[tuple[int, int], str] = field(default_factory=dict)
    numbers: dict[tuple[int, int], float] = field(default_factory=dict)
    results: int = 0
    empty: int = 0

    def take_number(self, place: tuple[int, int], value: float, format_: NumberFormat | None) -> None:
        """Keep a number that Excel shows as one, or as #####: dates and times of day have no negative values."""
        if format_ is not None and format_.is_number(value):
            self.numbers[place] = value


@dataclass(frozen=True, slots=True)
class Section:
    """One section of a number format: whether it is of dates or of elapsed time, and its condition, if any."""

    is_date: bool
    is_elapsed: bool
    operator: str = ""
    bound: float = 0.0

    def holds(self, value: float) -> bool:
        """Whether its condition is true of a value."""
        return {
            "<": value < self.bound, "<=": value <= self.bound, ">": value > self.bound, ">=": value >= self.bound,
            "=": value == self.bound, "<>": value != self.bound,
        }[self.operator]  # fmt: skip


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """A number format of which at least one section is of dates or times (ECMA-376 part 1, 18.8.31)."""

    sections: tuple[Section, ...]
    is_1904: bool = False

    def is_number(self, value: float) -> bool:
        """Whether a value is shown as a number, or not at all, rather than as a date or time."""
        section = self._of(value)
        if section.is_elapsed:
            return False
        return not section.is_date or value < 0

    def _of(self, value: float) -> Section:
        numeric = self.sections[:3]
        if any(one.operator for one in numeric):
            # A section without a condition takes what is left.
            return next((one for one in numeric if not one.operator or one.holds(value)), numeric[-1])
        if len(numeric) > 1 and value < 0:
            return numeric[1]
        if len(numeric) > 2 and value == 0:
            return numeric[2]
        return numeric[0]


def number_format(code: str) -> NumberFormat | None:
    """A number format as it stands in a workbook; None where it has no date and no time in it."""
    sections = tuple(_section(part) for part in _parts(code[:1000]))
    return NumberFormat(sections) if any(one.is_date for one in sections[:3]) else None


_BUILT_IN_DATES = frozenset([*range(14, 18), 22, *range(27, 32), 34, 35, 36, *range(50, 59)])
_BUILT_IN_TIMES = frozenset([18, 19, 20, 21, 32, 33, 45, 47])


def built_in_format(number: int) -> NumberFormat | None:
    """The format that has this number in every workbook; None for one without dates."""
    if number == 46:
        return NumberFormat((Section(True, True),))
    if number in _BUILT_IN_DATES or number in _BUILT_IN_TIMES:
        return NumberFormat((Section(True, False),))
    return None


def _parts(code: str) -> list[str]:
    """The sections of a format; semicolons in quotation marks or behind a backslash part none."""
    parts, at = [""], 0
    while at < len(code):
        char = code[at]
        if char == '"':
            end = code.find('"', at + 1)
            at = len(code) if end < 0 else end + 1
            # Text is no part of what a section is.
            continue
        if char in "\\_*":
            at += 2
            continue
        if char == ";":
            parts.append("")
        else:
            parts[-1] += char
        at += 1
    return parts


def _section(part: str) -> Section:
    letters, brackets = "", []
    rest = part
    while "[" in rest:
        before, _, rest = rest.partition("[")
        inside, _, rest = rest.partition("]")
        letters += before
        brackets.append(inside.strip())
    letters += rest
    is_elapsed = any(inside and set(inside.lower()) <= set("h") | set("m") | set("s") for inside in brackets)
    lowered = letters.lower().replace("general", "")
    is_date = is_elapsed or any(letter in lowered for letter in "ymdhs")
    for inside in brackets:
        for operator in ("<=", ">=", "<>", "<", ">", "="):
            if inside.startswith(operator):
                try:
                    return Section(is_date, is_elapsed, operator, float(inside[len(operator) :]))
                except ValueError:
                    break
    return Section(is_date, is_elapsed)
