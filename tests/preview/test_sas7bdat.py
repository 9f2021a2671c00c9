"""SAS datasets of every form that the tests' writer makes; ReadStat reads the same in them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pyreadstat
import pytest

from flowtui.errors import PreviewError
from flowtui.preview.limits import Limits
from flowtui.preview.registry import preview
from flowtui.preview.sas7bdat_header import header_of
from flowtui.preview.sas_encodings import encoding_of
from flowtui.storage import Storage
from tests.preview.look import look, look_at, values_of
from tests.preview.sas7bdat_file import SasFile, Value, Variable, missing
from tests.storage.store import Store
from tests.trusting import TrustsAll

VARIABLES = [
    Variable("USUBJID", False, 24, "Unique Subject Identifier", "$", 24),
    Variable("AGE", True, 3, "Age", "", 8, 1),
    Variable("TRTSDT", True, 8, "Start", "DATE", 9),
    Variable("TRTSDTM", True, 8, "", "DATETIME", 20),
    Variable("T", True, 8, "", "TIME", 8),
    Variable("SEX", False, 4),
]
ROWS: list[list[Value]] = [
    ["01-001", 50, 21_915, 1_900_000_000.0, 3661.0, "F"],
    ["01-002 é", None, missing("A"), missing("_"), 90_061.5, ""],
]
SHOWN = (
    ("01-001", 50, "2020-01-01", "2020-03-16 17:46:40", "01:01:01", "F"),
    ("01-002 é", None, ".A", "._", "25:01:01.500", None),
)
FORMS = [
    dict(zip(("is_little", "is_wide", "is_padded"), flags, strict=True)) | rest
    for flags in itertools.product((True, False), repeat=3)
    for rest in ({}, {"compression": "rle"}, {"compression": "rdc"}, {"is_mixed": True})
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("sas")
    paths = []
    for number, form in enumerate(FORMS):
        path = folder / f"{number}.sas7bdat"
        path.write_bytes(SasFile(VARIABLES, ROWS * 5, label="Subject Level", **form).content)
        paths.append(path)
    return paths


def test_the_writer_makes_what_readstat_reads(files: list[Path]) -> None:
    for path in files:
        data, meta = pyreadstat.read_sas7bdat(str(path))
        assert data["USUBJID"].tolist() == ["01-001", "01-002 é"] * 5
        assert data["AGE"][0] == 50
        assert str(data["TRTSDT"][0]) == "2020-01-01"
        assert meta.file_label == "Subject Level"
        assert meta.column_labels[:3] == ["Unique Subject Identifier", "Age", "Start"]


async def test_every_form_shows_the_same(files: list[Path]) -> None:
    async with Storage(TrustsAll()) as storage:
        from flowtui.preview.workers import Workers

        async with Workers() as workers:
            for path, form in zip(files, FORMS, strict=True):
                async with storage.open(str(path)) as reader:
                    found = await preview(reader, name=path.name, workers=workers)
                assert values_of(found) == SHOWN * 5, form
                assert [column.type for column in found.columns] == [
                    "text",
                    "number",
                    "date",
                    "datetime",
                    "time",
                    "text",
                ]
                assert [column.format for column in found.columns] == [
                    "$24.",
                    "8.1",
                    "DATE9.",
                    "DATETIME20.",
                    "TIME8.",
                    "",
                ]
                assert found.columns[0].label == "Unique Subject Identifier"
                assert (found.total_rows, found.more) == (10, False)
                assert found.notices == ("special missing values in these rows: 5 ._, 5 .A",)
                facts = dict(found.facts)
                assert facts["dataset"] == "ADSL"
                assert facts["dataset label"] == "Subject Level"
                assert facts["encoding"] == "utf-8"
                assert facts["created"] == "2020-03-16 17:46:40"
                assert facts["modified"] == "2020-03-16 18:46:40"
                assert facts["page size"] == "8,192 bytes"
                bits, order = (64 if form["is_wide"] else 32), ("little" if form["is_little"] else "big")
                assert facts["written by"] == f"SAS 9.0401M7 Unix, {bits} bits, {order}-endian"
                compression = {"rle": "RLE (COMPRESS=CHAR)", "rdc": "RDC (COMPRESS=BINARY)"}
                assert facts["compression"] == compression.get(str(form.get("compression")), "none")


@pytest.mark.parametrize(
    ("code", "codec", "text", "name"),
    [
        (20, "utf-8", "Zürich 東京", "utf-8"), (29, "latin-1", "Zürich", "latin1"),
        (62, "cp1252", "Zürich €", "wlatin1 (cp1252)"),
        (40, "iso8859-15", "Zürich €", "latin9 (iso8859-15)"), (61, "cp1251", "Москва", "wcyrillic (cp1251)"),
        (138, "cp932", "東京①㈱\uff5e", "shift-jis (cp932)"), (136, "cp932", "髙橋", "ms-932 (cp932)"),
        (123, "cp950", "碁銹", "big5 (cp950)"), (118, "cp950", "臺北", "ms-950 (cp950)"),
        (140, "cp949", "갂똠", "euc-kr (cp949)"), (141, "cp949", "서울", "ms-949 (cp949)"),
        (125, "gbk", "镕北京", "euc-cn (gb18030)"), (126, "gbk", "镕", "ms-936 (gb18030)"),
        (205, "gb18030", "北京", "gb18030"),
        (167, "iso2022_jp", "東京", "iso-2022-jp (iso2022_jp_ext)"), (39, "iso8859-11", "ไทย", "thai (iso8859-11)"),
    ],
)  # fmt: skip
async def test_encodings(code: int, codec: str, text: str, name: str) -> None:
    variables = [Variable("CITY", False, 40, label=text), Variable("N")]
    content = SasFile(variables, [[text, 1.0]], encoding=(code, codec), label=text).content
    found = await look(content, "cities.sas7bdat")
    assert found.rows == ((text, 1),)
    assert found.columns[0].label == text
    assert dict(found.facts)["dataset label"] == text
    assert dict(found.facts)["encoding"] == name
    assert found.notices == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("東京".encode("euc_jp"), "東京"),
        (b"\xad\xa1\xad\xea", "①㈱"),
        (b"\xfc\xe2", "髙"),
        (b"\x8e\xb1 \x8f\xb0\xa1", "ｱ 丂"),
        # Half-width katakana stand behind 8E only.
        (b"a\xff\xa1b", "a\ufffd\ufffdb"),
        (b"\xb0", "\ufffd"),
    ],
)
def test_euc_jp_has_the_characters_of_windows(value: bytes, text: str) -> None:
    assert encoding_of(134).decode(value)[0] == text


def test_two_bytes_of_euc_jp_are_those_of_shift_jis() -> None:
    decode = encoding_of(134).decode
    for first, second in itertools.product(range(0xA1, 0xFF), repeat=2):
        try:
            usual = bytes((first, second)).decode("euc_jp")
        except UnicodeDecodeError:
            continue
        # Windows has other characters for the wave dash, the parallels, the minus, cent, pound and not sign.
        assert decode(bytes((first, second)))[0] == usual.translate(
            str.maketrans("〜‖\u2212¢£¬", "\uff5e∥\uff0d￠￡￢")
        )


def test_every_code_names_a_codec_or_says_that_there_is_none() -> None:
    for code in range(256):
        encoding = encoding_of(code)
        assert encoding.name
        assert encoding.decode(b"plain text  \0") == ("plain text", "")
        assert encoding.codec or encoding.decode(b"a\xe9") == ("a\ufffd", "lost")


@pytest.mark.parametrize(
    ("encoding", "value", "text", "notice"),
    [
        ((29, "latin-1"), b"Iris-set\x92sa", "Iris-set\u2019sa",
         "1 text has bytes that latin1 does not have: read as cp1252"),
        ((37, "latin-1"), b"\x80 1", "€ 1", "1 text has bytes that latin5 (iso8859-9) does not have: read as cp1254"),
        ((28, "ascii"), b"caf\xe9", "café", "1 text has bytes that us-ascii does not have: read as cp1252"),
        ((29, "latin-1"), b"a\x81b", "a\ufffdb", "1 text has bytes that are no latin1: shown as \ufffd"),
        ((62, "cp1252"), b"a\x8db", "a\ufffdb", "1 text has bytes that are no wlatin1 (cp1252): shown as \ufffd"),
        ((20, "utf-8"), b"a\xffb", "a\ufffdb", "1 text has bytes that are no utf-8: shown as \ufffd"),
        ((119, "ascii"), b"a\xa4\xa4", "a\ufffd\ufffd",
         "1 text has more than ASCII in euc-tw, which is not known here: shown as \ufffd"),
        ((90, "ascii"), b"\xe9", "\ufffd",
         "1 text has more than ASCII in number 90 of SAS, which is not known here: shown as \ufffd"),
        ((29, "latin-1"), "é".encode(), "Ã©",
         "1 text reads as UTF-8: the dataset may be wrong to say latin1, in which they are shown"),
        ((126, "gbk"), b"\x80 5", "€ 5", ""),
    ],
)  # fmt: skip
async def test_bytes_that_do_not_fit_the_encoding_lose_no_row_and_are_said(
    encoding: tuple[int, str], value: bytes, text: str, notice: str
) -> None:
    content = SasFile([Variable("S", False, 16)], [[value], ["fine"]], encoding=encoding).content
    found = await look(content, "f.sas7bdat")
    assert found.rows == ((text,), ("fine",))
    assert found.notices == ((notice,) if notice else ())


async def test_a_dataset_that_says_no_encoding() -> None:
    content = SasFile([Variable("S", False, 8)], [["a"]], encoding=(0, "latin-1")).content
    assert dict((await look(content, "f.sas7bdat")).facts)["encoding"] == "cp1252 (the file does not say)"


async def test_wide_datasets_are_cut() -> None:
    variables = [Variable(f"V{index}", label="x" * 20) for index in range(1200)]
    content = SasFile(variables, [[float(index) for index in range(1200)]] * 30, page_size=65536).content
    found = await look(content, "f.sas7bdat")
    assert len(found.columns) == 500
    assert found.rows[0][:3] == (0, 1, 2)
    # A row has 9,600 bytes, and rows cost no more than the head.
    assert len(found.rows) == 27
    assert found.notices == ("first 27 of 30 rows", "first 500 of 1,200 columns")
    found = await look(content, "f.sas7bdat", limits=Limits().more())
    assert len(found.rows) == 30


async def test_no_rows_and_no_columns() -> None:
    found = await look(SasFile(VARIABLES, []).content, "f.sas7bdat")
    assert (found.kind, found.rows, found.total_rows, len(found.columns)) == ("table", (), 0, 6)


async def test_what_only_calls_itself_a_dataset() -> None:
    found = await look(bytes(range(256)) * 40, "f.sas7bdat")
    assert found.kind == "hex"
    expected = "named a SAS dataset but does not begin like one: it is encrypted, or something else"
    assert expected in found.notices


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.7, 0.9, 0.99])
async def test_truncated_datasets(share: float) -> None:
    content = SasFile(VARIABLES, ROWS * 400, page_size=4096).content
    found = await look(content[: int(len(content) * share)], "f.sas7bdat")
    if found.kind == "table":
        assert any("cut off" in notice for notice in found.notices)
    else:
        assert any("SAS dataset" in notice for notice in found.notices)


async def test_the_head_of_a_large_dataset_is_all_that_is_read() -> None:
    content = SasFile(VARIABLES, ROWS * 50_000, page_size=65536).content
    assert len(content) > 5_000_000
    store = Store({"bucket/adsl.sas7bdat": content})
    async with (
        Storage(TrustsAll(), transport=store.transport) as storage,
        storage.open("http://store/bucket/adsl.sas7bdat") as reader,
    ):
        found = await preview(reader, name="adsl.sas7bdat")
        assert (len(found.rows), found.total_rows) == (100, 100_000)
        assert (reader.requests, reader.bytes_read) == (1, 256 * 1024)


async def test_sparse_dataset_of_two_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "big.sas7bdat"
    path.write_bytes(SasFile(VARIABLES, ROWS * 2000, page_size=65536).content)
    with path.open("r+b") as file:
        file.truncate(2 << 30)
    found = await look_at(path, "big.sas7bdat")
    assert (len(found.rows), found.total_rows) == (100, 4000)


@pytest.mark.parametrize("change", [{"page_size": 1 << 30}, {"page_size": 1}])
def test_pages_that_make_no_sense(change: dict[str, Any]) -> None:
    content = bytearray(SasFile(VARIABLES, ROWS).content)
    content[204:208] = change["page_size"].to_bytes(4, "little")
    with pytest.raises(PreviewError, match="the size of its pages makes no sense"):
        header_of(bytes(content))
