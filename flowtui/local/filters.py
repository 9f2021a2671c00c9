"""Filters, sort keys and page tokens of Admin's lists, as SQL.

``filters=f1+f2`` with each ``function(field,value)``; fields are database columns from an allow-list, of the listed
entity itself or, with a prefix, of one that it can be joined with.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from flowtui.local.routes import go_duration
from flowtui.local.status import database, invalid
from flowtui.local.store import Connection, Row, select

_FILTER = re.compile(r"(.+)\((.+),\s?(.+)\)")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|z)?$")
_COMPARE = {"eq": "=", "ne": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_FUNCTIONS = frozenset({*_COMPARE, "contains", "not_like", "value_in", "value_not_in"})
_DESCENDING = 0

_STRING, _TIMES, _INTEGER, _DURATION = "string", "time", "integer", "duration"


@dataclass(frozen=True, slots=True)
class Entity:
    """What can be listed.

    Attributes:
        alias: its table's alias, which Admin names in refusals (``'e.nofield' is invalid filter``).
        columns: allowed column names and the type of their values.
        joins: entities whose columns may be named with a prefix.
        tie: columns that make the order of equal rows definite.
    """

    name: str
    table: str
    alias: str
    columns: dict[str, str]
    joins: tuple[str, ...]
    tie: str


def _columns(strings: str, times: str = "", integers: str = "") -> dict[str, str]:
    found = {**dict.fromkeys(strings.split(), _STRING), **dict.fromkeys(times.split(), _TIMES)}
    found.update(dict.fromkeys(integers.split(), _INTEGER))
    if "duration" in found:
        found["duration"] = _DURATION
    return found


_NAMED = "project domain name version"
ENTITIES = {
    entity.name: entity
    for entity in (
        Entity("execution", "executions", "e", _columns(
            "execution_project execution_domain execution_name phase duration abort_cause cluster error_kind "
            "error_code user launch_entity inputs_uri user_inputs_uri",
            "started_at execution_created_at execution_updated_at created_at updated_at",
            "mode state id launch_plan_id workflow_id task_id source_execution_id parent_node_execution_id",
        ), ("launch_plan", "workflow", "task", "admin_tag", "execution_tag"), "e.id"),
        Entity("node_execution", "node_executions", "ne", _columns(
            "execution_project execution_domain execution_name node_id phase duration error_kind error_code "
            "cache_status dynamic_workflow_remote_closure_reference input_uri",
            "started_at node_execution_created_at node_execution_updated_at created_at updated_at",
            "id parent_id parent_task_execution_id",
        ), ("execution",), "ne.id"),
        Entity("task_execution", "task_executions", "te", _columns(
            "execution_project execution_domain execution_name node_id project domain name version phase input_uri "
            "duration",
            "started_at task_execution_created_at task_execution_updated_at created_at updated_at",
            "id retry_attempt phase_version",
        ), ("task", "execution", "node_execution"), "te.id"),
        Entity("task", "tasks", "t", _columns(
            _NAMED + " type short_description", "created_at updated_at", "id"), (), "t.id"),
        Entity("workflow", "workflows", "w", _columns(
            _NAMED + " short_description", "created_at updated_at", "id"), (), "w.id"),
        Entity("launch_plan", "launch_plans", "l", _columns(
            _NAMED + " schedule_type", "created_at updated_at", "id state workflow_id"), ("workflow",), "l.id"),
        Entity("project", "projects", "p", _columns(
            "identifier name description", "created_at updated_at", "state"), (), "p.identifier"),
        Entity("execution_tag", "execution_tags", "et", _columns(
            "execution_project execution_domain execution_name key value", "created_at updated_at"), (), ""),
        Entity("named_entity_metadata", "named_entity_metadata", "nem", _columns(
            "project domain name description", "", "state"), (), "nem.name"),
    )
}  # fmt: skip

_TAG_JOIN = (
    "JOIN execution_tags et ON et.execution_project = e.execution_project "
    "AND et.execution_domain = e.execution_domain AND et.execution_name = e.execution_name"
)
_JOINS = {
    ("execution", "workflow"): "JOIN workflows w ON w.id = e.workflow_id",
    ("execution", "launch_plan"): "JOIN launch_plans l ON l.id = e.launch_plan_id",
    ("execution", "task"): "JOIN tasks t ON t.id = e.task_id",
    ("execution", "execution_tag"): _TAG_JOIN,
    ("node_execution", "execution"): "JOIN executions e ON e.execution_project = ne.execution_project "
    "AND e.execution_domain = ne.execution_domain AND e.execution_name = ne.execution_name",
    ("task_execution", "execution"): "JOIN executions e ON e.execution_project = te.execution_project "
    "AND e.execution_domain = te.execution_domain AND e.execution_name = te.execution_name",
    ("task_execution", "node_execution"): "JOIN node_executions ne ON ne.execution_project = te.execution_project "
    "AND ne.execution_domain = te.execution_domain AND ne.execution_name = te.execution_name "
    "AND ne.node_id = te.node_id",
    ("task_execution", "task"): "JOIN tasks t ON t.project = te.project AND t.domain = te.domain "
    "AND t.name = te.name AND t.version = te.version",
    ("launch_plan", "workflow"): "JOIN workflows w ON w.id = l.workflow_id",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: the entity whose column it is on, and its SQL with arguments."""

    entity: str
    sql: str
    arguments: tuple[Any, ...]
    field: str


def parse(expression: str, primary: Entity) -> list[Condition]:
    """The conditions of a ``filters`` parameter.

    Raises:
        AdminError: a function, field, join or value that Admin refuses.
    """
    return [_condition(part, primary) for part in expression.split("+")] if expression else []


