"""The one place that says whether anything may be written: ``--read-only`` refuses all of it.

What is guarded: executions that are created or terminated, and every other write to Flyte Admin; exports, which begin
or go on; every write to Domino; flows that are run here, and serving the embedded Admin. What stays allowed is what
is the person's own: downloads to a folder that is named, bookmarks, logins, and what flowtui
keeps for itself.
"""

from __future__ import annotations

from flowtui.errors import ReadOnlyError


class Permission:
    """Whether a sitting may write.

    Args:
        read_only: nothing may be written.
    """

    def __init__(self, *, read_only: bool = False) -> None:
        self.read_only = read_only

    def require(self, deed: str) -> None:
        """Let a write pass, or not.

        Args:
            deed: what is to be done, as it follows "flowtui is read-only here:" (``no run is terminated``).

        Raises:
            ReadOnlyError: it is refused.
        """
        if self.read_only:
            raise ReadOnlyError(
                f"flowtui is read-only here: {deed}.",
                "Without --read-only, FLOWTUI_READ_ONLY and read_only in the file it may be done.",
            )


EVERYTHING = Permission()
"""Allows all."""
