"""The file that bounds what a library may read."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.preview.bounded_file import BoundedFile, OverBudgetError, Wish, read_together

CONTENT = bytes(index * 7 % 251 for index in range(300_000))


class Counted(io.BytesIO):
    """Counts reads."""

    reads = 0

    def read(self, size: int | None = -1) -> bytes:
        self.reads += 1
        return super().read(size)


class AtOnce(io.BytesIO):
    """Gives several parts at once, as the file of a worker does."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.asked: list[list[tuple[int, int]]] = []

    def read_ranges(self, ranges: list[tuple[int, int]]) -> list[bytes]:
        self.asked.append(ranges)
        return [self.getvalue()[start : start + length] for start, length in ranges]


def test_what_is_free_costs_nothing_and_the_rest_is_bounded() -> None:
    file = BoundedFile(io.BytesIO(CONTENT), free=1000, budget=500)
    assert file.read(1000) == CONTENT[:1000]
    assert file.read(400) == CONTENT[1000:1400]
    with pytest.raises(OverBudgetError):
        file.read(101)
    assert file.read(100) == CONTENT[1400:1500]
    assert file.left == 0


def test_neighbours_are_fetched_with_one_read_and_then_cost_nothing() -> None:
    counted = Counted(CONTENT)
    file = BoundedFile(counted, free=0, budget=100_000)
    file.fetch([(200_000, 200_100), (10_000, 10_100), (10_050, 10_200), (13_000, 13_100)])
    assert counted.reads == 2
    left = file.left
    for start, end in ((10_000, 10_200), (12_000, 13_100), (200_010, 200_020)):
        file.seek(start)
        assert file.read(end - start) == CONTENT[start:end]
    assert (counted.reads, file.left) == (2, left)


def test_what_is_fetched_at_once_is_asked_for_once_and_exactly() -> None:
    file = AtOnce(CONTENT)
    bounded = BoundedFile(file, free=1000, budget=100_000, round_trips=1)
    wanted = [(at, at + 100) for at in range(0, 160_000, 10_000)]
    assert bounded.fits(wanted)
    bounded.fetch(wanted)
    # What is at hand is not asked for.
    assert file.asked == [[(at, 100) for at in range(10_000, 160_000, 10_000)]]
    for start, end in wanted:
        bounded.seek(start)
        assert bounded.read(end - start) == CONTENT[start:end]
    assert bounded.left == 100_000 - 1500


def test_round_trips_are_bounded() -> None:
    bounded = BoundedFile(AtOnce(CONTENT), free=0, budget=100_000, round_trips=1, at_once=2)
    ranges = [(0, 10), (10_000, 10_010), (20_000, 20_010)]
    assert not bounded.fits(ranges)
    with pytest.raises(OverBudgetError):
        bounded.fetch(ranges)
    bounded.fetch(ranges[:2])
    assert not bounded.fits(ranges[2:])
    assert bounded.fits(ranges[:2])
    bounded.grant(1)
    assert bounded.fits([(20_000, 20_010)])


def test_what_is_needed_is_read_whatever_it_costs() -> None:
    bounded = BoundedFile(AtOnce(CONTENT), free=0, budget=1000, round_trips=1)
    bounded.fetch_needed(100_000, 300_000)
    bounded.seek(299_999)
    assert bounded.read(1) == CONTENT[-1:]
    assert bounded.left == 250
    assert bounded.fits([(0, 250)])


def test_wishes_are_read_together_and_the_first_ones_first() -> None:
    file = AtOnce(CONTENT)
    bounded = BoundedFile(file, free=0, budget=250, round_trips=2)
    found: dict[int, bytes] = {}

    def wish(start: int, length: int) -> Wish:
        def read() -> None:
            bounded.seek(start)
            # The first byte tells how much follows.
            first = bounded.read(1)
            found[start] = first + bounded.read(length - 1)

        return Wish(read)

    wishes = [wish(start, length) for start, length in ((50_000, 100), (100_000, 1000), (150_000, 100))]
    read_together(bounded, wishes)
    assert [one.is_done for one in wishes] == [True, False, True]
    assert found == {50_000: CONTENT[50_000:50_100], 150_000: CONTENT[150_000:150_100]}
    assert file.asked == [[(50_000, 1), (100_000, 1), (150_000, 1)], [(50_001, 99), (150_001, 99)]]


def test_one_wish_is_read_where_none_can_be_had_for_less() -> None:
    bounded = BoundedFile(AtOnce(CONTENT), free=0, budget=10, round_trips=1)
    read: list[bytes] = []

    def whole() -> None:
        bounded.seek(0)
        read.append(bounded.read(100_000))

    read_together(bounded, [Wish(whole)])
    assert not read
    read_together(bounded, [Wish(whole), Wish(whole)], at_least=100_000)
    assert read == [CONTENT[:100_000]] * 2


def test_bytes_in_place_of_others() -> None:
    file = BoundedFile(io.BytesIO(CONTENT), free=0, budget=1000)
    file.fetch([(150, 160)])
    file.replace(100, b"x" * 100)
    file.seek(100)
    assert file.read(110) == b"x" * 100 + CONTENT[200:210]
    file.restore()
    file.seek(145)
    assert file.read(20) == CONTENT[145:165]


@given(
    st.lists(st.tuples(st.integers(0, 310_000), st.integers(0, 400)), max_size=8),
    st.integers(0, 310_000),
    st.integers(0, 9000),
)
def test_any_reads_give_the_files_bytes(ranges: list[tuple[int, int]], start: int, length: int) -> None:
    file = BoundedFile(io.BytesIO(CONTENT), free=0, budget=1 << 20)
    file.fetch((first, first + size) for first, size in ranges)
    file.seek(start)
    assert file.read(length) == CONTENT[start : start + length]
    buffer = bytearray(17)
    file.seek(-10, io.SEEK_END)
    assert file.readinto(buffer) == 10
    assert bytes(buffer[:10]) == CONTENT[-10:]
