"""A stack machine for pickles of all protocols that builds symbols in place of objects: it calls and imports nothing.

Opcodes and their arguments are those of :mod:`pickletools`. The file may be given in parts, and bodies of strings and
bytes that lie beyond a part are not needed: the machine says where it goes on.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import Any, Literal

from flowtui.preview.pickle_opcodes import DamagedError, Opcodes, StarvedError
from flowtui.preview.symbols import Call, Items, Opaque, Pairs, Persistent, Ref, Symbol

End = Literal["", "stopped", "starved", "damaged", "capped"]

MOST_OPERATIONS = 1_000_000
"""An operation keeps some hundred bytes at most beside the file's own, so that memory is bounded with it."""

_MOST_IMPORTS = 10_000


class _Mark:
    """What MARK pushes."""


_Value = Any  # A Symbol or a _Mark: the stack holds both.


class Machine:
    """Runs one pickle after the other.

    Attributes:
        found: the values of the pickles that came to their end.
        imports: the classes and functions that the pickles name, in the order of their first mention.
        protocol: the highest protocol that the opcodes declare.
        position: offset in the file of the next byte that is needed.
        end: why the last run ended; ``starved`` where it needs the bytes from ``position``.
        operations: opcodes that were run.
    """

    def __init__(self, *, most_operations: int = MOST_OPERATIONS) -> None:
        self.found: list[Symbol] = []
        self.imports: dict[str, None] = {}
        self.protocol = 0
        self.position = 0
        self.end: End = ""
        self.operations = 0
        self._most = most_operations
        self._stack: list[_Value] = []
        self._memo: dict[int, _Value] = {}
        self._outer: list[tuple[list[_Value], dict[int, _Value], Call]] = []
        self._gap: tuple[int, bool] | None = None
        self._opcodes = Opcodes()
        self._run: dict[str, Callable[[Any], None]] = {
            one.name: getattr(self, f"_do_{one.name.lower()}", self._push) for one in pickletools.opcodes
        }

    def run(self, data: bytes, offset: int = 0) -> None:
        """Run the bytes of the file from ``offset``, which is ``position``, until a pickle ends or they do."""
        opcodes = self._opcodes = Opcodes(data, offset)
        self.end = ""
        try:
            while not self.end:
                if self.operations >= self._most:
                    self.end = "capped"
                    break
                self.position = offset + opcodes.at
                self._step()
        except StarvedError:
            self.end = "starved"
            return
        except (DamagedError, ValueError):
            # ValueError is what the readers of arguments raise.
            self.end = "damaged"
            return
        finally:
            self._opcodes = Opcodes()
        self.position = offset + opcodes.at

    def partial(self) -> Symbol:
        """The value under construction, as far as it came; it ends the machine."""
        while self._outer:
            inner = self._fold(self._stack)
            self._stack, self._memo, owner = self._outer.pop()
            owner.values = [inner]
        return self._fold(self._stack)

    def built(self, made: Call) -> None:
        """Called where an object has its state; for formats that put bytes between opcodes."""

    def skip(self, length: int, *, padded: bool = False) -> None:
        """Go on behind ``length`` bytes; ``padded`` where a byte that counts further ones comes before them."""
        self._gap = (length, padded)

    def enter(self, owner: Call) -> None:
        """Run the pickle that follows within this one, and make its value the only one of ``owner``'s."""
        if len(self._outer) >= 20:
            raise DamagedError
        self._outer.append((self._stack, self._memo, owner))
        self._stack, self._memo = [], {}

    def _step(self) -> None:
        if self._gap:
            length, padded = self._gap
            self._opcodes.skip(length, padded=padded)
            self._gap = None
            return
        name, argument = self._opcodes.next()
        self.operations += 1
        self._run[name](argument)

    def _push(self, value: _Value) -> None:
        self._stack.append(value)

    def _pop(self) -> Any:
        if not self._stack or isinstance(self._stack[-1], _Mark):
            raise DamagedError
        return self._stack.pop()

    def _pop_many(self, count: int) -> list[Any]:
        values = [self._pop() for _ in range(count)]
        values.reverse()
        return values

    def _to_mark(self) -> list[Any]:
        values: list[Any] = []
        while self._stack:
            value = self._stack.pop()
            if isinstance(value, _Mark):
                values.reverse()
                return values
            values.append(value)
        raise DamagedError

    def _top(self) -> Any:
        value = self._pop()
        self._stack.append(value)
        return value

    def _name(self, module: Symbol, name: Symbol) -> Ref:
        parts = [part[:500] if isinstance(part, str) else "<computed>" for part in (module, name)]
        ref = Ref(*parts)
        if len(self.imports) < _MOST_IMPORTS:
            self.imports.setdefault(str(ref))
        return ref

    def _call(self, function: Symbol, arguments: Symbol, *, new: bool = False, keywords: Symbol = None) -> None:
        self._push(Call(function, arguments, new, keywords))

    def _do_mark(self, _: None) -> None:
        self._push(_Mark())

    def _do_stop(self, _: None) -> None:
        value = self._pop()
        self._stack, self._memo = [], {}
        if self._outer:
            self._stack, self._memo, owner = self._outer.pop()
            owner.values = [value]
            return
        self.found.append(value)
        self.end = "stopped"

    def _do_pop(self, _: None) -> None:
        if not self._stack:
            raise DamagedError
        self._stack.pop()

    def _do_pop_mark(self, _: None) -> None:
        self._to_mark()

    def _do_dup(self, _: None) -> None:
        self._push(self._top())

    def _do_proto(self, protocol: int) -> None:
        self.protocol = max(self.protocol, protocol)

    def _do_frame(self, _: int) -> None:
        """Where frames begin and end changes nothing in what a pickle says."""

    def _do_none(self, _: None) -> None:
        self._push(None)

    def _do_newtrue(self, _: None) -> None:
        self._push(True)

    def _do_newfalse(self, _: None) -> None:
        self._push(False)

    def _do_empty_list(self, _: None) -> None:
        self._push(Items("list"))

    def _do_empty_tuple(self, _: None) -> None:
        self._push(Items("tuple"))

    def _do_empty_set(self, _: None) -> None:
        self._push(Items("set"))

    def _do_empty_dict(self, _: None) -> None:
        self._push(Pairs())

    def _do_list(self, _: None) -> None:
        self._push(Items("list", self._to_mark()))

    def _do_tuple(self, _: None) -> None:
        self._push(Items("tuple", self._to_mark()))

    def _do_frozenset(self, _: None) -> None:
        self._push(Items("frozenset", self._to_mark()))

    def _do_tuple1(self, _: None) -> None:
        self._push(Items("tuple", self._pop_many(1)))

    def _do_tuple2(self, _: None) -> None:
        self._push(Items("tuple", self._pop_many(2)))

    def _do_tuple3(self, _: None) -> None:
        self._push(Items("tuple", self._pop_many(3)))

    def _do_dict(self, _: None) -> None:
        self._push(Pairs(_paired(self._to_mark())))

    def _do_append(self, _: None) -> None:
        value = self._pop()
        _extend(self._top(), [value])

    def _do_appends(self, _: None) -> None:
        values = self._to_mark()
        _extend(self._top(), values)

    def _do_additems(self, _: None) -> None:
        self._do_appends(None)

    def _do_setitem(self, _: None) -> None:
        values = self._pop_many(2)
        _set(self._top(), values)

    def _do_setitems(self, _: None) -> None:
        values = self._to_mark()
        _set(self._top(), values)

    def _do_next_buffer(self, _: None) -> None:
        self._push(Opaque("bytes that are kept outside of the pickle"))

    def _do_readonly_buffer(self, _: None) -> None:
        self._top()

    def _do_get(self, index: Any) -> None:
        # The opcode's own reader lets text through that is no number.
        if not isinstance(index, int) or index not in self._memo:
            raise DamagedError
        self._push(self._memo[index])

    _do_binget = _do_long_binget = _do_get

    def _do_put(self, index: Any) -> None:
        if not isinstance(index, int):
            raise DamagedError
        self._memo[index] = self._top()

    _do_binput = _do_long_binput = _do_put

    def _do_memoize(self, _: None) -> None:
        self._memo[len(self._memo)] = self._top()

    def _do_ext1(self, code: int) -> None:
        self._push(self._name("copyreg", f"extension {code}"))

    _do_ext2 = _do_ext4 = _do_ext1

    def _do_global(self, names: str) -> None:
        self._push(self._name(*names.split(" ", 1)))

    def _do_stack_global(self, _: None) -> None:
        self._push(self._name(*self._pop_many(2)))

    def _do_reduce(self, _: None) -> None:
        self._call(*self._pop_many(2))

    def _do_inst(self, names: str) -> None:
        arguments = Items("tuple", self._to_mark())
        self._call(self._name(*names.split(" ", 1)), arguments)

    def _do_obj(self, _: None) -> None:
        values = self._to_mark()
        if not values:
            raise DamagedError
        self._call(values[0], Items("tuple", values[1:]))

    def _do_newobj(self, _: None) -> None:
        self._call(*self._pop_many(2), new=True)

    def _do_newobj_ex(self, _: None) -> None:
        function, arguments, keywords = self._pop_many(3)
        self._call(function, arguments, new=True, keywords=keywords)

    def _do_build(self, _: None) -> None:
        state = self._pop()
        made = self._top()
        if isinstance(made, Call):
            made.state = state
            self.built(made)

    def _do_persid(self, name: str) -> None:
        self._push(Persistent(name))

    def _do_binpersid(self, _: None) -> None:
        self._push(Persistent(self._pop()))

    def _fold(self, stack: list[_Value]) -> Symbol:
        """One value of what is on a stack: parts that are not yet put together are put where they would go."""
        groups: list[list[Any]] = [[]]
        for value in stack:
            if isinstance(value, _Mark):
                groups.append([])
            else:
                groups[-1].append(value)
        while True:
            values = groups.pop()
            while _settle(values):
                pass
            if not groups:
                return values[0] if len(values) == 1 else Items("tuple", values) if values else None
            below = groups[-1]
            if below and isinstance(below[-1], Pairs | Items | Call):
                _attach(below[-1], values)
            else:
                below.append(Items("tuple", values))


def _settle(values: list[Any]) -> bool:
    """Put the last values into the one below them that can hold some; False where there is none."""
    for index in range(len(values) - 2, -1, -1):
        if isinstance(values[index], Pairs | Items | Call):
            rest = values[index + 1 :]
            del values[index + 1 :]
            _attach(values[index], rest)
            return True
    return False


def _attach(owner: Any, values: list[Any]) -> None:
    if isinstance(owner, Items):
        owner.values += values
    elif isinstance(owner, Pairs):
        owner.pairs += _paired([*values, None] if len(values) % 2 else values)
    elif owner.state is None and values:
        owner.state = values[0]


def _paired(values: list[Any]) -> list[tuple[Any, Any]]:
    if len(values) % 2:
        raise DamagedError
    return list(zip(values[::2], values[1::2], strict=True))


def _extend(owner: Any, values: list[Any]) -> None:
    if not isinstance(owner, Items | Call):
        raise DamagedError
    owner.values += values


def _set(owner: Any, values: list[Any]) -> None:
    if not isinstance(owner, Pairs | Call):
        raise DamagedError
    owner.pairs += _paired(values)
