"""What else is in the artifact that a file belongs to."""

from __future__ import annotations

from dataclasses import replace

from flowtui.domain.artifact import Artifact, ArtifactFile, RunArtifacts
from tests.domain.test_version_diff import run


def file(name: str, *uris: str, artifact: str = "ADaM") -> ArtifactFile:
    return ArtifactFile("data", artifact, name, "", "n0", name, ("",), "present", uris)


def test_siblings_are_the_single_files_of_the_same_artifact() -> None:
    dataset, catalog, folder = file("dm.sas7bdat", "s3://b/1"), file("f.sas7bcat", "s3://b/2"), file("d", "s3://b/3")
    files = (dataset, catalog, replace(folder, directory=True), file("list", "s3://b/4", "s3://b/5"), file("none"))
    other = file("other.sas7bcat", "s3://b/6", artifact="SDTM")
    found = RunArtifacts(run("r", "v"), (Artifact("data", "ADaM", files), Artifact("data", "SDTM", (other,))))
    assert found.siblings(dataset) == {"f.sas7bcat": "s3://b/2"}
    assert found.siblings(catalog) == {"dm.sas7bdat": "s3://b/1"}
    assert found.siblings(other) == {}
    assert found.siblings(file("dm.sas7bdat", artifact="gone")) == {}
