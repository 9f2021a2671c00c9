"""In what two registrations under one identifier differ, as Admin says it when it refuses the second."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message

from flowtui.local.protojson import is_map, repeated

_MOST = 20


def differences(old: Message, new: Message) -> str:
    """One block per place that differs: its path, the old value and the new one."""
    blocks: list[str] = []
    for path, before, after in _places(old, new, ""):
        if len(blocks) == _MOST:
            blocks.append("...")
            break
        blocks.append(f"{path}:\n\t- {before} \n\t+ {after}")
    return "\n".join(blocks)


def _places(old: Any, new: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    names = {field.name: field for field, _ in (*old.ListFields(), *new.ListFields())}
    for name in sorted(names):
        field = names[name]
        before, after = getattr(old, name), getattr(new, name)
        place = f"{path}/{_step(field)}"
        if is_map(field):
            for key in sorted({*before, *after}):
                yield from _values(dict(before).get(key), dict(after).get(key), f"{place}/{key}")
        elif repeated(field):
            for number in range(max(len(before), len(after))):
                pair = (
                    before[number] if number < len(before) else None,
                    after[number] if number < len(after) else None,
                )
                yield from _values(*pair, f"{place}/{number}")
        elif field.has_presence and old.HasField(name) != new.HasField(name):
            yield place, before if old.HasField(name) else None, after if new.HasField(name) else None
        else:
            yield from _values(before, after, place)


def _values(before: Any, after: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, Message) and isinstance(after, Message):
        yield from _places(before, after, place)
    elif before != after:
        yield place, before, after


def _step(field: Any) -> str:
    """A field as Go's JSON names it: the members of a oneof by their Go names."""
    oneof = field.containing_oneof
    return f"{_go_name(oneof.name)}/{_go_name(field.name)}" if oneof is not None else str(field.name)


def _go_name(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))
