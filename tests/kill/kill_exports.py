"""Kills exports with SIGKILL at random points, resumes them, and looks at what is in the target.

    python -m tests.kill.kill_exports [--seeds 100] [--first 1] [--only bucket|dataset|directory|merge|snapshots]

A seed says what is exported, to what kind of target, and where the export, and sometimes its resuming too, is killed:
at the n-th step that changes something (``tests.kill.export_child``), or after some time. After every kill the target
may show nothing of the export, or, once it is being published, whole files only. After the last resume it has to be
equal to the source, with no file more, one entry of the manifest for each, and nothing left of the stage; and the same
export once more has nothing to do. The exit code is 1 where a seed failed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from flowtui.exports import ExportRecord, Journal
from tests.kill.places import PLACES, Place, Servers

CHILD_SECONDS = 120


@dataclass
class Counts:
    """What the kills hit."""

    kills: Counter[str] = field(default_factory=Counter)
    runs: int = 0


class SeedFailedError(Exception):
    """What is wrong with a target, and of which seed."""


class Seed:
    """One export that is killed and resumed.

    Args:
        folder: an empty folder for its home, source and target.
        servers: the S3 server and the Domino that exports go to.
    """

    def __init__(self, number: int, folder: Path, servers: Servers, counts: Counts, only: str = "") -> None:
        self.random = random.Random(number)
        self.number = number
        self.home = folder / "home"
        self.source = folder / "source"
        self.counts = counts
        self.servers = servers
        kind = only or self.random.choice(sorted(PLACES))
        self.place: Place = PLACES[kind](folder, servers, self.random)
        self.home.mkdir()
        self.source.mkdir()
        for index in range(self.random.randint(1, 40)):
            size = self.random.choice((0, 1, 300, 70_000, 1_200_000))
            (self.source / f"f{index:02d} é.csv").write_bytes(self.random.randbytes(size))
        if self.random.random() < 0.3:
            (self.source / "large.bin").write_bytes(self.random.randbytes(self.random.randint(9_000_000, 20_000_000)))

    def run(self) -> None:
        """Raises SeedFailedError where something was lost, doubled or half published."""
        self.place.prepare(self.source)
        before = self.place.content()
        self._kill("")
        for _ in range(self.random.choice((0, 0, 1, 2))):
            self._check_half(before)
            self._kill(self._id())
        self._check_half(before)
        id_ = self._id()
        if self._record(id_) is None or self._record(id_).state != "done":  # type: ignore[union-attr]
            self._child(id_, kill_at=0)
        self._check_whole(before)
        self._child("", kill_at=0)
        self._check_whole(before)

    def _kill(self, id_: str) -> None:
        record = self._record(id_)
        if record is not None and record.state == "done":
            return
        if self.random.random() < 0.25:
            self._child(id_, kill_at=0, seconds=self.random.uniform(0.2, 1.5))
        else:
            self._child(id_, kill_at=self.random.randint(1, self.place.steps(len(list(self.source.iterdir())))))
        record = self._record(self._id())
        self.counts.kills[record.state if record else "before it was planned"] += 1

    def _child(self, id_: str, *, kill_at: int, seconds: float | None = None) -> None:
        options = json.dumps(self.place.options.to_json())
        arguments = [
            *(sys.executable, "-m", "tests.kill.export_child", str(self.home), str(self.source)),
            *(self.place.target, options, self.place.if_exists, str(kill_at), *([id_] if id_ else [])),
        ]
        self.counts.runs += 1
        with subprocess.Popen(
            arguments, env={**os.environ, **self.servers.environ}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            try:
                _, said = process.communicate(timeout=seconds or CHILD_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                if seconds is None:
                    raise SeedFailedError(f"an export did not end within {CHILD_SECONDS} seconds") from None
                return
        if process.returncode not in (0, -9):
            raise SeedFailedError(f"an export ended with {process.returncode}: {said.decode(errors='replace')[-2000:]}")
        if process.returncode == -9 and not kill_at:
            raise SeedFailedError("an export was killed by somebody else")

    def _records(self) -> Sequence[ExportRecord]:
        return Journal(self.home / "state.sqlite3").list()

    def _id(self) -> str:
        records = self._records()
        return records[0].id if records else ""

    def _record(self, id_: str) -> ExportRecord | None:
        return Journal(self.home / "state.sqlite3").get(id_) if id_ else None

    def _wanted(self, before: dict[str, bytes]) -> dict[str, bytes]:
        files = {self.place.path(path.name): path.read_bytes() for path in self.source.iterdir()}
        return {**before, **files}

    def _check_half(self, before: dict[str, bytes]) -> None:
        """Nothing that is seen is half a file, and nothing is seen before it is published."""
        seen, wanted = self.place.content(), self._wanted(before)
        record = self._record(self._id())
        for path, body in seen.items():
            if body not in (before.get(path), wanted.get(path)):
                raise SeedFailedError(f"{path} has {len(body):,} bytes that are neither the old nor the new ones")
        if seen != before and record is not None and record.state != "done" and not record.is_publishing:
            raise SeedFailedError(f"something is seen of an export that is {record.state}: {sorted(seen)[:5]}")
        if self.place.at_once and seen not in (before, wanted):
            raise SeedFailedError("half an export is seen, where it should be published at once")

    def _check_whole(self, before: dict[str, bytes]) -> None:
        seen, wanted = self.place.content(), self._wanted(before)
        if seen != wanted:
            more, less = sorted(seen.keys() - wanted.keys()), sorted(wanted.keys() - seen.keys())
            other = [path for path in seen.keys() & wanted.keys() if seen[path] != wanted[path]]
            raise SeedFailedError(f"the target differs: more {more[:3]}, less {less[:3]}, other bytes {other[:3]}")
        left = self.place.leftovers()
        if left:
            raise SeedFailedError(f"left behind: {left[:3]}")
        manifest = json.loads(self.place.manifest())
        paths = [entry["path"] for entry in manifest["files"]]
        named = sorted(self.place.path(path.name) for path in self.source.iterdir())
        if paths != sorted(paths) or sorted(paths) != named:
            raise SeedFailedError(f"the manifest has {len(paths)} entries for {len(named)} files")
        done = [record for record in self._records() if record.state == "done" and record.place]
        if len(done) != 1 or self.place.publications() != 1:
            raise SeedFailedError(f"published {len(done)} times, {self.place.publications()} in the target")


async def run_seeds(numbers: Sequence[int], only: str = "") -> list[str]:
    """Run seeds; what failed, a line each."""
    failed = []
    counts = Counts()
    with ExitStack() as stack:
        servers = stack.enter_context(Servers())
        for number in numbers:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flowtui-kill-")))
            seed = Seed(number, folder, servers, counts, only)
            began = time.monotonic()
            try:
                await asyncio.to_thread(seed.run)
            except SeedFailedError as error:
                failed.append(f"seed {number}, {type(seed.place).__name__}: {error}")
                _say(failed[-1])
            else:
                _say(f"seed {number:3d} {type(seed.place).__name__:10} {time.monotonic() - began:5.1f} s")
    kills = ", ".join(f"{count} {state}" for state, count in counts.kills.most_common())
    _say(f"{len(numbers)} seeds, {len(failed)} failed, {counts.runs} processes; after the kills: {kills}")
    return failed


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--only", choices=sorted(PLACES), default="")
    options = parser.parse_args()
    return 1 if asyncio.run(run_seeds(range(options.first, options.first + options.seeds), options.only)) else 0


if __name__ == "__main__":
    sys.exit(main())
