"""The folders of this machine that runs of the embedded Flyte Admin have their files in."""

from __future__ import annotations

from pathlib import Path

from flowtui.errors import StorageError
from flowtui.local.home import Home
from flowtui.local.runner.flow_sources import FlowSources


def run_folders(path: Path) -> list[Path]:
    """The blob store, the working folders of the runs, the datasets, and the folders of the flows that were run here.

    A flow that lies in the root folder of the machine brings nothing: everything would be below it.

    Args:
        path: the home folder.
    """
    home = Home(path)
    sources = FlowSources(home)
    try:
        flows = sources.folders()
    except StorageError:
        flows = []
    return [home.blobs, home.runs, home.datasets, sources.copies, *(one for one in flows if one != one.parent)]
