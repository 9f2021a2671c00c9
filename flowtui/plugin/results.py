"""What calling a Domino job gives inside a workflow: its outputs, by name, by position, or the single one itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flytekit.core.promise import Promise


class JobResult(Promise):  # type: ignore[misc]
    """The single output of a job: a promise that also answers to its own name and unpacks to itself."""

    def __init__(self, promise: Promise, indexable: bool) -> None:
        self.__dict__.update(promise.__dict__)
        self._plain = promise
        self._indexable = indexable

    def __getitem__(self, key: Any) -> Any:
        if key == self.var:
            return self._plain
        if not self._indexable:
            raise KeyError(f"The job has no output {key!r}; it has {self.var}.")
        return self._plain[key]

    def __getattr__(self, key: str) -> Any:
        if key.startswith("_"):
            raise AttributeError(key)
        try:
            return self[key]
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    def __iter__(self) -> Iterator[Any]:
        yield self._plain


class JobResults(tuple[Any, ...]):
    """The outputs of a job, in the order in which they are declared."""

    _fields: tuple[str, ...]

    def __new__(cls, values: Any, names: Any) -> JobResults:
        results = super().__new__(cls, values)
        results._fields = tuple(names)
        return results

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return super().__getitem__(key)
        if key not in self._fields:
            raise KeyError(f"The job has no output {key!r}; it has {', '.join(self._fields)}.")
        return super().__getitem__(self._fields.index(key))

    def __getattr__(self, name: str) -> Any:
        if name in self._fields:
            return self[name]
        raise AttributeError(f"The job has no output {name!r}; it has {', '.join(self._fields)}.")

    def with_overrides(self, *args: Any, **kwargs: Any) -> JobResults:
        """Override settings of the job's node, as flytekit does."""
        self[0].with_overrides(*args, **kwargs)
        return self

    def __rshift__(self, other: Any) -> Any:
        """Run ``other`` after this job."""
        first = other[0] if isinstance(other, tuple) else other
        if getattr(first, "ref", None) is not None and self[0].ref is not None:
            self[0].ref.node.runs_before(first.ref.node)
        return other


def named_results(results: Any, task: Any) -> Any:
    """What flytekit gave for calling ``task``, reachable by output names."""
    names = list(task.python_interface.outputs)
    if isinstance(results, Promise) and len(names) == 1:
        type_ = task.interface.outputs[names[0]].type
        return JobResult(results, indexable=type_.blob is None and type_.structured_dataset_type is None)
    if isinstance(results, tuple):
        return JobResults(results, names)
    return results
