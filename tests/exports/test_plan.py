from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.domain.artifact import ArtifactFile
from flowtui.domain.execution import ExecutionId
from flowtui.errors import ExportError, ServerError, UsageError
from flowtui.exports import IfExists, Plan, Selection, SourceRun, make_plan, parse_target, run
from flowtui.exports.layout import Names, declared_name, item_names, split
from flowtui.exports.targets.directory import DirectoryTarget
from flowtui.storage import Storage
from tests.trusting import TrustsAll

RUN = ExecutionId("cdisc01", "development", "adam-tfl-7f2")


def artifact_file(
    file: str,
    *uris: str,
    format_: str = "csv",
    node: str = "n0",
    artifact: str = "ADaM",
    type_: str = "data",
    directory: bool = False,
) -> ArtifactFile:
    return ArtifactFile(
        type=type_,
        artifact=artifact,
        file=file,
        format=format_,
        node=node,
        variable="o0",
        declared_at=(node,),
        state="present" if uris else "not_produced",
        uris=uris,
        directory=directory,
    )


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "source"
    path.write_bytes(b"12345")
    return str(path)


async def plan_of(files: list[ArtifactFile], to: Path, if_exists: IfExists = "replace") -> Plan:
    async with Storage(TrustsAll()) as storage:
        return await make_plan(
            [Selection(SourceRun(RUN), tuple(files))], parse_target(str(to)), storage, if_exists=if_exists
        )


async def test_files_go_below_their_artifact_with_their_extension(source: str, tmp_path: Path) -> None:
    files = [
        artifact_file("adsl.csv", source),
        artifact_file("adae dataset", source),
        artifact_file("t_ae", source, format_="rtf", artifact="TFL/Reports", type_="report"),
    ]
    plan = await plan_of(files, tmp_path / "out")
    assert [(file.path, file.size, file.action, file.note) for file in plan.files] == [
        ("ADaM/adae dataset.csv", 5, "new", "extension added"),
        ("ADaM/adsl.csv", 5, "new", ""),
        ("TFL_Reports/t_ae.rtf", 5, "new", "extension added"),
    ]
    assert (plan.bytes, plan.unknown_sizes, plan.problems, plan.notices, plan.blocked) == (15, 0, (), (), ())
    assert not (tmp_path / "out").exists()


async def test_files_of_one_name_have_their_nodes_whoever_of_them_goes_along(source: str, tmp_path: Path) -> None:
    files = [
        replace(artifact_file("inner", source, node=node), distinction=f"name = {name}")
        for node, name in (("n0-0-n0", "l"), ("n1/0\x1b", "r"))
    ]
    named = [
        ("ADaM/inner (n0-0-n0).csv", "name = l; several files have this name"),
        ("ADaM/inner (n1_0).csv", "name = r; several files have this name"),
    ]
    assert [(one.path, one.note) for one in (await plan_of(files, tmp_path)).files] == named
    for file, expected in zip(files, named, strict=True):
        (alone,) = (await plan_of([file], tmp_path)).files
        assert (alone.path, alone.note) == expected


async def test_files_of_one_name_from_two_outputs_of_a_node(source: str, tmp_path: Path) -> None:
    files = [
        replace(artifact_file("x.csv", source), variable=output, distinction=f"node n0 output {output}")
        for output in ("first", "second")
    ]
    plan = await plan_of(files, tmp_path)
    assert [file.path for file in plan.files] == ["ADaM/x (n0 output first).csv", "ADaM/x (n0 output second).csv"]


async def test_folders_of_one_name_have_their_nodes(tmp_path: Path) -> None:
    for arm in "ab":
        (tmp_path / arm).mkdir()
        (tmp_path / arm / "part").write_text(arm)
    files = [
        replace(artifact_file("model", str(tmp_path / arm), node=arm, directory=True), distinction=f"node {arm}")
        for arm in "ab"
    ]
    plan = await plan_of(files, tmp_path / "out")
    assert [file.path for file in plan.files] == ["ADaM/model (a)/part", "ADaM/model (b)/part"]


