"""Models of skops: the estimator's tree and its arrays, files that skops 0.16 wrote and others that it would refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowtui.preview.comparison.files import compare
from flowtui.preview.comparison.looks import Version
from flowtui.preview.comparison.result import Comparison
from flowtui.preview.limits import Limits
from flowtui.preview.result import Preview, TreeNode
from flowtui.storage import Storage
from tests.fuzz.makers import npy_file, zip_file
from tests.preview.look import look, look_at, violations
from tests.trusting import TrustsAll

MODELS = Path(__file__).parents[1] / "data" / "models"


def value(content: object) -> dict[str, object]:
    """The state of a value that is kept as JSON."""
    return {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": json.dumps(content)}


def state(name: str, loader: str, **kept: object) -> dict[str, object]:
    module, _, class_ = name.rpartition(".")
    return {"__class__": class_, "__module__": module or "builtins", "__loader__": loader, **kept}


def attributes(**kept: object) -> dict[str, object]:
    return state("dict", "DictNode", content=kept)


def array(member: str, name: str = "numpy.ndarray") -> dict[str, object]:
    return state(name, "NdArrayNode", type="numpy", file=member, __id__=int(member.split(".")[0]))


def skops_file(root: dict[str, object], arrays: dict[str, Any] | None = None) -> bytes:
    members = {name: npy_file(one) for name, one in (arrays or {}).items()}
    told = {**root, "protocol": 2, "_skops_version": "0.16.0"}
    return zip_file({**members, "schema.json": json.dumps(told, indent=2).encode()})


def ridge(
    address: int, *, alpha: float = 0.5, name: str = "sklearn.linear_model._ridge.Ridge", coef: Any = (1.0, 2.5)
) -> bytes:
    """A model as two processes save it: what differs is the memory address."""
    member = f"{address}.npy"
    kept = attributes(alpha=value(alpha), coef_=array(member), _sklearn_version=value("1.9.1"))
    return skops_file(state(name, "ObjectNode", content=kept), {member: numpy.array(coef)})


def at(found: Preview, *path: str) -> TreeNode:
    assert found.tree is not None, found.notices
    node = found.tree
    for label in path:
        node = next(child for child in node.children if child.label == label)
    return node


def leaves(node: TreeNode) -> dict[str, str]:
    return {child.label: child.value for child in node.children}


async def difference(one: bytes, two: bytes, folder: Path) -> Comparison:
    paths = [folder / "one.skops", folder / "two.skops"]
    for path, content in zip(paths, (one, two), strict=True):
        path.write_bytes(content)
    async with Storage(TrustsAll()) as storage:
        return await compare(storage, *(Version(path.name, (str(path),)) for path in paths))


async def test_a_pipeline_shows_its_estimators_parameters_versions_and_arrays() -> None:
    found = await look_at(MODELS / "pipeline.skops", "model.skops")
    assert (found.kind, found.format, found.more) == ("tree", "skops", False)
    assert at(found).value == "sklearn.pipeline.Pipeline"
    step = at(found, "steps", "1", "1")
    assert step.value == "sklearn.linear_model._logistic.LogisticRegression"
    shown = leaves(step)
    assert (shown["C"], shown["solver"], shown["class_weight"], shown["fit_intercept"]) == (
        "0.5",
        "lbfgs",
        "None",
        "True",
    )
    assert shown["coef_"].startswith("array float64 1 x 3: 3.5257")
    assert shown["classes_"].startswith("array str[3] 2: no, yes; CRC-32 ")
    assert leaves(at(found, "steps", "0", "1", "feature_names_in_")) == {"0": "age", "1": "bmi", "2": "dose"}
    facts = dict(found.facts)
    assert (facts["skops"], facts["protocol"], facts["scikit-learn"]) == ("0.16.0", "2", "1.9.1")
    assert ("steps.1.1.coef_", "float64", "1 x 3", 3) in found.rows
    assert found.notices[-1].startswith("nothing was built; types found: sklearn.pipeline.Pipeline, ")


async def test_values_of_every_loader_of_skops_are_said_in_words() -> None:
    found = await look_at(MODELS / "mixed.skops", "mixed.skops")
    shown = leaves(at(found))
    assert shown["sparse"].startswith("scipy.sparse._csr.csr_matrix sparse csr float64 4 x 4, 4 stored; CRC-32 ")
    assert shown["b"] == "3 bytes, CRC-32 352441c2"
    assert (shown["sl"], shown["t"], shown["f"], shown["dt"]) == ("slice(1, 5, None)", "(2)", "1.5", "dtype float32")
    assert (shown["none"], shown["text"]) == ("None", "'None'")
    assert (shown["ufunc"], shown["cls"]) == ("numpy.sqrt", "dict")
    assert leaves(at(found, "s")) == {"0": "x", "1": "y", "2": "z"}
    assert leaves(at(found, "ma"))["mask"].startswith("array bool 2: False, True")
    assert leaves(at(found, "obj"))["1"] == "None"
    assert shown["big"].startswith("array float64 1000: 0, 1, 2, 3, 4, 5, 6, 7, …; CRC-32 ")
    assert not any("140" in text for text in shown.values())


async def test_skops_is_known_by_its_members_under_any_name() -> None:
    content = ridge(140_647_522_978_960)
    for name in ("model", "model.skops", "model.zip"):
        assert (await look(content, name)).format == "skops"
    assert (await look(zip_file({"a.npy": npy_file(numpy.arange(3))}), "a.npz")).format == "npz"


async def test_two_saves_of_one_model_are_equal(tmp_path: Path) -> None:
    found = await difference(ridge(140_647_522_978_960), ridge(140_001_112_223_334), tmp_path)
    assert (found.result, found.compared) == ("equal", "all values by their paths")
    real = [(MODELS / name).read_bytes() for name in ("pipeline.skops", "pipeline_again.skops")]
    assert real[0] != real[1]
    assert (await difference(real[0], real[1], tmp_path)).result == "equal"


async def test_parameters_arrays_and_classes_that_differ_are_found_by_their_paths(tmp_path: Path) -> None:
    one = ridge(140_647_522_978_960)
    for two, path in (
        (ridge(140_001_112_223_334, alpha=0.7), ("alpha",)),
        (ridge(140_001_112_223_334, coef=(1.0, 2.5000000000000004)), ("coef_",)),
        (ridge(140_001_112_223_334, name="sklearn.linear_model._ridge.RidgeCV"), ()),
    ):
        found = await difference(one, two, tmp_path)
        assert found.result == "different"
        assert found.tree is not None
        assert [change.path for change in found.tree.paths] == [path]


async def test_functions_of_python_are_named_with_the_types() -> None:
    root = attributes(
        run=state("builtins.eval", "FunctionNode"),
        old=state("x.f", "FunctionNode", content={"module_path": "os", "function": "system"}),
    )
    found = await look(skops_file(root), "x.skops")
    assert leaves(at(found)) == {"run": "eval", "old": "os.system"}
    assert found.notices[-1] == "nothing was built; types found: eval, os.system"


async def test_what_is_not_there_is_said() -> None:
    found = await look(skops_file(attributes(w=array("140647522978960.npy"))), "x.skops")
    assert leaves(at(found))["w"] == "numpy.ndarray, which is not in what was read of the archive"
    assert found.notices[0].startswith("1 arrays are not in the archive")
    other = await look(zip_file({"x": b"y"}), "x.skops")
    assert (other.format, other.notices[0]) == ("zip", "a ZIP archive that skops did not write: it has no schema.json")


async def test_a_loader_that_is_not_known_shows_what_it_keeps() -> None:
    root = state("new.Thing", "NewNode", content=attributes(a=value(1)), extra=value("x"), count=3)
    assert leaves(at(await look(skops_file(root), "x.skops"))) == {"a": "1", "extra": "x", "count": "3"}


async def test_a_deep_or_large_tree_is_cut_and_says_so() -> None:
    deep: dict[str, object] = value(1)
    for _ in range(60):
        deep = state("list", "ListNode", content=[deep])
    found = await look(skops_file(deep), "x.skops", limits=Limits(depth=20))
    assert "levels below 20 are left out of the tree" in found.notices
    wide = state("list", "ListNode", content=[value(n) for n in range(500)])
    found = await look(skops_file(wide), "x.skops", limits=Limits(nodes=100))
    assert (found.more, violations(found, Limits(nodes=100))) == (True, [])


_JSON: Any = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.sampled_from(["1.npy", "[1", '"a"', "DictNode"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["__class__", "__module__", "__loader__", "content", "file", "type", "shape", "__reduce__", "args", "a"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)
_LOADERS = st.sampled_from(
    [
        "DictNode",
        "ListNode",
        "SetNode",
        "NdArrayNode",
        "JsonNode",
        "FunctionNode",
        "DTypeNode",
        "SliceNode",
        "ObjectNode",
    ]
)


@settings(max_examples=80, deadline=None)
@given(_JSON, _JSON, _LOADERS)
async def test_any_schema(content: Any, shape: Any, loader: str) -> None:
    root = {"__class__": "x", "__module__": "m", "__loader__": loader, "content": content, "shape": shape}
    found = await look(
        skops_file(root, {"1.npy": numpy.arange(3)}), "x.skops", limits=Limits(nodes=50, depth=5, cell=20)
    )
    assert violations(found, Limits(nodes=50, depth=5, cell=40)) == []


@pytest.mark.parametrize("name", ["pipeline.skops", "mixed.skops"])
async def test_a_damaged_archive_is_bounded(name: str) -> None:
    content = (MODELS / name).read_bytes()
    for place in range(0, len(content), max(len(content) // 60, 1)):
        found = await look(content[:place] + b"\xff\0\x80" + content[place + 3 :], name)
        assert violations(found, Limits()) == []
