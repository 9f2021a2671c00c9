"""What runs inside a worker process with flytekit: one attempt of a Python task, and the reading of a flow's file.

Loaded once by the process that forks the workers. Requests and answers are JSON; literals and specs are protobuf bytes
in files or base 64.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import sys
import traceback
import warnings
from collections import OrderedDict
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import click
import flytekit.bin.entrypoint as entrypoint
import flytekit.tools.translator as translator
from flytekit import LaunchPlan
from flytekit.configuration import ImageConfig, SerializationSettings
from flytekit.core.base_task import PythonTask
from flytekit.core.context_manager import FlyteContext, FlyteContextManager, FlyteEntities
from flytekit.core.data_persistence import FileAccessProvider
from flytekit.core.workflow import WorkflowBase
from flytekit.interaction.click_types import FlyteLiteralConverter, literal_type_to_click_type
from flytekit.models.admin.workflow import WorkflowSpec
from flytekit.models.launch_plan import LaunchPlan as LaunchPlanModel
from flytekit.models.literals import LiteralMap
from flytekit.models.task import TaskSpec
from flytekit.models.types import SimpleType
from flytekit.remote.remote_callable import RemoteEntity

from flowtui.errors import UsageError
from flowtui.local.runner.flow_file import VERSION_LENGTH, FlowFile
from flowtui.local.runner.flow_inputs import FlowInput, match_inputs
from flowtui.plugin.artifact_warning import ArtifactWarning

_UNFIT = (NotImplementedError, ValueError, TypeError, KeyError, AttributeError, OSError)
"""What flytekit raises for a text that does not fit its type."""
_COMMANDS = {
    "pyflyte-execute": entrypoint.execute_task_cmd,
    "pyflyte-map-execute": entrypoint.map_execute_task_cmd,
}
_IMAGE = "flowtui.local/python:here"
_PLACEHOLDER = "flowtui0version0unknown"[:VERSION_LENGTH]
"""Stands for the version in the specs that it is computed from; of its length, so that the bytes can be exchanged."""


def _use_plugin() -> None:
    importlib.import_module("flowtui.plugin.alias")


def execute(request: dict[str, Any]) -> int:
    """One attempt of a Python task, as Flyte's container runs it.

    The request has ``args`` (the container's arguments, filled in) and ``root`` (the folder that the flow's module is
    imported from). Outputs, futures or the error are written below the output prefix.
    """
    _use_plugin()
    sys.path.insert(0, request["root"])
    arguments = request["args"]
    if arguments[0] == "pyflyte-fast-execute":
        arguments = arguments[arguments.index("--") + 1 :]
    command = _COMMANDS[arguments[0]]
    command.main(arguments[1:], standalone_mode=False)
    return 0


def _load(flow: FlowFile) -> ModuleType:
    """Import the flow's module.

    Raises:
        ImportError: its name belongs to another module.
    """
    _use_plugin()
    sys.path.insert(0, str(flow.root))
    module = importlib.import_module(flow.module)
    loaded_from = getattr(module, "__file__", None)
    if loaded_from is None or not os.path.samefile(loaded_from, flow.path):
        raise ImportError(
            f"the module name {flow.module} belongs to {loaded_from or 'a built-in module'}: rename the file"
        )
    return module


def _find(module: ModuleType, name: str) -> Any:
    """The entity of a name: a variable of the module, or a workflow or launch plan registered under the name."""

    kinds = (WorkflowBase, LaunchPlan, PythonTask)
    entity = getattr(module, name, None)
    if isinstance(entity, kinds):
        return entity
    for entity in FlyteEntities.entities:
        if isinstance(entity, kinds) and entity.name in (name, f"{module.__name__}.{name}"):
            return entity
    return None


def _workflows(module: ModuleType) -> list[str]:

    return [name for name, value in vars(module).items() if isinstance(value, WorkflowBase)]


def _settings(request: dict[str, Any], version: str) -> SerializationSettings:
    return SerializationSettings(
        image_config=ImageConfig.auto(img_name=_IMAGE),
        project=request["project"],
        domain=request["domain"],
        version=version,
    )


def _serialise(settings: SerializationSettings, chosen: Any) -> tuple[list[dict[str, str]], int, list[str], list[str]]:
    """All entities of the module as specs, each after those that it needs.

    Returns:
        The specs, how many of them from the first the chosen one needs, what could not be serialised of the others, and
        what is said about the artifacts of the chosen one.
    """

    specs: OrderedDict[Any, Any] = OrderedDict()
    needed = 0
    skipped: list[str] = []
    said: list[str] = []
    context = FlyteContextManager.current_context()
    context = context.with_serialization_settings(settings).build()
    with FlyteContextManager.with_context(context.new_builder()) as inner:
        others = [e for e in FlyteEntities.entities.copy() if isinstance(e, (PythonTask, WorkflowBase, LaunchPlan))]
        for entity in [chosen, *(e for e in others if e is not chosen)]:
            done = specs.copy()
            try:
                with warnings.catch_warnings(record=True) as found:
                    warnings.simplefilter("always", ArtifactWarning)
                    translator.get_serializable(specs, settings, entity)
                    if isinstance(entity, WorkflowBase):
                        plan = LaunchPlan.get_default_launch_plan(inner, entity)
                        translator.get_serializable(specs, settings, plan)
                if entity is chosen:
                    said = [str(one.message) for one in found if issubclass(one.category, ArtifactWarning)]
            except Exception as error:  # whatever another flow of the file does must not stop this one
                if entity is chosen:
                    raise
                specs = done
                skipped.append(f"{getattr(entity, 'name', entity)}: {error}")
            if entity is chosen:
                needed = sum(_spec(model) is not None for model in specs.values())
    return [spec for model in specs.values() if (spec := _spec(model)) is not None], needed, skipped, said


def _spec(model: Any) -> dict[str, str] | None:

    if isinstance(model, RemoteEntity):
        return None
    if isinstance(model, TaskSpec):
        kind, message = "task", model.to_flyte_idl()
    elif isinstance(model, WorkflowSpec):
        kind, message = "workflow", model.to_flyte_idl()
        # flytekit holds them in a set: without an order the same code would have many versions.
        for template in (message.template, *message.sub_workflows):
            for node in template.nodes:
                node.upstream_node_ids[:] = sorted(node.upstream_node_ids)
    elif isinstance(model, LaunchPlanModel):
        kind, message = "launch_plan", model.to_flyte_idl()
    else:
        return None
    return {"kind": kind, "spec": base64.b64encode(message.SerializeToString(deterministic=True)).decode()}


def _context(uploads: str) -> FlyteContext:
    access = FileAccessProvider(local_sandbox_dir=os.environ.get("TMPDIR", "/tmp"), raw_output_prefix=uploads)  # noqa: S108
    return FlyteContextManager.current_context().with_file_access(access).build()


def _describe(entity: Any) -> list[dict[str, Any]]:
    """Name, type in words, default and description of every input."""

    python_inputs = entity.python_interface.inputs_with_defaults
    answer = []
    for name, variable in entity.interface.inputs.items():
        python_type, default = python_inputs[name]
        kind = _words(variable.type, python_type)
        answer.append(
            {
                "name": name,
                "type": kind,
                "boolean": kind == "boolean",
                "required": default is None and not _is_optional(variable.type),
                "default": None if default is None else str(default),
                "description": variable.description if variable.description != name else "",
            }
        )
    return answer


def _words(literal_type: Any, python_type: Any) -> str:
    """A type in words; None as a choice goes without saying."""
    if literal_type.union_type is not None:
        pairs = zip(literal_type.union_type.variants, get_args(python_type), strict=False)
        return "|".join(_words(kind, python) for kind, python in pairs if kind.simple != SimpleType.NONE)
    if literal_type.enum_type is not None:
        return "|".join(literal_type.enum_type.values)
    if literal_type.simple == SimpleType.DURATION:
        return "duration"
    try:
        return str(literal_type_to_click_type(literal_type, python_type).name)
    except (NotImplementedError, AttributeError, IndexError):
        return str(python_type)


def _is_optional(literal_type: Any) -> bool:

    union = literal_type.union_type
    return union is not None and any(variant.simple == SimpleType.NONE for variant in union.variants)


def _convert(entity: Any, values: dict[str, str], uploads: str) -> tuple[str, str]:
    """Texts of the command line as a literal map in base 64, or what is wrong with one of them."""

    class Remote:
        is_remote = True

    context = _context(uploads)
    command = click.Context(click.Command("run"), obj=Remote())
    literals = {}
    with FlyteContextManager.with_context(context.new_builder()) as inner:
        for name, text in values.items():
            literal_type = entity.interface.inputs[name].type
            python_type = entity.python_interface.inputs[name]
            try:
                converter = FlyteLiteralConverter(inner, literal_type, python_type, is_remote=True)
                value = converter.click_type.convert(text, None, command)
                literal = converter.convert(command, None, value)
                literal.to_flyte_idl()  # a number may be out of range
                literals[name] = literal
            except (click.ClickException, *_UNFIT) as error:
                return "", f"--{name} cannot be {text!r}: {_reason(error, literal_type)}"
    message = LiteralMap(literals=literals).to_flyte_idl()
    return base64.b64encode(message.SerializeToString()).decode(), ""


def _reason(error: Exception, literal_type: Any) -> str:
    """Why a text cannot be an input, without flytekit's own names of things."""
    told = error.message if isinstance(error, click.ClickException) else str(error)
    if isinstance(error, (TypeError, AttributeError)) or "valid json object" in told:
        if literal_type.collection_type is not None:
            return "it must be a list in JSON"
        if literal_type.map_value_type is not None or literal_type.simple == SimpleType.STRUCT:
            return "it must be an object in JSON"
        if literal_type.simple == SimpleType.DURATION:
            return "it must be a duration such as 90s or 1h30m"
    return told.rpartition(" Reason ")[2]


