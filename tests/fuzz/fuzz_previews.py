"""Shows damaged files for as long as told, and stops at nothing: each failure is kept with its seed.

    python -m tests.fuzz.fuzz_previews --seconds 3600 --seed 1 [--only .pt] [--keep DIRECTORY]
    python -m tests.fuzz.fuzz_previews --replay DIRECTORY/1-234.pt

A preview fails where it raises anything but an error of flowtui, takes too long or too much memory, says more than its
limits allow or a control code, or leaves a process behind. The exit code is 1 where one did.
"""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import json
import os
import random
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from flowtui.errors import FlowtuiError
from flowtui.preview.limits import DEFAULT, Limits
from flowtui.preview.registry import preview
from flowtui.preview.workers import Workers
from flowtui.storage import Storage
from tests.fuzz.makers import MAKERS
from tests.fuzz.mutations import mutated
from tests.preview.look import violations
from tests.trusting import TrustsAll

_SECONDS_PER_FILE = 15.0
_HANGS_AFTER = 120.0
_MEMORY_PER_FILE = 400 << 20
_LIMITS = (
    DEFAULT,
    DEFAULT.more(),
    DEFAULT.for_rows(5000),
    Limits(from_end=True),
    Limits(head=1000, whole=2000, rows=3, columns=2, lines=4, line=20, cell=8, nodes=7, depth=2),
    Limits(head=4096, whole=0, rows=1, columns=1, lines=1, line=1, cell=1, nodes=1, depth=0),
    Limits(head=64, whole=64, page=3),
)


@dataclass
class Remote:
    """Bytes as a file that is far away, so that fetches are scarce."""

    content: bytes
    is_sized: bool
    requests: int = 0
    bytes_read: int = 0

    async def read(self, start: int, length: int) -> bytes:
        self.requests += 1
        return self.content[start : start + length]

    async def read_ranges(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        return [await self.read(start, length) for start, length in ranges]

    async def size(self) -> int | None:
        return len(self.content) if self.is_sized else None


async def problem(content: bytes, name: str, limits: Limits, is_remote: bool, workers: Workers) -> str:
    """What is wrong with the preview of this content; empty where nothing is."""
    # Of this process, as other work on the machine is no fault of a preview.
    began, memory = time.process_time(), _peak()
    try:
        if is_remote:
            found = await preview(Remote(content, len(content) % 5 > 0), name=name, limits=limits, workers=workers)
        else:
            with tempfile.NamedTemporaryFile() as file:
                file.write(content)
                file.flush()
                async with Storage(TrustsAll()) as storage, storage.open(file.name) as reader:
                    found = await preview(reader, name=name, limits=limits, workers=workers)
        wrong = "; ".join(violations(found, limits))
    except FlowtuiError:
        wrong = ""
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | asyncio.CancelledError | SystemExit):
            raise
        wrong = "".join(traceback.format_exception(error)[-6:])
    took = time.process_time() - began
    if took > _SECONDS_PER_FILE:
        wrong += f" took {took:.1f} s"
    if _peak() - memory > _MEMORY_PER_FILE:
        wrong += f" took {(_peak() - memory) >> 20} MB"
    if len(children()) > 2:
        wrong += f" left processes: {children()}"
    return wrong


def children() -> list[str]:
    """Processes of this one."""
    return (
        Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split() if sys.platform == "linux" else []
    )


def _peak() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


async def fuzz(seconds: float, seed: int, only: str, keep: Path, *, most: int = sys.maxsize) -> int:
    """Show at most so many damaged files until the time is over; how many failed."""
    corpus = {name: make() for name, make in MAKERS.items() if only in name}
    names, contents = list(corpus), list(corpus.values())
    end = time.monotonic() + seconds
    failed, done = 0, 0
    shown: Counter[str] = Counter()
    current = keep / "current"
    async with Workers(seconds=_SECONDS_PER_FILE / 2) as workers:
        for name in names:
            wrong = await problem(corpus[name], name, DEFAULT, False, workers)
            if wrong:
                raise SystemExit(f"{name} as it was made: {wrong}")
        while time.monotonic() < end and done < most:
            random_ = random.Random(f"{seed}-{done}")
            name = random_.choice(names)
            content = mutated(corpus[name], contents, random_)
            limits = random_.choice(_LIMITS)
            named = random_.choice((name, name, name, random_.choice(names), "file"))
            is_remote = random_.random() < 0.5
            how = {"name": named, "limits": asdict(limits), "remote": is_remote}
            current.write_bytes(json.dumps(how).encode() + b"\n" + content)
            faulthandler.dump_traceback_later(_HANGS_AFTER, exit=True, file=sys.__stderr__)
            wrong = await problem(content, named, limits, is_remote, workers)
            faulthandler.cancel_dump_traceback_later()
            if wrong:
                failed += 1
                kept = keep / f"{seed}-{done}{Path(name).suffix}"
                current.replace(kept)
                print(f"FAILED seed {seed}-{done} of {name} as {named}, kept as {kept}:\n{wrong}", flush=True)
            shown[Path(name).suffix] += 1
            done += 1
            if done % 2000 == 0:
                print(f"{done:,} files, {failed:,} failed, peak {_peak() >> 20} MB", flush=True)
    if children():
        failed += 1
        print(f"FAILED: processes are left: {children()}")
    current.unlink(missing_ok=True)
    print(f"seed {seed}: {done:,} files, {failed:,} failed, peak {_peak() >> 20} MB; {dict(shown.most_common())}")
    return failed


async def replay(kept: bytes) -> int:
    """Show one kept file again."""
    header, content = kept.split(b"\n", 1)
    how = json.loads(header)
    async with Workers() as workers:
        wrong = await problem(content, how["name"], Limits(**how["limits"]), how["remote"], workers)
    print(wrong or "nothing is wrong with it")
    return int(bool(wrong))


def main() -> int:
    """Run; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="only files whose name holds this")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"))
    parser.add_argument("--replay", type=Path)
    options = parser.parse_args()
    if options.replay:
        return asyncio.run(replay(options.replay.read_bytes()))
    options.keep.mkdir(parents=True, exist_ok=True)
    return min(asyncio.run(fuzz(options.seconds, options.seed, options.only, options.keep)), 1)


if __name__ == "__main__":
    sys.exit(main())
