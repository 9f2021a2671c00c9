"""Small flows, one for each construct that the runner has to know; their graphs are those of the recorded ones."""

import os
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import flytekit
from flytekit import (
    LaunchPlan,
    WorkflowFailurePolicy,
    conditional,
    dynamic,
    map_task,
    sleep,
    task,
    wait_for_input,
    workflow,
)
from flytekit.exceptions.user import FlyteRecoverableException
from flytekit.types.error.error import FlyteError
from flytekit.types.file import FlyteFile

from flowtui.plugin.artifact import DATA, REPORT, Artifact

Samples = Artifact("Samples", DATA)
Notes = Artifact("Notes", REPORT)
Weight = Samples.File("weight.csv")
Note = Notes.File("note", type="txt")


def write(name: str, text: str) -> FlyteFile:
    path = Path(flytekit.current_context().working_directory) / name
    path.write_text(text)
    return FlyteFile(str(path))


@task
def draw(label: str) -> FlyteFile:
    print("drawing", label)  # noqa: T201
    return write("weight.csv", f"label,grams\n{label},5\n")


@task
def double(sample: FlyteFile, factor: int) -> tuple[FlyteFile, int]:
    return write("double.csv", Path(sample).read_text() * factor), factor


@task
def describe(sample: FlyteFile) -> Note:
    return write("note", Path(sample).read_text().upper())


@task
def compare(left: FlyteFile, right: FlyteFile) -> bool:
    return Path(left).read_text() == Path(right).read_text()


@workflow
def chain(label: str = "a", factor: int = 2) -> tuple[FlyteFile, bool]:
    """Four tasks, one behind the other."""
    sample = draw(label=label)
    doubled, _ = double(sample=sample, factor=factor)
    note = describe(sample=doubled)
    return note, compare(left=doubled, right=note)


@workflow
def innermost(label: str) -> FlyteFile:
    return draw(label=label)


@workflow
def inner(label: str) -> tuple[FlyteFile, FlyteFile]:
    return innermost(label=label), draw(label=label)


@workflow
def nested(label: str = "n") -> tuple[FlyteFile, FlyteFile]:
    first, _ = inner(label=label)
    return first, draw(label=label)


@workflow
def handed_on(label: str) -> tuple[str, FlyteFile]:
    return label, draw(label=label)


@workflow
def hands_through(label: str = "h") -> tuple[str, str]:
    same, _ = handed_on(label=label)
    return label, same


@dynamic
def fan(n: int) -> FlyteFile:
    last = draw(label="0")
    for number in range(1, n):
        last = draw(label=str(number))
    return last


@dynamic
def not_fanned(n: int) -> int:
    return n


@dynamic
def down(n: int) -> FlyteFile:
    return draw(label="bottom") if n <= 0 else down(n=n - 1)


@dynamic
def fan_inner(n: int) -> FlyteFile:
    first, _ = inner(label=str(n))
    return first


@workflow
def dynamics(n: int = 3) -> tuple[FlyteFile, int, FlyteFile, FlyteFile]:
    return fan(n=n), not_fanned(n=4), down(n=2), fan_inner(n=1)


@task
def few(x: int) -> str:
    return f"few {x}"


@task
def many(x: int) -> str:
    return f"many {x}"


@workflow
def branches(x: int = 5) -> str:
    return conditional("amount").if_(x < 3).then(few(x=x)).elif_(x < 10).then(many(x=x)).else_().fail("too many")


@task
def numbers(n: int) -> list[int]:
    return list(range(n))


@task
def part(i: int) -> FlyteFile:
    return write("part.txt", f"{i}\n")


@task
def even(i: int) -> int:
    if i % 3 == 2:
        raise ValueError(f"item {i} is odd")
    return i


@task
def gather(parts: list[FlyteFile]) -> str:
    return "".join(Path(one).read_text() for one in parts)


@workflow
def mapped(n: int = 4) -> str:
    return gather(parts=map_task(part, concurrency=2)(i=numbers(n=n)))


@workflow
def mapped_some(n: int = 6) -> list[int | None]:
    return map_task(even, min_success_ratio=0.5)(i=numbers(n=n))


@workflow
def mapped_fail(n: int = 4) -> list[int]:
    return map_task(even)(i=numbers(n=n))


chain_plan = LaunchPlan.get_or_create(chain, "chain_plan", default_inputs={"label": "child"})
branches_plan = LaunchPlan.get_or_create(branches, "branches_plan")


@workflow
def middle(label: str = "m") -> FlyteFile:
    note, _ = chain_plan(label=label)
    return note


middle_plan = LaunchPlan.get_or_create(middle, "middle_plan")


@workflow
def plans(label: str = "p") -> tuple[FlyteFile, FlyteFile]:
    note, _ = chain_plan(label=label)
    return note, middle_plan(label=label)


@workflow
def plan_fails(x: int = 50) -> str:
    return branches_plan(x=x)


