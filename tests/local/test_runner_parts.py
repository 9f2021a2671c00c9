"""The pure parts of the runner: ids, bindings, conditions, cache keys, inputs of the command line, files of jobs."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import msgpack
import pytest
from flyteidl.core import condition_pb2, interface_pb2, literals_pb2, tasks_pb2, types_pb2, workflow_pb2
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from flowtui.errors import FlowError, NotFoundError, UsageError
from flowtui.local.home import Home
from flowtui.local.runner import job_files, job_process
from flowtui.local.runner.bindings import plain_value, python_value, resolve, resolve_all, upstream
from flowtui.local.runner.branches import holds, taken
from flowtui.local.runner.flow_file import FlowFile
from flowtui.local.runner.flow_inputs import FlowInput, match_inputs, parse_inputs
from flowtui.local.runner.flow_sources import FlowSources
from flowtui.local.runner.literals import inputs_digest, literal_map, read_message, write_message
from flowtui.local.runner.names import Layout, child_execution_name, node_id, shard
from flowtui.local.runner.task_cache import CacheKey, TaskCache
from flowtui.words import error_line

PRIMITIVES = st.one_of(st.integers(-(2**40), 2**40), st.text(), st.booleans(), st.floats(allow_nan=False))


def promise(node: str, var: str, *path: str | int) -> literals_pb2.BindingData:
    steps = [
        types_pb2.PromiseAttribute(int_value=step)
        if isinstance(step, int)
        else types_pb2.PromiseAttribute(string_value=step)
        for step in path
    ]
    return literals_pb2.BindingData(promise=types_pb2.OutputReference(node_id=node, var=var, attr_path=steps))


def packed(value: object) -> literals_pb2.Literal:
    binary = literals_pb2.Binary(value=msgpack.packb(value), tag="msgpack")
    return literals_pb2.Literal(scalar=literals_pb2.Scalar(binary=binary))


@pytest.mark.parametrize(
    ("parent", "spec", "expected"),
    [
        ("n0", "start-node", "n0-0-start-node"),
        ("n3-0-dn0", "start-node", "fu5ivexy"),
        ("n2-0-dn0", "start-node", "fbjhf24q"),
        ("n3-0-dn0-0-dn0", "dn0", "n3-0-dn0-0-dn0-0-dn0"),
        ("n3-0-dn0-0-dn0", "end-node", "fzxwgpqq"),
    ],
)
def test_node_ids_are_those_of_the_engine(parent: str, spec: str, expected: str) -> None:
    assert node_id(parent, 0, spec) == expected


def test_child_executions_are_named_like_the_engines() -> None:
    assert child_execution_name("lp-parent-1", "n0", 0) == "lp-parent-1-n0-0"
    assert child_execution_name("lp-parent-1-n1-0", "n0", 0) == "fgedug4g3xky25"
    assert child_execution_name("lp-parent-fail-1", "n0", 0) == "frgqiwh4iwm2vg"


def test_places_and_folders_of_nested_nodes() -> None:
    layout = Layout(Path("/b"), "p", "d", "run")
    child = layout.place("n0").child("n0", 0).child("n1", 0)
    assert child.inputs == Path("/b/metadata/propeller/p-d-run/n0/data/0/n0/0/n1/inputs.pb")
    assert child.outputs(2) == Path("/b/metadata/propeller/p-d-run/n0/data/0/n0/0/n1/2/outputs.pb")
    assert (child.node_id, child.spec_id, child.parent_attempt) == ("n0-0-n0-0-n1", "n1", 0)
    name = layout.task_name(child, 1)
    assert layout.raw(name) == Path(f"/b/data/p/d/{shard(name)}/run-n0-0-n0-0-n1-1")


@given(st.text())
def test_a_shard_is_two_characters(text: str) -> None:
    assert len(shard(text)) == 2
    assert shard(text).isalnum()


@given(PRIMITIVES)
def test_a_value_survives_being_a_literal(value: object) -> None:
    assert python_value(plain_value(value)) == value


@given(st.recursive(PRIMITIVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner)))
def test_a_promise_reaches_into_messagepack(value: object) -> None:
    outputs = {"n0": literal_map({"o0": packed({"a": [0, value]})})}
    found = resolve(promise("n0", "o0", "a", 1), outputs)
    assert msgpack.unpackb(found.scalar.binary.value, strict_map_key=False) == value


def test_promises_reach_into_lists_maps_unions_and_structs() -> None:
    items = literals_pb2.Literal(collection=literals_pb2.LiteralCollection(literals=[plain_value(1), plain_value(2)]))
    union = literals_pb2.Literal(scalar=literals_pb2.Scalar(union=literals_pb2.Union(value=items)))
    mapping = literals_pb2.Literal(map=literals_pb2.LiteralMap(literals={"k": union}))
    generic = struct_pb2.Struct()
    generic.update({"f": {"path": "/x"}, "n": 3})
    outputs = {
        "n0": literal_map(
            {"m": mapping, "g": literals_pb2.Literal(scalar=literals_pb2.Scalar(generic=generic)), "plain": items}
        )
    }
    assert resolve(promise("n0", "m", "k", 1), outputs) == plain_value(2)
    assert resolve(promise("n0", "g", "f", "path"), outputs) == plain_value("/x")
    assert resolve(promise("n0", "g", "n"), outputs) == plain_value(3.0)
    for path in (("plain", 2), ("plain", -1), ("plain", "k"), ("m", "other"), ("g", "f", "nothing"), ("m", "k", 0, 0)):
        with pytest.raises(FlowError, match="has no attribute"):
            resolve(promise("n0", *path), outputs)
    for node, var in (("n9", "m"), ("n0", "other")):
        with pytest.raises(FlowError, match="has no value"):
            resolve(promise(node, var), outputs)


def test_collections_maps_and_scalars_are_bound() -> None:
    outputs = {"n0": literal_map({"x": plain_value(5)})}
    several = literals_pb2.BindingDataCollection(bindings=[promise("n0", "x"), promise("n0", "x")])
    by_key = literals_pb2.BindingDataMap(bindings={"a": promise("n0", "x")})
    bindings = [
        literals_pb2.Binding(var="l", binding=literals_pb2.BindingData(collection=several)),
        literals_pb2.Binding(var="m", binding=literals_pb2.BindingData(map=by_key)),
        literals_pb2.Binding(var="s", binding=literals_pb2.BindingData(scalar=plain_value("t").scalar)),
    ]
    made = resolve_all(bindings, outputs)
    assert list(made.literals["l"].collection.literals) == [plain_value(5)] * 2
    assert made.literals["m"].map.literals["a"] == plain_value(5)
    assert made.literals["s"] == plain_value("t")


def test_a_branch_waits_for_what_its_arms_need() -> None:
    arm = workflow_pb2.Node(id="n1-n0", inputs=[literals_pb2.Binding(var="x", binding=promise("n0", "o0"))])
    condition = condition_pb2.BooleanExpression()
    block = workflow_pb2.IfElseBlock(case=workflow_pb2.IfBlock(condition=condition, then_node=arm))
    branch = workflow_pb2.Node(
        id="n1",
        inputs=[literals_pb2.Binding(var=".y", binding=promise("start-node", "y"))],
        branch_node=workflow_pb2.BranchNode(if_else=block),
    )
    assert upstream(branch) == {"n0", "start-node"}


_COMPARISON = condition_pb2.ComparisonExpression


def compare(operator: int, left: object, right: object) -> condition_pb2.BooleanExpression:
    def operand(value: object) -> condition_pb2.Operand:
        if isinstance(value, str) and value.startswith("."):
            return condition_pb2.Operand(var=value)
        return condition_pb2.Operand(scalar=plain_value(value).scalar)

    comparison = _COMPARISON(operator=operator, left_value=operand(left), right_value=operand(right))
    return condition_pb2.BooleanExpression(comparison=comparison)


@given(st.integers(-5, 5), st.integers(-5, 5))
def test_comparisons_are_those_of_python(left: int, right: int) -> None:
    inputs = literal_map({".x": plain_value(left)})
    for operator, expected in (
        (_COMPARISON.EQ, left == right),
        (_COMPARISON.NEQ, left != right),
        (_COMPARISON.LT, left < right),
        (_COMPARISON.LTE, left <= right),
        (_COMPARISON.GT, left > right),
        (_COMPARISON.GTE, left >= right),
    ):
        assert holds(compare(operator, ".x", right), inputs) is expected


def test_conjunctions_and_what_cannot_be_compared() -> None:
    yes, no = compare(_COMPARISON.EQ, 1, 1), compare(_COMPARISON.EQ, 1, 2)
    nothing = literals_pb2.LiteralMap()
    for operator, expected in ((condition_pb2.ConjunctionExpression.AND, False), (1, True)):
        both = condition_pb2.ConjunctionExpression(operator=operator, left_expression=yes, right_expression=no)
        assert holds(condition_pb2.BooleanExpression(conjunction=both), nothing) is expected
    with pytest.raises(FlowError, match="have no order"):
        holds(compare(_COMPARISON.LT, 1, "a"), nothing)
    with pytest.raises(FlowError, match=r"asks for \.x"):
        holds(compare(_COMPARISON.LT, ".x", 1), nothing)


def test_the_first_arm_that_holds_is_taken() -> None:
    def case(value: int, arm: str) -> workflow_pb2.IfBlock:
        return workflow_pb2.IfBlock(condition=compare(_COMPARISON.LT, ".x", value), then_node=workflow_pb2.Node(id=arm))

    block = workflow_pb2.IfElseBlock(case=case(1, "a"), other=[case(5, "b"), case(9, "c")])
    branch = workflow_pb2.BranchNode(if_else=block)
    inputs = literal_map({".x": plain_value(4)})
    arm = taken(branch, inputs)
    assert not isinstance(arm, str)
    assert arm.id == "b"
    inputs = literal_map({".x": plain_value(10)})
    assert taken(branch, inputs) == "no arm of the condition holds"
    branch.if_else.error.message = "too large"
    assert taken(branch, inputs) == "too large"
    branch.if_else.else_node.id = "d"
    arm = taken(branch, inputs)
    assert not isinstance(arm, str)
    assert arm.id == "d"


def test_a_cached_result_is_found_by_inputs_version_and_interface(tmp_path: Path) -> None:
    template = tasks_pb2.TaskTemplate()
    template.id.project, template.id.domain, template.id.name, template.id.version = "p", "d", "t", "v1"
    template.metadata.discovery_version = "1"
    template.metadata.cache_ignore_input_vars.append("noise")
    template.interface.inputs.variables["x"].type.simple = types_pb2.INTEGER
    inputs = literal_map({"x": plain_value(1), "noise": plain_value(2)})
    file = tmp_path / "made"
    file.write_text("x")
    blob = literals_pb2.Literal(scalar=literals_pb2.Scalar(blob=literals_pb2.Blob(uri=str(file))))
    outputs = literal_map({"o0": blob})
    cache = TaskCache(tmp_path / "cache.sqlite3")
    key = CacheKey.of(template, inputs)
    assert cache.find(key) is None
    from flyteidl.core import identifier_pb2

    cache.put(key, outputs, identifier_pb2.TaskExecutionIdentifier(task_id=template.id, retry_attempt=2))
    found = cache.find(CacheKey.of(template, literal_map({"x": plain_value(1), "noise": plain_value(3)})))
    assert found is not None
    assert found[0] == outputs
    assert found[1].source_task_execution.retry_attempt == 2
    assert found[1].dataset_id.name == "flyte_task-t"
    assert cache.find(CacheKey.of(template, literal_map({"x": plain_value(2)}))) is None
    template.id.version = "v2"
    assert cache.find(CacheKey.of(template, inputs)) is not None, "the version of the task does not count"
    template.metadata.discovery_version = "2"
    assert cache.find(CacheKey.of(template, inputs)) is None
    file.unlink()
    assert cache.find(key) is None, "a result whose file is gone is none"


def test_the_hash_of_a_literal_goes_before_its_value() -> None:
    one, two = plain_value("a"), plain_value("b")
    assert inputs_digest(literal_map({"x": one})) != inputs_digest(literal_map({"x": two}))
    one.hash = two.hash = "h"
    assert inputs_digest(literal_map({"x": one})) == inputs_digest(literal_map({"x": two}))


def test_a_message_that_cannot_be_read_says_which_file(tmp_path: Path) -> None:
    path = tmp_path / "a" / "outputs.pb"
    write_message(path, literal_map({"x": plain_value(1)}))
    assert read_message(path, literals_pb2.LiteralMap).literals["x"] == plain_value(1)
    path.write_bytes(b"\xff\xff\xff")
    with pytest.raises(FlowError, match=r"outputs\.pb cannot be read"):
        read_message(path, literals_pb2.LiteralMap)


INPUTS = (
    FlowInput("study", "text", False, True, None, ""),
    FlowInput("data_path", "text", False, False, "x", ""),
    FlowInput("verbose", "boolean", True, False, "False", ""),
)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--study", "A"], {"study": "A"}),
        (["--study=A=B", "--data-path", "p"], {"study": "A=B", "data_path": "p"}),
        (["--study", "A", "--verbose"], {"study": "A", "verbose": "true"}),
        (["--no-verbose", "--study", ""], {"study": "", "verbose": "false"}),
        (["--study", "-5", "--verbose", "false"], {"study": "-5", "verbose": "false"}),
    ],
)
def test_words_become_inputs(words: list[str], expected: dict[str, str]) -> None:
    assert match_inputs(parse_inputs(words), INPUTS) == expected


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["A"], "belongs to no input"),
        (["--study", "A", "B"], "belongs to no input"),
        (["--"], "belongs to no input"),
        ([], "needs --study"),
        (["--study"], "needs a value: text"),
        (["--study", "A", "--study", "B"], "given twice"),
        (["--study", "A", "--data-path", "B", "--data_path", "C"], "given twice"),
        (["--study", "A", "--other", "1"], "no input other"),
        (["--study", "A", "--no-data-path"], "no input no-data-path"),
    ],
)
def test_words_that_are_no_inputs(words: list[str], said: str) -> None:
    with pytest.raises(UsageError) as error:
        match_inputs(parse_inputs(words), INPUTS)
    assert said in error.value.message


@given(st.lists(st.text(max_size=8) | st.sampled_from(["--study", "--verbose", "--a=b"]), max_size=6))
def test_any_words_are_taken_apart_or_refused(words: list[str]) -> None:
    try:
        values = match_inputs(parse_inputs(words), INPUTS)
    except UsageError:
        return
    assert set(values) <= {item.name for item in INPUTS}


def test_the_module_of_a_flow_is_named_from_the_first_folder_that_is_no_package(tmp_path: Path) -> None:
    package = tmp_path / "outer" / "inner"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    file = package / "flow.py"
    file.write_text("import numpy.linalg\nfrom pandas import DataFrame\nfrom .x import y\nimport json\n")
    flow = FlowFile.of(file)
    assert (flow.root, flow.module, flow.folder) == (tmp_path, "outer.inner.flow", package)
    assert flow.preload() == ["numpy", "pandas"]
    for name in ("__init__.py", "a.b.py", "data.csv"):
        (package / name).touch()
        with pytest.raises(UsageError):
            FlowFile.of(package / name)
    with pytest.raises(UsageError, match="There is no file"):
        FlowFile.of(package / "gone.py")


def test_the_code_of_a_version_is_kept(tmp_path: Path) -> None:
    import hashlib

    file = tmp_path / "code" / "flow.py"
    file.parent.mkdir()
    file.write_text("one")
    flow = FlowFile.of(file)
    sources = FlowSources(Home(tmp_path / "home").ensure())
    sources.record("p", "d", "v1", flow, {"flow.py": hashlib.sha256(b"one").hexdigest()})
    assert sources.find("p", "d", "v1") == flow
    file.write_text("two")
    copy = sources.find("p", "d", "v1")
    assert copy.path.read_text() == "one"
    assert copy.folder == file.parent
    with pytest.raises(NotFoundError, match="was not registered"):
        sources.find("p", "d", "v2")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("single_adam.py", "python single_adam.py"),
        ("  run.sh -x", "bash run.sh -x"),
        ("python a.py", "python a.py"),
        ("cat a.py", "cat a.py"),
        ("'my scripts/a b.py' x", "python 'my scripts/a b.py' x"),
        ('"my scripts"/a.sh', 'bash "my scripts"/a.sh'),
        ("'unclosed.py", "'unclosed.py"),
        ("", ""),
    ],
)
def test_a_script_gets_its_interpreter(command: str, expected: str) -> None:
    assert job_process.full_command(command) == expected


def test_a_job_that_asks_for_workflow_is_known(tmp_path: Path) -> None:
    (tmp_path / "asks.py").write_text("open('/workflow/inputs/a')")
    (tmp_path / "portable.py").write_text("os.environ.get('FLOWTUI_WORKFLOW_DIR', '/workflow')")
    assert job_process.asks_for_workflow("cat /workflow/inputs/x", tmp_path)
    assert job_process.asks_for_workflow("asks.py 1", tmp_path)
    for command in ("portable.py", "cat /workflows/x my/workflow/x", "echo 'unclosed", "true"):
        assert not job_process.asks_for_workflow(command, tmp_path), command


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        (True, "true"),
        (5, "5"),
        (2.5, "2.5"),
        ("a\nb", "a\nb"),
        ([1, "x"], '[1, "x"]'),
        (dt.datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05Z"),
        (dt.timedelta(minutes=90), "5400s"),
    ],
)
def test_values_as_plain_text(value: object, expected: str) -> None:
    assert job_files.text_of(value) == expected


@pytest.mark.parametrize("name", ["/etc/passwd", "../../x", "a/../../../x", "/workflow/../x"])
def test_a_path_of_a_job_stays_in_its_folder(name: str) -> None:
    with pytest.raises(FlowError):
        job_files.job_path(Path("/run"), "inputs", name)


@given(st.text(max_size=30))
def test_any_path_of_a_job_stays_in_its_folder(name: str) -> None:
    try:
        path = job_files.job_path(Path("/run"), "inputs", name)
    except FlowError:
        return
    assert Path(os.path.normpath(path)).is_relative_to("/run")


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_a_text_goes_to_a_job_and_back(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "outputs").mkdir()
        (folder / "inputs").mkdir()
        job_files.write_inputs(folder, literal_map({"x": plain_value(text)}), {})
        (folder / "inputs" / "x").rename(folder / "outputs" / "x")
        variable = interface_pb2.Variable(type=types_pb2.LiteralType(simple=types_pb2.STRING))
        made = job_files.read_outputs(folder, {"x": variable}, {}, folder / "raw")
        assert python_value(made.literals["x"]) == text.removesuffix("\n")


def test_the_line_of_an_error_that_says_most() -> None:
    assert error_line("Trace:\n\n  File x\n\nMessage:\n\n    ValueError: \x1b[31mbad") == "ValueError: bad"
    assert error_line("first\nsecond") == "first"
