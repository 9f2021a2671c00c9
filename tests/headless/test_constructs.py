"""Every construct in JSON and as text: the same nodes, files and arrows as the catalog has."""

from __future__ import annotations

import json
from argparse import Namespace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from flowtui.headless import artifacts, lineage, nodes
from flowtui.headless.style import Style
from tests.constructs import CONSTRUCTS
from tests.engine import Engine

NOW = datetime(2026, 11, 26, tzinfo=timezone.utc)


def options(run: Any, **more: Any) -> Namespace:
    base = {"run": run, "attempts": False, "type": None, "node": None, "sizes": False, "undeclared": False}
    return Namespace(**{**base, "selector": None, "mermaid": False, "dot": False, **more})


def flat(shapes: list[dict[str, Any]]) -> list[str]:
    found: list[str] = []
    for one in shapes:
        found.append(f"{one['id']} {one['kind']} {one['phase']}")
        found += flat(one["children"])
    return found


@pytest.mark.parametrize("name", CONSTRUCTS)
async def test_a_construct_in_json_and_text(name: str, tmp_path: Path) -> None:
    construct, engine = CONSTRUCTS[name], Engine(tmp_path)
    run = await construct.record(engine)
    as_json, as_text = Style(json=True, now=NOW), Style(json=False, now=NOW, width=100)
    async with engine.session() as session:
        told = json.loads(await nodes.execute(session, options(run), as_json))
        assert tuple(flat(told)) == construct.nodes
        found = json.loads(await artifacts.execute(session, options(run), as_json))
        files = [
            f"{artifact['artifact']}/{file['file']}@{file['node']} {file['state']} {','.join(file['uris'])}".rstrip()
            for artifact in found["artifacts"]
            for file in artifact["files"]
        ]
        assert tuple(files) == construct.files
        assert found["children"] == sorted(construct.children)
        graph = json.loads(await lineage.execute(session, options(run), as_json))
        assert len(graph["edges"]) == len(construct.arrows)
        assert {edge["source"] for edge in graph["edges"]} <= {node["id"] for node in graph["nodes"]}
        text = await nodes.execute(session, options(run), as_text)
        assert all(line.split()[0] in text for line in construct.nodes[:20])
        for command in (artifacts, lineage):
            shown = await command.execute(session, options(run), as_text)
            assert all(len(line) <= 100 for line in shown.splitlines())
            assert len(shown) < 50_000
    engine.close()


async def test_what_is_special_of_nodes_in_json(tmp_path: Path) -> None:
    told: dict[str, dict[str, Any]] = {}
    for number, name in enumerate(("gates", "eager", "children that may not be read", "earlier tries")):
        engine = Engine(tmp_path / str(number))
        run = await CONSTRUCTS[name].record(engine)
        async with engine.session() as session:
            shapes = json.loads(await nodes.execute(session, options(run), Style(json=True, now=NOW)))
            told[name] = {one["id"]: one for one in shapes}
        engine.close()
    assert told["gates"]["n3"]["gate"] == {"condition": "signal", "signal": "cutoff", "type": "int", "seconds": None}
    assert told["gates"]["n1"]["gate"] == {"condition": "sleep", "signal": None, "type": None, "seconds": 600.0}
    assert [one["name"] for one in told["eager"]["n0"]["launched"]] == ["e-prepare-study-make-1a2b"]
    (hidden,) = told["children that may not be read"]["n0"]["launched"]
    assert hidden["phase"] is None
    assert "you may not read hidden-1" in hidden["problem"]
    first, second = told["earlier tries"]["n0"]["children"]
    assert (first["parent_attempt"], second["parent_attempt"]) == (0, None)
    assert [attempt["phase"] for attempt in second["attempts"]] == ["RETRYABLE_FAILED", "SUCCEEDED"]


async def test_a_map_of_thousands_has_all_its_items_in_json(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    run = await CONSTRUCTS["map of 5,000 items"].record(engine)
    async with engine.session() as session:
        (node,) = json.loads(await nodes.execute(session, options(run), Style(json=True, now=NOW)))
        text = await nodes.execute(session, options(run, attempts=True), Style(json=False, now=NOW, width=100))
    assert "50 of 5,000 items failed: [0], [100], [200] and 47 more" in text
    items = node["attempts"][0]["items"]
    assert (len(items), sum(item["phase"] == "FAILED" for item in items)) == (5000, 50)
    engine.close()
