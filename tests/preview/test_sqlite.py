"""SQLite databases, as the standard library writes them."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from flowtui.preview.limits import Limits
from flowtui.preview.registry import preview
from flowtui.preview.result import Preview
from flowtui.preview.workers import Workers
from tests.preview.far import far
from tests.preview.look import look, look_at


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "study.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute('CREATE TABLE "odd ""name" (a INTEGER PRIMARY KEY, b TEXT, c REAL, d BLOB, e)')
        rows = [(at, "é" if at % 2 else None, at / 2, b"\0\1", [1, "x", None, 2.5][at % 4]) for at in range(500)]
        connection.executemany('INSERT INTO "odd ""name" VALUES (?, ?, ?, ?, ?)', rows)
        connection.execute("CREATE TABLE big (n)")
        connection.executemany("INSERT INTO big VALUES (?)", [(2**63 - 1,), (-(2**63),)])
        connection.execute("CREATE TABLE made (a, b GENERATED ALWAYS AS (a + 1) VIRTUAL)")
        connection.execute("INSERT INTO made VALUES (-5)")
        connection.execute("CREATE VIEW v AS SELECT load_extension('x')")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


async def shown(path: Path, page: int, **options: int) -> Preview:
    return await look_at(path, path.name, limits=Limits(page=page, **options))


async def test_each_table_is_a_page(database: Path) -> None:
    found = await shown(database, 1)
    assert (found.kind, found.format, found.total_rows, found.more) == ("table", "sqlite", 500, True)
    assert found.rows[:2] == ((0, None, 0.0, "0x0001", 1), (1, "é", 0.5, "0x0001", "x"))
    assert [(one.name, one.type) for one in found.columns] == [
        ("a", "integer"), ("b", "text"), ("c", "number"), ("d", "text"), ("e", "text"),
    ]  # fmt: skip
    assert found.page_names == ('odd "name', "big", "made")
    facts = dict(found.facts)
    assert (facts["tables"], facts["views and virtual tables"], facts["encoding"]) == ("3", "1", "UTF-8")
    assert "write-ahead" in facts["journal"]
    assert (await shown(database, 2)).rows == ((2**63 - 1,), (-(2**63),))
    assert (await shown(database, 3)).rows == ((-5, -4),)
    assert len((await shown(database, 1, rows=1000)).rows) == 500


def test_the_file_is_not_changed(database: Path) -> None:
    before = database.read_bytes()
    asyncio.run(shown(database, 1))
    assert database.read_bytes() == before
    assert [path.name for path in database.parent.iterdir() if path.name.startswith("study")] == ["study.db"]


async def test_a_database_in_a_store_is_read_as_a_whole_or_not_at_all(database: Path) -> None:
    async with far(database) as reader:
        assert (await preview(reader, name=database.name)).total_rows == 500
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE large (t)")
        connection.executemany("INSERT INTO large VALUES (?)", [("x" * 10_000,)] * 400)
        connection.commit()
    async with far(database) as reader:
        found = await preview(reader, name=database.name)
        assert found.kind == "hex"
        assert any(notice.startswith("a SQLite database of 4") for notice in found.notices)
        assert reader.bytes_read < 512 * 1024


async def test_damaged_databases(database: Path) -> None:
    content = await asyncio.to_thread(database.read_bytes)
    async with Workers() as workers:
        found = await look(content[:100] + bytes(len(content) - 100), "f.db", workers=workers)
        assert found.kind == "hex"
        assert any("that SQLite cannot read" in notice for notice in found.notices)
        # The root page of the first table is the second of the file.
        broken = bytearray(content)
        broken[4096:8192] = b"\xff" * 4096
        found = await look(bytes(broken), "f.db", workers=workers)
        assert found.kind == "table"
        assert any("it cannot be read further" in notice for notice in found.notices)


async def test_a_query_that_takes_for_ever_ends(tmp_path: Path) -> None:
    path = tmp_path / "f.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (a, b GENERATED ALWAYS AS (a + 1) VIRTUAL)")
        connection.executemany("INSERT INTO t VALUES (?)", [(at,) for at in range(10)])
        connection.execute(
            "CREATE VIEW endless AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n FROM r) SELECT * FROM r"
        )
        connection.commit()
    found = await look_at(path, path.name)
    assert (len(found.rows), found.page_names) == (10, ("t",))
