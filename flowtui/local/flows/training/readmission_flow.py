"""Train and judge a model of hospital readmission.

flowtui run readmission_flow.py train_readmission_model --learning_rate 0.5 --epochs 120
"""

import csv
import json
import pickle
from pathlib import Path
from typing import NamedTuple, TypeVar

import risk
from flytekit import current_context, task, workflow
from flytekit.types.file import FlyteFile
from flytekitplugins.domino.artifact import DATA, MODEL, REPORT, Artifact
from PIL import Image, ImageDraw

Training = Artifact("Training Data", DATA)
Readmission = Artifact("Readmission Model", MODEL)
Evaluation = Artifact("Model Evaluation", REPORT)

Csv = FlyteFile[TypeVar("csv")]
Pickle = FlyteFile[TypeVar("pkl")]


class Split(NamedTuple):
    train: Training.File("train.csv")
    holdout: Training.File("holdout.csv")


class Judgement(NamedTuple):
    metrics: Evaluation.File("metrics.json")
    roc: Evaluation.File("roc.png")


class Outputs(NamedTuple):
    model: Readmission.File("model.pkl")
    auc: float


@task(cache=True, cache_version="1")
def split_patients(patients: int, seed: int) -> Split:
    """Four fifths of the patients to train on, the others to judge by."""
    rows = risk.patients(patients, seed)
    cut = len(rows) * 4 // 5
    return Split(write_rows("train.csv", rows[:cut]), write_rows("holdout.csv", rows[cut:]))


@task
def fit_model(train: Csv, learning_rate: float, epochs: int) -> Pickle:
    """The model's place among the artifacts is in the workflow's signature."""
    model = risk.fit(read_rows(train), learning_rate, epochs)
    path = new_file("model.pkl")
    path.write_bytes(pickle.dumps(model))
    for name, weight in zip(model.features, model.weights, strict=True):
        print(f"{name:>18} {weight:+.3f}")
    return FlyteFile(str(path))


@task
def judge_model(model: Pickle, holdout: Csv) -> Judgement:
    """Metrics and the receiver operating characteristic on the patients held out."""
    fitted = load_model(model)
    scores = [(fitted.probability(row), row[risk.TARGET]) for row in read_rows(holdout)]
    points = risk.roc_points(scores)
    metrics = {
        "auc": round(risk.area(points), 4),
        "accuracy": round(sum((score >= 0.5) == bool(outcome) for score, outcome in scores) / len(scores), 4),
        "brier": round(sum((score - outcome) ** 2 for score, outcome in scores) / len(scores), 4),
        "patients": len(scores),
        "weights": dict(zip(fitted.features, (round(weight, 4) for weight in fitted.weights), strict=True)),
    }
    path = new_file("metrics.json")
    path.write_text(json.dumps(metrics, indent=2))
    return Judgement(FlyteFile(str(path)), draw_curve(points))


@task
def read_auc(metrics: FlyteFile[TypeVar("json")]) -> float:
    return float(json.loads(Path(metrics.download()).read_text())["auc"])


@workflow
def train_readmission_model(
    patients: int = 900, seed: int = 7, learning_rate: float = 0.5, epochs: int = 120
) -> Outputs:
    """Split, fit, judge."""
    data = split_patients(patients=patients, seed=seed)
    model = fit_model(train=data.train, learning_rate=learning_rate, epochs=epochs)
    judged = judge_model(model=model, holdout=data.holdout)
    return Outputs(model, read_auc(metrics=judged.metrics))


def new_file(name: str) -> Path:
    """A path in the task's own folder."""
    folder = Path(current_context().working_directory)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


def write_rows(name: str, rows: list[risk.Row]) -> FlyteFile:
    path = new_file(name)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*risk.FEATURES, risk.TARGET])
        writer.writeheader()
        writer.writerows(rows)
    return FlyteFile(str(path))


def read_rows(file: FlyteFile) -> list[risk.Row]:
    with open(file.download(), newline="") as lines:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(lines)]


def load_model(file: FlyteFile) -> risk.LogisticModel:
    """The model that this flow's own task has written; a pickle from elsewhere is not to be loaded."""
    return pickle.loads(Path(file.download()).read_bytes())


def draw_curve(points: list[tuple[float, float]]) -> FlyteFile:
    """The curve in a unit square, with the diagonal of chance."""
    side, margin = 480, 40
    image = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(image)

    def place(point: tuple[float, float]) -> tuple[float, float]:
        reach = side - 2 * margin
        return margin + point[0] * reach, side - margin - point[1] * reach

    draw.rectangle([place((0, 1)), place((1, 0))], outline="black")
    draw.line([place((0, 0)), place((1, 1))], fill="#b0b0b0")
    draw.line([place(point) for point in points], fill="#005aa0", width=3)
    draw.text((margin, margin // 2), f"ROC on {len(points) - 1} patients, AUC {risk.area(points):.3f}", fill="black")
    draw.text((side // 2 - 50, side - margin + 12), "false positive rate", fill="black")
    path = new_file("roc.png")
    image.save(path)
    return FlyteFile(str(path))
