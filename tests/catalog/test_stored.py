"""Values that lie in the blob store: opened where they are small, named where they are not, and no input harms."""

from __future__ import annotations

from pathlib import Path

import pytest
from flyteidl.core import literals_pb2
from hypothesis import given
from hypothesis import strategies as st

from flowtui.catalog import stored
from flowtui.errors import NotFoundError, StorageError
from tests.catalog import make
from tests.constructs import CONSTRUCTS
from tests.constructs.stored import pointer
from tests.engine import Engine


async def opened(literal: make.Literal, objects: dict[str, bytes]) -> list[stored.Closed]:
    async def read(uri: str, most: int) -> bytes:
        if uri not in objects:
            raise NotFoundError(f"{uri} is not there.")
        return objects[uri][:most]

    return await stored.open_offloaded(read, [literal])


async def test_values_are_opened_at_any_depth() -> None:
    inner = make.blob("s3://b/1")
    value = make.listed(make.union(pointer("s3://b/v", 10)), make.mapped({"k": pointer("s3://b/v", 10)}))
    assert await opened(value, {"s3://b/v": inner.SerializeToString()}) == []
    assert value == make.listed(make.union(inner), make.mapped({"k": inner}))


async def test_a_value_that_says_it_is_small_and_is_not_stays_closed() -> None:
    value = pointer("s3://b/v", 10)
    (closed,) = await opened(value, {"s3://b/v": b"x" * (stored.MAX_VALUE + 1)})
    assert (closed.why, closed.for_good) == ("s3://b/v is larger than 4.2 MB.", False)
    assert value == pointer("s3://b/v", 10)


async def test_what_holds_no_files_is_not_read() -> None:
    value = pointer("s3://b/v", 10)
    value.offloaded_metadata.inferred_type.collection_type.simple = 3
    assert await opened(value, {}) == []


async def test_a_value_that_leads_to_itself_is_opened_once() -> None:
    value = pointer("s3://b/v", 10)
    assert await opened(value, {"s3://b/v": value.SerializeToString()}) == []
    assert value.offloaded_metadata.uri == "s3://b/v"


@given(st.binary(max_size=60))
async def test_any_bytes_are_a_value_or_are_said_to_be_none(body: bytes) -> None:
    value = pointer("s3://b/v", len(body))
    closed = await opened(value, {"s3://b/v": body})
    assert not closed or value == pointer("s3://b/v", len(body))


async def test_outputs_that_are_damaged_or_large() -> None:
    async def read(uri: str, most: int) -> bytes:
        return b"\xff" if uri == "damaged" else b"\0" * most

    with pytest.raises(StorageError, match="does not hold outputs"):
        await stored.outputs(read, "damaged")
    with pytest.raises(StorageError, match="larger than"):
        await stored.outputs(read, "large")


async def test_outputs_that_come_back_later_are_found_then(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    run = await CONSTRUCTS["outputs that Admin does not return"].record(engine)
    async with engine.session() as session:
        first = {file.node: file for file in (await session.catalog.artifacts(run)).files}
    assert (first["n0"].state, first["n1"].state) == ("present", "unavailable")
    assert "outputs.pb" in first["n1"].notices[0]
    engine.between.twist = lambda request: None
    outputs = literals_pb2.LiteralMap(literals={"o0": make.blob("s3://flyte/n1")})
    engine.put("s3://flyte/metadata/empty-1/n1/outputs.pb", outputs)
    async with engine.session("another-cache") as session:
        later = {file.node: file for file in (await session.catalog.artifacts(run)).files}
    assert later["n1"].uris == ("s3://flyte/n1",)
    engine.close()


async def test_sizes_are_asked_for_up_to_a_number_of_objects(tmp_path: Path) -> None:
    engine = Engine(tmp_path)
    run = await CONSTRUCTS["outputs of every shape"].record(engine)
    for name in ("b", "b2", "k", "ka", "o", "u", "l1", "l2"):
        engine.put(f"s3://flyte/{name}", b"12345")
    async with engine.session() as session:
        found = await session.catalog.artifacts(run)
        engine.between.requests.clear()
        sized = await session.with_sizes(found, most=3)
        assert {file.file: file.size for file in sized.files if file.size is not None} == {"box": 10}
        assert len(engine.between.requests) <= 3
        sizes = {file.file: file.size for file in (await session.with_sizes(found)).files}
        assert (sizes["dict"], sizes["union"], sizes["frame"]) == (10, 5, None)
    engine.close()
