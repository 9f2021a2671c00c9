from __future__ import annotations

import asyncio
import bz2
import gzip
import io
import lzma
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowtui.errors import PreviewError
from flowtui.preview import archives, workers
from flowtui.preview.compressed import inner_name
from flowtui.preview.limits import DEFAULT, Limits
from flowtui.preview.registry import preview
from flowtui.preview.result import Preview
from flowtui.preview.unpacked import MOST_UNPACKED, Unpacked
from flowtui.storage import Storage
from tests.fuzz.fuzz_previews import Remote
from tests.fuzz.makers import MAKERS, tar_file, zip_file
from tests.preview.documents import table_pdf
from tests.preview.look import look, look_at, violations
from tests.trusting import TrustsAll

CSV = b"id,age\n" + b"".join(b"S%d,%d\n" % (n, n) for n in range(3000))


async def look_inside(content: bytes, name: str, member: str, limits: Limits = DEFAULT) -> Preview:
    return await preview(Remote(content, True), name=name, limits=limits, member=member)


async def test_a_zip_archive_lists_its_members() -> None:
    found = await look(zip_file({"adam/adsl.csv": CSV, "adam/": b"", "notes ü.txt": b"x"}), "a.zip")
    assert (found.kind, found.format, found.total_rows, found.more) == ("table", "zip", 3, False)
    assert [column.name for column in found.columns] == ["name", "size", "packed", "modified", "method"]
    assert found.rows[0][:2] == ("adam/adsl.csv", len(CSV))
    assert found.rows[0][3:] == ("2024-05-06 07:08:10", "deflate")
    assert found.rows[1][4] == "folder"
    assert found.rows[2][0] == "notes ü.txt"
    assert dict(found.facts)["members"] == "3"


async def test_members_that_cannot_be_read_are_marked() -> None:
    content = bytearray(zip_file({"a.txt": b"secret"}))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    found = await look(bytes(content), "a.zip")
    assert found.rows[0][4] == "deflate, encrypted"
    assert found.notices == ("1 member is encrypted",)
    with pytest.raises(PreviewError, match=r"a\.txt is encrypted"):
        await look_inside(bytes(content), "a.zip", "a.txt")


async def test_a_comment_and_a_program_before_the_archive() -> None:
    file = io.BytesIO(b"\x7fELF" + bytes(1000))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("a.txt", "text")
        archive.comment = b"made for\x1b[31m tests" + b"x" * 40_000
    found = await look(file.getvalue(), "a.zip", limits=Limits(cell=30))
    assert found.rows[0][:2] == ("a.txt", 4)
    assert dict(found.facts)["comment"].startswith("made for tests")
    assert (await look_inside(file.getvalue(), "a.zip", "a.txt")).lines == ("text",)


async def test_the_larger_records_of_zip64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 100)
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 10)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(300):
            archive.writestr(f"{number}", b"longer than ten bytes")
    found = await look(file.getvalue(), "a.zip")
    assert (found.total_rows, len(found.rows), found.more) == (300, 100, True)
    assert found.notices[0] == "first 100 of 300 members"
    assert found.rows[0][:3] == ("0", 21, 21)
    assert b"PK\x06\x06" in file.getvalue()
    assert (await look_inside(file.getvalue(), "a.zip", "7")).lines == ("longer than ten bytes",)


async def test_ten_million_members_that_are_not_there() -> None:
    content = bytearray(zip_file({"a.txt": b"x"}))
    start, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 10**7, 10**7, end - start, start)
    content[end:end] = record + struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    found = await look(bytes(content), "a.zip")
    assert len(found.rows) == 1
    assert "first 1 of 10,000,000 members" in found.notices
    assert "its list of members is larger than what was read of it, or damaged" in found.notices


async def test_a_zip_archive_that_is_cut_is_bytes() -> None:
    found = await look(zip_file({"a.csv": CSV})[:-30], "a.zip")
    assert (found.kind, found.notices[0]) == ("hex", "a ZIP archive without its directory: it is cut or damaged")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
async def test_a_member_of_a_zip_archive_is_shown_as_a_file(method: int) -> None:
    content = zip_file({"adam/adsl.csv": CSV, "x.json": b'{"a": 1}'}, method)
    found = await look_inside(content, "a.zip", "adam/adsl.csv")
    assert (found.kind, found.rows[0], found.total_rows) == ("table", ("S0", "0"), 3000)
    assert (await look_inside(content, "a.zip", "x.json")).kind == "tree"
    with pytest.raises(PreviewError, match="no member none"):
        await look_inside(content, "a.zip", "none")


