"""What worker processes are told to run in tests: previews that behave, and some that do not."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from typing import Any, BinaryIO

from flowtui.errors import PreviewError
from flowtui.preview.result import Column, Image, Preview, TreeNode
from flowtui.preview.worker import RangedFile, Request


def ends(file: BinaryIO, request: Request) -> Preview:
    """The first and the last bytes, and where they are."""
    first = file.read(4)
    file.seek(-4, os.SEEK_END)
    last = file.read()
    sys.stdout.write("noise on stdout")
    sys.stdout.flush()
    os.write(1, b"more noise")
    return Preview(kind="text", lines=(first.decode(), last.decode()), format="ends", facts=(("name", request.name),))


def everything(file: BinaryIO, request: Request) -> Preview:
    tree = TreeNode("a\x1b[2Jb", "\u202evalue", (TreeNode("c"),))
    image = Image(1, 2, bytes(6), 100, 200)
    return Preview(
        kind="table",
        columns=(Column("A\nB", "integer", "label", "8.", nulls=1, least=0, most=2.5),),
        rows=((1,), (None,)),
        tree=tree,
        image=image,
        total_rows=2,
        page=1,
        pages=3,
        page_names=("x", "y", "z"),
    )


def process_id(file: BinaryIO, request: Request) -> Preview:
    return Preview(kind="text", lines=(str(os.getpid()),))


def environment(file: BinaryIO, request: Request) -> Preview:
    return Preview(kind="text", lines=(*sorted(os.environ), os.getcwd()))


def refuses(file: BinaryIO, request: Request) -> Preview:
    raise PreviewError("not what it\x1b[31m seems")


def misses(file: BinaryIO, request: Request) -> Preview:
    import pyarrow_that_is_not_there.compute  # noqa: F401

    raise AssertionError


def breaks(file: BinaryIO, request: Request) -> Preview:
    raise IndexError("list index\x07 out of range")


def crashes(file: BinaryIO, request: Request) -> Preview:
    ctypes.string_at(0)
    raise AssertionError


def runs_for_ever(file: BinaryIO, request: Request) -> Preview:
    while True:
        time.sleep(3600)


def grows(file: BinaryIO, request: Request) -> Preview:
    kept = [bytearray(1 << 26) for _ in range(1 << 10)]
    return Preview(kind="text", lines=(str(len(kept)),))


def several_parts(file: BinaryIO, request: Request) -> Preview:
    parts = _raw(file).read_ranges([(0, 4), (2, 100_000), (200_004, 9)])
    return Preview(kind="text", lines=(parts[0].decode(), str(len(parts[1])), parts[2].decode()))


def asks_for_nothing(file: BinaryIO, request: Request) -> Preview:
    _raw(file)._ask([], True)
    raise AssertionError


def asks_for_nonsense(file: BinaryIO, request: Request) -> Preview:
    _raw(file)._ask([(0, 10), (-5, 10)], True)
    raise AssertionError


def asks_for_many_large_parts(file: BinaryIO, request: Request) -> Preview:
    _raw(file)._ask([(at, 1 << 20) for at in range(17)], True)
    raise AssertionError


def asks_for_very_many_parts(file: BinaryIO, request: Request) -> Preview:
    _raw(file)._ask([(at, 0) for at in range(5000)], True)
    raise AssertionError


def _raw(file: Any) -> RangedFile:
    raw: RangedFile = file.raw
    return raw


def asks_for_too_much(file: BinaryIO, request: Request) -> Preview:
    file.read(1 << 30)
    raise AssertionError


def lies(file: BinaryIO, request: Request) -> Preview:
    return Preview(kind="table", columns=(Column("a"),), rows=((1, 2, 3), ()))


def talks_too_much(file: BinaryIO, request: Request) -> Preview:
    return Preview(kind="text", lines=("x" * 100_000,) * 10_000)


def modules(file: BinaryIO, request: Request) -> Preview:
    return Preview(kind="text", lines=tuple(sorted(sys.modules))[:900])
