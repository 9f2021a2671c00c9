"""Who may do what: users with their tokens, roles on datasets, and the permissions that a role has."""

from __future__ import annotations

import getpass
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flowtui.local.domino.refusals import forbidden, unauthorized

READER, EDITOR, OWNER = "DatasetRwReader", "DatasetRwEditor", "DatasetRwOwner"
_RANKS = {READER: 1, EDITOR: 2, OWNER: 3}

ROLE_OF_PERMISSION: Mapping[str, str] = {
    "ListDatasetRwV2": READER,
    "ReadDatasetRwV2": READER,
    "UpdateDatasetRwV2": EDITOR,
    "PerformDatasetRwActionsInProjectV2": EDITOR,
    "DeleteDatasetRwV2": OWNER,
    "EditSecurityDatasetRwV2": OWNER,
    "PermanentDeleteDatasetRwV2": OWNER,
    "PerformDatasetRwActionsAsAdminV2": OWNER,
}
"""The least role that has a permission."""


@dataclass(frozen=True, slots=True)
class User:
    """A user of the embedded Domino.

    Attributes:
        id: 24 hex digits.
        token: what ``Authorization: Bearer`` must say; empty for none.
        api_key: what ``X-Domino-Api-Key`` must say; empty for none.
    """

    id: str
    name: str
    token: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "you"


LOCAL_USER = User("0" * 23 + "1", _account())
"""The one user where nobody has to log in."""


def user_of(headers: Mapping[str, str], users: Sequence[User] | None) -> User:
    """Who sends a request. Raises a Refusal (401) for nobody."""
    if users is None:
        return LOCAL_USER
    scheme, _, token = headers.get("authorization", "").partition(" ")
    key = headers.get("x-domino-api-key", "")
    for user in users:
        if scheme.lower() == "bearer" and user.token and hmac.compare_digest(token.strip(), user.token):
            return user
        if key and user.api_key and hmac.compare_digest(key, user.api_key):
            return user
    raise unauthorized()


def require(role: str | None, wanted: str) -> None:
    """Raises a Refusal (403) where a role is less than the wanted one."""
    if not has_role(role, wanted):
        raise forbidden()


def has_role(role: str | None, wanted: str) -> bool:
    """Whether a role is the wanted one or more."""
    return _RANKS.get(role or "", 0) >= _RANKS[wanted]
