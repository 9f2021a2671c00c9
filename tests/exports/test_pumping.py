"""Copies between files of this machine: small, large, resumed, growing, by the kernel and without it."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from pathlib import Path

import pytest

from flowtui.errors import ExportError
from flowtui.exports.targets import pumping
from flowtui.exports.targets.pumping import pump

SIZES = (0, 1, 2 * 1024 * 1024, 2 * 1024 * 1024 + 1, 70 * 1024 * 1024)


def copied(source: Path, target: Path, stop: threading.Event | None = None) -> tuple[int, str, int]:
    told: list[int] = []
    read = os.open(source, os.O_RDONLY)
    write = os.open(target, os.O_RDWR | os.O_CREAT)
    try:
        size, sha256 = pump(read, write, str(target), told.append, stop or threading.Event())
    finally:
        os.close(read)
        os.close(write)
    return size, sha256, sum(told)


@pytest.fixture(params=["kernel", "refused", "absent"])
def road(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "refused":

        def refused(*_: object) -> int:
            raise OSError(errno.EXDEV, "cross-device link")

        monkeypatch.setattr(pumping.os, "copy_file_range", refused, raising=False)
    if request.param == "absent":
        monkeypatch.delattr(pumping.os, "copy_file_range", raising=False)
    return str(request.param)


@pytest.mark.parametrize("size", SIZES)
def test_what_arrives_is_what_was_sent(road: str, size: int, tmp_path: Path) -> None:
    body = (hashlib.sha256(str(size).encode()).digest() * (size // 32 + 1))[:size]
    (tmp_path / "a").write_bytes(body)
    assert copied(tmp_path / "a", tmp_path / "b") == (size, hashlib.sha256(body).hexdigest(), size)
    assert (tmp_path / "b").read_bytes() == body


@pytest.mark.parametrize("there", [b"abc", b"xyz", b"abcdef" * 999_999, b"longer than it" * 1_000_000])
def test_what_is_there_is_taken_up_or_written_anew(road: str, there: bytes, tmp_path: Path) -> None:
    body = b"abcdef" * 1_000_000
    (tmp_path / "a").write_bytes(body)
    (tmp_path / "b").write_bytes(there)
    assert copied(tmp_path / "a", tmp_path / "b") == (len(body), hashlib.sha256(body).hexdigest(), len(body))
    assert (tmp_path / "b").read_bytes() == body


@pytest.mark.skipif(not hasattr(os, "copy_file_range"), reason="no kernel road")
def test_a_source_that_cannot_be_read_is_not_taken_for_a_full_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"a" * 5_000_000)
    calls: list[int] = []

    def broken(*_: object) -> int:
        calls.append(1)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(pumping.os, "copy_file_range", broken)
    monkeypatch.setattr(pumping.os, "read", broken)
    with pytest.raises(OSError, match="Input/output error") as failed:
        copied(tmp_path / "a", tmp_path / "b")
    assert not isinstance(failed.value, ExportError)
    assert len(calls) == 2


def test_what_the_kernel_could_not_end_is_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = bytes(range(256)) * 20_000
    (tmp_path / "a").write_bytes(body)
    real = os.copy_file_range

    def half(source: int, target: int, count: int, *offsets: int) -> int:
        if offsets[0]:
            raise OSError(errno.EIO, "Input/output error")
        return real(source, target, 1_000_000, *offsets)

    monkeypatch.setattr(pumping.os, "copy_file_range", half)
    assert copied(tmp_path / "a", tmp_path / "b") == (len(body), hashlib.sha256(body).hexdigest(), len(body))
    assert (tmp_path / "b").read_bytes() == body


def test_a_stopped_copy_leaves_a_part(road: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a" * 5_000_000)
    stop = threading.Event()
    stop.set()
    with pytest.raises(ExportError, match="was stopped"):
        copied(tmp_path / "a", tmp_path / "b", stop)
    assert copied(tmp_path / "a", tmp_path / "b")[0] == 5_000_000


def test_a_full_disk_is_told(road: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a" * 5_000_000)
    read, write = os.open(tmp_path / "a", os.O_RDONLY), os.open("/dev/full", os.O_RDWR)
    try:
        with pytest.raises(ExportError, match="cannot be written: No space left"):
            pump(read, write, "/dev/full", lambda _: None, threading.Event())
    finally:
        os.close(read)
        os.close(write)
