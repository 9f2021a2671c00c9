"""The file that bounds what a library may read."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.preview.bounded_file import BoundedFile, OverBudgetError

CONTENT = bytes(index * 7 % 251 for index in range(300_000))


class Counted(io.BytesIO):
    """Counts reads."""

    reads = 0

    def read(self, size: int | None = -1) -> bytes:
        self.reads += 1
        return super().read(size)


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
    file.fetch([(200_000, 200_100), (10_000, 10_100), (10_050, 10_200), (40_000, 40_100)])
    assert counted.reads == 2
    left = file.left
    for start, end in ((10_000, 10_200), (30_000, 40_100), (200_010, 200_020)):
        file.seek(start)
        assert file.read(end - start) == CONTENT[start:end]
    assert (counted.reads, file.left) == (2, left)


def test_what_lies_between_is_not_fetched_where_it_cannot_be_paid() -> None:
    file = BoundedFile(io.BytesIO(CONTENT), free=0, budget=250)
    file.fetch([(0, 100), (10_000, 10_100)])
    assert file.left == 50


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
