"""Terms of a query as filters of Flyte Admin's list of executions.

The grammar is ``func(field,value)`` joined by AND; a value cannot hold ``+``, ``,`` or ``;``. In ``contains`` and
``not_like`` the characters ``%`` and ``_`` are wildcards, which a backslash turns off.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

from google.protobuf.timestamp_pb2 import Timestamp

from flowtui.domain.query import Term
from flowtui.errors import UsageError

_PHASES = (
    "UNDEFINED",
    "QUEUED",
    "RUNNING",
    "SUCCEEDING",
    "SUCCEEDED",
    "FAILING",
    "FAILED",
    "ABORTED",
    "TIMED_OUT",
    "ABORTING",
)
_WORDS = {"DONE": "SUCCEEDED", "OK": "SUCCEEDED", "TERMINATED": "ABORTED"}
_MODES = ("MANUAL", "SCHEDULED", "SYSTEM", "RELAUNCH", "CHILD_WORKFLOW", "RECOVERED", "TRIGGER")
_AGE = re.compile(r"^(\d{1,5})([mhdw])$")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def filters(terms: Iterable[Term], project: str, domain: str, now: datetime) -> tuple[str, ...]:
    """The filters that a list of executions of a project and domain is asked for with.

    Args:
        now: from which ``after:7d`` counts, in UTC.

    Raises:
        UsageError: a term cannot be said as a filter.
    """
    found: list[str] = []
    for term in terms:
        found += _filter(term, project, domain, now)
    return tuple(dict.fromkeys(found))


def _filter(term: Term, project: str, domain: str, now: datetime) -> list[str]:
    if term.field == "phase":
        return [_choice(term, "phase", _phases(term.value))]
    if term.field == "mode":
        return [_choice(term, "mode", [str(_mode(value)) for value in term.value.split(",") if value])]
    if term.field in ("after", "before"):
        later = (term.field == "after") != term.negated
        return [f"{'gte' if later else 'lt'}(execution_created_at,{_time(term.value, now)})"]
    if term.field == "label":
        return _label(term)
    value = _safe(term.value)
    if term.field == "user":
        return [f"{'ne' if term.negated else 'eq'}(user,{value})"]
    if term.field == "version":
        return [f"{'ne' if term.negated else 'eq'}(workflow.version,{value})", *_of("workflow", project, domain)]
    if term.field == "run":
        return [_part(term, "execution_name", value)]
    return [_part(term, f"{term.field}.name", value), *_of(term.field, project, domain)]


def _of(entity: str, project: str, domain: str) -> list[str]:
    # Without project and domain the database does not use its index on the joined table.
    return [f"eq({entity}.project,{_safe(project)})", f"eq({entity}.domain,{_safe(domain)})"]


def _part(term: Term, field: str, value: str) -> str:
    literal = re.sub(r"([\\%_])", r"\\\1", value)
    return f"not_like({field},%{literal}%)" if term.negated else f"contains({field},{literal})"


def _choice(term: Term, field: str, values: list[str]) -> str:
    if len(values) == 1:
        return f"{'ne' if term.negated else 'eq'}({field},{values[0]})"
    return f"{'value_not_in' if term.negated else 'value_in'}({field},{';'.join(values)})"


def _phases(text: str) -> list[str]:
    found: list[str] = []
    for word in text.upper().replace("-", "_").split(","):
        matches = [phase for phase in _PHASES if phase == _WORDS.get(word, word)]
        matches = matches or [phase for phase in _PHASES if word and phase.startswith(word)]
        if word and not matches:
            raise UsageError(f"There is no phase {word.lower()}.", f"Phases are {', '.join(_PHASES).lower()}.")
        found += matches
    if not found:
        raise UsageError("phase: wants a phase.", f"Phases are {', '.join(_PHASES).lower()}.")
    return list(dict.fromkeys(found))


def _mode(text: str) -> int:
    word = text.upper().replace("-", "_")
    for number, mode in enumerate(_MODES):
        if mode.startswith(word):
            return number
    raise UsageError(f"There is no mode {text}.", f"Modes are {', '.join(_MODES).lower()}.")


def _label(term: Term) -> list[str]:
    if term.negated:
        raise UsageError("A label cannot be left out.", "Flyte Admin cannot search for runs without a label.")
    key, _, value = term.value.partition("=")
    if not key:
        raise UsageError("label: wants a key.", "Write it as label:team or label:team=x.")
    return [f"eq(execution_tag.key,{_safe(key)})", *([f"eq(execution_tag.value,{_safe(value)})"] if value else [])]


def _time(text: str, now: datetime) -> str:
    age = _AGE.match(text)
    try:
        if age:
            moment = now - int(age[1]) * _UNITS[age[2]]
        else:
            moment = datetime.fromisoformat(text.upper().removesuffix("Z"))
            moment = moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        raise UsageError(f"{text} is not a time.", "Write it as 2026-01-31, 2026-01-31T09:00 (UTC) or 7d.") from None
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def time_of(moment: Timestamp) -> str:
    """A time as a filter says it: in UTC, cut to microseconds; empty for one that is out of range."""
    try:
        whole = datetime(1970, 1, 1) + timedelta(seconds=moment.seconds, microseconds=moment.nanos // 1000)
    except OverflowError:
        return ""
    return whole.isoformat(timespec="microseconds") + "Z"


def _safe(value: str) -> str:
    if re.search(r"[+,;\x00-\x1f]", value):
        raise UsageError(f"{value!r} cannot be searched for.", "Flyte Admin does not take + , or ; in a filter.")
    return value
