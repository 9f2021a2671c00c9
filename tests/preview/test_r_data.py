"""rds and rda files, in the bytes that R writes; the library that parses them is tried against them too."""

from __future__ import annotations

import math
import struct
import warnings
from pathlib import Path

import rdata

from flowtui.preview.limits import Limits
from tests.preview.look import look
from tests.preview.r_file import Vector, frame, rda, rds, strings

COLUMNS = {
    "USUBJID": Vector("character", ["01-é", None, ""], {"label": strings("Unique subject")}),
    "AGE": Vector("integer", [63, None, -1]),
    "WEIGHT": Vector("double", [70.5, None, math.nan]),
    "FLAG": Vector("logical", [1, 0, None]),
    "SEX": Vector("integer", [2, None, 1], {"levels": strings("F", "M"), "class": strings("factor")}),
    "DAY": Vector("double", [19782.0, None, -719528.0], {"class": strings("Date")}),
    "AT": Vector(
        "double",
        [1718447400.25, None, -1.0],
        {"class": strings("POSIXct", "POSIXt"), "tzone": strings("Europe/Berlin")},
    ),
    "UTC": Vector("double", [0.0, None, 253402300800.0], {"class": strings("POSIXct", "POSIXt")}),
    "LONG": Vector(
        "double",
        [struct.unpack("<d", struct.pack("<q", value))[0] for value in (2**62 + 1, -(2**63), -5)],
        {"class": strings("integer64")},
    ),
    "WAIT": Vector("double", [1.5, 2.0, None], {"class": strings("difftime"), "units": strings("hours")}),
    "LIST": Vector("list", [Vector("integer", [1, 2]), None, strings("x")]),
}
ROWS = (
    ("01-é", 63, 70.5, True, "M", "2024-02-29", "2024-06-15 12:30:00.250000+0200", "1970-01-01 00:00:00Z", 2**62 + 1,
     1.5, "[1, 2]"),
    (None, None, None, False, None, None, None, None, None, 2.0, None),
    ("", -1, "NaN", None, "F", "0000-01-01", "1970-01-01 00:59:59+0100", "10000-01-01 00:00:00Z", -5, None, "x"),
)  # fmt: skip


async def test_a_data_frame_of_an_rds_file() -> None:
    found = await look(rds(frame(COLUMNS)), "f.rds")
    assert (found.kind, found.format, found.total_rows, found.more) == ("table", "rds", 3, False)
    assert found.rows == ROWS
    told = {one.name: (one.type, one.format) for one in found.columns}
    assert told["SEX"] == ("text", "factor")
    assert told["AT"] == ("datetime", "POSIXct[Europe/Berlin]")
    assert told["LONG"] == ("integer", "integer64")
    assert told["WAIT"] == ("number", "difftime[hours]")
    assert found.columns[0].label == "Unique subject"
    assert dict(found.facts)["R version"] == "4.3.1"


async def test_the_bytes_are_those_that_rdata_reads(tmp_path: Path) -> None:
    path = tmp_path / "f.rds"
    path.write_bytes(rds(frame({name: COLUMNS[name] for name in ("AGE", "WEIGHT", "SEX")})))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        right = rdata.read_rds(path)
    assert right["SEX"].tolist()[::2] == ["M", "F"]
    assert right["WEIGHT"].tolist()[0] == 70.5


async def test_several_objects_of_an_rda_file_are_pages() -> None:
    model = Vector(
        "list", [Vector("double", [1.0, 2.5]), strings("a")], {"names": strings("coef", "name"), "class": strings("lm")}
    )
    content = rda({"dm": frame({"x": Vector("integer", [1, 2])}, strings("a", "b")), "model": model})
    found = await look(content, "f.RData")
    assert found.rows == (("a", 1), ("b", 2))
    assert [one.name for one in found.columns] == ["row names", "x"]
    assert (found.page, found.pages, found.page_names) == (1, 2, ("dm", "model"))
    found = await look(content, "f.RData", limits=Limits(page=2))
    assert found.tree is not None
    assert (found.tree.label, found.tree.value) == ("model", "lm of 2")
    assert [(node.label, node.value) for node in found.tree.children] == [("coef", "double 2: 1.0, 2.5"), ("name", "a")]


async def test_many_rows_and_damaged_files() -> None:
    content = rds(frame({"x": Vector("integer", list(range(1000)))}))
    found = await look(content, "f.rds")
    assert (len(found.rows), found.total_rows, found.more) == (100, 1000, True)
    assert "first 100 of 1,000 rows" in found.notices
    for damaged in (b"X\n\0\0\0\x03" + bytes(50), b"RDX3\nX\n\0\0\0\x03"):
        found = await look(damaged, "f.rds")
        assert found.kind in ("hex", "text")
        assert any("R's data that cannot be read" in notice for notice in found.notices), found.notices
