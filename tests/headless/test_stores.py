"""Commands over a real S3 server: files read directly or by signed URLs, and what doctor says of the roads."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from flowtui.config import Settings, StorageSettings
from flowtui.domain.execution import ExecutionId
from flowtui.headless import get, stores
from flowtui.headless.style import Style
from flowtui.httpclient import httpx
from flowtui.parser import parse
from flowtui.session import open_session
from tests.headless.conftest import ADSL, DOMAIN, NOW, PROJECT, Server
from tests.replay import BASE_URL
from tests.storage.conftest import Bucket, bucket, s3_url  # noqa: F401
from tests.storage.s3 import KEY, SECRET, access, deny_direct, line_to, s3_client

CSV = b"USUBJID,AGE\n01-701-1015,63\n01-701-1023,64\n"


class SigningServer(Server):
    """The recordings, and signatures of the S3 server."""

    def __init__(self, endpoint: str) -> None:
        super().__init__()
        self.endpoint = endpoint
        self.signed = 0

    def answer(self, request: httpx.Request, path: str, params: dict[str, str]) -> httpx.Response:
        if path != "/api/v1/dataproxy/artifact_urn":
            return super().answer(request, path, params)
        from flyteidl.service import dataproxy_pb2

        self.signed += 1
        name, _, key = params["native_url"].partition("://")[2].partition("/")
        url = s3_client(self.endpoint).generate_presigned_url("get_object", {"Bucket": name, "Key": key})
        return self.respond(request, 200, dataproxy_pb2.CreateDownloadLocationResponse(signed_url=url))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", cache=tmp_path / "cache", endpoint=BASE_URL, project=PROJECT, local=False)


@pytest.fixture
def s3(bucket: Bucket) -> Bucket:  # noqa: F811
    """The bucket of the recorded runs, with one of their files."""
    if "flyte" not in [one["Name"] for one in bucket.client.list_buckets()["Buckets"]]:
        bucket.client.create_bucket(Bucket="flyte")
    bucket.client.put_object(Bucket="flyte", Key=ADSL.removeprefix("s3://flyte/"), Body=CSV)
    return bucket


@pytest.mark.parametrize("road", ["direct", "signed", "refused"])
async def test_get_downloads_by_each_road(s3: Bucket, settings: Settings, tmp_path: Path, road: str) -> None:
    async with line_to(s3.url) as line:
        if road == "refused":
            line.manner = deny_direct
        if road != "signed":
            settings = replace(settings, storage=access(line.url).settings)
        server = SigningServer(line.url)
        words = ("get", "clinical-1", "ADaM Datasets/adsl.csv", "-o", str(tmp_path / "out"))
        options = parse(words).options
        options.run = ExecutionId(PROJECT, DOMAIN, options.run)
        async with open_session(settings, transport=server) as session:
            shape = json.loads(await get.execute(session, options, Style(json=True, now=NOW)))
        assert [(file["action"], file["size"]) for file in shape["files"]] == [("new", len(CSV))]
        assert (tmp_path / "out" / "ADaM Datasets" / "adsl.csv").read_bytes() == CSV
        assert bool(server.signed) == (road != "direct")
        assert bool(line.direct) == (road != "signed")


async def test_sizes_and_directories_are_told_where_the_store_lists(s3: Bucket, settings: Settings) -> None:
    for name, body in {"d/a": b"aa", "d/b/c": b"bbb"}.items():
        s3.put(name, body)
    known = replace(access(s3.url).settings, buckets=(f"s3://{s3.name}",))
    async with open_session(replace(settings, storage=known), transport=SigningServer(s3.url)) as session:
        assert await session._size(f"s3://{s3.name}/d", True) == 5
        assert await session._size(ADSL, True) == len(CSV)


async def test_doctor_tells_the_road(settings: Settings) -> None:
    found = StorageSettings(endpoint="http://minio:9000", access_key_id="x", secret_access_key="hush")
    for storage, words in (
        (StorageSettings(), "no files of this machine; by signed URLs of the server"),
        (StorageSettings(local=(Path("/mnt/a"),)), "of this machine files below /mnt/a; by signed URLs of the server"),
        (
            found,
            "no files of this machine; s3:// directly with credentials of this machine (http://minio:9000); "
            "by signed URLs where a store refuses or a bucket is not known as the server's",
        ),
        (replace(found, direct="never"), "no files of this machine; by signed URLs of the server"),
    ):
        async with open_session(replace(settings, storage=storage), transport=Server()) as session:
            assert await stores.road(session) == words


def environ_of(home: Path, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "PYTHON_KEYRING_BACKEND") if name in os.environ}
    return kept | {"HOME": str(home), "FLOWTUI_HOME": str(home / "flowtui")} | more


async def flowtui(environ: dict[str, str], *words: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "flowtui", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environ,
    )  # fmt: skip
    out, error = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), error.decode()


async def test_preview_takes_a_uri_of_a_store(bucket: Bucket, tmp_path: Path) -> None:  # noqa: F811
    """As typed, with the credentials that the store's own tools use, and no server at all."""
    uri = bucket.put("adsl.csv", CSV)
    keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1"}
    async with line_to(bucket.url) as line:
        environ = environ_of(tmp_path, AWS_ENDPOINT_URL=line.url, **keys)
        code, out, error = await flowtui(environ, "preview", uri, "--json")
        assert code == 0, error
        shape = json.loads(out)
        assert (shape["kind"], shape["size"], shape["requests"]) == ("table", len(CSV), 1)
        assert shape["rows"][0][0] == "01-701-1015"
        assert len(line.seen) == 1
        # A later process asks only whether it is still the same.
        again = json.loads((await flowtui(environ, "preview", uri, "--json"))[1])
        assert (again["rows"], again["requests"], again["bytes_read"]) == (shape["rows"], 1, 1)
        assert len(line.seen) == 2
        bucket.put("d/a.csv", CSV)
        code, out, error = await flowtui(environ, "preview", f"s3://{bucket.name}/d")
        assert (code, "a.csv" in out) == (0, True), error
        code, out, error = await flowtui(environ, "preview", f"s3://{bucket.name}/none")
        assert (code, out) == (3, "")
        assert "There is no object" in error
        line.manner = deny_direct
        code, out, error = await flowtui(environ, "preview", uri + "x")
        assert (code, out) == (1, "")
        assert "to the credentials of this machine: Access Denied" in error
        assert SECRET not in error
    code, _, error = await flowtui(environ_of(tmp_path), "preview", uri)
    assert code == 1
    assert "this machine has no credentials for it" in error
