"""A sub-workflow that declares a file, called twice in a workflow and in the loop of a dynamic one."""

from pathlib import Path

from flytekit import current_context, dynamic, task, workflow
from flytekit.types.file import FlyteFile

from flowtui.plugin.artifact import DATA, REPORT, Artifact

Data = Artifact("Inner Data", DATA)
Tables = Artifact("Tables", REPORT)


def written(name: str, text: str) -> FlyteFile:
    path = Path(current_context().working_directory) / name
    path.write_text(text)
    return FlyteFile(str(path))


@task
def shout(name: str) -> str:
    return name.upper()


@task
def fill(text: str) -> FlyteFile:
    return written("inner.csv", f"name\n{text}\n")


@workflow
def inner(name: str) -> Data.File("inner.csv"):
    return fill(text=shout(name=name))


@task
def count(data: FlyteFile, title: str) -> Tables.File("table.txt"):
    return written("table.txt", f"{title}: {len(Path(data).read_text().splitlines())}\n")


@workflow
def pair(left: str = "l", right: str = "r") -> Tables.File("table.txt"):
    first = inner(name=left)
    inner(name=right)
    return count(data=first, title="T 1")


@dynamic
def loop(names: list[str]) -> None:
    for name in names:
        count(data=inner(name=name), title=f"Table {name}")


@workflow
def looped(names: list[str] = ["l", "m", "r"]) -> None:  # noqa: B006
    loop(names=names)
