import subprocess
import sys
from typing import Annotated, Any

import pytest
from flyteidl.core.artifact_id_pb2 import ArtifactID
from flytekit.core.interface import transform_type
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st

from flowtui.errors import ArtifactError
from flowtui.plugin.artifact import DATA, MODEL, REPORT, Artifact, ArtifactType, extension
from flowtui.plugin.encoding import FileKey, key_of_type
from flowtui.plugin.file import PathConfig


def variable(file_type: Any) -> Any:
    return transform_type(file_type, "x").to_flyte_idl()


def test_a_file_is_written_as_a_partial_artifact_id() -> None:
    message = variable(Artifact("ADaM Datasets", DATA).File("adsl.sas7bdat"))
    assert MessageToDict(message) == {
        "type": {"blob": {"format": "sas7bdat"}},
        "description": "x",
        "artifactPartialId": {
            "artifactKey": {"name": "adsl.sas7bdat"},
            "partitions": {
                "value": {
                    "artifact_type": {"staticValue": "data"},
                    "artifact_name": {"staticValue": "ADaM Datasets"},
                }
            },
        },
    }


@pytest.mark.parametrize(
    ("name", "type_", "expected"),
    [
        ("adae.sas7bdat", None, "sas7bdat"),
        ("runs.tar.gz", None, "tar.gz"),
        ("adsl.v2.csv", None, "csv"),
        ("14.1.1 demographics.rtf", None, "rtf"),
        ("signal.extensionfoobarbaz", None, "extensionfoobarbaz"),
        ("backup.7z", None, "7z"),
        ("adsl dataset", "sas7bdat", "sas7bdat"),
        ("listing.txt", ".csv", "csv"),
        ("Prod/QC compare.pdf", None, "pdf"),
    ],
)
def test_the_format_comes_from_the_extension_or_from_type(name: str, type_: str | None, expected: str) -> None:
    message = variable(Artifact("A", REPORT).File(name, type=type_))
    assert message.type.blob.format == expected
    assert message.artifact_partial_id.artifact_key.name == name


@pytest.mark.parametrize("name", ["adsl dataset", ".profile", "model.", "Table 14.1", "v1.0/readme", "..."])
def test_a_file_without_extension_needs_a_type(name: str) -> None:
    with pytest.raises(ArtifactError, match="no extension") as error:
        Artifact("My Data", DATA).File(name)
    assert name in str(error.value)
    assert "My Data" in str(error.value)


@given(st.text())
def test_an_extension_is_a_suffix_after_a_dot(name: str) -> None:
    found = extension(name)
    assert not found or (name.endswith(f".{found}") and name != f".{found}")


@pytest.mark.parametrize("name", ["", "  ", None])
def test_an_artifact_and_a_file_need_a_name(name: Any) -> None:
    with pytest.raises(ArtifactError, match="no name"):
        Artifact(name, DATA)
    with pytest.raises(ArtifactError, match='A file of the artifact "My Model" has no name'):
        Artifact("My Model", MODEL).File(name)


class Foreign:
    value = "mydata"


@pytest.mark.parametrize("type_", ["mydata", None, 3, Foreign()])
def test_an_unknown_type_is_refused(type_: Any) -> None:
    with pytest.raises(ArtifactError, match="unknown type"):
        Artifact("A", type_)


def test_an_error_is_a_value_error_for_flow_authors() -> None:
    with pytest.raises(ValueError, match="no name"):
        Artifact("", DATA)


def test_types_are_enum_members_with_the_value_of_the_wire() -> None:
    assert [type_.value for type_ in (DATA, MODEL, REPORT)] == ["data", "model", "report"]
    assert Artifact("A", DATA) == Artifact("A", ArtifactType.DATA)
    assert Artifact(name="A", type=MODEL).type is MODEL


def test_a_path_config_around_a_file_keeps_the_artifact() -> None:
    file = Artifact("Plots", REPORT).File("a.png")
    wrapped = Annotated[file, PathConfig(path="/mnt/data/a.png")]
    assert key_of_type(wrapped) == key_of_type(file) == FileKey("Plots", "report", "a.png")
    assert variable(wrapped).artifact_partial_id == variable(file).artifact_partial_id


def test_a_plain_type_declares_nothing() -> None:
    assert key_of_type(str) is None
    assert key_of_type(Annotated[str, "unit"]) is None
    assert variable(str).artifact_partial_id == ArtifactID()


def test_importing_the_module_does_not_import_flytekit() -> None:
    code = (
        "import sys, flowtui.plugin.artifact as a; a.Artifact('A', a.DATA)\n"
        "assert 'flytekit' not in sys.modules, 'flytekit is there'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
