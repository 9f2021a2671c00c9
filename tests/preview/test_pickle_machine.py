"""The stack machine: every protocol and opcode, nothing executed, and no pickle that gets the better of it."""

from __future__ import annotations

import collections
import datetime
import decimal
import os
import pickle
import pickletools
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowtui.preview.limits import Limits
from flowtui.preview.pickle_machine import Machine
from flowtui.preview.pickle_tree import PickleTree
from flowtui.preview.symbols import Blob, Call, Items, Opaque, Pairs, Persistent, Ref, Symbol


def run(data: bytes, **options: int) -> Machine:
    machine = Machine(**options)
    machine.run(data)
    return machine


def value(data: bytes) -> Symbol:
    machine = run(data)
    assert machine.end == "stopped", machine.end
    assert machine.position == len(data)
    return machine.found[0]


def plain_value(symbol: Any) -> Any:
    """The Python value that symbols of the usual containers stand for."""
    if isinstance(symbol, Items):
        made = [plain_value(one) for one in symbol.values]
        return {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}[symbol.kind](made)
    if isinstance(symbol, Pairs):
        return {plain_value(key): plain_value(one) for key, one in symbol.pairs}
    if isinstance(symbol, Blob):
        return symbol.head
    return symbol


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=300),
    lambda inner: (
        st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(_VALUES, st.integers(0, 5))
def test_plain_values_come_back_in_every_protocol(given_: Any, protocol: int) -> None:
    assert plain_value(value(pickle.dumps(given_, protocol))) == given_


@pytest.mark.parametrize("protocol", [4, 5])
def test_bytes_and_sets_come_back(protocol: int) -> None:
    given_ = [b"x" * 3, b"", {1, 2}, frozenset("ab")]
    assert plain_value(value(pickle.dumps(given_, protocol))) == given_


@pytest.mark.parametrize("protocol", range(6))
def test_every_cut_leaves_what_came_before(protocol: int) -> None:
    sample = {
        "a": [1, (2, 3)],
        "when": datetime.datetime(2024, 5, 6),
        "n": decimal.Decimal("1.5"),
        "s": {1},
        "b": b"x" * 300,
    }
    data = pickle.dumps(sample, protocol)
    for length in range(len(data)):
        machine = run(data[:length])
        assert machine.end == "starved", length
        tree = PickleTree(Limits())
        tree.node("", machine.partial())
    whole = plain_value(run(data[:-1]).partial())
    assert whole["a"] == [1, (2, 3)]


def test_every_opcode_is_known() -> None:
    machine = Machine()
    pushes = {name for name, handler in machine._run.items() if handler == machine._push}
    # What pushes its argument is what pickletools says has one and puts it on the stack; all others have their own.
    constants = {
        one.name for one in pickletools.opcodes
        if one.arg is not None and not one.stack_before and len(one.stack_after) == 1
        and one.name not in ("GLOBAL", "PERSID", "EXT1", "EXT2", "EXT4", "GET", "BINGET", "LONG_BINGET")
    }  # fmt: skip
    assert pushes == constants


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"I01\n.", True),
        (b"L12L\n.", 12),
        (b"F1.5\n.", 1.5),
        (b"S'a b'\n.", "a b"),
        (b"Vx\\u00e9\n.", "xé"),
        (b"(I1\nI2\nl.", [1, 2]),
        (b"(I1\nI2\nt.", (1, 2)),
        (b"(S'k'\nI1\nd.", {"k": 1}),
        (b"\x80\x02K\x01K\x02\x86.", (1, 2)),
        (b"\x80\x02K\x05q\x00K\x060h\x00.", 5),
        (b"K\x01(K\x02K\x031.", 1),
        (b"K\x012\x86.", (1, 1)),
        (b"\x80\x05\x96\x02\x00\x00\x00\x00\x00\x00\x00hi.", b"hi"),
        (b"\x80\x04\x8f(K\x01\x90.", {1}),
        (b"\x80\x04(K\x01\x91.", frozenset({1})),
        (b"\x80\x02\x8b\x01\x00\x00\x00\xff.", -1),
        (b"T\x02\x00\x00\x00ab.", "ab"),
    ],
)
def test_opcodes(data: bytes, expected: Any) -> None:
    assert plain_value(value(data)) == expected


def test_references_outside_of_the_pickle() -> None:
    named = value(b"Pmodel-1\n.")
    assert isinstance(named, Persistent)
    assert named.id == "model-1"
    binary = value(b"\x80\x02K\x07Q.")
    assert isinstance(binary, Persistent)
    assert binary.id == 7
    assert isinstance(value(b"\x80\x05\x97."), Opaque)
    assert isinstance(value(b"\x80\x05\x97\x98."), Opaque)
    assert str(value(b"\x80\x02\x82\x07.")) == "copyreg.extension 7"


class Harmful:
    def __reduce__(self) -> Any:
        return os.system, ("touch /nowhere/flowtui-was-here",)


@pytest.mark.parametrize("protocol", range(6))
def test_what_would_run_is_named_and_not_run(protocol: int) -> None:
    machine = run(pickle.dumps([Harmful()], protocol))
    assert list(machine.imports) == [f"{os.system.__module__}.system"]
    call = machine.found[0].values[0]  # type: ignore[union-attr]
    assert isinstance(call, Call)
    assert plain_value(call.arguments) == ("touch /nowhere/flowtui-was-here",)


