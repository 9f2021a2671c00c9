"""Archives of code that pyflyte uploads: unpacked whole, or refused."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.errors import NotFoundError, StorageError
from flowtui.local.home import Home
from flowtui.local.runner import uploaded_code
from flowtui.local.runner.uploaded_code import archive_of, unpacked

URI = "s3://flyte/upload/code.tar.gz"


def member(name: str, body: bytes = b"x = 1\n", **changes: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(body)
    for attribute, value in changes.items():
        setattr(info, attribute, value)
    return info, body


def upload(home: Home, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    path = home.resolve(URI)
    assert path is not None
    path.parent.mkdir(parents=True)
    with tarfile.open(path, "w:gz") as archive:
        for info, body in members:
            archive.addfile(info, io.BytesIO(body))
    return path


def test_an_archive_is_unpacked_once(tmp_path: Path) -> None:
    home = Home(tmp_path).ensure()
    upload(home, member("flow.py"), member("package/words.py", b"y = 2\n"))
    folder = unpacked(home, URI)
    assert (folder / "flow.py").read_bytes() == b"x = 1\n"
    assert (folder / "package" / "words.py").read_bytes() == b"y = 2\n"
    (folder / "flow.py").write_text("kept")
    assert unpacked(home, URI) == folder
    assert (folder / "flow.py").read_text() == "kept"
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize(
    "bad",
    [
        member("../outside.py"),
        member("a/../../outside.py"),
        member("link", b"", type=tarfile.SYMTYPE, linkname="../../../serve-token"),
        member("link", b"", type=tarfile.LNKTYPE, linkname="/etc/passwd"),
        member("device", b"", type=tarfile.CHRTYPE),
    ],
    ids=["parent", "hidden parent", "symbolic link", "hard link", "device"],
)
def test_nothing_leads_out_and_nothing_half_is_left(tmp_path: Path, bad: tuple[tarfile.TarInfo, bytes]) -> None:
    home = Home(tmp_path).ensure()
    upload(home, member("flow.py"), bad)
    with pytest.raises(StorageError, match="cannot be unpacked"):
        unpacked(home, URI)
    assert list((tmp_path / "sources").iterdir()) == []
    assert not list(tmp_path.rglob("outside.py"))


def test_an_archive_that_grows_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path).ensure()
    upload(home, member("a.py", b"0" * 600), member("b.py", b"0" * 600))
    monkeypatch.setattr(uploaded_code, "MAX_BYTES", 1000)
    with pytest.raises(StorageError, match="more than"):
        unpacked(home, URI)
    monkeypatch.setattr(uploaded_code, "MAX_BYTES", 2000)
    monkeypatch.setattr(uploaded_code, "MAX_FILES", 1)
    with pytest.raises(StorageError, match="more than"):
        unpacked(home, URI)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_archive_or_refused(tmp_path_factory: pytest.TempPathFactory, body: bytes) -> None:
    home = Home(tmp_path_factory.mktemp("home")).ensure()
    path = upload(home, member("flow.py"))
    path.write_bytes(path.read_bytes()[: len(body)] + body)
    try:
        assert unpacked(home, URI).is_dir()
    except StorageError:
        assert list((home.path / "sources").iterdir()) == []


def test_code_that_is_gone(tmp_path: Path) -> None:
    for uri in (URI, "/etc/passwd", "s3://flyte/../../serve-token", ""):
        with pytest.raises(NotFoundError, match="not on this machine"):
            unpacked(Home(tmp_path).ensure(), uri)


@pytest.mark.parametrize(
    ("arguments", "uri"),
    [
        ("pyflyte-fast-execute --additional-distribution s3://b/c.tar.gz --dest-dir . -- pyflyte-execute --x", "s3://b/c.tar.gz"),
        ("pyflyte-fast-execute --dest-dir . -- pyflyte-execute --additional-distribution s3://no", ""),
        ("pyflyte-execute --additional-distribution s3://no", ""),
        ("pyflyte-fast-execute --additional-distribution", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_where_a_containers_arguments_name_their_code(arguments: str, uri: str) -> None:
    assert archive_of(arguments.split()) == uri