async def test_a_long_name_keeps_its_node(source: str, tmp_path: Path) -> None:
    files = [
        replace(artifact_file("x" * 300 + ".csv", source, node=node), distinction=f"node {node}")
        for node in ("n0", "n1")
    ]
    names = [Path(file.path).name for file in (await plan_of(files, tmp_path)).files]
    assert [name[-9:] for name in names] == [" (n0).csv", " (n1).csv"]
    assert {len(name) for name in names} == {255}


async def test_names_that_become_one_are_kept_apart(source: str, tmp_path: Path) -> None:
    files = [
        artifact_file("adsl.csv", source, node="n0"),
        artifact_file("adsl.csv", source, node="n1"),
        artifact_file("ADSL.csv", source, node="n1", type_="report"),
        artifact_file("a/b.csv", source),
        artifact_file("a_b.csv", source, node=""),
    ]
    plan = await plan_of(files, tmp_path / "out")
    assert sorted(file.path for file in plan.files) == [
        "ADaM/ADSL (report).csv",
        "ADaM/a_b (data).csv",
        "ADaM/a_b.csv",
        "ADaM/adsl (n1).csv",
        "ADaM/adsl.csv",
    ]


async def test_lists_are_numbered(source: str, tmp_path: Path) -> None:
    plan = await plan_of([artifact_file("parts.csv", *[source] * 11)], tmp_path / "out")
    assert [file.path for file in plan.files][::5] == ["ADaM/parts-00.csv", "ADaM/parts-05.csv", "ADaM/parts-10.csv"]


async def test_directories_bring_their_files(tmp_path: Path) -> None:
    (tmp_path / "d" / "sub").mkdir(parents=True)
    (tmp_path / "d" / "x.csv").write_bytes(b"1")
    (tmp_path / "d" / "sub" / "y").write_bytes(b"22")
    (tmp_path / "empty").mkdir()
    files = [
        artifact_file("model", str(tmp_path / "d"), directory=True),
        artifact_file("nothing", str(tmp_path / "empty"), directory=True),
    ]
    plan = await plan_of(files, tmp_path / "out")
    assert [(file.path, file.size) for file in plan.files] == [("ADaM/model/sub/y", 2), ("ADaM/model/x.csv", 1)]
    assert plan.notices == ("ADaM/nothing is an empty directory",)


async def test_a_file_in_a_folder_of_its_own_name_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "a#?.csv").mkdir()
    (tmp_path / "a#?.csv" / "a#?.csv").write_bytes(b"a,b\n1,2\n")
    plan = await plan_of([artifact_file("adlb.csv", str(tmp_path / "a#?.csv"))], tmp_path / "out")
    assert [(file.path, file.size) for file in plan.files] == [("ADaM/adlb.csv", 8)]
    plan = await plan_of([artifact_file("adlb", str(tmp_path / "a#?.csv"), directory=True)], tmp_path / "out")
    assert [file.path for file in plan.files] == ["ADaM/adlb/a#_.csv"]


async def test_remote_directories_and_missing_files_are_problems(source: str, tmp_path: Path) -> None:
    asked = []

    async def sign(uri: str) -> object:
        asked.append(uri)
        raise ServerError("not of this store")

    files = [
        artifact_file("model", "s3://bucket/prefix", directory=True),
        artifact_file("gone.csv", str(tmp_path / "gone")),
        artifact_file("later.csv"),
        artifact_file("adsl.csv", source),
    ]
    async with Storage(TrustsAll(), sign=sign) as storage:  # type: ignore[arg-type]
        plan = await make_plan([Selection(SourceRun(RUN), tuple(files))], parse_target(str(tmp_path / "out")), storage)
    assert asked == [str(tmp_path / "gone")]
    assert [problem.file.file for problem in plan.problems] == ["gone.csv", "model"]
    assert "cannot list" in plan.problems[1].message
    assert plan.notices == ("ADaM/later.csv was not produced",)
    assert [file.path for file in plan.files] == ["ADaM/adsl.csv"]


