"""Missing values that say why: SAS's and Stata's special ones, and values that SPSS was told to take for missing.

SAS has ``._`` and ``.A`` to ``.Z`` beside ``.``, Stata ``.a`` to ``.z`` beside ``.``; the plain ``.`` is None in a
table. SPSS keeps the value itself (99 for "Refused"), and a definition of its variable says that it counts as missing.
"""

from __future__ import annotations

import string
from dataclasses import dataclass

from flowtui.preview.formatted_value import FormattedValue

_LETTERS = frozenset(string.ascii_letters + "_")


@dataclass(frozen=True, slots=True)
class SpecialMissing:
    """A special missing value; ``str()`` of it is ``.A``, ``._`` or ``.a``.

    Args:
        letter: ``_`` or ``A`` to ``Z`` of SAS, ``a`` to ``z`` of Stata.

    Raises:
        ValueError: it is no such letter.
    """

    letter: str

    def __post_init__(self) -> None:
        if self.letter not in _LETTERS:
            raise ValueError("a special missing value has one letter or _")

    def __str__(self) -> str:
        return f".{self.letter}"


@dataclass(frozen=True, slots=True)
class UserMissing:
    """A value that is in the file and counts as missing by the definition of its variable, ``99 (missing)``."""

    value: str | int | float | FormattedValue

    def __str__(self) -> str:
        return f"{self.value} (missing)"


MarkedMissing = SpecialMissing | UserMissing
"""A missing value that is told apart from others."""

MARKED_MISSING = (SpecialMissing, UserMissing)
"""Its types, for ``isinstance``, which is quicker with a tuple than with a union."""


def missing_order(value: object) -> tuple[int, float, str]:
    """What missing values are sorted by: ``._``, ``.``, ``.A`` to ``.Z`` as SAS does, then user-missing ones."""
    if isinstance(value, SpecialMissing):
        return (0 if value.letter == "_" else 2, 0.0, value.letter.upper())
    if isinstance(value, UserMissing):
        inner = value.value.number if isinstance(value.value, FormattedValue) else value.value
        return (4, 0.0, inner.casefold()) if isinstance(inner, str) else (3, inner, "")
    return (1, 0.0, "")
