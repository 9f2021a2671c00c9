"""Models of XGBoost 3.2, LightGBM 4.7 and CatBoost 1.2, as these libraries wrote them and say themselves."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowtui.preview.limits import Limits
from flowtui.preview.ubjson import CutError, Ubjson
from tests.preview.flatbuffer_file import Number, Numbers, flatbuffer
from tests.preview.look import look
from tests.preview.models_seen import MODELS, assert_bounded, assert_damage_is_bounded, at, leaves, model


@pytest.mark.parametrize("name", ["xgboost.ubj", "xgboost.json"])
async def test_xgboost_shows_its_objective_features_and_trees(name: str) -> None:
    found = await model(name)
    facts = dict(found.facts)
    assert (found.kind, found.format, found.more) == ("tree", "xgboost", False)
    assert (facts["written by"], facts["booster"], facts["objective"]) == ("XGBoost 3.2.0", "gbtree", "binary:logistic")
    assert (facts["features"], facts["trees"], facts["base score"]) == ("2", "4", "4.95E-1")
    assert leaves(at(found, "features")) == {"age": "float", "bmi": "float"}
    assert at(found, "trees", "3").value == "7 nodes, 4 of them leaves; CRC-32 d18d7da9"
    assert found.notices == ()


async def test_the_trees_of_one_model_have_one_checksum_in_both_encodings() -> None:
    both = [leaves(at(await model(name), "trees")) for name in ("xgboost.ubj", "xgboost.json")]
    assert both[0] == both[1]
    changed = (MODELS / "xgboost.json").read_bytes().replace(b'"left_children":[1,', b'"left_children":[2,', 1)
    found = leaves(at(await look(changed, "xgboost.json"), "trees"))
    assert [key for key in found if found[key] != both[1][key]] == ["0"]


async def test_xgboost_is_known_under_any_name() -> None:
    for name in ("model", "model.xgb", "model.bin", "model.deprecated"):
        assert (await look((MODELS / "xgboost.ubj").read_bytes(), name)).format == "xgboost"
    assert (await look((MODELS / "xgboost.json").read_bytes(), "model")).format == "xgboost"
    assert (await look(b'{"learner": {"a": 1}}', "x.json")).format == "json"


async def test_dart_of_several_classes_has_a_base_score_for_each() -> None:
    found = await model("xgboost_dart.ubj")
    facts = dict(found.facts)
    assert (facts["booster"], facts["classes"], facts["trees"]) == ("dart", "3", "6")
    assert facts["base score"] == "1.8619102E-1, -2.514298E-1, 6.5238714E-2"
    assert at(found, "trees", "5").value.startswith("5 nodes, 3 of them leaves, of class 2")


async def test_a_linear_booster_shows_its_weights() -> None:
    found = await model("xgboost_linear.ubj")
    assert at(found, "weights").value == "3: 0.001107571647, -0.0002457297524, -0.02701905742"


async def test_of_a_large_model_the_end_is_read_too() -> None:
    content = (MODELS / "xgboost_dart.ubj").read_bytes()
    limits = Limits(head=1500, whole=0)
    found = await look(content, "model", limits=limits)
    facts = dict(found.facts)
    assert found.more
    assert found.notices[0].startswith("the beginning of the model: ")
    assert (facts["written by"], facts["objective"], facts["classes"]) == ("XGBoost 3.2.0", "multi:softprob", "3")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"Z", None), (b"T", True), (b"i\xff", -1), (b"U\xff", 255), (b"I\x01\x00", 256), (b"d\x3f\x80\0\0", 1.0),
        (b"Si\x02ab", "ab"), (b"Ca", "a"), (b"{i\x01aTi\x01bNF}", [("a", True), ("b", False)]),
        (b"[i\x01i\x02]", [1, 2]), (b"[#i\x02i\x01T", [1, True]), (b"[$I#i\x02\0\x01\0\x02", [1, 2]),
        (b"{$i#i\x01i\x01a\x07", [("a", 7)]), (b"[$T#i\x02", [True, True]),
    ],
)  # fmt: skip
def test_values_of_ubjson(data: bytes, expected: Any) -> None:
    found: Any = Ubjson(data).value()
    assert (list(found) if isinstance(expected, list) else found) == expected


@pytest.mark.parametrize(
    "data", [b"[$Z#L\x7f\xff\xff\xff\xff\xff\xff\xff", b"[$L#L\x7f\0\0\0\0\0\0\0", b"[" * 5000, b"[#l\x7f\xff\xff\xff"]
)
def test_lengths_that_cannot_be_cost_nothing(data: bytes) -> None:
    reader = Ubjson(data)
    assert isinstance(reader.value(), object)
    assert reader.is_cut


@given(
    st.binary(max_size=80)
    | st.lists(
        st.sampled_from([b"[", b"{", b"]", b"}", b"$", b"#", b"i", b"U\x03", b"L", b"\0", b"N", b"T"]), max_size=40
    ).map(b"".join)
)
def test_any_bytes_of_ubjson(data: bytes) -> None:
    try:
        Ubjson(data).value()
    except CutError:
        return


async def test_lightgbm_shows_its_objective_features_trees_and_parameters() -> None:
    found = await model("lightgbm.txt")
    facts = dict(found.facts)
    assert (found.kind, found.format) == ("tree", "lightgbm")
    assert facts["written by"] == "LightGBM, model format v4"
    assert (facts["objective"], facts["classes"], facts["trees"]) == ("multiclass num_class:3", "3", "9")
    assert leaves(at(found, "features")) == {
        "age": "38.415904211420056 to 78.021533252807302",
        "bmi": "13.683174531631799 to 34.198110217146692",
        "sex": "categories -1, 1, 0",
    }
    assert leaves(at(found, "importances")) == {"age": "22", "bmi": "5"}
    assert leaves(at(found, "parameters"))["learning_rate"] == "0.1"
    assert at(found, "pandas categories").value == '[["F", "M"]]'
    assert at(found, "trees", "8").value.startswith("4 leaves; CRC-32 ")
    assert (found.notices, found.more) == ((), False)


async def test_lightgbm_that_is_cut_says_so() -> None:
    content = (MODELS / "lightgbm.txt").read_bytes()
    found = await look(content[: len(content) // 3], "model.txt")
    assert found.notices[0] == "the model is cut: its end is missing"
    assert found.notices[1].startswith("first 4 of 9 trees: ")
    large = await look(content, "model.txt", limits=Limits(head=2000, whole=0))
    assert leaves(at(large, "parameters"))["num_class"] == "3"
    assert large.more


async def test_catboost_shows_what_catboost_says_of_it() -> None:
    found = await model("catboost.cbm")
    facts = dict(found.facts)
    assert (found.format, facts["written by"], facts["loss function"]) == ("catboost", "CatBoost 1.2.10", "MultiClass")
    assert (facts["features"], facts["trees"], facts["leaf values"]) == ("3", "3", "36")
    assert (facts["dimension"], facts["scale"], facts["bias"]) == ("3", "1", "0, 0, 0")
    assert leaves(at(found, "float features")) == {"age": "5 borders", "bmi": "0 borders"}
    assert list(leaves(at(found, "categorical features"))) == ["sex"]
    assert leaves(at(found, "classes"))["class_names"] == "[0, 1, 2]"
    assert leaves(at(found, "parameters"))["boosting_options.iterations"] == "3"
    assert leaves(at(found, "trees")) == {"0": "2 splits", "1": "2 splits", "2": "2 splits"}


async def test_trees_of_catboost_that_are_not_symmetric_have_nodes() -> None:
    trees = {
        2: Numbers("i", [49, 3]),
        5: [{2: Number("i", 7), 3: Numbers("f", [1, 2])}],
        10: [{0: Number("h", 1)}],
        14: Number("d", 0.5),
        15: Number("d", 4.75),
    }
    information = [{0: "params", 1: json.dumps({"loss_function": {"type": "RMSE"}})}]
    core = flatbuffer({0: "FlabuffersModel_v1", 1: trees, 2: information})
    found = await look(b"CBM1" + struct.pack("<I", len(core)) + core, "model")
    facts = dict(found.facts)
    assert (facts["scale"], facts["bias"], facts["loss function"]) == ("0.5", "4.75", "RMSE")
    assert leaves(at(found, "trees")) == {"0": "49 nodes", "1": "3 nodes"}
    assert leaves(at(found, "float features")) == {"feature 7": "2 borders"}


@pytest.mark.parametrize("name", ["xgboost.ubj", "xgboost.json", "lightgbm.txt", "catboost.cbm"])
async def test_damaged_models_are_bounded(name: str) -> None:
    await assert_damage_is_bounded((MODELS / name).read_bytes(), name)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([b"CBM1\xff\xff\0\0", b"{L\0\0\0\0\0\0\0\x07learner{", b"tree\nversion=v4\n"]),
    st.binary(max_size=200),
)
async def test_any_bytes_behind_a_beginning(beginning: bytes, rest: bytes) -> None:
    await assert_bounded(beginning + rest, "model")
