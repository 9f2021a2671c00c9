"""A logistic regression of hospital readmission, small enough to read."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

FEATURES = ("age", "stay_days", "prior_admissions", "hba1c", "lives_alone")
TARGET = "readmitted"

Row = dict[str, float]


def patients(count: int, seed: int) -> list[Row]:
    """Discharged patients, with whether they came back within 30 days."""
    draw = random.Random(seed)
    rows = []
    for _ in range(count):
        row = {
            "age": float(min(95, max(18, round(draw.gauss(63, 15))))),
            "stay_days": float(1 + int(draw.expovariate(0.22))),
            "prior_admissions": float(min(9, int(draw.expovariate(0.8)))),
            "hba1c": round(max(4.5, draw.gauss(6.6, 1.3)), 1),
            "lives_alone": float(draw.random() < 0.3),
        }
        score = -5.4 + 0.031 * row["age"] + 0.06 * row["stay_days"] + 0.5 * row["prior_admissions"]
        score += 0.21 * row["hba1c"] + 0.45 * row["lives_alone"]
        rows.append({**row, TARGET: float(draw.random() < sigmoid(score))})
    return rows


def sigmoid(score: float) -> float:
    return 1 / (1 + math.exp(-score))


@dataclass(frozen=True)
class LogisticModel:
    """Weights of the standardised features; ``means`` and ``deviations`` standardise them."""

    features: tuple[str, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float

    def probability(self, row: Row) -> float:
        scaled = self._scaled(row)
        return sigmoid(self.intercept + sum(weight * value for weight, value in zip(self.weights, scaled, strict=True)))

    def _scaled(self, row: Row) -> list[float]:
        parts = zip(self.features, self.means, self.deviations, strict=True)
        return [(row[name] - mean) / deviation for name, mean, deviation in parts]


def fit(rows: Sequence[Row], learning_rate: float, epochs: int) -> LogisticModel:
    """Gradient descent over all rows, ``epochs`` times."""
    columns = [[row[name] for row in rows] for name in FEATURES]
    means = [sum(column) / len(column) for column in columns]
    deviations = [
        math.sqrt(sum((value - mean) ** 2 for value in column) / len(column)) or 1.0
        for column, mean in zip(columns, means, strict=True)
    ]
    model = LogisticModel(FEATURES, tuple(means), tuple(deviations), (0.0,) * len(FEATURES), 0.0)
    scaled = [model._scaled(row) for row in rows]
    weights, intercept = [0.0] * len(FEATURES), 0.0
    for _ in range(epochs):
        gradient, shift = [0.0] * len(FEATURES), 0.0
        for row, values in zip(rows, scaled, strict=True):
            score = intercept + sum(weight * value for weight, value in zip(weights, values, strict=True))
            error = sigmoid(score) - row[TARGET]
            shift += error
            for index, value in enumerate(values):
                gradient[index] += error * value
        intercept -= learning_rate * shift / len(rows)
        weights = [w - learning_rate * part / len(rows) for w, part in zip(weights, gradient, strict=True)]
    return LogisticModel(FEATURES, tuple(means), tuple(deviations), tuple(weights), intercept)


def roc_points(scores: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """False and true positive rate at every threshold, from ``(probability, outcome)``."""
    positives = sum(outcome for _, outcome in scores) or 1.0
    negatives = len(scores) - positives or 1.0
    points, hits, misses = [(0.0, 0.0)], 0.0, 0.0
    for _, outcome in sorted(scores, reverse=True):
        hits += outcome
        misses += 1 - outcome
        points.append((misses / negatives, hits / positives))
    return points


def area(points: Sequence[tuple[float, float]]) -> float:
    """The area under a curve of ``roc_points``."""
    return sum((x2 - x1) * (y1 + y2) / 2 for (x1, y1), (x2, y2) in itertools.pairwise(points))