@task(cache=True, cache_version="1.0")
def cached_draw(label: str) -> Weight:
    return write("weight.csv", f"{label},{time.time_ns()}\n")


@workflow
def cached(label: str = "c") -> Note:
    return describe(sample=cached_draw(label=label))


@task(retries=2)
def recovers() -> str:
    attempt = int(os.environ["FLYTE_ATTEMPT_NUMBER"])
    if attempt < 1:
        raise FlyteRecoverableException("not yet")
    return f"attempt {attempt}"


@task(retries=1)
def never_recovers() -> str:
    if os.getpid():
        raise FlyteRecoverableException("never")
    return ""


@workflow
def retried() -> str:
    return recovers()


@workflow
def exhausted() -> str:
    return never_recovers()


@task
def boom(sample: FlyteFile) -> Note:
    if Path(sample).exists():
        raise RuntimeError("no denominators in [bold]this[/bold] \x1b[31mtable\x1b[0m")
    return write("note", "")


@task
def clean_up(label: str, err: FlyteError | None = None) -> str:
    return f"{label}: {err.message if err else 'no error'}"


@workflow
def fails(label: str = "f") -> FlyteFile:
    return boom(sample=draw(label=label))


@workflow(on_failure=clean_up)
def fails_with_handler(label: str = "f") -> FlyteFile:
    return boom(sample=draw(label=label))


@workflow(failure_policy=WorkflowFailurePolicy.FAIL_AFTER_EXECUTABLE_NODES_COMPLETE)
def partial(label: str = "p") -> tuple[FlyteFile, FlyteFile]:
    sample = draw(label=label)
    note = boom(sample=sample)
    doubled, _ = double(sample=sample, factor=3)
    return doubled, note


@workflow(failure_policy=WorkflowFailurePolicy.FAIL_AFTER_EXECUTABLE_NODES_COMPLETE)
def skips(label: str = "s") -> FlyteFile:
    note = boom(sample=draw(label=label))
    first, _ = double(sample=note, factor=1)
    second, _ = double(sample=first, factor=1)
    return second


@dynamic
def fan_half(label: str) -> FlyteFile:
    return boom(sample=draw(label=label))


@workflow
def dynamic_fails(label: str = "d") -> FlyteFile:
    return fan_half(label=label)


@task(timeout=timedelta(seconds=1))
def too_slow() -> str:
    time.sleep(600)
    return "never"


@workflow
def timed_out() -> str:
    return too_slow()


@task
def nap(seconds: float) -> float:
    print("napping", os.getpid(), flush=True)  # noqa: T201
    time.sleep(seconds)
    return seconds


@workflow
def waits(seconds: float = 600.0, label: str = "w") -> tuple[FlyteFile, float]:
    return draw(label=label), nap(seconds=seconds)


@workflow
def one_of_two_fails() -> tuple[FlyteFile, float]:
    return boom(sample=draw(label="x")), nap(seconds=600.0)


@workflow
def gated(label: str = "g") -> FlyteFile:
    sample = draw(label=label)
    pause = sleep(timedelta(milliseconds=1))
    answer = wait_for_input("go", timeout=timedelta(hours=1), expected_type=int)
    sample >> pause
    doubled, _ = double(sample=sample, factor=answer)
    return doubled


@dataclass
class Box:
    name: str
    sizes: list[int]


@task
def boxes() -> tuple[Box, dict[str, int], list[str], int | None]:
    return Box("big", [1, 2]), {"a": 7}, ["x", "y"], None


@task
def unpack(name: str, size: int, count: int, word: str, nothing: int | None) -> str:
    return f"{name} {size} {count} {word} {nothing}"


@workflow
def attributes() -> str:
    box, counts, words, nothing = boxes()
    return unpack(name=box.name, size=box.sizes[1], count=counts["a"], word=words[0], nothing=nothing)


@task
def dies() -> str:
    if os.getpid():
        os._exit(3)
    return ""


@workflow
def killed() -> str:
    return dies()


@workflow
def typed(
    text: str,
    count: int = 1,
    ratio: float = 0.5,
    flag: bool = False,
    pause: timedelta = timedelta(minutes=1),
    names: list[str] = ["a"],  # noqa: B006
    box: Box = Box("b", [1]),  # noqa: B008
    maybe: int | None = None,
) -> int:
    """Inputs of every kind.

    Args:
        text: what to say
    """
    return many_types(text=text, count=count, ratio=ratio, flag=flag, pause=pause, names=names, box=box, maybe=maybe)


@task
def many_types(
    text: str, count: int, ratio: float, flag: bool, pause: timedelta, names: list[str], box: Box, maybe: int | None
) -> int:
    assert (text, count, ratio, flag) == ("hello", 3, 2.5, True)
    assert pause == timedelta(hours=2), pause
    assert names == ["x", "y"]
    assert box == Box("c", [4])
    assert maybe == 9
    return count
