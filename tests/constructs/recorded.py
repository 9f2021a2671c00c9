"""Which recorded run shows which construct, and what has to be seen of it on the tabs of a run.

``test_recordings.py``, ``test_recorded_nodes.py`` and ``test_golden_lineage.py`` hold the catalog to these runs.
"""

RECORDED: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
    "sub-workflows to depth 5": ("deep-5-1", {"nodes": ("deep_4", "deep_1", "sdtm"), "graph": ("sdtm", "echo")}),
    "dynamic nodes": ("dynamics-1", {"artifacts": ("fan.csv", "deep.csv"), "nodes": ("fan", "fan_none", "sdtm")}),
    "dynamic node that fails": ("dynamic-fails-1", {"artifacts": ("not produced",), "nodes": ("✖ failed",)}),
    "branch": ("branches-1", {"artifacts": ("large.csv",), "nodes": ("size", "large")}),
    "map task": ("mapped-1", {"artifacts": ("part.csv", "x4"), "nodes": ("one", "✔ done")}),
    "map with failed items": ("mapped-fail-1", {"nodes": ("some_fail", "✖ failed")}),
    "launch-plan children": ("lp-parent-1", {"graph": ("run lp-parent-1-n0-0", "run lp-parent-1-n1-0")}),
    "child of a child": ("lp-parent-1-n1-0", {"graph": ("run fgedug4g3xky25",)}),
    "cache hit": ("cached-2", {"artifacts": ("dm.csv", "≡"), "nodes": ("≡ cached",), "graph": ("run cached-1",)}),
    "recovered": ("partial-1-recovered", {"nodes": ("↻ recovered",), "graph": ("run partial-1",)}),
    "gate": ("gated-1", {"nodes": ("go", "✔ done"), "graph": ("go",)}),
    "failure node": ("fails-with-handler-1", {"artifacts": ("cleanup.txt",), "nodes": ("clean_up", "✖ failed")}),
    "retries": ("retried-1", {"artifacts": ("flaky.csv",), "nodes": ("flaky", "✔ done")}),
    "offloaded value": ("offloaded-1", {"nodes": ("big_list",)}),
    "lists, dicts, dataclasses": ("values-1", {"artifacts": ("many.csv", "plots"), "nodes": ("shapes",)}),
    "structured datasets": ("frames-1", {"artifacts": ("frame", "parquet")}),
    "timed out": ("timed-out-1", {"artifacts": ("not produced",), "nodes": ("✖ failed",)}),
    "foreign names": ("hostile-names-1", {"nodes": ("hostile",)}),
}
