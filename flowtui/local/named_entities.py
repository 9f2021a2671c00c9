"""Names of tasks, workflows and launch plans, with the description and state that belong to a name."""

from __future__ import annotations

from typing import Any

from flyteidl.admin import common_pb2
from flyteidl.core import identifier_pb2

from flowtui.local import filters
from flowtui.local.call import Call, require
from flowtui.local.filters import ENTITIES
from flowtui.local.status import database, invalid, not_found
from flowtui.local.store import select

TABLES = {
    identifier_pb2.TASK: "tasks",
    identifier_pb2.WORKFLOW: "workflows",
    identifier_pb2.LAUNCH_PLAN: "launch_plans",
}
_DESCENDING = 0


def save_state(call: Call, kind: int, identifier: Any, metadata: Any) -> None:
    """Set the description and state of a name."""
    call.db.execute(
        "INSERT INTO named_entity_metadata (resource_type, project, domain, name, description, state) "
        "VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (resource_type, project, domain, name) "
        "DO UPDATE SET description = excluded.description, state = excluded.state",
        (kind, identifier.project, identifier.domain, identifier.name, metadata.description, metadata.state),
    )


def _table(kind: int) -> str:
    if kind not in TABLES:
        raise invalid("invalid value for resource_type")
    return TABLES[kind]


def update_named_entity(call: Call, request: Any) -> Any:
    table = _table(request.resource_type)
    require(request.id, "project", "domain", "name")
    if len(request.metadata.description) > 300:
        raise invalid("description cannot exceed 300 characters")
    key = (request.id.project, request.id.domain, request.id.name)
    sql = f"SELECT 1 FROM {table} WHERE project = ? AND domain = ? AND name = ? LIMIT 1"  # noqa: S608
    if not select(call.db, sql, key):
        raise not_found(identifier_pb2.ResourceType.Name(request.resource_type), request.id)
    save_state(call, request.resource_type, request.id, request.metadata)
    return common_pb2.NamedEntityUpdateResponse()


def get_named_entity(call: Call, request: Any) -> Any:
    table = _table(request.resource_type)
    require(request.id, "project", "domain", "name")
    key = (request.id.project, request.id.domain, request.id.name)
    rows = select(call.db, _entities(table, "e.name = ?"), (request.resource_type, *key[:2], key[2]))
    if not rows:
        raise not_found(identifier_pb2.ResourceType.Name(request.resource_type), request.id)
    return _entity(request.resource_type, rows[0])


def _entities(table: str, condition: str, rest: str = "") -> str:
    # The names are those of constant tables and of columns from an allow-list.
    return (
        "SELECT e.project, e.domain, e.name, coalesce(nem.description, '') AS description, "  # noqa: S608
        f"coalesce(nem.state, 0) AS state FROM (SELECT DISTINCT project, domain, name FROM {table}) e "
        "LEFT JOIN named_entity_metadata nem ON nem.resource_type = ? AND nem.project = e.project "
        f"AND nem.domain = e.domain AND nem.name = e.name WHERE e.project = ? AND e.domain = ? AND {condition} {rest}"
    )


def _entity(kind: int, row: Any) -> Any:
    return common_pb2.NamedEntity(
        resource_type=kind,
        id=common_pb2.NamedEntityIdentifier(project=row["project"], domain=row["domain"], name=row["name"]),
        metadata=common_pb2.NamedEntityMetadata(description=row["description"], state=row["state"]),
    )


def list_named_entities(call: Call, request: Any) -> Any:
    """Names with their metadata; filters act after limit and offset, so that pages come short without a token."""
    table = _table(request.resource_type)
    require(request, "project", "domain")
    filters.require_limit(request.limit)
    start = filters.offset(request.token, "ListNamedEntities")
    page = select(
        call.db,
        _entities(table, "1", f"ORDER BY {_order(request.sort_by)} LIMIT ? OFFSET ?"),
        (request.resource_type, request.project, request.domain, request.limit, start),
    )
    conditions = filters.parse(request.filters, ENTITIES["named_entity_metadata"])
    kept = [row for row in page if not row["name"].startswith(".flytegen") and _meets(call, row, conditions)]
    token = str(start + len(kept)) if len(kept) == request.limit else ""
    return common_pb2.NamedEntityList(entities=[_entity(request.resource_type, row) for row in kept], token=token)


def _meets(call: Call, row: Any, conditions: Any) -> bool:
    if not conditions:
        return True
    where = " AND ".join(condition.sql for condition in conditions)
    arguments = [value for condition in conditions for value in condition.arguments]
    sql = (
        "SELECT 1 FROM (SELECT ? AS project, ? AS domain, ? AS name, ? AS description, ? AS state) nem "  # noqa: S608
        f"WHERE {where}"
    )
    return bool(select(call.db, sql, (*tuple(row), *arguments)))


def _order(sort_by: Any) -> str:
    if not sort_by.key:
        if sort_by.direction != _DESCENDING:
            raise invalid("invalid sort key ''")
        return "e.name"
    if sort_by.key not in ("project", "domain", "name"):
        raise database(f"column entities.{sort_by.key} does not exist")
    return f"e.{sort_by.key} {'DESC' if sort_by.direction == _DESCENDING else 'ASC'}, e.name"


def list_ids(kind: int) -> Any:
    """The handler of the list of names of one kind; it ignores filters, as Admin's does."""

    def handler(call: Call, request: Any) -> Any:
        require(request, "project", "domain")
        filters.require_limit(request.limit)
        start = filters.offset(request.token, "ListIds")
        rows = select(
            call.db,
            _entities(TABLES[kind], "1", f"ORDER BY {_order(request.sort_by)} LIMIT ? OFFSET ?"),
            (kind, request.project, request.domain, request.limit, start),
        )
        identifiers = [_entity(kind, row).id for row in rows]
        token = str(start + len(rows)) if len(rows) == request.limit else ""
        return common_pb2.NamedEntityIdentifierList(entities=identifiers, token=token)

    return handler
