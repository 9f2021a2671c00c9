"""The inputs and outputs of nodes: from the list, the server, the store, or what is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from flowtui.admin.client import AdminClient
from flowtui.admin.failures import TooLargeError
from flowtui.admin.gather import gather
from flowtui.catalog import stored
from flowtui.catalog.fetched import SETTLED, FetchedRun, age, has_inline_outputs
from flowtui.catalog.kept import Kept
from flowtui.catalog.stored import ReadObject
from flowtui.catalog.walk import NodeData
from flowtui.domain.execution import NodeId
from flowtui.errors import FlowtuiError, NotFoundError, ServerError, UnreachableError


class NodeDataFetcher:
    """Adds the data of nodes to runs.

    Args:
        read: reads objects of the blob store; None where nothing can.
    """

    def __init__(self, client: AdminClient, kept: Kept, read: ReadObject | None) -> None:
        self._client = client
        self._kept = kept
        self._read = read

    async def add(self, run: FetchedRun, nodes: Iterable[str], variables: Mapping[str, Sequence[str]]) -> None:
        """Add the data of nodes to a run; what cannot be had is told in ``run.failed``.

        Args:
            variables: the outputs of a node that matter: asked for one by one where all of them together are too large,
                opened where they lie apart.
        """
        id_ = run.tree.fetched.id
        wanted = [node for node in nodes if node not in run.data and node not in run.failed]
        if wanted and run.final:
            for node, body in self._kept.get_all("data", id_).items():
                run.data.setdefault(node, NodeData.FromString(body))
            gone = self._kept.get_all("gone", id_)
            run.failed |= {node: why.decode() for node, why in gone.items() if node in run.data}
        wanted = [node for node in wanted if node not in run.data]
        if not wanted:
            return
        rows = run.rows
        # What is gone for good, by node.
        gone_now: dict[str, str] = {}

        async def one(node: str) -> None:
            row, names = rows.get(node), variables.get(node, ())
            if row is not None and has_inline_outputs(row):
                run.data[node] = NodeData(full_outputs=row.closure.output_data)
            else:
                await self._ask(run, NodeId(id_, node), names)
            if self._read is not None and node in run.data:
                if row is not None and row.closure.output_uri and _has_none(run.data[node], names):
                    await self._outputs_from_store(run, node, str(row.closure.output_uri), gone_now)
                await self._open_offloaded(run, node, names, gone_now)

        await gather(one(node) for node in wanted)
        if run.final:
            # An empty answer may come from a store that is out of reach for a while.
            old = age(run.message, self._client.server_now()) > SETTLED
            fine = [node for node in wanted if node not in run.failed or (old and node in gone_now)]
            fine = [node for node in fine if old or run.data[node].full_outputs.literals]
            bodies = {("data", node): _slim(run.data[node]) for node in fine}
            bodies |= {("gone", node): gone_now[node].encode() for node in fine if node in gone_now}
            self._kept.put(id_, bodies)

    async def _ask(self, run: FetchedRun, id_: NodeId, variables: Sequence[str]) -> None:
        try:
            run.data[id_.node] = await self._client.get_node_data(id_)
        except TooLargeError:
            await self._one_by_one(run, id_, variables)
        except (NotFoundError, ServerError) as error:
            _pass_on(error)
            run.failed[id_.node] = f"The outputs of {id_.node} cannot be read: {error.message}"

    async def _one_by_one(self, run: FetchedRun, id_: NodeId, variables: Sequence[str]) -> None:
        data = NodeData()
        for variable in variables:
            try:
                literal = await self._client.get_output(id_, variable)
            except (NotFoundError, ServerError) as error:
                _pass_on(error)
                run.failed[id_.node] = f"Outputs of {id_.node} cannot be read: {error.message}"
            else:
                data.full_outputs.literals[variable].CopyFrom(literal)
        run.data[id_.node] = data

    async def _outputs_from_store(self, run: FetchedRun, node: str, uri: str, gone: dict[str, str]) -> None:
        """Where Admin returns no outputs of a node that succeeded, they may still lie where the engine put them."""
        assert self._read is not None
        try:
            run.data[node].full_outputs.CopyFrom(await stored.outputs(self._read, uri))
        except FlowtuiError as error:
            _pass_on(error)
            run.failed[node] = f"The server returns no outputs of {node}, and they cannot be read: {error.message}"
            if isinstance(error, NotFoundError):
                gone[node] = run.failed[node]

    async def _open_offloaded(self, run: FetchedRun, node: str, variables: Sequence[str], gone: dict[str, str]) -> None:
        assert self._read is not None
        outputs = run.data[node].full_outputs.literals
        closed = await stored.open_offloaded(self._read, [outputs[name] for name in variables if name in outputs])
        if closed:
            run.failed[node] = f"A value of {node} lies apart and cannot be opened: {closed[0].why}"
            if all(one.for_good for one in closed):
                gone[node] = run.failed[node]


def _has_none(data: NodeData, variables: Sequence[str]) -> bool:
    return bool(variables) and not any(name in data.full_outputs.literals for name in variables)


def _pass_on(error: FlowtuiError) -> None:
    """Raise what concerns the whole server, not one node."""
    if isinstance(error, UnreachableError):
        raise error


def _slim(data: NodeData) -> bytes:
    slim = NodeData()
    slim.CopyFrom(data)
    slim.ClearField("dynamic_workflow")
    return bytes(slim.SerializeToString())
