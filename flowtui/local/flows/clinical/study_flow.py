"""From study data to the tables of a report: SDTM, ADaM, TFL.

    flowtui run study_flow.py study_report --study CDX-301 --cutoff 2025-03-31

SAS transport files (XPT version 5) stand where a SAS site would also have sas7bdat: no library outside SAS writes that
format.
"""

import json
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

import adam
import pandas as pd
import pyreadstat
import sdtm
import tfl
from flytekit import current_context, task, workflow
from flytekit.types.file import FlyteFile
from flytekitplugins.domino.artifact import DATA, REPORT, Artifact

Sdtm = Artifact("SDTM Datasets", DATA)
Adam = Artifact("ADaM Datasets", DATA)
Tfl = Artifact("TFL Reports", REPORT)

Xpt = FlyteFile[TypeVar("xpt")]


class Tabulation(NamedTuple):
    dm: Sdtm.File("dm.xpt")
    ae: Sdtm.File("ae.xpt")
    vs: Sdtm.File("vs.xpt")


class SubjectLevel(NamedTuple):
    adsl: Adam.File("adsl.xpt")
    adsl_csv: Adam.File("adsl.csv")


class Outputs(NamedTuple):
    report: Tfl.File("tfl_report.pdf")
    variables: Adam.File("adam variables", type="json")


@task(cache=True, cache_version="1")
def extract_sdtm(study: str, subjects: int) -> Tabulation:
    """Take the study's data out of the clinical database."""
    dm = sdtm.demographics(study, subjects)
    return Tabulation(
        dm=write_xpt(dm, "DM", "Demographics", sdtm.LABELS),
        ae=write_xpt(sdtm.adverse_events(dm), "AE", "Adverse Events", sdtm.LABELS),
        vs=write_xpt(sdtm.vital_signs(dm), "VS", "Vital Signs", sdtm.LABELS),
    )


@task
def derive_adsl(dm: Xpt, cutoff: datetime) -> SubjectLevel:
    """Subjects randomised by the data cut-off."""
    adsl = adam.subject_level(read_xpt(dm), cutoff.date())
    table = new_file("adsl.csv")
    adsl.to_csv(table, index=False)
    print(f"ADSL: {len(adsl)} subjects by {cutoff:%d %b %Y}")
    return SubjectLevel(write_xpt(adsl, "ADSL", "Subject-Level Analysis Dataset", adam.LABELS), FlyteFile(str(table)))


@task
def derive_adae(adsl: Xpt, ae: Xpt) -> Adam.File("adae.xpt"):
    """Adverse events, with the treatment-emergent ones flagged."""
    adae = adam.adverse_events(read_xpt(adsl), read_xpt(ae))
    return write_xpt(adae, "ADAE", "Adverse Events Analysis Dataset", adam.LABELS)


@task
def derive_advs(adsl: Xpt, vs: Xpt) -> Adam.File("advs.xpt"):
    """Vital signs with baseline and change."""
    advs = adam.vital_signs(read_xpt(adsl), read_xpt(vs))
    return write_xpt(advs, "ADVS", "Vital Signs Analysis Dataset", adam.LABELS)


@task
def table_demographics(adsl: Xpt) -> Tfl.File("t_14_1_1_demographics.rtf"):
    path = new_file("demographics.rtf")
    tfl.write_rtf(tfl.demographics(read_xpt(adsl)), path)
    return FlyteFile(str(path))


class AdverseEvents(NamedTuple):
    table: Tfl.File("t_14_3_1_teae.rtf")
    cells: Tfl.File("t_14_3_1_teae.csv")


@task
def table_adverse_events(adsl: Xpt, adae: Xpt) -> AdverseEvents:
    table = tfl.adverse_events(read_xpt(adsl), read_xpt(adae))
    rtf, csv = new_file("teae.rtf"), new_file("teae.csv")
    tfl.write_rtf(table, rtf)
    tfl.write_csv(table, csv)
    return AdverseEvents(FlyteFile(str(rtf)), FlyteFile(str(csv)))


@task
def assemble_report(study: str, adsl: Xpt, adae: Xpt, advs: Xpt) -> FlyteFile[TypeVar("pdf")]:
    """Every table and figure in one document; its place among the artifacts is in the workflow's signature."""
    path = new_file("report.pdf")
    subjects = read_xpt(adsl)
    tables = [tfl.demographics(subjects), tfl.adverse_events(subjects, read_xpt(adae))]
    tfl.write_report(tables, read_xpt(advs), study, path)
    return FlyteFile(str(path))


@task
def describe_variables(adsl: Xpt, adae: Xpt, advs: Xpt) -> FlyteFile[TypeVar("json")]:
    """Name, label and type of every variable, as a define file has them."""
    described = {}
    for dataset in (adsl, adae, advs):
        _, meta = pyreadstat.read_xport(dataset.download(), metadataonly=True)
        types = meta.readstat_variable_types
        described[meta.table_name] = [
            {"variable": name, "label": label, "type": types[name]}
            for name, label in meta.column_names_to_labels.items()
        ]
    path = new_file("variables.json")
    path.write_text(json.dumps(described, indent=2))
    return FlyteFile(str(path))


@workflow
def study_report(study: str = "CDX-301", subjects: int = 60, cutoff: datetime = datetime(2025, 6, 30)) -> Outputs:
    """Datasets and reports of one study at one data cut-off."""
    tabulation = extract_sdtm(study=study, subjects=subjects)
    subject_level = derive_adsl(dm=tabulation.dm, cutoff=cutoff)
    adae = derive_adae(adsl=subject_level.adsl, ae=tabulation.ae)
    advs = derive_advs(adsl=subject_level.adsl, vs=tabulation.vs)
    table_demographics(adsl=subject_level.adsl)
    table_adverse_events(adsl=subject_level.adsl, adae=adae)
    report = assemble_report(study=study, adsl=subject_level.adsl, adae=adae, advs=advs)
    variables = describe_variables(adsl=subject_level.adsl, adae=adae, advs=advs)
    return Outputs(report, variables)


def new_file(name: str) -> Path:
    """A path in the task's own folder."""
    folder = Path(current_context().working_directory)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


def write_xpt(frame: pd.DataFrame, name: str, label: str, labels: dict[str, str]) -> FlyteFile:
    """Write a dataset as a SAS transport file, with the labels of its variables."""
    path = new_file(f"{name.lower()}.xpt")
    dates = {column: "DATE9." for column in frame if isinstance(frame[column].iloc[0], date)}
    pyreadstat.write_xport(
        frame,
        str(path),
        file_label=label,
        table_name=name,
        column_labels=[labels[column] for column in frame],
        variable_format=dates,
        file_format_version=5,
    )
    return FlyteFile(str(path))


def read_xpt(file: FlyteFile) -> pd.DataFrame:
    """The dataset in a SAS transport file."""
    frame, _ = pyreadstat.read_xport(file.download())
    return frame
