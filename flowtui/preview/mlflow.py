"""The file ``MLmodel`` of an MLflow model: flavors with their versions and files, signature, run and identity.

It is YAML (https://mlflow.org/docs/latest/ml/model/). Columns of the signature are JSON in a text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import yaml

from flowtui.errors import PreviewError
from flowtui.preview.json import parse
from flowtui.preview.json_cells import JsonObject
from flowtui.preview.model_tree import ModelTree, facts_of
from flowtui.preview.result import Preview
from flowtui.preview.subject import Subject
from flowtui.preview.text import lines_of

_FLAVORS = b"\nflavors:"
_OTHERS = (
    b"artifact_path",
    b"mlflow_version",
    b"model_uuid",
    b"model_id",
    b"utc_time_created",
    b"signature",
    b"run_id",
)
_FACTS = (
    ("mlflow_version", "MLflow"), ("utc_time_created", "created"), ("model_uuid", "model uuid"),
    ("model_id", "model id"), ("run_id", "run"), ("artifact_path", "artifact path"),
)  # fmt: skip
_MOST = 1024 * 1024
_DEEPEST = 20
_MOST_VALUES = 5000


class _Loader(yaml.SafeLoader):
    """Knows no merged mappings: a few lines of them can be made to double without end."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Leave merge keys as they are; they are then refused."""


def accepts(subject: Subject) -> bool:
    """Text with the flavors of a model, and something else that MLflow writes beside them."""
    if subject.sniffed.encoding is None:
        return False
    head = b"\n" + subject.head[:65_536]
    return _FLAVORS in head and any(b"\n" + name + b":" in head for name in _OTHERS)


async def show(subject: Subject) -> Preview:
    await subject.read_whole()
    if not subject.whole or len(subject.head) > _MOST:
        raise PreviewError("the description of an MLflow model that is longer than a preview reads")
    return await asyncio.to_thread(_show, subject)


def _show(subject: Subject) -> Preview:
    limits = subject.limits
    text = subject.text()
    try:
        found = _Loader(text).get_single_data()
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:
        raise PreviewError("the description of an MLflow model that is not valid YAML") from error
    flavors = found.get("flavors") if isinstance(found, dict) else None
    if not isinstance(flavors, dict):
        raise PreviewError("text that is not of an MLflow model: it has no flavors")
    tree = ModelTree(limits)
    for name, flavor in flavors.items():
        tree.group(str(name), "flavor", _flat(flavor))
    signature = found.get("signature")
    for label in ("inputs", "outputs", "params"):
        columns = _columns(signature.get(label)) if isinstance(signature, dict) else []
        if columns:
            tree.group(label, f"{len(columns):,}", columns)
    used = ("flavors", "signature", *(name for name, _ in _FACTS))
    tree.group("other", "", _flat({name: one for name, one in found.items() if name not in used}))
    versions = [
        (str(name), str(version))
        for name, flavor in flavors.items()
        if isinstance(flavor, dict)
        for key, version in flavor.items()
        if isinstance(key, str) and key.endswith("_version") and key != "python_version" and name != "python_function"
    ]
    python = flavors.get("python_function")
    facts = [(words, _words(found.get(name))) for name, words in _FACTS]
    facts += [("flavors", ", ".join(map(str, flavors))), *versions]
    if isinstance(python, dict):
        facts += [("loaded by", _words(python.get("loader_module"))), ("Python", _words(python.get("python_version")))]
    source = lines_of(subject, text, language="yaml")
    return Preview(
        kind="tree",
        tree=tree.root("MLflow model"),
        lines=source.lines,
        language="yaml",
        notices=(*source.notices, *tree.notices()),
        more=tree.is_cut or source.more,
        format="mlflow",
        facts=facts_of(facts, limits),
    )


def _columns(text: object) -> list[tuple[str, str]]:
    """Names and types of a signature, which is a list of JSON objects in a text."""
    if not isinstance(text, str):
        return []
    try:
        found = parse(text)
    except PreviewError:
        return [("signature", text)]
    columns = []
    for index, one in enumerate(found[:_MOST_VALUES] if isinstance(found, list) else []):
        told = dict(one) if isinstance(one, JsonObject) else {}
        tensor = told.get("tensor-spec")
        kind = told.get("type", "?")
        if isinstance(tensor, JsonObject):
            inner = dict(tensor)
            shape = inner.get("shape")
            given = shape if isinstance(shape, list) else []
            lengths = ["?" if str(length) == "-1" else str(length) for length in given]
            kind = f"{inner.get('dtype', '?')} {' x '.join(lengths)}"
        optional = ", optional" if told.get("required") is False else ""
        columns.append((str(told.get("name", index)), f"{kind}{optional}"))
    return columns


def _flat(value: object, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Values by their paths; an alias of YAML may stand in many places, so that no more are taken than are shown."""
    if isinstance(value, dict) and value and depth < _DEEPEST:
        for name, one in value.items():
            yield from _flat(one, f"{path}.{name}"[:500] if path else str(name)[:500], depth + 1)
    elif path:
        yield path, _words(value)


def _words(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return f"[{', '.join(_words(one) if not isinstance(one, list | dict) else '…' for one in value[:20])}]"
    if isinstance(value, dict):
        return f"{{{len(value):,}}}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)[:2000]
