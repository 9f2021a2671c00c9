"""What the screen asks Domino for: datasets and projects to choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flowtui.exports.domino import Dataset, Project
    from flowtui.session import Session


async def read_datasets(session: Session) -> tuple[Dataset, ...]:
    """The datasets that the person can see, those that may be written to first, by name.

    Raises:
        ConfigError: no Domino is configured.
        AuthError, ServerError, UnreachableError: Domino does not answer.
    """
    from flowtui.exports.domino import datasets

    found = await datasets(session.target_access.domino())
    return tuple(sorted(found, key=lambda one: (not one.may_write, one.name.lower(), one.project.lower())))


async def read_projects(session: Session) -> tuple[Project, ...]:
    """The projects in which a dataset can be made, by name. Raises as :func:`read_datasets`."""
    from flowtui.exports.domino import projects

    found = await projects(session.target_access.domino())
    return tuple(sorted(found, key=lambda one: one.name.lower()))
