"""Prepare data and train a model as two Domino jobs, without and with an export to a dataset.

    flowtui run model_flow.py training_workflow --data_path data/admissions_2024.csv

The jobs are the scripts ``prep-data.py`` and ``train-model.py`` beside this file.
"""

from typing import TypeVar

from flytekit import workflow
from flytekit.types.file import FlyteFile
from flytekitplugins.domino.artifact import (
    DATA,
    MODEL,
    Artifact,
    ExportArtifactToDatasetsSpec,
    run_launch_export_artifacts_task,
)
from flytekitplugins.domino.task import DominoJobConfig, DominoJobTask

DataArtifact = Artifact(name="My Data", type=DATA)
ModelArtifact = Artifact(name="My Model", type=MODEL)


def prepare(data_path: str):
    """The first job: clean the admissions; its output is a file of an artifact."""
    job = DominoJobTask(
        name="Prep data",
        domino_job_config=DominoJobConfig(Command="python prep-data.py"),
        inputs={"data_path": str},
        outputs={"processed_data": DataArtifact.File(name="data.csv")},
        use_latest=True,
    )
    return job(data_path=data_path)


def train(processed_data):
    """The second job: fit the model; the workflow's signature makes its output a file of an artifact."""
    job = DominoJobTask(
        name="Train model",
        domino_job_config=DominoJobConfig(Command="python train-model.py"),
        inputs={"processed_data": FlyteFile[TypeVar("csv")]},
        outputs={"model": FlyteFile[TypeVar("pt")]},
        use_latest=True,
    )
    return job(processed_data=processed_data)


@workflow
def training_workflow(data_path: str) -> ModelArtifact.File(name="model.pt"):
    """Clean the data, train on it."""
    prepared = prepare(data_path)
    trained = train(prepared["processed_data"])
    return trained["model"]


@workflow
def training_workflow_with_export(data_path: str) -> ModelArtifact.File(name="model.pt"):
    """The same, and every run's data becomes a new snapshot of a dataset."""
    prepared = prepare(data_path)
    trained = train(prepared["processed_data"])
    run_launch_export_artifacts_task(
        spec_list=[ExportArtifactToDatasetsSpec(artifact=DataArtifact, dataset_id="65f0c2d7a91b4e3f8d6a1c04")],
        environment_name="Domino Standard Environment",
        hardware_tier_id="small-k8s",
        use_project_defaults_for_omitted=True,
    )
    return trained["model"]
