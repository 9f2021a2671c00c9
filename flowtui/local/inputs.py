"""Inputs of launch plans and executions: defaults, fixed values, and what does not fit."""

from __future__ import annotations

from typing import Any

from flyteidl.core import interface_pb2, literals_pb2

from flowtui.local.literal_types import castable, literal_type
from flowtui.local.status import invalid, text


def expected_inputs(spec: Any, interface: Any) -> Any:
    """What a launch plan expects of its caller: its workflow's inputs without the fixed ones, with its defaults.

    Args:
        spec: a LaunchPlanSpec.
        interface: its workflow's TypedInterface.

    Raises:
        AdminError: a default or fixed input is none of the workflow's, or of another type.
    """
    known = interface.inputs.variables
    defaults, fixed = spec.default_inputs.parameters, spec.fixed_inputs.literals
    expected = interface_pb2.ParameterMap()
    for name in sorted(fixed):
        if name not in known:
            raise invalid(f"unexpected fixed_input {name}")
        _check_type(fixed[name], known[name].type, f"invalid fixed_input wrong type {name}")
    for name in sorted(defaults):
        if name not in known:
            raise invalid(f"unexpected default_input {name}")
        if defaults[name].WhichOneof("behavior") == "default":
            _check_type(defaults[name].default, known[name].type, f"invalid default_input wrong type {name}")
    for name in known:
        if name in fixed:
            continue
        if name in defaults:
            expected.parameters[name].CopyFrom(defaults[name])
            # The workflow's own variable says more than the launch plan's copy of it.
            expected.parameters[name].var.CopyFrom(defaults[name].var)
        else:
            expected.parameters[name].var.CopyFrom(known[name])
            expected.parameters[name].required = True
    return expected


def _check_type(literal: Any, expected: Any, refusal: str) -> None:
    given = literal_type(literal)
    if given is None or not castable(given, expected):
        shown = text(given) if given is not None else "no value"
        raise invalid(f"{refusal}. Expected {text(expected)}, but got {shown}")


def merge(given: Any, fixed: Any, expected: Any) -> Any:
    """The inputs that an execution runs with.

    Args:
        given: the caller's LiteralMap.
        fixed: the launch plan's fixed inputs.
        expected: the launch plan's ParameterMap of expected inputs.

    Raises:
        AdminError: an input is unknown, missing, of the wrong type, or fixed.
    """
    merged = literals_pb2.LiteralMap()
    parameters = expected.parameters
    for name in sorted(given.literals):
        if name not in parameters:
            raise invalid(f"invalid input {name}")
        merged.literals[name].CopyFrom(given.literals[name])
    for name in sorted(parameters):
        parameter = parameters[name]
        if name in merged.literals:
            kind = literal_type(merged.literals[name])
            if kind is None or not castable(kind, parameter.var.type):
                shown = text(kind) if kind is not None else "no value"
                raise invalid(f"invalid {name} input wrong type. Expected {text(parameter.var.type)}, but got {shown}")
        elif parameter.required:
            raise invalid(f"expected_inputs {name} missing")
        else:
            merged.literals[name].CopyFrom(parameter.default)
    for name in sorted(fixed.literals):
        if name in merged.literals:
            raise invalid(f"fixed_inputs {name} cannot be overridden")
        merged.literals[name].CopyFrom(fixed.literals[name])
    return merged
