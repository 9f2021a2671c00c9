"""Exports against the plainest tools: a directory against ``cp -r``, a Domino dataset against raw httpx streaming.

    python benchmarks/export.py [--files 5000] [--large 2048] [--rounds 3] [--only directory|dataset]

Two sources: ``--files`` files of 1 to 64 KB, and one of ``--large`` MB. In every round all sides move the same source
to an empty place of the same disk (or of the same server), one after the other, in changing order; the median counts.
The export is all of it: plan, journal, SHA-256 of every byte, stage, publication, manifest. ``cp`` alone does less:
its bytes are in the kernel's memory at its end, and nobody knows their checksum; so plain tools that leave behind what
an export leaves are measured too. The ratio is the speed
of the export over that of the other; peak memory is of the process that exports, with what it imports.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

_SEED = 20261126


def make_sources(folder: Path, files: int, large_mb: int) -> dict[str, Path]:
    """The two sources."""
    rng = random.Random(_SEED)
    small, large = folder / "small", folder / "large"
    small.mkdir()
    large.mkdir()
    for number in range(files):
        (small / f"f{number:05d}.csv").write_bytes(rng.randbytes(rng.randint(1_000, 64_000)))
    block = rng.randbytes(1 << 20)
    with (large / "large.sas7bdat").open("wb") as out:
        for number in range(large_mb):
            out.write(number.to_bytes(8, "big") + block[8:])
    return {f"{files:,} files": small, f"1 file of {large_mb:,} MB": large}


def copied(source: Path, target: Path) -> tuple[float, int]:
    """Seconds of ``cp -r``, until the kernel has the bytes."""
    began = time.perf_counter()
    subprocess.run(["cp", "-r", str(source), str(target)], check=True)
    return time.perf_counter() - began, 0


def copied_to_disk(source: Path, target: Path) -> tuple[float, int]:
    """Seconds of ``cp -r`` and ``sync -f``, until the bytes are on the disk, as they are after an export."""
    began = time.perf_counter()
    subprocess.run(["cp", "-r", str(source), str(target)], check=True)
    subprocess.run(["sync", "-f", str(target)], check=True)
    return time.perf_counter() - began, 0


def copied_and_hashed(source: Path, target: Path) -> tuple[float, int]:
    """Seconds of what plain tools take for the same: a copy, its SHA-256, and the bytes on the disk."""
    began = time.perf_counter()
    subprocess.run(["cp", "-r", str(source), str(target)], check=True)
    command = 'cd "$1" && find . -type f -print0 | xargs -0 -P 2 -n 500 sha256sum > SHA256SUMS && sync -f .'
    subprocess.run(["sh", "-c", command, "sh", str(target)], check=True)
    return time.perf_counter() - began, 0


def exported(source: Path, target: Path) -> tuple[float, int]:
    """Seconds and peak memory of an export to a directory, in a process of its own that has its imports done."""
    return _child("directory", source, str(target))


def _child(kind: str, source: Path, target: str, **environ: str) -> tuple[float, int]:
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, __file__, "--child", kind, str(source), target, home]
        ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **environ})
    answer = json.loads(ended.stdout)
    return answer["seconds"], answer["peak"]


async def child(kind: str, source: Path, target: str, home: Path) -> None:
    """Export every file of a folder; prints seconds and peak memory."""
    from flowtui.domain.artifact import ArtifactFile
    from flowtui.domain.execution import ExecutionId
    from flowtui.exports import (
        Journal,
        Selection,
        SourceRun,
        TargetAccess,
        TargetOptions,
        Transfers,
        make_plan,
        parse_target,
    )
    from flowtui.storage import Storage

    files = tuple(
        ArtifactFile("data", "ADaM", path.name, "", "n0", "o0", ("n0",), "present", (str(path),))
        for path in sorted(source.iterdir())  # noqa: ASYNC240
    )
    selection = Selection(SourceRun(ExecutionId("p", "d", "run")), files)
    options = TargetOptions(create=True, snapshot=False)
    access = TargetAccess()
    if kind == "dataset":
        from flowtui.exports.domino import DominoClient

        client = DominoClient(os.environ["DOMINO"])
        access = TargetAccess(domino=lambda: client)
    async with Storage() as storage:
        began = time.perf_counter()
        transfers = Transfers(Journal(home / "state.sqlite3"), storage, access)
        plan = await make_plan([selection], parse_target(target, options, access), storage)
        await transfers.wait(await transfers.start(plan, options))
        seconds = time.perf_counter() - began
    json.dump({"seconds": seconds, "peak": peak_memory()}, sys.stdout)


def peak_memory() -> int:
    """The most bytes that this process has had; ru_maxrss would tell those of the process that started it, too."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found.group(1)) * 1024 if found else 0


RAW_AT_ONCE = 12
CHUNK = 8 * 1024 * 1024


