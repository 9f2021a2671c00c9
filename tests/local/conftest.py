"""Worker processes with flytekit loaded, shared by the tests that run flows."""

import importlib.util
from collections.abc import Iterator

import pytest

from flowtui.local.runner.workers import Workers


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    if importlib.util.find_spec("flytekit") is None:
        pytest.skip("flytekit is not installed")
    workers = Workers()
    yield workers
    workers.close()
