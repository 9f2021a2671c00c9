"""How phases, states, times and counts are said: short on screens and in tables, exact in ``--json``."""

from __future__ import annotations

from datetime import datetime, timedelta

from flowtui.domain.execution import Gate, NodeExecution
from flowtui.text import first_line, last_line

_PHASES = {
    "SUCCEEDED": ("✔", "+", "done"),
    "RUNNING": ("●", "*", "running"),
    "DYNAMIC_RUNNING": ("●", "*", "running"),
    "SUCCEEDING": ("●", "*", "succeeding"),
    "FAILED": ("✖", "x", "failed"),
    "FAILING": ("✖", "x", "failing"),
    "TIMED_OUT": ("✖", "x", "timed out"),
    "ABORTED": ("■", "#", "aborted"),
    "ABORTING": ("■", "#", "aborting"),
    "QUEUED": ("◌", ".", "queued"),
    "UNDEFINED": ("◌", ".", "queued"),
    "INITIALIZING": ("◌", ".", "starting"),
    "WAITING_FOR_RESOURCES": ("◌", ".", "waiting"),
    "PAUSED": ("◌", ".", "paused"),
    "RETRYABLE_FAILED": ("↻", "r", "retrying"),
    "RECOVERED": ("↻", "r", "recovered"),
    "SKIPPED": ("◌", ".", "skipped"),
    "CACHED": ("≡", "=", "cached"),
    "PARTLY_SUCCEEDED": ("◐", "%", "partly"),
}
_ITEMS = 3
_STATES = {"present": "", "pending": "pending", "not_produced": "not produced", "unavailable": "unavailable"}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def phase_glyph(phase: str, *, ascii_only: bool = False) -> str:
    """One character for a phase of an execution, node or task, ``?`` for one that is not known."""
    glyph, plain_glyph, _ = _PHASES.get(phase, ("?", "?", ""))
    return plain_glyph if ascii_only else glyph


def phase_word(phase: str) -> str:
    """A phase in a word; an unknown one in small letters."""
    return _PHASES[phase][2] if phase in _PHASES else phase.lower().replace("_", " ")


def phase(name: str, *, cached: bool = False, ascii_only: bool = False) -> str:
    """Glyph and word: ``✔ done``.

    Args:
        name: flyteidl's name of the phase.
        cached: the outputs were taken from the cache: a succeeded node is ``≡ cached`` then.
    """
    shown = "CACHED" if cached and name == "SUCCEEDED" else name
    return f"{phase_glyph(shown, ascii_only=ascii_only)} {phase_word(shown)}"


def state(name: str) -> str:
    """What a file's state says to a person; nothing for one that is present."""
    return _STATES.get(name, name)


def duration(seconds: float | None) -> str:
    """Seconds for people: ``0.4s``, ``41s``, ``5m30``, ``1h12``, ``2d03h``; nothing where unknown."""
    if seconds is None:
        return ""
    if 0 < seconds < 0.95:
        return f"{seconds:.1f}s"
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m{rest:02}"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h{minutes:02}"
    days, hours = divmod(hours, 24)
    return f"{days}d{hours:02}h"


def when(time: datetime | None, now: datetime) -> str:
    """A time as a person at ``now`` says it: ``today 09:14``, ``Sat 22:10``, ``3 Mar``, ``3 Mar 2024``.

    Args:
        time: with a time zone; shown in that of ``now``.
    """
    if time is None:
        return ""
    local = time.astimezone(now.tzinfo)
    age = now.date() - local.date()
    if age == timedelta(0):
        return f"today {local:%H:%M}"
    if timedelta(0) < age < timedelta(days=7):
        return f"{_DAYS[local.weekday()]} {local:%H:%M}"
    day = f"{local.day} {_MONTHS[local.month - 1]}"
    return day if local.year == now.year else f"{day} {local.year}"


def exact(time: datetime | None, now: datetime) -> str:
    """A time to the second in the time zone of ``now``: ``2026-11-23 17:09:51 +0000``."""
    return "" if time is None else f"{time.astimezone(now.tzinfo):%Y-%m-%d %H:%M:%S %z}"


def error_line(message: str) -> str:
    """The line of an error that says what happened.

    flytekit writes ``Trace:`` with a Python traceback and then ``Message:``; the line behind that is meant, or the last
    one of a traceback that was cut off; of any other text the first line. Lists of Flyte Admin cut errors to 100
    characters: what is left of a traceback then says nothing, and the answer is empty.
    """
    _, found, behind = message.rpartition("\nMessage:\n")
    if found and (line := first_line(behind)):
        return line
    if "Traceback (most recent call last)" not in message:
        return first_line(message)
    line = last_line(message)
    return "" if line.startswith(("File ", "Traceback ")) else line


def failed_items(node: NodeExecution) -> str:
    """The items of a map that failed: ``1 of 3 items failed: [1] item one is broken``; empty where none did."""
    failed = node.failed_items
    if not failed:
        return ""
    told = [f"[{item.index}] {error_line(item.error.message)}" for item in failed[:_ITEMS] if item.error is not None]
    told = told or [", ".join(f"[{item.index}]" for item in failed[:_ITEMS])]
    more = f" and {len(failed) - _ITEMS:,} more" if len(failed) > _ITEMS else ""
    return f"{len(failed):,} of {count(len(node.items), 'item')} failed: {'; '.join(told)}{more}"


def gate(waits: Gate) -> str:
    """What a gate node waits for: ``waits for the signal go (bool)``, ``waits for approval of ok``, ``waits 10m00``."""
    if waits.condition == "sleep":
        return f"waits {duration(waits.seconds)}"
    if waits.condition == "approve":
        return f"waits for approval of {waits.signal}"
    return f"waits for the signal {waits.signal}" + (f" ({waits.type})" if waits.type else "")


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 file``, ``1,204 files``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