def _condition(part: str, primary: Entity) -> Condition:
    match = _FILTER.fullmatch(part)
    if match is None or match[1] not in _FUNCTIONS:
        raise invalid("invalid value for filters")
    function, field, value = match[1], match[2], match[3]
    prefix, dot, column = field.partition(".")
    entity = primary
    if dot:
        if prefix == "admin_tag" and "admin_tag" in primary.joins:
            prefix, column = "execution_tag", "key" if column == "name" else column
        if prefix != primary.name and prefix not in primary.joins:
            raise invalid(f"invalid value for filters: cannot join {prefix} with {primary.name}")
        entity = ENTITIES[prefix]
    else:
        column = field
    if column not in entity.columns:
        raise invalid(f"'{entity.alias}.{column}' is invalid filter")
    return _sql(entity, column, function, value)


def _sql(entity: Entity, column: str, function: str, value: str) -> Condition:
    name, kind = f"{entity.alias}.{column}", entity.columns[column]
    if function in ("contains", "not_like"):
        if kind != _STRING:
            raise database(f"operator does not exist: {kind} ~~ unknown")
        pattern = f"%{value}%" if function == "contains" else value
        return Condition(
            entity.name, f"{name} {'NOT ' * (function == 'not_like')}LIKE ? ESCAPE '\\'", (pattern,), column
        )
    if function in ("value_in", "value_not_in"):
        values = tuple(_value(item, kind) for item in value.split(";"))
        marks = ", ".join("?" * len(values))
        return Condition(entity.name, f"{name} {'NOT ' * (function == 'value_not_in')}IN ({marks})", values, column)
    if ";" in value:
        raise database(f"invalid value {value!r}")
    return Condition(entity.name, f"{name} {_COMPARE[function]} ?", (_value(value, kind),), column)


def _value(value: str, kind: str) -> Any:
    if kind == _STRING:
        return value
    if kind == _TIMES:
        return microseconds(value)
    if kind == _DURATION:
        return _duration(value)
    if not re.fullmatch(r"-?\d{1,18}", value.strip()):
        raise database(f'invalid input syntax for type integer: "{value}"')
    return int(value)


def _duration(value: str) -> int:
    try:
        return round(float(value) * 10**9) if re.fullmatch(r"-?\d{1,9}(\.\d+)?", value) else go_duration(value)
    except ValueError as error:
        raise invalid(f"Failed to parse duration {value}") from error


def microseconds(value: str) -> int:
    """A time in a filter; PostgreSQL rounds its nanoseconds, where it has cut those of the column.

    Raises:
        AdminError: it is no time.
    """
    match = _TIME.fullmatch(value.strip())
    try:
        if match is None:
            raise ValueError(value)
        moment = datetime.fromisoformat(f"{match[1]}T{match[2]}").replace(tzinfo=timezone.utc)
    except ValueError as error:
        raise invalid(f"invalid timestamp {value}") from error
    fraction = round(int((match[3] or "0").ljust(9, "0")[:9]) / 1000)
    return round((moment - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds()) * 10**6 + fraction


def order(sort_by: Any, primary: Entity, default: str) -> str:
    """The ORDER BY of a list, with a tie-breaker, so that the same request gives the same page.

    Args:
        sort_by: an ``admin.Sort``.
        default: the order where no key is named.

    Raises:
        AdminError: the key is no column of the entity.
    """
    if not sort_by.key:
        if sort_by.direction != _DESCENDING:
            raise invalid("invalid sort key ''")
        return default
    if sort_by.key not in primary.columns:
        raise invalid(f"invalid sort key '{sort_by.key}'")
    descending = sort_by.direction == _DESCENDING
    # PostgreSQL puts nulls first when descending, SQLite last.
    way = "DESC NULLS FIRST" if descending else "ASC NULLS LAST"
    return f"{primary.alias}.{sort_by.key} {way}, {primary.tie} {'DESC' if descending else 'ASC'}"


def offset(token: str, call: str) -> int:
    """The offset that a page token says.

    Raises:
        AdminError: it is none.
    """
    if not token:
        return 0
    if not re.fullmatch(r"\d{1,18}", token):
        raise invalid(f"invalid pagination token {token} for {call}")
    return int(token)


def page(
    db: Connection,
    primary: Entity,
    conditions: Sequence[Condition],
    ordering: str,
    limit: int,
    start: int,
    columns: str = "",
) -> tuple[list[Row], str]:
    """One page of rows, and the token of the next one: empty unless the page is full.

    Args:
        columns: what to select; every column of the entity's table by default.
    """
    joined = dict.fromkeys(condition.entity for condition in conditions if condition.entity != primary.name)
    joins = " ".join(_JOINS[primary.name, name] for name in joined)
    where = " AND ".join(condition.sql for condition in conditions) or "1"
    arguments = [value for condition in conditions for value in condition.arguments]
    sql = (
        f"SELECT {columns or primary.alias + '.*'} FROM {primary.table} {primary.alias} {joins} "  # noqa: S608
        f"WHERE {where} ORDER BY {ordering} LIMIT ? OFFSET ?"
    )
    rows = select(db, sql, (*arguments, limit, start))
    return rows, str(start + len(rows)) if limit and len(rows) == limit else ""


def require_limit(limit: int) -> int:
    """The page size, which Admin insists on.

    Raises:
        AdminError: it is zero.
    """
    if limit <= 0:
        raise invalid("invalid value for limit")
    return limit
