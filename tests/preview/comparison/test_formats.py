"""Files of real formats compared: data, models, documents, workbooks."""

from __future__ import annotations

import gzip
import pickle
import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
from fpdf import FPDF
from openpyxl import Workbook

from flowtui.preview.comparison.files import compare
from flowtui.preview.comparison.looks import Options, Version
from flowtui.preview.comparison.report import brief
from flowtui.preview.comparison.result import Comparison
from flowtui.storage import Storage
from tests.trusting import TrustsAll

AE = pd.DataFrame({"USUBJID": ["01", "01", "02"], "AESEQ": [1.0, 2.0, 1.0], "AETERM": ["HEAD", "COLD", "FEVER"]})


async def compared(left: Path, right: Path, **options: object) -> Comparison:
    async with Storage(TrustsAll()) as storage:
        versions = [Version(path.name, (str(path),)) for path in (left, right)]
        return await compare(storage, *versions, options=Options(**options))  # type: ignore[arg-type]


def xpt(path: Path, frame: pd.DataFrame, **options: object) -> Path:
    pyreadstat.write_xport(frame, str(path), table_name="AE", file_format_version=5, **options)
    return path


async def test_transport_files_by_key_labels_and_formats(tmp_path: Path) -> None:
    one = xpt(tmp_path / "a.xpt", AE, column_labels=["Subject", "Number", "Term"])
    changed = AE.assign(AETERM=["HEAD", "COLDS", "FEVER"])
    two = xpt(tmp_path / "b.xpt", changed, column_labels=["Subject", "Sequence", "Term"])
    found = await compared(one, two)
    assert found.table is not None
    assert (found.result, found.table.key, found.table.changed) == ("different", ("USUBJID", "AESEQ"), 1)
    assert [change.attributes for change in found.table.columns if change.name == "AESEQ"] == [
        (("label", "Number", "Sequence"),)
    ]


async def test_the_moment_of_writing_makes_no_other_content(tmp_path: Path) -> None:
    one = xpt(tmp_path / "a.xpt", AE)
    two = tmp_path / "b.xpt"
    content, count = re.subn(rb"[0-9]{2}[A-Z]{3}[0-9]{2}(?=:)", b"01JAN99", one.read_bytes())
    assert count
    two.write_bytes(content)
    found = await compared(one, two)
    assert found.result == "equal"
    assert "created" in [name for name, _, _ in found.facts]
    assert brief(found) == "equal in content (all rows)"


async def test_parquet_beside_csv(tmp_path: Path) -> None:
    table = pa.table({"USUBJID": ["01", "02"], "AGE": [63, 64], "W": [70.5, None]})
    pq.write_table(table, tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text("USUBJID,AGE,W\n01,63,70.50\n02,65,\n")
    found = await compared(tmp_path / "a.parquet", tmp_path / "b.csv")
    assert found.table is not None
    (row,) = found.table.rows
    assert [(cell.column, cell.left, cell.right) for cell in row.cells] == [("AGE", 64, "65")]
    pq.write_table(table, tmp_path / "c.parquet", compression="gzip")
    assert (await compared(tmp_path / "a.parquet", tmp_path / "c.parquet")).result == "equal"


def pickled(path: Path, value: object) -> Path:
    path.write_bytes(pickle.dumps(value, protocol=4))
    return path


async def test_models_by_path_and_never_called_equal_by_their_shapes(tmp_path: Path) -> None:
    one = pickled(tmp_path / "a.pkl", {"weights": [0.5, 1.5], "classes": ["no", "yes"]})
    two = pickled(tmp_path / "b.pkl", {"weights": [0.5, 2.5], "classes": ["no", "yes"]})
    found = await compared(one, two)
    assert (found.result, found.kind) == ("different", "tree")
    assert found.tree is not None
    assert [(change.path[0], change.left, change.right) for change in found.tree.paths] == [("weights", "1.5", "2.5")]
    same = pickled(tmp_path / "c.pkl", {"weights": bytes(range(200)), "n": 1})
    other = pickled(tmp_path / "d.pkl", {"weights": bytes(range(200))[::-1], "n": 1})
    assert (await compared(same, other)).result == "different"


async def test_archives_are_not_equal_by_their_lists(tmp_path: Path) -> None:
    for name, value in (("a", b"ID,V\n1,2\n"), ("b", b"ID,V\n1,3\n")):
        (tmp_path / f"{name}.csv.gz").write_bytes(gzip.compress(value, mtime=0))
    assert (await compared(tmp_path / "a.csv.gz", tmp_path / "b.csv.gz")).result == "different"


def pdf(path: Path, *pages: str) -> Path:
    document = FPDF()
    document.set_font("helvetica", size=12)
    for text in pages:
        document.add_page()
        document.text(20, 40, text)
    document.output(str(path))
    return path


async def test_all_pages_of_a_document(tmp_path: Path) -> None:
    one = pdf(tmp_path / "a.pdf", "Table 1", "N = 52", "End")
    two = pdf(tmp_path / "b.pdf", "Table 1", "N = 60", "End")
    found = await compared(one, two)
    assert found.text is not None
    assert (found.result, found.compared) == ("different", "all lines")
    assert [line.text.strip() for line in found.text.lines if line.sign in "+-"] == ["N = 52", "N = 60"]
    first = await compared(one, two, page=1)
    assert first.text is not None
    assert first.text.equal
    # The bytes differ, though the page that was compared does not.
    assert first.result == "different"
    assert "only page 1 of 3 was compared" in first.notices


async def test_sheets_of_a_workbook(tmp_path: Path) -> None:
    for name, value in (("a", 1), ("b", 2)):
        book = Workbook()
        for title, cell in (("first", 0), ("second", value)):
            sheet = book.active if title == "first" else book.create_sheet()
            sheet.title = title
            sheet.append(["ID", "V"])
            sheet.append(["x", cell])
        book.save(tmp_path / f"{name}.xlsx")
    one, two = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    found = await compared(one, two)
    assert found.result == "unknown"
    assert "only first, 1 of 2, was compared" in found.notices
    second = await compared(one, two, page=2)
    assert second.table is not None
    assert (second.result, second.table.changed) == ("different", 1)
