"""Projects and users of Domino."""

from __future__ import annotations

from dataclasses import dataclass

from flowtui.errors import NotFoundError, UsageError
from flowtui.exports.domino.client import DominoClient
from flowtui.exports.domino.fields import every, inner, text
from flowtui.text import plain


@dataclass(frozen=True, slots=True)
class Project:
    """A project; ``owner`` is the name of its user."""

    id: str
    name: str
    owner: str

    @property
    def label(self) -> str:
        """``OWNER/NAME``."""
        return f"{self.owner}/{self.name}" if self.owner else self.name


@dataclass(frozen=True, slots=True)
class User:
    """Who is logged in."""

    id: str
    name: str


async def current_user(client: DominoClient) -> User:
    """Who is logged in. Raises as ``DominoClient.get``."""
    answer = await client.get("/api/users/v1/self", what="your user")
    user = inner(answer, "user")
    return User(text(user, "id"), text(user, "userName"))


async def projects(client: DominoClient) -> tuple[Project, ...]:
    """The projects that the user sees, by owner and name. Raises as ``DominoClient.get``."""
    found = await every(client, "/api/projects/beta/projects", (), "projects", what="the projects")
    made = (Project(text(one, "id"), text(one, "name"), text(one, "ownerUsername")) for one in found)
    return tuple(sorted((one for one in made if one.id and one.name), key=lambda one: (one.owner, one.name)))


async def project(client: DominoClient, named: str) -> Project:
    """The project that a name, ``OWNER/NAME`` or id means.

    Raises:
        NotFoundError: there is none.
        UsageError: several owners have one of that name.
    """
    found = [one for one in await projects(client) if is_named(named, one.id, one.name, one.owner)]
    if not found:
        raise NotFoundError(f"Domino has no project {plain(named)} that you see.", "Check its name.")
    return only(found, [one.label for one in found], f"project {plain(named)}")


def is_named(named: str, id_: str, name: str, owner: str) -> bool:
    """Whether a name, ``OWNER/NAME`` or id means a project."""
    return named in (id_, name, f"{owner}/{name}")


def only(found: list[Project], labels: list[str], what: str) -> Project:
    """The only one. Raises UsageError where there are several."""
    if len(found) > 1:
        raise UsageError(f"Domino has {len(found)} of {what}: {', '.join(labels[:5])}.", "Name the owner, too.")
    return found[0]
