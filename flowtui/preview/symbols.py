"""What a pickle says, as symbols: a class or function that it names is a name here, a call of it is a record.

Nothing in this module imports, calls or looks up what a pickle names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Symbol: TypeAlias = "bool | int | float | str | Blob | Ref | Items | Pairs | Call | Persistent | Opaque | None"
"""A value of a pickle."""


@dataclass(slots=True, eq=False)
class Blob:
    """Bytes: how many, the first of them, and where they begin in the file (-1 where that is not known)."""

    length: int
    head: bytes = b""
    start: int = -1


@dataclass(slots=True, eq=False)
class Ref:
    """A class or function by its name; a part that the pickle computes is ``<computed>``."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(slots=True, eq=False)
class Items:
    """A list, tuple, set or frozenset."""

    kind: Literal["list", "tuple", "set", "frozenset"]
    values: list[Symbol] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Pairs:
    """A dict; keys may come twice."""

    pairs: list[tuple[Symbol, Symbol]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Call:
    """What calling ``function`` with ``arguments`` would give.

    Attributes:
        new: True where an object of the class ``function`` is made without calling its constructor.
        keywords: arguments by name.
        state: what the object would be filled with; None where there is none.
        values: what would be appended to it.
        pairs: what would be set as its items.
    """

    function: Symbol
    arguments: Symbol
    new: bool = False
    keywords: Symbol = None
    state: Symbol = None
    values: list[Symbol] = field(default_factory=list)
    pairs: list[tuple[Symbol, Symbol]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Persistent:
    """An object outside of the pickle, by what the pickle calls it."""

    id: Symbol


@dataclass(slots=True, eq=False)
class Opaque:
    """A value that is not looked into, in words."""

    text: str


def values_of(symbol: Symbol) -> list[Symbol]:
    """The values of a list, tuple or set; empty for anything else."""
    return symbol.values if isinstance(symbol, Items) else []


def value_of(symbol: Symbol, key: str) -> Symbol:
    """The value that a dict, or an object's dict of attributes, has for a key; None where it has none."""
    if isinstance(symbol, Pairs):
        return next((value for name, value in symbol.pairs if name == key), None)
    if isinstance(symbol, Call):
        state = symbol.state
        # With __slots__ the state is a pair: the dict, and the slots.
        for part in values_of(state) or [state]:
            if isinstance(part, Pairs) and (found := value_of(part, key)) is not None:
                return found
    return None


def is_named(symbol: Symbol, *names: str) -> bool:
    """True for a class or function of one of these names."""
    return isinstance(symbol, Ref) and str(symbol) in names
