from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.errors import NotFoundError
from flowtui.preview.hex import dump
from flowtui.preview.limits import Limits
from flowtui.preview.registry import preview_folder
from flowtui.preview.sniff import encoding_of, sniff
from flowtui.storage import Storage
from tests.preview.look import look, look_at
from tests.trusting import TrustsAll


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("make_adsl.sas", "sas"),
        ("train.py", "python"),
        ("q.sql", "sql"),
        ("c.yaml", "yaml"),
        ("run.log", ""),
        ("x", ""),
    ],
)
async def test_programs_and_logs_are_text_with_their_language(name: str, language: str) -> None:
    found = await look(b"first\r\n\tsecond\rthird\n", name)
    assert (found.kind, found.language, found.more, found.notices) == ("text", language, False, ())
    assert found.lines == ("first", "    second", "third")


async def test_long_texts_and_lines_are_cut() -> None:
    found = await look(b"x\n" * 3000, "x.log")
    assert (len(found.lines), found.more, found.notices) == (1000, True, ("first 1,000 lines",))
    found = await look(b"x\n" * 3000, "x.log", limits=Limits().more())
    assert (len(found.lines), found.more) == (3000, False)
    found = await look(b"a" * 3000 + b"\nb\n", "x.txt")
    assert [len(line) for line in found.lines] == [2000, 1]
    assert found.notices == ("1 line is longer than 2,000 characters and cut",)


async def test_exactly_as_many_lines_as_fit_are_all() -> None:
    found = await look(b"x\n" * 1000, "x.log")
    assert (len(found.lines), found.more, found.notices) == (1000, False, ())


async def test_a_giant_line_costs_only_the_head(tmp_path: Path) -> None:
    path = tmp_path / "giant.csv"
    with path.open("wb") as file:
        file.write(b"a" * 300_000)
        file.truncate(1 << 30)
    found = await look_at(path, "giant.csv")
    assert found.kind == "text"
    assert sum(map(len, found.lines)) <= 2000
    assert "262 KB of 1.1 GB read" in found.notices
    with (tmp_path / "zero").open("wb") as file:
        file.truncate(1 << 30)
    assert (await look_at(tmp_path / "zero", "zero.json")).kind == "hex"


async def test_control_codes_do_not_come_through() -> None:
    found = await look(
        "a\x1b[31mred\x1b]0;title\x07 \u202eevil\x00\x08, and the rest of a line of usual length\n".encode(),
        "x.txt",
    )
    assert found.lines == ("ared evil, and the rest of a line of usual length",)
    found = await look("n\x1b[2Jame,\u202ex\n\x1b[31m1,2\n".encode(), "x.csv")
    assert [column.name for column in found.columns] == ["name", "x"]
    assert found.rows == (("1", "2"),)


async def test_a_log_with_a_block_of_nuls_is_a_log_still() -> None:
    content = b"a line of the log\n" * 100 + bytes(500) + b"the end\n"
    assert (await look(content, "run.log")).lines[-1] == "the end"
    assert (await look(content, "run")).kind == "hex"