async def sent_raw(source: Path, url: str) -> None:
    """Every file of a folder sent to a new dataset with httpx and nothing else: its chunks, their MD5, and the end."""
    import hashlib

    import httpx

    async with httpx.AsyncClient(base_url=url, timeout=120, limits=httpx.Limits(max_connections=RAW_AT_ONCE)) as client:
        project = (await client.get("/api/projects/beta/projects")).json()["projects"][0]["id"]
        new = {"name": f"raw-{time.time_ns()}", "projectId": project}
        dataset = (await client.post("/api/datasetrw/v1/datasets", json=new)).json()["dataset"]["id"]
        base = f"/v4/datasetrw/datasets/{dataset}/snapshot/file"
        key = (await client.post(f"{base}/start", json={"filePaths": [], "fileCollisionSetting": "Overwrite"})).json()
        gate = asyncio.Semaphore(RAW_AT_ONCE)

        async def send(path: Path, number: int, total: int, size: int) -> None:
            async with gate:
                with path.open("rb") as file:
                    file.seek((number - 1) * CHUNK)
                    data = await asyncio.to_thread(file.read, CHUNK)
                digest = await asyncio.to_thread(lambda: hashlib.md5(data, usedforsecurity=False).hexdigest().upper())
                params: dict[str, str | int] = {
                    "key": key,
                    "resumableChunkNumber": number,
                    "resumableTotalChunks": total,
                    "resumableChunkSize": CHUNK,
                    "resumableCurrentChunkSize": len(data),
                    "resumableIdentifier": f"{size}-{path.name}",
                    "resumableRelativePath": f"ADaM/{path.name}",
                    "checksum": digest,
                }
                answer = await client.post(base, params=params, files={"file": (path.name, data)})
                answer.raise_for_status()

        chunks = []
        for path in sorted(source.iterdir()):  # noqa: ASYNC240
            size = path.stat().st_size
            total = max(-(-size // CHUNK), 1)
            chunks += [send(path, number, total, size) for number in range(1, total + 1)]
        await asyncio.gather(*chunks)
        (await client.get(f"{base}/end/{key}")).raise_for_status()


def sides_of_dataset(url: str) -> dict[str, Callable[[Path, Path], tuple[float, int]]]:
    """Sending with httpx alone, and an export, to new datasets of one Domino."""

    def raw(source: Path, _: Path) -> tuple[float, int]:
        began = time.perf_counter()
        asyncio.run(sent_raw(source, url))
        return time.perf_counter() - began, 0

    def export(source: Path, _: Path) -> tuple[float, int]:
        return _child("dataset", source, f"dataset:quick-start/export-{time.time_ns()}", DOMINO=url)

    return {"httpx": raw, "export": export}


def serve_domino(home: Path) -> None:
    """Serve an embedded Domino; prints its URL."""
    from flowtui.local.domino import create_domino_app
    from flowtui.local.domino.serve import served

    async def forever() -> None:
        async with served(lambda url: create_domino_app(home, url=url)) as url:
            print(url, flush=True)
            await asyncio.Event().wait()

    asyncio.run(forever())


def compare(
    name: str,
    source: Path,
    sides: dict[str, Callable[[Path, Path], tuple[float, int]]],
    rounds: int,
    folder: Path,
) -> None:
    """Print one line: medians, ratio of speeds, peak memory."""
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    peak = 0
    for number in range(rounds):
        order = list(sides) if number % 2 == 0 else list(sides)[::-1]
        for side in order:
            target = folder / f"to-{side.replace(' ', '-')}-{number}"
            os.sync()
            took, memory = sides[side](source, target)
            seconds[side].append(took)
            peak = max(peak, memory)
            # Folders of small files stay until the end: ext4 looks for an inode that was not freed in the last
            # minutes, one by one, so that making thousands takes five times as long where thousands were removed.
            if len(os.listdir(source)) == 1:
                shutil.rmtree(target, ignore_errors=True)
    size = sum(path.stat().st_size for path in source.iterdir())
    *_, ours = (statistics.median(took) for took in seconds.values())
    print(name, flush=True)
    for side, took in seconds.items():
        median = statistics.median(took)
        memory = f"   peak {peak / 2**20:4.0f} MB" if took is list(seconds.values())[-1] else ""
        print(
            f"  {side:20} {median:7.2f} s {size / median / 1e6:6.0f} MB/s   ratio {median / ours:5.2f}{memory}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--large", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    parser.add_argument("--only", choices=("directory", "dataset"), default="")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        kind, source, target, home = options.child
        asyncio.run(child(kind, Path(source), target, Path(home)))
        return
    if options.serve:
        serve_domino(options.serve)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        sources = make_sources(folder, options.files, options.large)
        if options.only != "dataset":
            print("to a directory")
            sides = {
                "cp -r": copied,
                "cp -r; sync": copied_to_disk,
                "cp; sha256sum; sync": copied_and_hashed,
                "export": exported,
            }
            for source_name, source in sources.items():
                compare(source_name, source, sides, options.rounds, folder)
        if options.only != "directory":
            print("to a dataset of an embedded Domino, a process of its own on loopback")
            for source_name, source in sources.items():
                home = folder / "domino"
                command = [sys.executable, __file__, "--serve", str(home)]
                with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
                    assert server.stdout is not None
                    url = server.stdout.readline().strip()
                    try:
                        compare(source_name, source, sides_of_dataset(url), options.rounds, folder)
                    finally:
                        server.kill()
                shutil.rmtree(home)


if __name__ == "__main__":
    main()
