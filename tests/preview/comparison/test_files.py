"""Files compared through real storage: what is read, what it costs, and what is said of it."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response

from flowtui.errors import NotFoundError, UsageError
from flowtui.preview.comparison.files import compare
from flowtui.preview.comparison.looks import Options, Version
from flowtui.preview.comparison.report import brief, report
from flowtui.preview.comparison.result import Comparison
from flowtui.storage import Storage
from flowtui.text import plain
from tests.storage.store import Store, ranged
from tests.trusting import TrustsAll

MD5 = "0123456789abcdef0123456789abcdef"


async def compared(left: Path, right: Path, **options: object) -> Comparison:
    async with Storage(TrustsAll()) as storage:
        versions = [Version(path.name, (str(path),)) for path in (left, right)]
        return await compare(storage, *versions, options=Options(**options))  # type: ignore[arg-type]


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def csv_of(rows: int, *, first: int = 0, change: int = -1) -> str:
    lines = [f"{number},{number % 10 + (number == change)}" for number in range(first, first + rows)]
    return "\n".join(["USUBJID,AGE", *lines, ""])


async def test_equal_bytes_are_identical(tmp_path: Path) -> None:
    found = await compared(written(tmp_path, "a/x.csv", csv_of(10)), written(tmp_path, "b/x.csv", csv_of(10)))
    assert (found.result, found.compared) == ("identical", "every byte")
    assert (found.table, found.bytes_read) == (None, 2 * len(csv_of(10)))


async def test_equal_content_in_other_bytes(tmp_path: Path) -> None:
    one = written(tmp_path, "a/x.csv", "ID,V\n1,1.0\n2,\n3,0.5\n")
    two = written(tmp_path, "b/x.csv", 'ID,V\r\n"1",1\r\n2,.\r\n3,.5\r\n')
    found = await compared(one, two)
    assert (found.result, found.compared, found.kind) == ("equal", "all rows", "table")
    assert found.table is not None
    assert found.table.same == 3


async def test_the_tolerance_and_the_key_are_handed_on(tmp_path: Path) -> None:
    one = written(tmp_path, "a/x.csv", "ID,G,V\n1,a,1.0\n2,a,2.0\n")
    two = written(tmp_path, "b/x.csv", "ID,G,V\n1,a,1.001\n2,a,2.0\n")
    assert (await compared(one, two)).result == "different"
    assert (await compared(one, two, tolerance=0.01)).result == "equal"
    found = await compared(one, two, key=("G",))
    assert found.table is not None
    assert (found.table.key, found.table.doubled) == (("G",), 4)
    with pytest.raises(UsageError, match="NOPE"):
        await compared(one, two, key=("NOPE",))


async def test_only_the_head_is_said_and_the_hash_decides(tmp_path: Path) -> None:
    one = written(tmp_path, "a/x.csv", csv_of(300_000))
    two = written(tmp_path, "b/x.csv", csv_of(300_000, change=299_990))
    found = await compared(one, two, rows=500, hash_most=1_000_000)
    assert (found.result, found.compared, found.more) == ("unknown", "first 500 rows of each", True)
    assert found.notices[-1] == "both are 2.6 MB: they were not read to their end for a hash"
    # No more of each than its head.
    assert found.bytes_read <= 2 * 320 * 1024
    assert brief(found).startswith("no difference found (first 500 rows")
    found = await compared(one, two, rows=500)
    assert found.result == "different"
    assert found.left.sha256 != found.right.sha256
    assert "other bytes" in brief(found)
    same = await compared(one, written(tmp_path, "c/x.csv", csv_of(300_000)), rows=500)
    assert (same.result, same.left.sha256) == ("identical", same.right.sha256)


async def test_as_many_rows_are_read_as_are_wanted(tmp_path: Path) -> None:
    wide = "x" * 200
    lines = [f"{number},{wide}" for number in range(20_000)]
    one = written(tmp_path, "a/x.csv", "\n".join(["ID,V", *lines]))
    lines[9000] = f"9000,{wide}!"
    two = written(tmp_path, "b/x.csv", "\n".join(["ID,V", *lines]))
    found = await compared(one, two)
    assert found.table is not None
    assert (found.table.left_rows, found.table.changed, found.result) == (10_000, 1, "different")
    assert found.compared == "first 10,000 rows of each"


async def test_texts_trees_and_others(tmp_path: Path) -> None:
    text = await compared(written(tmp_path, "a.log", "one\ntwo\n"), written(tmp_path, "b.log", "one\nthree\n"))
    assert text.text is not None
    assert [line.text for line in report(text)][-3:] == [" one", "-two", "+three"]
    tree = await compared(
        written(tmp_path, "a.json", json.dumps({"a": {"b": 1}, "c": [1, 2]})),
        written(tmp_path, "b.json", json.dumps({"a": {"b": 2}, "c": [1, 2, 3]})),
    )
    assert tree.tree is not None
    assert {(change.path, change.left, change.right) for change in tree.tree.paths} == {
        (("a", "b"), "1", "2"), (("c", "2"), None, "3"),
    }  # fmt: skip
    other = await compared(written(tmp_path, "a.bin", b"\0\1\2" * 9), written(tmp_path, "b.bin", b"\0\1\3" * 9))
    assert (other.result, other.kind, brief(other)) == ("different", "bytes", "different: other bytes, 27 B each")
    mixed = await compared(written(tmp_path, "c.json", "{}"), written(tmp_path, "d.csv", "a,b\n1,2\n"))
    assert mixed.result == "different"
    assert any("one is shown as" in notice for notice in mixed.notices)


async def test_line_ends_and_empty_files(tmp_path: Path) -> None:
    found = await compared(written(tmp_path, "a.txt", "one\ntwo\n"), written(tmp_path, "b.txt", "one\r\ntwo\r\n"))
    assert found.result == "equal"
    empty = await compared(written(tmp_path, "c.txt", ""), written(tmp_path, "d.txt", "one\n"))
    assert empty.text is not None
    assert (empty.result, empty.text.added) == ("different", 1)
    assert (await compared(tmp_path / "c.txt", written(tmp_path, "e.txt", ""))).result == "identical"


async def test_a_long_cell_is_not_called_equal_by_its_beginning(tmp_path: Path) -> None:
    long = "x" * 5000
    one = written(tmp_path, "a.csv", f"ID,V\n1,{long}a\n")
    two = written(tmp_path, "b.csv", f"ID,V\n1,{long}bb\n")
    assert (await compared(one, two)).result == "unknown"
    first, second = written(tmp_path, "a.txt", f"{long}a\n"), written(tmp_path, "b.txt", f"{long}bb\n")
    assert (await compared(first, second)).result == "different"


async def test_directories_by_name_size_and_hash(tmp_path: Path) -> None:
    for side in "ab":
        written(tmp_path, f"{side}/same.csv", csv_of(3))
        written(tmp_path, f"{side}/sub/other.csv", csv_of(3, first=ord(side) % 2))
    written(tmp_path, "a/gone", "1")
    found = await compared(tmp_path / "a", tmp_path / "b")
    assert found.table is not None
    assert (found.table.removed, found.table.changed, found.table.same) == (1, 1, 1)
    changed = next(row for row in found.table.rows if row.state == "changed")
    assert (changed.key, [cell.column for cell in changed.cells]) == (("sub/other.csv",), ["sha256"])
    assert (await compared(tmp_path / "a", tmp_path / "a" / "..")).result == "different"
    bounded = await compared(tmp_path / "a", tmp_path / "b", hash_most=1)
    assert any("were not read" in notice for notice in bounded.notices)


async def test_a_directory_and_a_file(tmp_path: Path) -> None:
    file = written(tmp_path, "folder/x.csv", csv_of(3))
    found = await compared(tmp_path / "folder", file)
    assert found.result == "different"
    assert found.notices == ("one is a directory, the other a file",)


def storage_of(store: Store) -> Storage:
    return Storage(TrustsAll(), sign=store.sign, transport=store.transport, retry_delay=0)


async def remote(store: Store, left: Version, right: Version, **options: object) -> Comparison:
    async with storage_of(store) as storage:
        return await compare(storage, left, right, options=Options(**options))  # type: ignore[arg-type]


def at(key: str) -> Version:
    return Version("x.csv", (f"s3://{key}",), "csv")


async def test_the_same_object_costs_nothing() -> None:
    store = Store({"b/x": b"1"})
    found = await remote(store, at("b/x"), at("b/x"))
    assert found.result == "identical"
    assert store.seen == []


async def test_equal_checksums_of_the_store_cost_one_byte_each() -> None:
    store = Store({"b/x": csv_of(100_000).encode(), "b/y": csv_of(100_000).encode()})
    found = await remote(store, at("b/x"), at("b/y"))
    assert (found.result, found.compared) == ("identical", "checksums of the store")
    assert store.seen == ["bytes=0-0", "bytes=0-0"]


@pytest.mark.parametrize(
    ("etag", "same"),
    [('"5e8d-1a2b"', False), (f'W/"{MD5}"', False), (f'"{MD5}-3"', True)],
)
async def test_an_etag_counts_where_it_is_that_of_s3(etag: str, same: bool) -> None:
    def manner(request: Request, body: bytes) -> Response:
        answer = ranged(request, body)
        answer.headers["etag"] = etag
        return answer

    store = Store({"b/x": csv_of(5).encode(), "b/y": csv_of(5, change=2).encode()}, manner)
    found = await remote(store, at("b/x"), at("b/y"))
    assert (found.result == "identical") is same


async def test_remote_heads_are_bounded() -> None:
    store = Store({"b/x": csv_of(400_000).encode(), "b/y": csv_of(400_000, change=7).encode()})
    found = await remote(store, at("b/x"), at("b/y"), rows=1000)
    assert found.table is not None
    assert (found.result, found.table.changed) == ("different", 1)
    assert found.bytes_read <= 2 * 320 * 1024
    assert found.requests <= 4


async def test_several_parts() -> None:
    store = Store({f"b/{name}": csv_of(5, change=ord(name)).encode() for name in "xyz"} | {"b/w": csv_of(6).encode()})
    one = Version("x.csv", ("s3://b/x", "s3://b/z"), "csv")
    found = await remote(store, one, Version("x.csv", ("s3://b/y", "s3://b/w"), "csv"))
    assert (found.result, found.notices[0]) == ("unknown", "the first of 2 parts was compared")
    found = await remote(store, one, at("b/x"))
    assert (found.result, found.notices[0]) == ("different", "2 parts and 1 parts: the first of each was compared")


async def test_a_missing_object_is_told() -> None:
    with pytest.raises(NotFoundError):
        await remote(Store({"b/x": b"1"}), at("b/x"), at("b/none"))


async def test_no_foreign_code_reaches_a_report(tmp_path: Path) -> None:
    one = written(tmp_path, "a.csv", "ID,V\x1b[31m\n1,a\n2,\x1b]0;x\x07b\n")
    two = written(tmp_path, "b.csv", "ID,V\x1b[31m\n1,\u202ec\n2,d\n3,e\n")
    for line in report(await compared(one, two)):
        assert line.text.isprintable(), line


NAMES = st.sampled_from(["x.csv", "x.json", "x.jsonl", "x.txt", "x"])
CONTENTS = st.one_of(
    st.binary(max_size=60),
    st.text(alphabet='a1,.\n"{}[]: \t', max_size=60).map(str.encode),
    st.sampled_from([b"A,B\n1,2\n3,4\n", b'{"a": [1, {"b": 2}]}', b'{"a":1}\n{"a":2}\n', b"one\ntwo\n"]),
)


@given(NAMES, NAMES, CONTENTS, CONTENTS)
@example("x.csv", "x.json", b"", b"\xa0")
def test_any_two_files_have_an_answer(one: str, two: str, first: bytes, second: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        left, right = written(Path(folder, "a"), one, first), written(Path(folder, "b"), two, second)
        found, back = (asyncio.run(compared(*pair)) for pair in ((left, right), (right, left)))
    assert (found.result == "identical") == (first == second)
    assert found.result != "unknown"
    assert found.result == back.result
    assert all(plain(line.text) == line.text for line in report(found))
