"""Seconds to the first screen of a file in an S3 store, by flowtui's previews and by downloading and opening it.

Run it with the development environment: ``python benchmarks/preview.py``. The store is a process of its own behind a
proxy that adds the round trip: moto's S3 server, and for what is too large for it a small server of ranges over files.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import json
import multiprocessing
import pickletools
import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import pandas
import pyarrow.parquet
import pypdfium2
import pyreadstat
from delay_proxy import DelayProxy

from flowtui.preview.registry import preview
from flowtui.preview.workers import Workers
from flowtui.storage import Reader, Storage
from tests.preview import large_files
from tests.storage.s3 import Signer, s3_client, s3_server
from tests.trusting import TrustsAll

BUCKET = "artifacts"
MOST_IN_MOTO = 500
"""Megabytes; moto reads the whole object into memory for each range of it."""

MOST_PARSED = 500 << 20
"""Bytes; JSON takes more than seven times as much memory."""

SIZES = {"1 MB": 1 << 20, "100 MB": 100 << 20, "2 GB": 2 << 30}


def _open_parquet(path: Path) -> None:
    next(pyarrow.parquet.ParquetFile(path).iter_batches(100)).to_pylist()


def _open_json(path: Path) -> None:
    if path.stat().st_size > MOST_PARSED:
        return
    with path.open() as file:
        json.load(file)


def _open_pdf(path: Path) -> None:
    document = pypdfium2.PdfDocument(path)
    document[0].get_textpage().get_text_range()
    document.close()


def _open_pt(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        pickletools.dis(archive.read("state/data.pkl"), io.StringIO())


OPENERS: dict[str, Callable[[Path], Any]] = {
    "csv": lambda path: pandas.read_csv(path, nrows=100),
    "parquet": _open_parquet,
    "sas7bdat": lambda path: pyreadstat.read_sas7bdat(path, row_limit=100),
    "xpt": lambda path: pyreadstat.read_xport(path, row_limit=100),
    "json": _open_json,
    "pdf": _open_pdf,
    "pt": _open_pt,
}
"""The usual library of each format, for the first 100 rows, the first page or the names of the tensors."""


class _Ranges(BaseHTTPRequestHandler):
    """HEAD and GET of the one file, with ranges, as S3 answers them; signatures are not looked at."""

    protocol_version = "HTTP/1.1"
    path_of_file: Path

    def do_HEAD(self) -> None:
        self._answer(is_body=False)

    def do_GET(self) -> None:
        self._answer(is_body=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""

    def _answer(self, *, is_body: bool) -> None:
        size = self.path_of_file.stat().st_size
        start, end = 0, size
        ranged = self.headers.get("Range", "")
        if ranged:
            first, _, last = ranged.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last) + 1, size) if last else size
        self.send_response(206 if ranged else 200)
        self.send_header("Content-Length", str(end - start))
        self.send_header("ETag", '"1"')
        self.send_header("Accept-Ranges", "bytes")
        if ranged:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        self.end_headers()
        if is_body:
            self.wfile.flush()
            with self.path_of_file.open("rb") as file:
                self.connection.sendfile(file, start, end - start)


def _serve(path: Path, channel: Connection) -> None:
    handler = type("Handler", (_Ranges,), {"path_of_file": path})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    channel.send(server.server_address[1])
    server.serve_forever()


@contextlib.contextmanager
def _served(path: Path, key: str, most_in_moto: int) -> Iterator[int]:
    """The port of a store that holds the file."""
    if path.stat().st_size <= most_in_moto << 20:
        with s3_server() as url:
            client = s3_client(url)
            client.create_bucket(Bucket=BUCKET)
            client.upload_file(str(path), BUCKET, key)
            yield int(url.rpartition(":")[2])
        return
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(path, theirs), daemon=True)
    process.start()
    try:
        yield int(ours.recv())
    finally:
        process.terminate()
        process.join()


async def _preview_seconds(client: Any, key: str) -> tuple[float, float, Reader]:
    """Seconds until there is something to show: at first, and with what is running then; and the first reader.

    No byte of the file is kept from before, either time.
    """
    uri = f"s3://{BUCKET}/{key}"

    async def shown() -> tuple[float, Reader]:
        began = time.perf_counter()
        async with storage.open(uri) as reader:
            found = await preview(reader, name=key, workers=workers)
        seconds = time.perf_counter() - began
        if found.kind == "hex" or not (found.rows or found.lines or found.tree):
            raise SystemExit(f"{key} was not shown: {found.kind}, {found.notices}")
        return seconds, reader

    async with Storage(TrustsAll(), sign=Signer(client)) as storage, Workers() as workers:
        first, reader = await shown()
        storage.forget(uri)
        return first, (await shown())[0], reader


def _download_seconds(client: Any, key: str, folder: Path, kind: str) -> float:
    path = folder / f"downloaded.{kind}"
    began = time.perf_counter()
    client.download_file(BUCKET, key, str(path))
    OPENERS[kind](path)
    seconds = time.perf_counter() - began
    path.unlink()
    return seconds


def _measure(kind: str, size: str, round_trip: float, repeat: int, most_in_moto: int) -> None:
    key = f"large.{kind}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / key
        getattr(large_files, kind)(path, SIZES[size])
        with _served(path, key, most_in_moto) as port, contextlib.closing(DelayProxy(port)) as proxy:
            proxy.set_round_trip(round_trip)
            client = s3_client(f"http://127.0.0.1:{proxy.port}")
            found = [asyncio.run(_preview_seconds(client, key)) for _ in range(repeat)]
            first, following = (statistics.median(one[at] for one in found) for at in (0, 1))
            times = repeat if size != "2 GB" else 1
            download = statistics.median(_download_seconds(client, key, folder, kind) for _ in range(times))
    reader = found[0][2]
    print(
        f"{kind:9} {size:>6} {reader.bytes_read:11} {reader.requests:9} {reader.round_trips:7} {first:8.3f} "
        f"{following:8.3f} {download:10.3f} {download / first:8.1f} {download / following:7.1f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rtt", type=float, default=30.0, help="round trip in milliseconds (default: 30)")
    parser.add_argument("--repeat", type=int, default=3, help="times, of which the median counts (default: 3)")
    parser.add_argument("--size", choices=SIZES, action="append", help="only this size; may be repeated")
    parser.add_argument("--format", choices=OPENERS, action="append", help="only this format; may be repeated")
    parser.add_argument(
        "--most-in-moto", type=int, default=MOST_IN_MOTO, metavar="MB", help="larger files are served as files"
    )
    given = parser.parse_args()
    print(f"round trip of {given.rtt:g} ms, median of {given.repeat}; a download of 2 GB is measured once")
    print("format      size  bytes read  requests   trips  first s   next s download s    ratio   ratio")
    for size in given.size or SIZES:
        for kind in given.format or OPENERS:
            _measure(kind, size, given.rtt / 1000, given.repeat, given.most_in_moto)


if __name__ == "__main__":
    main()
