"""Fetching files by URI."""

from pathlib import Path

import pytest

from flowtui.errors import StorageError
from flowtui.plugin.helpers import BlobDataLocation, download_blobs


@pytest.fixture
def blob(tmp_path: Path) -> Path:
    path = tmp_path / "store" / "0f" / "adsl_dataset"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"USUBJID\n001\n")
    return path


@pytest.mark.parametrize(
    ("name", "extension", "expected"),
    [
        ("", "", "adsl_dataset"),
        ("adsl.csv", "", "adsl.csv"),
        ("adsl dataset", "csv", "adsl dataset.csv"),
        ("adsl.CSV", ".csv", "adsl.CSV"),
        ("Prod/QC", "", "Prod_QC"),
        ("../escape", "", "___escape"),
    ],
)
def test_names(blob: Path, tmp_path: Path, name: str, extension: str, expected: str) -> None:
    folder = tmp_path / "new" / "folder"
    location = BlobDataLocation(f"file://{blob}", str(folder), local_filename=name, local_file_extension=extension)
    assert download_blobs([location]) == [folder / expected]
    assert (folder / expected).read_bytes() == blob.read_bytes()
    assert [path.name for path in folder.iterdir()] == [expected]


def test_the_working_folder_is_the_default(blob: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert download_blobs(BlobDataLocation(str(blob))) == [Path("adsl_dataset")]
    assert (tmp_path / "adsl_dataset").is_file()


def test_two_files_with_one_path_are_refused_before_anything_is_written(blob: Path, tmp_path: Path) -> None:
    other = blob.with_name("other")
    other.write_bytes(b"x")
    folder = str(tmp_path / "out")
    with pytest.raises(StorageError, match="same local path"):
        download_blobs([BlobDataLocation(str(blob), folder, "a.csv"), BlobDataLocation(str(other), folder, "a.csv")])
    assert not (tmp_path / "out").exists()


def test_a_missing_file_leaves_nothing_behind(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(StorageError, match="missing"):
        download_blobs([BlobDataLocation(str(missing), str(tmp_path / "out"))])
    assert list((tmp_path / "out").iterdir()) == []
