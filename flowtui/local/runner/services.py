"""What all parts of the runner share while it runs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from flowtui.admin.client import AdminClient
from flowtui.local.home import Home
from flowtui.local.runner.flow_file import FlowFile
from flowtui.local.runner.reporter import Listener
from flowtui.local.runner.task_cache import TaskCache
from flowtui.local.runner.workers import Workers


@dataclass
class Services:
    """Shared by an execution and its children.

    Attributes:
        home: where everything is kept.
        client: of the embedded Flyte Admin.
        workers: run the tasks.
        flow: the file that the executions' code is in.
        slots: one for every task that may run at the same time.
        cache: results of cached tasks.
        listener: is told of every step.
        poll_interval: seconds between two looks at whether somebody terminated the execution.
    """

    home: Home
    client: AdminClient
    workers: Workers
    flow: FlowFile
    slots: asyncio.Semaphore
    cache: TaskCache
    listener: Listener
    poll_interval: float = 0.5
    locks: dict[str, int] = field(default_factory=dict)