async def test_the_end_of_a_long_log(tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    with path.open("wb") as file:
        file.write(b"first lines\n" * 30_000)
        file.truncate(10 << 30)
        file.seek(10 << 30)
        file.write(b"".join(b"\nstep %d" % number for number in range(50_000)) + b"\n")
    found = await look_at(path, "run.log", limits=Limits(from_end=True))
    assert found.lines[-1] == "step 49999"
    assert (len(found.lines), found.more, found.notices) == (1000, True, ("last 1,000 lines",))
    further = await look_at(path, "run.log", limits=Limits(from_end=True).more())
    assert (further.lines[0], further.lines[-1]) == ("step 46000", "step 49999")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-32", "cp1252"])
async def test_the_end_of_a_text_in_any_encoding(encoding: str) -> None:
    content = "".join(f"Grüße {number}\n" for number in range(2000)).encode(encoding)
    for limits in (Limits(from_end=True), Limits(from_end=True, head=1001)):
        found = await look(content, "x.log", limits=limits)
        assert found.lines[-1] == "Grüße 1999"
        assert len({len(line) for line in found.lines}) == 1
    short = await look("one\ntwo\n".encode(encoding), "x.log", limits=Limits(from_end=True))
    assert (short.lines, short.more) == (("one", "two"), False)


async def test_the_end_of_one_long_line(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(b"a" * 3_000_000)
    found = await look_at(path, "x.log", limits=Limits(from_end=True))
    assert [len(line) for line in found.lines] == [2000]
    assert found.notices[-1] == "1 line is longer than 2,000 characters and cut"


async def test_an_empty_file_says_so() -> None:
    found = await look(b"", "x.csv")
    assert (found.kind, found.lines, found.notices) == ("text", (), ("the file is empty",))


async def test_binary_content_is_a_hex_dump() -> None:
    found = await look(bytes(range(48)), "model.bin")
    assert found.kind == "hex"
    assert found.lines[0] == "00000000  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f   ................"
    assert found.lines[2].endswith("   !\"#$%&'()*+,-./")
    assert found.notices == ("binary data, shown as bytes",)


@pytest.mark.parametrize(
    ("content", "name", "format_", "notice"),
    [
        (b"%PDF-1.7\n", "t_vscat.pdf", "pdf", "pdf, shown as bytes"),
        (
            b"SQLite format 3\0" + bytes(50),
            "runs.db",
            "sqlite",
            "a SQLite database: no preview of it, shown as bytes",
        ),
    ],
)
async def test_known_binary_formats_are_named(content: bytes, name: str, format_: str, notice: str) -> None:
    found = await look(content, name)
    assert (found.kind, found.format, found.notices[-1]) == ("hex", format_, notice)


async def test_a_long_dump_is_cut_and_grows() -> None:
    found = await look(bytes(1_000_000), "x")
    assert (len(found.lines), found.more) == (1000, True)
    assert found.notices[-1] == "first 16 KB of 1.0 MB"
    assert len((await look(bytes(1_000_000), "x", limits=Limits().more())).lines) == 4000


async def test_limits_grow_to_an_end() -> None:
    limits = Limits()
    for _ in range(20):
        limits = limits.more()
    assert not limits.can_grow
    assert limits == limits.more() or limits.head == limits.more().head
    assert not (await look(b"x\n" * 200_000, "x.log", limits=limits)).more


async def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        await look_at(tmp_path / "none", "none.csv")


def test_the_last_line_of_a_dump_is_as_wide_as_the_others() -> None:
    full, last = dump(b"0123456789abcdefX")
    assert last.index("X") == full.index("0123456789")


def test_encodings_are_told() -> None:
    assert encoding_of("Grüße, ".encode() * 9 + "ß".encode()[:1]) == ("utf-8", False)
    assert encoding_of("hello world\n".encode("utf-16-le")) == ("utf-16-le", True)
    assert encoding_of("hello world\n".encode("utf-16-be")) == ("utf-16-be", True)
    assert encoding_of("Grüße".encode("cp1252")) == ("cp1252", True)
    assert encoding_of(bytes(range(256))) == (None, False)
    assert encoding_of(b"\x01\x00\x00\x00" * 9) == (None, False)


def test_formats_and_magic() -> None:
    found = sniff(b"PK\x03\x04", name="Table 1.XLSX", format=".Excel")
    assert (found.formats, found.magic) == (("excel", "xlsx"), "zip")
    assert sniff(bytes(12) + bytes.fromhex("c2ea8160b31411cfbd92080009c7318c181f1011")).magic == "sas7bdat"


async def test_a_directory_is_a_table_of_its_files(tmp_path: Path) -> None:
    for index in range(150):
        (tmp_path / f"part-{index:03}\x1b[1m").write_bytes(b"x" * index)
    async with Storage(TrustsAll()) as storage:
        found = await preview_folder(storage, str(tmp_path))
    assert found.rows[:2] == (("part-000", 0), ("part-001", 1))
    assert (len(found.rows), found.total_rows, found.more) == (100, 150, True)
