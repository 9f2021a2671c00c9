"""Objects of a real S3 server compared: what its checksums save, and directories."""

from __future__ import annotations

from flowtui.preview.comparison.files import compare
from flowtui.preview.comparison.looks import Version
from flowtui.storage import Storage
from tests.storage.conftest import Bucket
from tests.storage.s3 import access, line_to
from tests.trusting import TrustsAll

ROWS = b"".join(b"%d,%d\n" % (number, number % 10) for number in range(100_000))
BODY = b"USUBJID,AGE\n" + ROWS


def version(uri: str, *, directory: bool = False) -> Version:
    return Version("adsl.csv", (uri,), "csv", directory)


async def test_equal_objects_cost_two_heads(bucket: Bucket) -> None:
    uris = [bucket.put(f"{run}/adsl.csv", BODY) for run in "ab"]
    async with line_to(bucket.url) as line, Storage(TrustsAll(), stores=access(line.url)) as storage:
        found = await compare(storage, *map(version, uris))
        assert (found.result, found.compared) == ("identical", "checksums of the store")
        assert [request.partition(" ")[0] for request in line.seen] == ["HEAD", "HEAD"]


async def test_other_objects_are_read_from_their_beginning(bucket: Bucket) -> None:
    one = bucket.put("a/adsl.csv", BODY)
    two = bucket.put("b/adsl.csv", BODY.replace(b"\n7,7\n", b"\n7,8\n"))
    async with Storage(TrustsAll(), stores=access(bucket.url)) as storage:
        found = await compare(storage, version(one), version(two))
        assert found.table is not None
        assert (found.result, found.table.key, found.table.changed) == ("different", ("USUBJID",), 1)
        assert found.requests <= 4


async def test_directories_of_a_store(bucket: Bucket) -> None:
    for run, last in (("a", b"1"), ("b", b"2")):
        bucket.put(f"{run}/parts/0.csv", BODY)
        bucket.put(f"{run}/parts/1.csv", last)
    uris = [f"s3://{bucket.name}/{run}/parts" for run in "ab"]
    async with Storage(TrustsAll(), stores=access(bucket.url)) as storage:
        for declared in (True, False):
            found = await compare(storage, *(version(uri, directory=declared) for uri in uris))
            assert found.table is not None
            assert (found.result, found.table.changed, found.table.same) == ("different", 1, 1)
            assert [row.key for row in found.table.rows] == [("1.csv",)]