async def test_what_lies_there_is_replaced_kept_or_in_the_way(source: str, tmp_path: Path) -> None:
    there = tmp_path / "out" / "ADaM" / "adsl.csv"
    there.parent.mkdir(parents=True)
    there.write_bytes(b"old")
    (there.parent / "adae.csv").mkdir()
    files = [artifact_file("adsl.csv", source), artifact_file("adae.csv", source)]

    plan = await plan_of(files, tmp_path / "out", "replace")
    assert [(file.path, file.action) for file in plan.files] == [
        ("ADaM/adae.csv", "blocked"),
        ("ADaM/adsl.csv", "replaces"),
    ]
    replaced = plan.files[1].replaced
    assert replaced is not None
    assert (replaced.size, replaced.directory) == (3, False)
    plan = await plan_of(files, tmp_path / "out", "keep-both")
    assert [(file.path, file.action) for file in plan.files] == [
        ("ADaM/adae (2).csv", "keeps both"),
        ("ADaM/adsl (2).csv", "keeps both"),
    ]
    plan = await plan_of(files, tmp_path / "out", "stop")
    assert [file.action for file in plan.files] == ["blocked", "blocked"]
    assert plan.to_write == ()


async def test_what_an_earlier_export_wrote_is_not_written_again(source: str, tmp_path: Path) -> None:
    original = tmp_path / "source"
    files = [artifact_file("adsl.csv", source), artifact_file("adae.csv", source)]
    plan = await plan_of(files, tmp_path / "out")
    async with Storage(TrustsAll()) as storage:
        await run(plan, storage)
    for mode in ("stop", "replace", "keep-both"):
        plan = await plan_of(files, tmp_path / "out", mode)
        assert [file.action for file in plan.files] == ["same", "same"], mode
    (tmp_path / "out" / "ADaM" / "adsl.csv").write_bytes(b"54321")
    plan = await plan_of(files, tmp_path / "out")
    assert [file.action for file in plan.files] == ["same", "replaces"]
    original.write_bytes(b"new version")
    assert [file.action for file in (await plan_of(files, tmp_path / "out")).files] == ["replaces", "replaces"]


async def test_a_foreign_manifest_is_not_overwritten(source: str, tmp_path: Path) -> None:
    (tmp_path / "ADaM").mkdir()
    (tmp_path / "ADaM" / "adsl.csv").write_bytes(b"")
    for content in (b"[]", b"{", b'{"version": 9, "files": []}', b'{"version": 1, "files": [{}]}'):
        (tmp_path / "flowtui-manifest.json").write_bytes(content)
        with pytest.raises(ExportError, match="no manifest"):
            await plan_of([artifact_file("adsl.csv", source)], tmp_path)


async def test_no_artifact_takes_the_manifests_name(source: str, tmp_path: Path) -> None:
    plan = await plan_of([artifact_file("a.csv", source, artifact="Flowtui-Manifest.json")], tmp_path / "out")
    assert plan.files[0].path == "_Flowtui-Manifest.json/a.csv"


@pytest.mark.parametrize(
    ("file", "format_", "name"),
    [
        ("adsl.csv", "csv", "adsl.csv"),
        ("adsl.CSV", "csv", "adsl.CSV"),
        ("adae dataset", "csv", "adae dataset.csv"),
        ("report v1.2", "pdf", "report v1.2.pdf"),
        ("model.tar.gz", "tar.gz", "model.tar.gz"),
        ("model", "tar.gz", "model.tar.gz"),
        ("data.parquet", "csv", "data.parquet"),
        ("plain", "", "plain"),
        ("dotted", ".csv", "dotted.csv"),
    ],
)
def test_declared_names(file: str, format_: str, name: str) -> None:
    assert declared_name(artifact_file(file, "/x", format_=format_)) == name