def test_modules_that_a_pickle_names_are_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trap_of_flowtui.py").write_text("raise SystemExit(1)")
    monkeypatch.syspath_prepend(str(tmp_path))
    for data in (
        b"ctrap_of_flowtui\nrun\n(tR.",
        b"\x80\x04\x8c\x0ftrap_of_flowtui\x8c\x03run\x93)R.",
        b"(itrap_of_flowtui\nrun\n.",
        b"(ctrap_of_flowtui\nrun\nI1\no.",
        b"\x80\x02ctrap_of_flowtui\nRun\n)\x81}b.",
        b"\x80\x04ctrap_of_flowtui\nRun\n)}\x92.",
    ):
        machine = run(data)
        assert machine.end == "stopped", data
        assert next(iter(machine.imports)).startswith("trap_of_flowtui.")
    assert "trap_of_flowtui" not in sys.modules


def test_names_that_a_pickle_computes() -> None:
    # STACK_GLOBAL takes its names from the memo, or from a call's result.
    memo = run(b"\x80\x04\x8c\x02os\x94\x8c\x06system\x9400h\x00h\x01\x93.")
    assert list(memo.imports) == ["os.system"]
    computed = run(b"\x80\x04cbuiltins\ngetattr\n)R\x8c\x06system\x93.")
    assert list(computed.imports) == ["builtins.getattr", "<computed>.system"]


@pytest.mark.parametrize(
    "data", [b"0.", b"1.", b"R.", b"a.", b"K\x01K\x02b", b"h\x09.", b"\xff.", b"(.", b"s.", b"gx\n.", b"K\x01K\x02a."]
)
def test_damage_is_told(data: bytes) -> None:
    assert run(data).end in ("damaged", "starved")


def test_a_list_that_contains_itself() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    loop.append({"again": loop})
    tree = PickleTree(Limits())
    root = tree.node("", value(pickle.dumps(loop)))
    assert [child.value for child in root.children] == ["1", "[3], shown above", "{1}"]


def test_a_memo_bomb_is_a_small_tree() -> None:
    """Lists of lists of lists ... by reference: two to the power of 200 values in 1 KB."""
    data = b"]q\x00" + b"".join(b"](h%ch%ceq%c" % (n, n, n + 1) for n in range(200)) + b"."
    tree = PickleTree(Limits())
    root = tree.node("", value(data))
    assert root.value == "[2]"
    assert not tree.is_cut


def test_deep_nesting_is_no_recursion() -> None:
    machine = run(b"(" * 20_000 + b"K\x01" + b"t" * 20_000 + b".")
    assert machine.end == "stopped"
    tree = PickleTree(Limits())
    root = tree.node("", machine.found[0])
    assert tree.is_deep
    assert root.children
    tree.node("", run(b"(" * 50_000).partial())
    tree.node("", run(b"](" * 50_000).partial())


def test_operations_are_bounded_and_so_is_memory() -> None:
    data = b"(" + b"]" * 400_000
    tracemalloc.start()
    machine = run(data, most_operations=100_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (machine.end, machine.operations) == ("capped", 100_000)
    assert peak < 200 * 100_000
    assert run(b"(" + b"]" * 2_000_000).operations == 1_000_000


def test_calls_of_results_of_calls_are_no_recursion() -> None:
    for data in (
        b"cm\nf\n" + b")R" * 50_000 + b".",
        b"cm\nf\n" + b"\x85" * 50_000 + b".",
        b"ctorch._utils\n_rebuild_parameter\nq\x00" * 1 + b"h\x00" * 5000 + b"K\x01" + b"\x85R" * 5000 + b".",
        b"cnumpy\ndtype\nq\x00" + b"h\x00" * 5000 + b"K\x01" + b"\x85R" * 5000 + b".",
    ):
        machine = run(data)
        assert machine.end == "stopped"
        PickleTree(Limits()).node("", machine.found[0])


def test_long_bytes_and_texts_beyond_the_part_at_hand_are_passed_over() -> None:
    machine = run(b"\x80\x04]\x94(\x8e" + (5 << 30).to_bytes(8, "little") + b"only the first bytes")
    assert (machine.end, machine.position) == ("starved", 13 + 1 + (5 << 30))
    machine.run(b"K\x07e.", machine.position)
    assert machine.end == "stopped"
    blob, seven = machine.found[0].values  # type: ignore[union-attr]
    assert isinstance(blob, Blob)
    assert (blob.length, blob.head, seven) == (5 << 30, b"only the first bytes", 7)


def test_numbers_of_a_million_digits_are_not_computed() -> None:
    assert isinstance(value(b"I" + b"9" * 1_000_000 + b"\n."), Opaque)
    assert isinstance(value(b"\x8b" + (1_000_000).to_bytes(4, "little") + b"\x7f" * 1_000_000 + b"."), Opaque)


def test_an_object_with_state_and_items() -> None:
    call = value(pickle.dumps(collections.OrderedDict(a=1, b=2)))
    assert isinstance(call, Call)
    assert str(call.function) == "collections.OrderedDict"
    assert call.pairs == [("a", 1), ("b", 2)]
    assert isinstance(value(pickle.dumps(Ref)), Ref)


_PIECES = [bytes((ord(one.code),)) for one in pickletools.opcodes] + [b"\n", b"\x00", b"a"]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300) | st.lists(st.sampled_from(_PIECES), max_size=80).map(b"".join))
def test_any_bytes(data: bytes) -> None:
    machine = run(data)
    tree = PickleTree(Limits(nodes=50, depth=5, cell=20))
    for symbol in [*machine.found, machine.partial()]:
        tree.node("", symbol)
    assert machine.end in ("stopped", "starved", "damaged")
