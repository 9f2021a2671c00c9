"""Artifact files that are declared inside another type, where flytekit drops them.

``list[A.File(...)]``, ``Optional[A.File(...)]`` and a dataclass with such a member reach Flyte as plain lists, unions
and structs: flytekit looks for an artifact in the outermost ``Annotated`` of an output only. The file is made all the
same and belongs to no artifact. Map tasks are the exception: their inner task keeps what it declares, and the browser
looks it up there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

from flowtui.plugin.artifact_warning import warn
from flowtui.plugin.encoding import FileKey, key_of_type

_MAPS = ("ArrayNodeMapTask", "MapPythonTask", "ArrayNode")
_MAX_TYPES = 1000


def check(entity: Any) -> None:
    """Warn of the outputs of a workflow or task of flytekit whose artifact files are lost."""
    interface = getattr(entity, "python_interface", None)
    # A launch plan has the interface of its workflow, which is checked itself.
    if interface is None or any(base.__name__ in (*_MAPS, "LaunchPlan") for base in type(entity).__mro__):
        return
    kind = "workflow" if hasattr(entity, "output_bindings") else "task"
    for name, type_ in interface.outputs.items():
        if key_of_type(type_) is not None:
            continue
        lost = list(dict.fromkeys(_nested(type_)))
        for inside, key in lost[:1]:
            more = f" and {len(lost) - 1:,} more" if len(lost) > 1 else ""
            warn(
                entity,
                f'Output "{name}" of {kind} {entity.name} declares the file "{key.file}" of the {key.type} artifact '
                f'"{key.artifact}"{more} inside {inside.article}: flytekit drops that, and the file belongs to no '
                f"artifact. {inside.instead}",
            )


@dataclasses.dataclass(frozen=True)
class _Inside:
    article: str
    instead: str


_DATACLASS = _Inside(
    "a dataclass", "Make it an output of its own, beside the dataclass: -> tuple[Result, A.File(...)]."
)
_OPTIONAL = _Inside(
    "an optional type", "Declare A.File(...) itself, and decide in a conditional whether the task runs at all."
)
_OTHER = _Inside(
    "a list or another type",
    "Declare each file as an output of its own, or map a task that returns one A.File(...) with map_task.",
)


def _nested(type_: Any) -> Iterator[tuple[_Inside, FileKey]]:
    """The artifact files at any depth in a type, and what they are inside of, from the outermost on."""
    stack: list[tuple[Any, _Inside | None]] = [(type_, None)]
    seen: list[Any] = []
    while stack and len(seen) < _MAX_TYPES:
        current, inside = stack.pop()
        key = key_of_type(current)
        if key is not None and inside is not None:
            yield inside, key
            continue
        if any(current is one for one in seen):
            continue
        seen.append(current)
        members = _members(current)
        if members:
            stack.extend((one, inside or _DATACLASS) for one in reversed(members))
            continue
        parts = get_args(current)
        around = inside or (_OPTIONAL if type(None) in parts else _OTHER)
        # The parts of an Annotated beside its type are no types.
        is_annotated = hasattr(current, "__metadata__")
        stack.extend(
            (one, inside if is_annotated else around) for one in reversed(parts[:1] if is_annotated else parts)
        )


def _members(type_: Any) -> list[Any]:
    """The types of a dataclass's members, or of a pydantic model's; none for any other type."""
    if not isinstance(type_, type) or not (dataclasses.is_dataclass(type_) or hasattr(type_, "model_fields")):
        return []
    try:
        return list(get_type_hints(type_, include_extras=True).values())
    except (NameError, TypeError, AttributeError, SyntaxError):
        # A name that only a type checker knows.
        return [one for one in getattr(type_, "__annotations__", {}).values() if not isinstance(one, str)]