def test_names_are_split_at_their_extension() -> None:
    assert split("model.tar.gz") == ("model", ".tar.gz")
    assert split("adsl.csv") == ("adsl", ".csv")
    assert split(".csv") == (".csv", "")
    assert split("v1.2") == ("v1.2", "")
    assert item_names(artifact_file("m.tar.gz", "/a", "/b")) == ("m-0.tar.gz", "m-1.tar.gz")


_PART = st.sampled_from(["a", "A", "b", "b.c", "flowtui-manifest.json"])


@given(names=st.lists(st.lists(_PART, min_size=1, max_size=4), max_size=20))
def test_what_is_a_file_is_never_a_folder_of_others(names: list[list[str]]) -> None:
    taken = Names()
    paths = [taken.take("/".join(folder), name).lower() for *folder, name in names]
    assert len(set(paths)) == len(paths)
    parents = {path.rsplit("/", count)[0] for path in paths for count in range(1, path.count("/") + 1)}
    assert not parents & {*paths, "flowtui-manifest.json"}


async def test_a_file_beside_a_folder_of_its_name_but_for_case_is_renamed(tmp_path: Path) -> None:
    (tmp_path / "s" / "A").mkdir(parents=True)
    (tmp_path / "s" / "A" / "x").write_bytes(b"1")
    if (tmp_path / "s" / "a").exists():
        pytest.skip("case does not count on this file system")
    (tmp_path / "s" / "a").write_bytes(b"2")
    plan = await plan_of([artifact_file("dir", str(tmp_path / "s"), directory=True)], tmp_path / "out")
    assert [(file.path, file.note) for file in plan.files] == [
        ("ADaM/dir/A/x", ""),
        ("ADaM/dir/a (2)", "renamed: another file has this name"),
    ]


def test_folders_may_be_as_deep_as_they_like() -> None:
    folder = "/".join("d" * 2000)
    assert Names().take(folder, "a") == f"{folder}/a"


def test_objects_below_an_object_go_into_a_folder_of_another_name() -> None:
    names = Names()
    assert names.take("d", "part") == "d/part"
    assert [names.take("d/part", name) for name in ("0", "1")] == ["d/part (2)/0", "d/part (2)/1"]
    assert names.take("d/part/x", "0") == "d/part (2)/x/0"
    assert names.take("flowtui-manifest.json", "a") == "flowtui-manifest (2).json/a"


_NAMES = st.lists(st.tuples(st.text(max_size=5), st.text(max_size=300), st.booleans()), max_size=12)


@given(names=_NAMES)
def test_paths_differ_stay_inside_and_fit(names: list[tuple[str, str, bool]]) -> None:
    taken = Names()
    from flowtui.exports.layout import folder_name

    paths = []
    for folder, name, is_folder in names:
        take = taken.take_folder if is_folder else taken.take
        path = take(folder_name(folder), name, ("n0",))
        paths.append(taken.take(path, "part") if is_folder else path)
    assert len({path.casefold() for path in paths}) == len(paths)
    files = set(paths)
    for path in paths:
        parts = path.split("/")
        assert all(part not in ("", ".", "..") and len(part.encode()) <= 255 for part in parts)
        assert not any("/".join(parts[:count]) in files for count in range(1, len(parts)))


def test_targets_are_named_by_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for text, root in {
        "out": tmp_path / "out",
        "directory:out": tmp_path / "out",
        "file:///data/out": Path("/data/out"),
        "~/out": Path.home() / "out",
        str(tmp_path): tmp_path,
    }.items():
        target = parse_target(text)
        assert isinstance(target, DirectoryTarget)
        assert (target.kind, target.root) == ("directory", root)
    for text in ("s3://", "", "directory:", "a\0b", "flyte://v1/x"):
        with pytest.raises(UsageError, match="no place to export to"):
            parse_target(text)