async def test_one_level_is_looked_into() -> None:
    inner = zip_file({"deep.csv": CSV})
    found = await look_inside(zip_file({"inner.zip": inner}), "a.zip", "inner.zip")
    assert (found.format, found.rows[0][0]) == ("zip", "deep.csv")
    found = await look_inside(zip_file({"a.csv.gz": gzip.compress(CSV)}), "a.zip", "a.csv.gz")
    assert (found.kind, found.notices[0]) == ("hex", "gzip data within a compressed file or archive is not looked into")
    quine = gzip.compress(gzip.compress(gzip.compress(CSV)))
    assert (await look(quine, "x.gz")).kind == "hex"


async def test_a_bomb_costs_what_is_shown_of_it() -> None:
    bomb = zip_file({"zeros.csv": bytes(40 << 20)})
    found = await look(bomb, "a.zip")
    assert "some members unpack to more than 200 times their packed size" in found.notices
    found = await look_inside(bomb, "a.zip", "zeros.csv")
    assert found.kind == "hex"
    source = Unpacked(Remote(gzip.compress(bytes(40 << 20)), True), "gzip")
    assert len(await source.read(0, 1 << 30)) == MOST_UNPACKED
    assert await source.read(1 << 30, 10) == b""


async def test_a_window_of_a_gigabyte_is_refused() -> None:
    """An xz stream may ask for any amount of memory."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 20}]
    content = bytearray(lzma.compress(CSV, filters=filters))
    at = content.index(b"\x21\x01", 12) + 2
    content[at] = 40
    content[20:24] = struct.pack("<I", zlib.crc32(bytes(content[12:20])))
    found = await look(bytes(content), "a.csv.xz")
    assert found.kind == "hex"
    assert found.notices[0].startswith("xz data that cannot be unpacked: Memory usage limit")


def zstd(data: bytes) -> bytes:
    from backports import zstd as library

    return bytes(library.compress(data))


def lz4(data: bytes) -> bytes:
    import lz4.frame

    return bytes(lz4.frame.compress(data))


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstd, "lz4": lz4,
}  # fmt: skip


@pytest.mark.parametrize("ending", list(COMPRESSORS))
async def test_what_is_compressed_is_shown_as_what_it_is(ending: str) -> None:
    content = COMPRESSORS[ending](CSV)
    found = await look(content, f"adsl.csv.{ending}")
    assert (found.kind, found.format, found.total_rows) == ("table", "csv", 3000)
    assert found.notices[0].endswith("compressed: this is its content, unpacked as far as it is shown")
    twice = await look(content + COMPRESSORS[ending](b"S3000,1\n"), f"adsl.csv.{ending}")
    assert twice.total_rows == 3001
    cut = await look(content[: len(content) // 2], f"adsl.csv.{ending}")
    assert cut.kind in ("table", "hex")
    said = "not whole" if cut.kind == "table" else "nothing can be unpacked: its end is missing"
    assert any(said in notice for notice in cut.notices)


@pytest.mark.parametrize("ending", ["zst", "lz4"])
async def test_a_missing_library_is_named_with_its_extra(ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = COMPRESSORS[ending](CSV)
    monkeypatch.setitem(__import__("sys").modules, {"zst": "backports", "lz4": "lz4.frame"}[ending], None)
    found = await look(content, f"a.csv.{ending}")
    assert found.kind == "hex"
    assert found.notices[0] == str(workers.missing_library({"zst": "zstd"}.get(ending, ending)))
    assert "flowtui[archives]" in found.notices[0]


async def test_large_compressed_files_are_unpacked_at_their_beginning() -> None:
    text = b"".join(b"line %d of a long log\n" % n for n in range(200_000))
    content = gzip.compress(text, 1)
    store = Remote(content, True)
    found = await preview(store, name="run.log.gz")
    assert (len(found.lines), found.more, found.lines[0]) == (1000, True, "line 0 of a long log")
    assert store.requests == 1
    further = await preview(store, name="run.log.gz", limits=DEFAULT.more())
    assert len(further.lines) == 4000


def test_names_within() -> None:
    assert [inner_name(name) for name in ("a.csv.gz", "a.tgz", "a.tar.zst", "A.TBZ2", "plain")] == [
        "a.csv", "a.tar", "a.tar", "A.tar", "plain",
    ]  # fmt: skip


@pytest.mark.parametrize("format_", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
async def test_a_tar_archive_lists_its_members(format_: int) -> None:
    long = f"{'deep/' * 25}adsl.csv" if format_ == tarfile.USTAR_FORMAT else f"ü{'long' * 60}.csv"
    content = tar_file({"adsl.csv": CSV, long: b"x,y\n1,2\n"}, format_)
    found = await look(content, "a.tar")
    assert (found.kind, found.format, found.total_rows, found.notices) == ("table", "tar", 2, ())
    assert found.rows == (
        ("adsl.csv", len(CSV), "2023-11-14 22:13:20", "file"),
        (long, 8, "2023-11-14 22:13:20", "file"),
    )
    assert (await look_inside(content, "a.tar", "adsl.csv")).total_rows == 3000
    assert (await look_inside(content, "a.tar", long)).rows == (("1", "2"),)


async def test_what_else_a_tar_archive_can_hold(tmp_path: Path) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, kind in (("d", tarfile.DIRTYPE), ("l", tarfile.SYMTYPE), ("p", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "../../etc/passwd" if kind == tarfile.SYMTYPE else ""
            archive.addfile(info)
    found = await look(file.getvalue(), "a.tar")
    assert [row[3] for row in found.rows] == ["folder", "symbolic link to ../../etc/passwd", "pipe"]
    with pytest.raises(PreviewError, match="no member l"):
        await look_inside(file.getvalue(), "a.tar", "l")


async def test_a_compressed_tar_archive_lists_what_its_head_holds() -> None:
    content = gzip.compress(MAKERS["a.tar"]())
    for name in ("a.tar.gz", "a.tgz"):
        found = await look(content, name)
        assert (found.format, found.total_rows) == ("tar", 3)
    assert (await look_inside(content, "a.tgz", "adam/adsl.csv")).kind == "table"
    large = gzip.compress(tar_file({f"{n}.bin": os.urandom(200_000) for n in range(5)}), 1)
    found = await look(large, "a.tgz")
    assert [row[0] for row in found.rows] == ["0.bin", "1.bin"]
    assert found.more
    further = await look(large, "a.tgz", limits=DEFAULT.more())
    assert len(further.rows) == 5


async def test_tar_headers_without_end() -> None:
    header = tarfile.TarInfo("x").tobuf(tarfile.USTAR_FORMAT)
    found = await look(header * 20_000, "a.tar")
    assert (len(found.rows), found.more) == (100, True)
    extended = tarfile.TarInfo("x")
    extended.type = tarfile.XHDTYPE
    found = await look(tarfile.TarInfo("first").tobuf() + extended.tobuf(tarfile.USTAR_FORMAT) * 2000, "a.tar")
    assert "too many extended headers" in found.notices[0]
    huge = tarfile.TarInfo("huge")
    huge.size = 8 << 60
    found = await look(huge.tobuf(tarfile.GNU_FORMAT) + b"x" * 1000, "a.tar")
    assert found.rows[0][:2] == ("huge", 8 << 60)


async def test_a_file_that_is_no_archive_has_no_members() -> None:
    with pytest.raises(PreviewError, match="no archive"):
        await look_inside(b"text", "a.txt", "x")
    with pytest.raises(PreviewError):
        await look_inside(gzip.compress(b"text"), "a.gz", "x")


_SEEDS = [name for name in MAKERS if name.endswith((".zip", ".tar", ".gz", ".bz2", ".xz", ".zst", ".lz4", ".npz"))]


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(_SEEDS),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=6),
    kept=st.floats(0.01, 1),
)
async def test_damaged_archives(name: str, changes: list[tuple[float, int]], kept: float) -> None:
    content = bytearray(MAKERS[name]())
    for place, byte in changes:
        content[int(place * len(content))] = byte
    for limits in (DEFAULT, Limits(head=300, whole=0, rows=1, columns=1, cell=4, lines=2)):
        found = await look(bytes(content[: int(len(content) * kept)]), name, limits=limits)
        assert violations(found, limits) == []


async def test_a_tar_archive_of_gigabytes_is_not_read_through(tmp_path: Path) -> None:
    path = tmp_path / "large.tar"

    def write() -> None:
        with path.open("wb") as file:
            for name in ("a.bin", "b.bin", "c.bin"):
                info = tarfile.TarInfo(name)
                info.size = 700 << 20
                file.write(info.tobuf(tarfile.GNU_FORMAT))
                file.seek(info.size, os.SEEK_CUR)
            file.truncate(file.tell() + 1024)

    await asyncio.to_thread(write)
    found = await look_at(path, path.name)
    assert (found.total_rows, [row[0] for row in found.rows]) == (3, ["a.bin", "b.bin", "c.bin"])
    async with Storage(TrustsAll()) as storage, storage.open(str(path)) as reader:
        await preview(reader, name=path.name)
        assert reader.bytes_read < 512 * 1024


async def test_what_is_read_from_its_end_is_shown_within_an_archive() -> None:
    """The directory of a ZIP archive says how long its members are."""
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["id", "age"])
    book.active.append(["S1", 47])
    stream = io.BytesIO()
    book.save(stream)
    content = zip_file({"adam/t.pdf": table_pdf(), "b.xlsx": stream.getvalue(), "c.zip": zip_file({"deep.csv": CSV})})
    found = await look_inside(content, "a.zip", "adam/t.pdf")
    assert (found.format, found.pages) == ("pdf", 2)
    assert "Table 14.3.1 Adverse events" in found.lines[0]
    assert not any("not whole" in notice for notice in found.notices)
    assert (await look_inside(content, "a.zip", "b.xlsx")).rows == (("S1", 47),)
    large = zip_file({f"{number}.csv": os.urandom(3000) for number in range(300)})
    found = await look_inside(zip_file({"c.zip": large}), "a.zip", "c.zip")
    assert (found.format, found.total_rows) == ("zip", 300)


@pytest.mark.parametrize("ending", list(COMPRESSORS))
async def test_what_is_read_from_its_end_is_shown_where_it_is_compressed(ending: str) -> None:
    found = await look(COMPRESSORS[ending](table_pdf()), f"t.pdf.{ending}")
    assert (found.format, found.pages) == ("pdf", 2)


async def test_a_directory_that_lies_of_a_size_or_checksum_is_told() -> None:
    content = bytearray(zip_file({"a.csv": CSV}))
    entry = content.index(b"PK\x01\x02")
    for place, said in (
        (16, "its checksum is not the one that the archive has for it"),
        (24, f"it has {len(CSV):,} bytes, the archive says"),
    ):
        lying = bytearray(content)
        lying[entry + place + 1] ^= 0x80
        found = await look_inside(bytes(lying), "a.zip", "a.csv")
        assert (found.kind, found.rows[0]) == ("table", ("S0", "0"))
        assert any(said in notice for notice in found.notices), found.notices


async def test_of_a_large_member_it_is_said_how_much_is_looked_at() -> None:
    table = b"id,age\n" + b"S1,47\n" * (6 << 20)
    found = await look_inside(zip_file({"a.csv": table}), "a.zip", "a.csv")
    assert found.rows[0] == ("S1", "47")
    assert "only 33.6 MB of its 37.7 MB are unpacked for a preview" in found.notices


async def test_a_late_member_of_a_compressed_tar_archive_is_found() -> None:
    members = {f"{number}.bin": bytes([number]) * 9_000_000 for number in range(5)}
    content = gzip.compress(tar_file({**members, "late/adsl.csv": CSV, "t.pdf": table_pdf()}), 1)
    found = await look_inside(content, "a.tar.gz", "late/adsl.csv")
    assert (found.kind, found.rows[0], found.total_rows) == ("table", ("S0", "0"), 3000)
    assert (await look_inside(content, "a.tar.gz", "t.pdf")).pages == 2
    assert (await look_inside(content, "a.tar.gz", "0.bin")).lines[0].startswith("00000000  00 00")
    with pytest.raises(PreviewError, match=r"there is no member none in the archive\n"):
        await look_inside(content, "a.tar.gz", "none")


async def test_a_member_beyond_what_is_gone_through_is_not_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_MOST_PASSED_FAR", 1 << 20)
    content = gzip.compress(tar_file({"a.bin": bytes(3 << 20), "b.csv": CSV}), 1)
    with pytest.raises(PreviewError, match=r"b\.csv was not found in the first part of the archive"):
        await look_inside(content, "a.tar.gz", "b.csv")


async def test_a_late_member_of_a_tar_archive_that_is_far_away() -> None:
    content = tar_file({f"{number}.bin": bytes(200_000) for number in range(40)} | {"late.csv": CSV})
    found = await look_inside(content, "a.tar", "late.csv")
    assert found.total_rows == 3000


def test_what_was_passed_is_not_kept() -> None:
    source = Unpacked(Remote(gzip.compress(bytes(60 << 20), 1), True), "gzip")

    async def passing() -> None:
        await source.pass_to(50 << 20)
        assert len(source._data) < 3 << 20
        assert await source.read(10, 10) == b""
        assert await source.read((60 << 20) - 5, 100) == bytes(5)
        assert await source.size() == 60 << 20

    asyncio.run(passing())
