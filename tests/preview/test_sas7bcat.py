"""SAS catalogs: what ReadStat reads in them, ranges that it cuts, and the labels of a dataset beside one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyreadstat
import pytest

from flowtui.preview.limits import Limits
from flowtui.preview.registry import preview
from flowtui.preview.result import Preview
from flowtui.preview.sas7bcat import name_of
from flowtui.preview.siblings import Siblings
from flowtui.storage import Storage
from tests.preview.look import look
from tests.preview.sas7bcat_file import CatalogFile, Key, missing
from tests.preview.sas7bdat_file import SasFile, Variable
from tests.trusting import TrustsAll

FORMATS: dict[str, dict[Key, str]] = {
    "$SEXF": {"M": "Male", "F": "Female"},
    "AGEGR": {1.0: "< 18 years", (2.0, 5.5): "adult", missing("A"): "refused", missing("."): "not known", 0.0: "none"},
    "A_FORMAT_OF_A_LONG_NAME": {-3.0: "minus three", 40.0: "forty"},
}
LONG = ("A_FORMAT_OF_A_LONG_NAME",)
FORMS = [{"is_wide": is_wide, "is_little": is_little} for is_wide in (True, False) for is_little in (True, False)]
ROWS = (
    ("$SEXF", "M", "Male"),
    ("$SEXF", "F", "Female"),
    ("AGEGR", "1", "< 18 years"),
    ("AGEGR", "2 to 5.5", "adult"),
    ("AGEGR", ".A", "refused"),
    ("AGEGR", ".", "not known"),
    ("AGEGR", "0", "none"),
    ("A_FORMAT_OF_A_LONG_NAME", "-3", "minus three"),
    ("A_FORMAT_OF_A_LONG_NAME", "40", "forty"),
)


@pytest.mark.parametrize("form", FORMS)
def test_the_writer_makes_what_readstat_reads(form: dict[str, bool], tmp_path: Path) -> None:
    path = tmp_path / "formats.sas7bcat"
    path.write_bytes(CatalogFile(FORMATS, long_names=LONG, **form).content)
    _, meta = pyreadstat.read_sas7bcat(str(path))
    assert set(meta.value_labels) == set(FORMATS)
    assert meta.value_labels["$SEXF"] == {"M": "Male", "F": "Female"}
    assert meta.value_labels["AGEGR"]["A"] == "refused"
    assert meta.value_labels["A_FORMAT_OF_A_LONG_NAME"] == {-3.0: "minus three", 40.0: "forty"}


@pytest.mark.parametrize("form", FORMS)
async def test_a_catalog_is_a_table_of_labels(form: dict[str, bool]) -> None:
    found = await look(CatalogFile(FORMATS, long_names=LONG, **form).content, "formats.sas7bcat")
    assert [column.name for column in found.columns] == ["format", "value", "label", "created"]
    assert tuple(row[:3] for row in found.rows) == ROWS
    assert found.rows[0][3] == "2020-03-16 17:46:40"
    assert (found.total_rows, found.more) == (9, False)
    assert found.notices == ("whether the ends of a range belong to it is not known",)
    assert dict(found.facts)["formats"] == "3"


async def test_the_first_labels_of_many() -> None:
    content = CatalogFile({f"F{letter}X": {float(n): f"label {n}" for n in range(30)} for letter in "ABCDE"}).content
    found = await look(content, "formats.sas7bcat", limits=Limits(rows=40))
    assert len(found.rows) == 40
    assert found.rows[39][:3] == ("FBX", "9", "label 9")
    assert found.notices == ("first 40 of 150 labels",)
    assert found.more


@pytest.mark.parametrize("codec", ["utf-8", "cp1252"])
async def test_a_catalog_that_does_not_say_its_encoding_is_utf_8_where_it_can_be(codec: str) -> None:
    content = CatalogFile({"CITY": {1.0: "Zürich"}}, codec=codec).content
    assert (await look(content, "f.sas7bcat")).rows[0][2] == "Zürich"


@pytest.mark.parametrize("cut", [100, 8192 + 2000, 8192 + 3 * 4096 + 100])
async def test_a_catalog_that_is_cut_off_has_what_is_left(cut: int) -> None:
    found = await look(CatalogFile(FORMATS).content[:cut], "formats.sas7bcat")
    assert found.kind == "hex" or len(found.rows) < 9


async def test_what_only_calls_itself_a_catalog() -> None:
    found = await look(bytes(range(256)) * 40, "f.sas7bcat")
    assert "named a SAS catalog but does not begin like one" in found.notices


VARIABLES = [
    Variable("SEX", False, 1, format="$SEXF", width=1),
    Variable("AGEGR", format="AGEGR", width=8),
    Variable("N"),
]


async def _beside(folder: Path, catalogs: dict[str, bytes], variables: list[Variable] = VARIABLES) -> Preview:
    uris = {}
    for number, (name, content) in enumerate(catalogs.items()):
        # A store's objects are not called as the artifact's files are.
        path = folder / f"object-{number}"
        path.write_bytes(content)
        uris[name] = str(path)
    dataset = folder / "dm.sas7bdat"
    dataset.write_bytes(SasFile(variables, [["M", 1.0, 1.0]]).content)
    async with Storage(TrustsAll()) as storage, storage.open(str(dataset)) as reader:
        return await preview(reader, name=dataset.name, siblings=Siblings(storage, uris))


async def test_a_catalog_beside_a_dataset_tells_what_its_values_are_called(tmp_path: Path) -> None:
    found = await _beside(tmp_path, {"adsl.csv": b"", "formats.SAS7BCAT": CatalogFile(FORMATS).content})
    assert found.columns[0].value_labels == (("M", "Male"), ("F", "Female"))
    assert found.columns[1].value_labels[1:3] == (("2 to 5.5", "adult"), (".A", "refused"))
    assert found.columns[2].value_labels == ()
    assert dict(found.facts)["value labels"] == "of 2 columns"
    assert found.rows == (("M", 1, 1),)


async def test_the_first_of_several_catalogs_that_has_a_format_tells_it(tmp_path: Path) -> None:
    catalogs = {
        "other_formats.sas7bcat": CatalogFile({"AGEGR": {1.0: "wrong"}, "$SEXF": {"M": "male"}}).content,
        "formats.sas7bcat": CatalogFile({"AGEGR": {1.0: "right"}}).content,
    }
    found = await _beside(tmp_path, catalogs)
    assert [column.value_labels for column in found.columns] == [(("M", "male"),), (("1", "right"),), ()]


async def test_a_catalog_that_cannot_be_read_is_said_and_costs_nothing_else(tmp_path: Path) -> None:
    found = await _beside(tmp_path, {"formats.sas7bcat": b"no catalog"})
    assert found.notices == ("its catalog formats.sas7bcat is not read: it does not begin like one",)
    assert found.rows == (("M", 1, 1),)


async def test_no_catalog_is_read_for_formats_that_every_sas_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unwanted(*_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(Siblings, "open", unwanted)
    variables = [Variable("SEX", False, 1, format="$", width=1), Variable("AGE", format="BEST", width=8), Variable("N")]
    found = await _beside(tmp_path, {"formats.sas7bcat": CatalogFile(FORMATS).content}, variables)
    assert found.rows == (("M", 1, 1),)


def test_the_name_of_a_format() -> None:
    assert [name_of(one) for one in ("SEXF8.", "$sexf.", "AGE2GR5.1", "8.2", "")] == ["SEXF", "$SEXF", "AGE2GR", "", ""]
