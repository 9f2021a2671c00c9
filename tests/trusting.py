"""Trust for tests of other things: everything is read."""

from __future__ import annotations

from pathlib import Path

from flowtui.storage import Trust


class TrustsAll(Trust):
    """Reads every file of this machine, every host and, with credentials, every bucket."""

    def __init__(self) -> None:
        super().__init__(own_folders=lambda: [Path("/")])

    def allows_host(self, scheme: str, host: str, port: int | None) -> bool:
        return True
