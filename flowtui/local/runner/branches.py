"""Conditions of branch nodes: which arm is taken."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from flyteidl.core import condition_pb2, literals_pb2, workflow_pb2

from flowtui.errors import FlowError
from flowtui.local.runner.bindings import python_value

_OPERATORS: dict[int, Callable[[Any, Any], Any]] = {
    condition_pb2.ComparisonExpression.EQ: operator.eq,
    condition_pb2.ComparisonExpression.NEQ: operator.ne,
    condition_pb2.ComparisonExpression.GT: operator.gt,
    condition_pb2.ComparisonExpression.GTE: operator.ge,
    condition_pb2.ComparisonExpression.LT: operator.lt,
    condition_pb2.ComparisonExpression.LTE: operator.le,
}


def _operand(operand: condition_pb2.Operand, inputs: literals_pb2.LiteralMap) -> Any:
    kind = operand.WhichOneof("val")
    if kind == "var":
        if operand.var not in inputs.literals:
            raise FlowError(f"A condition asks for {operand.var}, which the branch does not get.")
        return python_value(inputs.literals[operand.var])
    if kind == "scalar":
        return python_value(literals_pb2.Literal(scalar=operand.scalar))
    scalar = literals_pb2.Scalar(primitive=operand.primitive)
    return python_value(literals_pb2.Literal(scalar=scalar))


def holds(expression: condition_pb2.BooleanExpression, inputs: literals_pb2.LiteralMap) -> bool:
    """Whether an expression is true for the inputs of its branch node.

    Raises:
        FlowError: an input is missing, or two values cannot be compared.
    """
    if expression.WhichOneof("expr") == "conjunction":
        both = expression.conjunction
        left = holds(both.left_expression, inputs)
        if both.operator == condition_pb2.ConjunctionExpression.OR:
            return left or holds(both.right_expression, inputs)
        return left and holds(both.right_expression, inputs)
    comparison = expression.comparison
    left_value = _operand(comparison.left_value, inputs)
    right_value = _operand(comparison.right_value, inputs)
    try:
        return bool(_OPERATORS[comparison.operator](left_value, right_value))
    except (TypeError, KeyError) as error:
        raise FlowError(f"A condition compares {left_value!r} with {right_value!r}, which have no order.") from error


def taken(branch: workflow_pb2.BranchNode, inputs: literals_pb2.LiteralMap) -> workflow_pb2.Node | str:
    """The node of the arm that is taken, or the message with which the condition fails.

    Raises:
        FlowError: a condition cannot be evaluated.
    """
    block = branch.if_else
    for case in (block.case, *block.other):
        if holds(case.condition, inputs):
            return case.then_node
    if block.WhichOneof("default") == "else_node":
        return block.else_node
    if block.WhichOneof("default") == "error":
        return str(block.error.message)
    return "no arm of the condition holds"
