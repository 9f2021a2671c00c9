"""Every construct: nodes, artifacts and lineage, over the embedded Admin."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.constructs import CONSTRUCTS
from tests.constructs.construct import said_in_notices, said_of_files, said_of_lineage, said_of_nodes
from tests.engine import Engine

ASKED_AGAIN = "children that may not be read"
"""What may be read tomorrow is asked for each time."""


@pytest.mark.parametrize("name", CONSTRUCTS)
async def test_a_construct_is_shown_as_it_is(name: str, tmp_path: Path) -> None:
    construct, engine = CONSTRUCTS[name], Engine(tmp_path)
    run = await construct.record(engine)
    async with engine.session() as session:
        catalog = session.catalog
        nodes = await catalog.nodes(run, attempts=True)
        assert said_of_nodes(nodes) == construct.nodes
        artifacts = await catalog.artifacts(run)
        assert said_of_files(artifacts) == construct.files
        assert [child.name for child in artifacts.children] == sorted(construct.children)
        assert said_of_lineage(await catalog.lineage(run)) == tuple(sorted(construct.arrows))
        notices = said_in_notices(artifacts)
        assert bool(notices) == bool(construct.notices), notices
        assert [part for part in construct.notices if not any(part in notice for notice in notices)] == [], notices
        for node in [node for node in nodes if node.kind != "launch_plan"]:
            again = await catalog.node(node.id)
            assert (again.kind, again.phase, again.launched, again.gate) == (
                node.kind, node.phase, node.launched, node.gate
            )  # fmt: skip
    async with engine.session() as session:
        engine.between.requests.clear()
        again = await session.catalog.artifacts(run), await session.catalog.lineage(run)
        assert said_of_files(again[0]) == construct.files
        assert said_in_notices(again[0]) == notices
        assert said_of_lineage(again[1]) == tuple(sorted(construct.arrows))
        await session.catalog.nodes(run, attempts=True)
        if artifacts.execution.is_terminal and name != ASKED_AGAIN:
            assert engine.between.requests == []
    engine.close()