def read_flow(request: dict[str, Any]) -> int:
    """Load a flow's module and write what it holds as JSON to ``answer``.

    The request has the attributes of the FlowFile, ``workflow`` (may be empty), ``project``, ``domain`` and ``answer``;
    with ``values`` (texts by name) the answer has the inputs as a literal map too, and files that they name are copied
    below ``uploads``. Where the module fails, the answer has ``error`` and ``traceback``.
    """
    answer: dict[str, Any] = {}
    try:
        _read(request, answer)
    except BaseException as error:  # noqa: BLE001  (a flow's module may raise anything, SystemExit included)
        answer["error"] = f"{type(error).__name__}: {error}"
        answer["traceback"] = _own_frames(error, Path(request["root"]))
        answer["artifact_error"] = type(error).__name__ == "ArtifactError"
        if isinstance(error, SyntaxError):
            answer["error"] = f"{type(error).__name__}: {error.msg} ({error.filename}, line {error.lineno})"
    Path(request["answer"]).write_text(json.dumps(answer), "utf-8")
    return 0


def _own_frames(error: BaseException, root: Path) -> str:
    """Where in the person's own files an error came from: flytekit's frames say little to who wrote a flow."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(root)]
    return "".join(traceback.format_list(own[-3:])).rstrip()


def _read(request: dict[str, Any], answer: dict[str, Any]) -> None:

    flow = FlowFile(Path(request["path"]), Path(request["root"]), request["module"], Path(request["folder"]))
    module = _load(flow)
    answer["workflows"] = _workflows(module)
    if not request["workflow"]:
        return
    entity = _find(module, request["workflow"])
    answer["kind"] = (
        ""
        if entity is None
        else "launch_plan"
        if isinstance(entity, LaunchPlan)
        else "task"
        if isinstance(entity, PythonTask)
        else "workflow"
    )
    if not answer["kind"]:
        return
    answer["name"] = entity.name
    if isinstance(entity, LaunchPlan):
        entity.workflow.compile() if hasattr(entity.workflow, "compile") else None
        answer["inputs"] = _describe(entity.workflow)
        fixed = set(entity.fixed_inputs.literals)
        defaults = entity.parameters.parameters
        for item in answer["inputs"]:
            item["required"] = item["name"] in defaults and bool(defaults[item["name"]].required)
        answer["inputs"] = [item for item in answer["inputs"] if item["name"] not in fixed]
    else:
        answer["inputs"] = _describe(entity)
    answer["doc"] = getattr(getattr(entity, "docs", None), "short_description", "") or ""
    specs, answer["needed"], answer["skipped"], answer["said"] = _serialise(_settings(request, _PLACEHOLDER), entity)
    answer["sources"], answer["version"] = flow.version(specs)
    known = answer["version"].encode()
    for spec in specs:
        exchanged = base64.b64decode(spec["spec"]).replace(_PLACEHOLDER.encode(), known)
        spec["spec"] = base64.b64encode(exchanged).decode()
    answer["specs"] = specs
    if request.get("values") is not None:
        target = entity.workflow if isinstance(entity, LaunchPlan) else entity
        try:
            values = match_inputs(request["values"], [FlowInput(**item) for item in answer["inputs"]])
        except UsageError as error:
            answer["input_error"], answer["input_hint"] = error.message, error.hint
            return
        answer["literals"], answer["input_error"] = _convert(target, values, request["uploads"])
        answer["input_hint"] = ""
