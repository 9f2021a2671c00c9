"""The whole lineage of recorded executions, finished and running, against files that were checked by hand.

Each file in ``golden_lineage/`` lists every vertex with its kind, label and phase, and every arrow as ``from -name->
to``. A file vertex is ``Artifact/file@node``, or ``variable@node`` where it belongs to no artifact. How each was
checked, arrow by arrow, against the code of the flow that ran and the recorded bindings (``entities.jsonl.gz``, and the
closures of dynamic nodes in ``executions.jsonl.gz``):

- ``clinical-1``, ``clinical-2-relaunched``: ``sdtm(study)`` -> dm; ``adsl(dm, cutoff)`` -> adsl.csv and a plain log;
  ``adae(adsl)``; ``table(adsl, adae)``. Six promises, six arrows into nodes; five outputs are files, five arrows,
  ``n`` of ``table`` is a number and has no vertex. The relaunched run has the inputs of its origin: cutoff 45.
- ``cached-2``: ``cached_sdtm(study)`` was a hit on ``cached-1`` n0 (``catalog_key.source_task_execution``); ``adsl(dm,
  cutoff=2)``: the constant 2 has no vertex.
- ``partial-1-recovered``: n0 and n2 are RECOVERED from ``partial-1``; ``boom(dm)`` failed again, so that never.pdf is
  not produced; ``adsl(dm, cutoff=9)``.
- ``dynamics-1``: ``fan(n)`` made three ``sdtm`` with constants "d0" to "d2": the dynamic node gave the constant;
  fan.csv is the last one's file. ``fan_none(n=4)`` yields nothing and takes a constant: a vertex without arrows.
  ``fan_deep(n=2)`` is three dynamic nodes below each other and one ``sdtm``, whose file is also deep.csv.
  ``fan_sub(n=1)`` made ``inner1``: two ``sdtm`` with the constant "ds"; the first is declared by ``inner2`` and by
  ``fan_sub``, too.
- ``nested-1``: sub-workflows are looked through: three ``sdtm(study)``; ``inner2 out.csv`` and ``outer.csv`` are the
  files of the leaves that made them.
- ``branches-1``: x is 5, so that ``large(x)`` was taken; the condition compares x, which ``large`` takes anyway. The
  arm not taken has no vertex.
- ``mapped-1``: ``seq(n)`` -> list of numbers -> ``one`` over it -> four files, one vertex -> ``join(parts)``.
- ``lp-parent-1``: both nodes launch plans with ``study``: two other executions, whose files are theirs;
  ``lp-parent-1-n0-0`` is the first of them: launched by lp-parent-1, which gave it ``study`` and the plan's ``cutoff``.
- ``fails-with-handler-1``: ``boom(dm)`` failed; the failure node ``clean_up(study)`` takes the run's input.
- ``values-1``: one task without inputs; lists, dicts and dataclasses with files are one vertex each.
- ``gated-1`` running: ``dm >> ok >> ds`` is order without values: arrows without a name. adsl.csv is pending.
- ``long-running-1`` running: ``sdtm(study="LR")`` takes a constant, ``sleeper(s)`` runs: sleeper.csv is pending.
- ``aborted-1`` running: as that; it was terminated later.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flowtui.admin import AdminClient
from flowtui.catalog import Catalog
from flowtui.domain.execution import ExecutionId
from flowtui.domain.lineage import Lineage
from tests.catalog.test_lineage import arrows, short
from tests.replay import BASE_URL, Replay

GOLDEN = Path(__file__).parent / "golden_lineage"
FINISHED = (
    "clinical-1", "clinical-2-relaunched", "cached-2", "partial-1-recovered", "dynamics-1", "nested-1", "branches-1",
    "mapped-1", "lp-parent-1", "lp-parent-1-n0-0", "fails-with-handler-1", "values-1",
)  # fmt: skip
RUNNING = ("gated-1", "long-running-1", "aborted-1")


def said(graph: Lineage) -> dict[str, Any]:
    vertices = {
        short(graph, node.id): " | ".join(part for part in (node.kind, node.label, node.phase) if part)
        for node in graph.nodes
    }
    assert len(vertices) == len(graph.nodes)
    return {"vertices": dict(sorted(vertices.items())), "arrows": sorted(arrows(graph))}


@pytest.mark.parametrize(("name", "running"), [(name, False) for name in FINISHED] + [(name, True) for name in RUNNING])
async def test_the_lineage_is_what_was_checked_by_hand(name: str, running: bool) -> None:
    async with AdminClient(BASE_URL, transport=Replay(running=running), retry_delay=0) as client:
        graph = await Catalog(client).lineage(ExecutionId("flytesnacks", "development", name))
    file = GOLDEN / f"{name}{'-running' if running else ''}.json"
    assert said(graph) == json.loads(file.read_text("utf-8"))


def test_there_is_no_file_without_a_test() -> None:
    wanted = {f"{name}.json" for name in FINISHED} | {f"{name}-running.json" for name in RUNNING}
    assert {file.name for file in GOLDEN.iterdir()} == wanted
