"""The cache of answers on disk: shared, replaceable, never in the way."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from flowtui.catalog.cache import Entry, ResponseCache

OWNER = ("p", "d", "run-1")


def entry(key: str, body: bytes, owner: tuple[str, ...] = OWNER) -> Entry:
    return Entry("data", owner, key, body)


def test_what_was_put_is_got(tmp_path: Path) -> None:
    path = tmp_path / "new" / "responses.sqlite3"
    cache = ResponseCache(path)
    assert cache.get("http://a", "data", OWNER, "n0") is None
    cache.put("http://a", [entry("n0", b"\x00one"), entry("n1", b"two"), entry("n0", b"other", ("p", "d", "run-2"))])
    again = ResponseCache(path)
    assert again.get("http://a", "data", OWNER, "n0") == b"\x00one"
    assert again.get_all("http://a", "data", OWNER) == {"n0": b"\x00one", "n1": b"two"}
    assert again.get("http://b", "data", OWNER, "n0") is None
    assert again.get("http://a", "nodes", OWNER, "n0") is None
    again.put("http://a", [entry("n0", b"newer")])
    assert cache.get("http://a", "data", OWNER, "n0") == b"newer"


def test_owners_whose_parts_join_to_the_same_text_are_not_mixed_up(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path / "c")
    cache.put("s", [entry("k", b"1", ("a/b", "c")), entry("k", b"2", ("a", "b/c"))])
    assert cache.get("s", "data", ("a/b", "c"), "k") == b"1"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such bits")
def test_the_file_is_for_this_user_only(tmp_path: Path) -> None:
    ResponseCache(tmp_path / "c").put("s", [entry("k", b"1")])
    assert stat.S_IMODE((tmp_path / "c").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "damage", [b"not a database at all, but long enough to be one" * 50, b"SQLite format 3\x00" * 90]
)
def test_a_damaged_file_is_replaced(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "c"
    path.write_bytes(damage)
    cache = ResponseCache(path)
    assert cache.get("s", "data", OWNER, "k") is None
    cache.put("s", [entry("k", b"1")])
    assert ResponseCache(path).get("s", "data", OWNER, "k") == b"1"
    assert [one.name for one in tmp_path.iterdir()] == ["c"]


def test_a_file_that_is_damaged_while_it_is_open_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "c"
    cache = ResponseCache(path)
    cache.put("s", [entry(str(index), b"x" * 2000) for index in range(50)])
    cache.close()
    body = bytearray(path.read_bytes())
    body[4096:] = b"\xff" * (len(body) - 4096)
    path.write_bytes(bytes(body))
    assert cache.get_all("s", "data", OWNER) == {}
    cache.put("s", [entry("k", b"1")])
    assert cache.get("s", "data", OWNER, "k") == b"1"


def test_a_file_of_another_version_is_emptied(tmp_path: Path) -> None:
    path = tmp_path / "c"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE response (other TEXT)")
    database.execute("PRAGMA user_version = 99")
    database.commit()
    database.close()
    cache = ResponseCache(path)
    cache.put("s", [entry("k", b"1")])
    assert cache.get("s", "data", OWNER, "k") == b"1"


def test_a_file_that_is_too_large_is_emptied(tmp_path: Path) -> None:
    path = tmp_path / "c"
    ResponseCache(path).put("s", [entry("k", b"x" * 100_000)])
    small = ResponseCache(path, size_limit=50_000)
    assert small.get("s", "data", OWNER, "k") is None
    assert path.stat().st_size < 50_000


def test_a_place_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = ResponseCache(tmp_path / "file" / "c")
    cache.put("s", [entry("k", b"1")])
    assert cache.get("s", "data", OWNER, "k") is None
    assert cache.get_all("s", "data", OWNER) == {}


def test_a_locked_file_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowtui.catalog.cache._PATIENCE", 0.0)
    path = tmp_path / "c"
    cache = ResponseCache(path)
    cache.put("s", [entry("k", b"1")])
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    cache.put("s", [entry("k", b"2")])
    assert cache.get("s", "data", OWNER, "k") is None
    other.execute("ROLLBACK")
    other.close()
    assert cache.get("s", "data", OWNER, "k") == b"1"


def test_several_processes_write_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from flowtui.catalog.cache import Entry, ResponseCache;"
        "cache = ResponseCache(Path(sys.argv[1]));"
        "[cache.put('s', [Entry('data', ('o',), f'{sys.argv[2]}-{i}', b'x')]) for i in range(30)]"
    )
    path = tmp_path / "c"
    running = [subprocess.Popen([sys.executable, "-c", code, str(path), str(number)]) for number in range(3)]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0]
    assert len(ResponseCache(path).get_all("s", "data", ("o",))) == 90
