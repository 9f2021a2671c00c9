from __future__ import annotations

import pytest

from tests.kill.kill_exports import run_seeds
from tests.kill.places import PLACES


@pytest.mark.parametrize("kind", sorted(PLACES))
async def test_killed_exports_end_with_the_target_equal_to_the_source(kind: str) -> None:
    assert await run_seeds(range(3), kind) == []
