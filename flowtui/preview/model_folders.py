"""Folders that are a model or a dataset as a whole, by the names of their files."""

from __future__ import annotations

from collections.abc import Iterable

_CORE_ML = "Data/com.apple.CoreML/model.mlmodel"


def words_of_folder(names: Iterable[str]) -> str:
    """What a folder is, and which of its files describes it; empty where its names tell nothing.

    Args:
        names: paths of its files, relative to it.
    """
    found = frozenset(names)
    if "MLmodel" in found:
        return "an MLflow model: its file MLmodel describes it"
    if "Manifest.json" in found and _CORE_ML in found:
        return f"a Core ML package: its file {_CORE_ML} describes it"
    if "saved_model.pb" in found:
        return "a SavedModel of TensorFlow: its weights are below variables"
    if any(name.startswith("_versions/") for name in found) and any(name.endswith(".lance") for name in found):
        return "a dataset of Lance: the files below data hold its rows"
    return ""
