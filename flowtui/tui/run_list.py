"""The runs that were read so far, newest first, and what may follow; pure."""

from __future__ import annotations

from datetime import datetime, timezone

from flowtui.domain.execution import Execution, ExecutionPage

FIRST_PAGE = 50
MOST_PER_PAGE = 1000
MOST = 100_000
"""Runs that are held at most; older ones are found by narrowing the filter."""

_LONG_AGO = datetime(1, 1, 1, tzinfo=timezone.utc)


def created(run: Execution) -> datetime:
    """When a run was created; a run without that comes last."""
    return run.created_at or _LONG_AGO


class RunList:
    """Runs by their id as text, put together from pages, searches and changes.

    Attributes:
        runs: in the order in which they are shown.
        as_of: the server's time up to which they are known; None where the server does not say.
        goes_on: whether any of them has not ended.
    """

    def __init__(self) -> None:
        self.runs: dict[str, Execution] = {}
        self.goes_on = False
        self.as_of: datetime | None = None
        self._tokens: dict[str, str] = {}
        self._found: dict[str, set[str]] = {}

    def begin(self, page: ExecutionPage) -> None:
        """Take the first page of all runs.

        What lies in its span of time and is not in it is gone, archived or deleted. Where it does not reach down to
        what was known, the older runs are forgotten, so that no run is missing in between.
        """
        new = {str(run.id): run for run in page.executions}
        oldest = min(map(created, page.executions), default=_LONG_AGO)
        older = {key: run for key, run in self.runs.items() if key not in new and created(run) < oldest}
        joined = any(key in new for key in self.runs)
        if page.token and joined:
            self.runs = {**new, **older}
        else:
            self.runs = new
            self._tokens, self._found = {}, {}
        if not (joined and older):
            self._tokens[""] = page.token
        self.as_of = page.as_of
        self._look()

    def extend(self, page: ExecutionPage, words: str = "", *, first: bool = False) -> None:
        """Take a further page, or a page of a search.

        Args:
            words: what was searched for; empty for all runs.
            first: the search begins.
        """
        self._tokens[words] = page.token
        new = {str(run.id): run for run in page.executions}
        if words:
            self._found[words] = set(new) if first else self._found.get(words, set()) | set(new)
        self._add(new)

    def merge(self, page: ExecutionPage) -> bool:
        """Take what changed or was created since ``as_of``; whether anything did, as a little is told twice."""
        new = {str(run.id): run for run in page.executions}
        changed = {key: run for key, run in new.items() if self.runs.get(key) != run}
        self._add(changed)
        self.as_of = page.as_of or self.as_of
        return bool(changed)

    def _add(self, new: dict[str, Execution]) -> None:
        unknown = any(key not in self.runs for key in new)
        self.runs.update(new)
        if unknown:
            ordered = sorted(self.runs.items(), key=lambda item: created(item[1]), reverse=True)
            self.runs = dict(ordered[:MOST])
        self._look()

    def _look(self) -> None:
        self.goes_on = any(not run.is_terminal for run in self.runs.values())

    def next_token(self, words: str = "") -> str:
        """Asks for the page behind what was read; empty where there is none, or where enough is held."""
        return self._tokens.get(words, "") if len(self.runs) < MOST else ""

    def next_limit(self, words: str = "") -> int:
        """Rows of that page: more, the further a person scrolls."""
        known = len(self._found[words]) if words in self._found else len(self.runs)
        return max(FIRST_PAGE, min(known, MOST_PER_PAGE))

    def was_searched(self, words: str) -> bool:
        """Whether the server has answered about these words."""
        return words in self._found

    def found(self, words: str) -> set[str]:
        """The runs that the server found for these words."""
        return self._found.get(words, set())
