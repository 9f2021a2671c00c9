"""One file name once per artifact: the check of a compiled workflow, and its place in flytekit.

The check looks at what a workflow compiled to, because flytekit runs a workflow's body more than once. Two calls of
``Artifact.File`` for one file are an error, as Domino's documentation has it ("an individual artifact cannot include
the same filename more than once"), and so are two outputs of one interface. One call whose file several nodes make,
such as those of a sub-workflow that is called twice, is legal: there is a file for each node, and a warning that names
them. The call is told by the object that it made, which is in the types of every interface that was written with it.

What comes from a server (``FlyteRemote.fetch_task``) has no such types: whether its declaration is another one cannot
be known, and that is a warning, too. A map task declares nothing, for flytekit drops the artifact id of a list.

While a task runs nothing is refused, not even what is declared twice: the workflow of a ``@dynamic`` is compiled on the
cluster, after hours of computing perhaps, and every file is still there to be told apart by its node. The warning then
stands in the task's log.
"""

from __future__ import annotations

import functools
import importlib.util
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

from flowtui.errors import ArtifactError, FlowError
from flowtui.plugin import nested_files
from flowtui.plugin.artifact_warning import is_task_running, warn
from flowtui.plugin.encoding import FileKey
from flowtui.plugin.workflow_scope import Declaration, Leaf, Registered, Scope, exclude

_MARK = "_flowtui_checks_artifacts"

_NAMED = 5
"""Nodes that a warning names."""


def require_flytekit() -> None:
    """Raises FlowError with the way out where flytekit is not installed."""
    if importlib.util.find_spec("flytekit") is None:
        raise FlowError(
            "flytekit is not installed, and flows need it.",
            "flytekit supports Python 3.10 to 3.12: install flowtui with one of them, "
            'for example with "uv tool install --python 3.12 flowtui".',
        )


def install() -> None:
    """Have flytekit check every workflow that it compiles or serialises. Does nothing the second time.

    ``PythonFunctionWorkflow.compile`` is the one road of ``pyflyte``, of local execution and of dynamic tasks;
    ``translator.get_serializable_workflow`` sees imperative workflows too, which are never compiled, and
    ``translator.get_serializable_task`` tasks that no workflow calls.
    """
    from flytekit.core.workflow import PythonFunctionWorkflow
    from flytekit.tools import translator

    if hasattr(PythonFunctionWorkflow.compile, _MARK):
        return
    compile_workflow = PythonFunctionWorkflow.compile
    serialise_workflow = translator.get_serializable_workflow
    serialise_task = translator.get_serializable_task

    @functools.wraps(compile_workflow)
    def compile_and_check(self: Any, **kwargs: Any) -> Any:
        if self.compiled:
            return None
        result = compile_workflow(self, **kwargs)
        try:
            check(self)
        except ArtifactError:
            self.compiled = False  # so that a second attempt is refused too
            raise
        return result

    @functools.wraps(serialise_workflow)
    def check_and_serialise(entity_mapping: Any, settings: Any, entity: Any, *args: Any, **kwargs: Any) -> Any:
        check(entity)
        return serialise_workflow(entity_mapping, settings, entity, *args, **kwargs)

    @functools.wraps(serialise_task)
    def check_and_serialise_task(entity_mapping: Any, settings: Any, entity: Any, *args: Any, **kwargs: Any) -> Any:
        nested_files.check(entity)
        return serialise_task(entity_mapping, settings, entity, *args, **kwargs)

    setattr(compile_and_check, _MARK, True)
    PythonFunctionWorkflow.compile = compile_and_check
    translator.get_serializable_workflow = check_and_serialise
    translator.get_serializable_task = check_and_serialise_task


def check(workflow: Any) -> None:
    """Check a workflow object of flytekit; an ``ArtifactWarning`` says what is legal and may not be meant.

    Raises:
        ArtifactError: one artifact has one file name from two declarations; it names artifact, file and both places.
            Not while a task runs: then that is a warning, too.
    """
    scope = Scope(workflow)
    nested_files.check(workflow)
    for node, _ in scope.leaves.values():
        nested_files.check(node.flyte_entity)
    found: defaultdict[FileKey, list[Declaration]] = defaultdict(list)
    for one in scope.declarations():
        found[one.key].append(one)
    for key, declarations in found.items():
        file = f'The {key.type} artifact "{key.artifact}" has the file "{key.file}"'
        twice = _declared_twice(declarations)
        if twice is not None:
            places = f"as {twice[0].place}, and as {twice[1].place}"
            said = f"{file} twice in workflow {workflow.name}: {places}."
            what_to_do = "Give one of the two another file name, or declare the file in one place only."
            if not is_task_running():
                raise ArtifactError(said, what_to_do)
            warn(workflow, f"{said} {what_to_do} All the same the run goes on, and keeps the files of both.")
            continue
        makers = scope.makers(_together(declarations))
        if makers:
            more = f" and {len(makers) - _NAMED:,} more" if len(makers) > _NAMED else ""
            unknown = len({one.call for one in declarations}) > 1 and any(map(_is_registered, declarations))
            known = (
                "Whether they have one declaration cannot be known, for a task comes from a server: if there are two, "
                "give one of them another name."
                if unknown
                else "It is declared once, so each node keeps a file of its own, told apart by its node and inputs."
            )
            warn(
                workflow,
                f"{file} from {len(makers):,} nodes of workflow {workflow.name}: "
                f"{', '.join(makers[:_NAMED])}{more}. {known}",
            )


def _declared_twice(declarations: Iterable[Declaration]) -> tuple[Declaration, Declaration] | None:
    """Two declarations of one file that is held by two outputs; None where there are none or nobody can know."""
    by_leaf: defaultdict[Leaf, list[Declaration]] = defaultdict(list)
    in_interface: defaultdict[tuple[int, ...], list[Declaration]] = defaultdict(list)
    for one in declarations:
        by_leaf[one.leaf].append(one)
        for other in in_interface[one.interface]:
            if other.variable != one.variable and _differ(other.leaf, one.leaf):
                return other, one
        in_interface[one.interface].append(one)
    # Outputs with the same declarations in the same arms need one comparison: a loop may make thousands.
    kinds: dict[tuple[frozenset[object], tuple[Any, ...]], Declaration] = {}
    for leaf, own in by_leaf.items():
        if any(map(_is_registered, own)):
            continue
        calls = frozenset(one.call for one in own)
        for (other_calls, _), other in kinds.items():
            if not calls & other_calls and _differ(other.leaf, leaf):
                return other, own[0]
        kinds.setdefault((calls, leaf.arms), own[0])
    return None


def _is_registered(declaration: Declaration) -> bool:
    return isinstance(declaration.call, Registered)


def _differ(one: Leaf, other: Leaf) -> bool:
    return one.output != other.output and not exclude(one.arms, other.arms)


def _together(declarations: Sequence[Declaration]) -> list[Leaf]:
    """The outputs that hold one file beside each other; none where that is told with a sub-workflow already."""
    leaves = list(dict.fromkeys(one.leaf for one in declarations))
    by_arms: dict[tuple[Any, ...], dict[Any, None]] = {}
    for leaf in leaves:
        # What is below one node of this workflow is a matter of the sub-workflow at it.
        by_arms.setdefault(leaf.arms, {})[leaf.output[0][:1]] = None
    beside = any(len(nodes) > 1 for nodes in by_arms.values()) or any(
        len({*by_arms[one], *by_arms[other]}) > 1 and not exclude(one, other) for one, other in combinations(by_arms, 2)
    )
    return leaves if beside else []
