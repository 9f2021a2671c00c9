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
    ("code", "codec", "text"),
    [(20, "utf-8", "Zürich 東京"), (29, "latin-1", "Zürich"), (62, "cp1252", "Zürich €"), (138, "shift_jis", "東京"),
     (61, "cp1251", "Москва"), (125, "gb18030", "北京")],
)  # fmt: skip
async def test_encodings(code: int, codec: str, text: str) -> None:
    variables = [Variable("CITY", False, 40, label=text), Variable("N")]
    content = SasFile(variables, [[text, 1.0]], encoding=(code, codec), label=text).content
    found = await look(content, "cities.sas7bdat")
    assert found.rows == ((text, 1),)
    assert found.columns[0].label == text
    assert dict(found.facts)["dataset label"] == text
    assert codec.replace("-", "").replace("_", "") in dict(found.facts)["encoding"].replace("-", "").replace("_", "")


async def test_bytes_that_do_not_fit_the_encoding_lose_no_row() -> None:
    content = SasFile([Variable("S", False, 8)], [[b"a\xffb"], ["fine"]]).content
    found = await look(content, "f.sas7bdat")
    assert found.rows == (("a\ufffdb",), ("fine",))


async def test_an_unknown_encoding_is_said() -> None:
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
