"""Signed URLs lead to files of the home only, until they expire, with ranges; uploads arrive whole or not at all."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flowtui.local.blobs import byte_range
from flowtui.local.home import Home
from tests.local.admin import MOMENT, Client, execution, open_admin

URN = "/api/v1/dataproxy/artifact_urn"


async def signed(client: Client, uri: str, **more: str) -> str:
    url: str = (await client.get(URN, native_url=uri, **more))["signed_url"]
    return url


@pytest.mark.parametrize(
    "uri",
    [
        "s3://bucket/a b/ü #1?.csv",
        "s3://bucket//a b/ü #1?.csv",
        "gs://bucket/a b/ü #1?.csv",
        "abfs://bucket/a b/ü #1?.csv/",
    ],
)
async def test_buckets_lie_in_the_blob_folder(tmp_path: Path, uri: str) -> None:
    async with open_admin(tmp_path) as client:
        file = tmp_path / "blobs" / "bucket" / "a b" / "ü #1?.csv"
        file.parent.mkdir(parents=True)
        file.write_bytes(b"a,b\n")
        answer = await client.http.get(await signed(client, quote(uri, safe=":/")))
    assert (answer.status_code, answer.content) == (200, b"a,b\n")


async def test_plain_paths_and_file_uris(tmp_path: Path) -> None:
    async with open_admin(tmp_path) as client:
        file = tmp_path / "runs" / "r" / "100%41.txt"
        file.parent.mkdir(parents=True)
        file.write_bytes(b"x")
        for uri in (str(file), quote(str(file)), f"file://{quote(str(file))}"):
            assert (await client.http.get(await signed(client, uri))).content == b"x"


@pytest.mark.parametrize(
    "uri",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "s3://b/../../../../../etc/passwd",
        "s3://../admin.sqlite3",
        "s3://%2e%2e/admin.sqlite3",
        "s3://b/%2e%2e/%2e%2e/serve-token",
        "s3://b/x%00y",
        "{home}/admin.sqlite3",
        "{home}/signing-key",
        "{home}/blobs/../signing-key",
        "{home}/blobs/link",
        "s3://link/passwd",
        "relative",
        "",
    ],
)
async def test_other_files_are_never_signed(tmp_path: Path, uri: str) -> None:
    async with open_admin(tmp_path) as client:
        (tmp_path / "blobs" / "link").symlink_to("/etc")
        answer = await client.http.get(URN, params={"native_url": uri.format(home=tmp_path)})
    assert answer.status_code == 500
    assert "failed to create a signed url" in answer.json()["message"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(alphabet=st.sampled_from("abs3:/.%2eF\\~\0 #?link"), max_size=40))
@example("s3://b/..%2f..%2fadmin.sqlite3")
def test_no_uri_leads_out_of_the_home(tmp_path: Path, uri: str) -> None:
    home = Home(tmp_path).ensure()
    found = home.resolve(uri)
    roots = [home.blobs, home.runs, home.datasets]
    assert found is None or any(found.is_relative_to(root.resolve()) for root in roots)


async def test_a_url_expires(tmp_path: Path) -> None:
    now = [MOMENT]
    async with open_admin(tmp_path, clock=lambda: now[0]) as client:
        (tmp_path / "blobs" / "b").mkdir()
        (tmp_path / "blobs" / "b" / "x").write_bytes(b"x")
        url = await signed(client, "s3://b/x", expires_in="60s")
        now[0] += 59 * 10**9
        assert (await client.http.get(url)).status_code == 200
        now[0] += 2 * 10**9
        assert (await client.http.get(url)).status_code == 403


@pytest.mark.parametrize(
    ("expires_in", "status"), [("3600s", 200), ("1h0m1s", 400), ("0s", 500), ("-5s", 500), ("60", 400), ("1.5m", 200)]
)
async def test_how_long_a_url_may_live(tmp_path: Path, expires_in: str, status: int) -> None:
    async with open_admin(tmp_path) as client:
        params = {"native_url": "s3://b/x", "expires_in": expires_in}
        assert (await client.http.get(URN, params=params)).status_code == status


async def test_a_signature_holds_for_one_file_method_and_time(tmp_path: Path) -> None:
    async with open_admin(tmp_path) as client:
        for name in ("x", "y"):
            file = tmp_path / "blobs" / "b" / name
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(name.encode())
        url = await signed(client, "s3://b/x")
        assert (await client.http.get(url)).content == b"x"
        for other in (
            url.replace("/b/x?", "/b/y?"),
            url.replace("expires=", "expires=9"),
            url.replace("signature=", "signature=0"),
            url.partition("?")[0],
        ):
            assert (await client.http.get(other)).status_code == 403
        assert (await client.http.put(url, content=b"z")).status_code == 403
        assert (await client.http.get(url)).content == b"x"


async def test_missing_objects_and_folders(tmp_path: Path) -> None:
    async with open_admin(tmp_path) as client:
        (tmp_path / "blobs" / "b" / "folder").mkdir(parents=True)
        for uri in ("s3://b/none", "s3://b/folder"):
            answer = await client.http.get(await signed(client, uri))
            assert (answer.status_code, b"NoSuchKey" in answer.content) == (404, True)


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=2-", (2, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-30", (0, 10)),
        ("bytes=8-99", (8, 10)),
        ("bytes=10-", None),
        ("bytes=-0", None),
        ("bytes=5-2", (0, 10)),
        ("bytes=1-2,4-5", (0, 10)),
        ("lines=1-2", (0, 10)),
        ("bytes=-", (0, 10)),
    ],
)
def test_ranges(header: str, span: tuple[int, int] | None) -> None:
    assert byte_range(header, 10) == span


async def test_a_changed_file_is_not_mixed_with_the_old_one(tmp_path: Path) -> None:
    async with open_admin(tmp_path) as client:
        file = tmp_path / "blobs" / "b" / "x.html"
        file.parent.mkdir()
        file.write_bytes(b"old")
        url = await signed(client, "s3://b/x.html")
        first = await client.http.get(url, headers={"range": "bytes=0-0"})
        assert (first.status_code, first.headers["content-type"]) == (206, "text/html")
        assert (first.headers["content-security-policy"], first.headers["x-content-type-options"]) == (
            "sandbox",
            "nosniff",
        )
        file.unlink()
        file.write_bytes(b"newer")
        again = await client.http.get(url, headers={"range": "bytes=1-", "if-range": first.headers["etag"]})
    assert (again.status_code, again.content) == (200, b"newer")


async def test_uploads(tmp_path: Path) -> None:
    body = b"a,b\n1,2\n"
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
    async with open_admin(tmp_path) as client:
        request = {"project": "p", "domain": "d", "filename": "a.csv", "content_md5": md5}
        place = await client.post("dataproxy/artifact_urn", request)
        headers = {"Content-MD5": place["headers"]["Content-MD5"]}
        assert (await client.http.put(place["signed_url"], content=b"other", headers=headers)).status_code == 400
        assert (await client.http.put(place["signed_url"], content=body)).status_code == 403
        file = tmp_path / "blobs" / Path(place["native_url"]).relative_to(tmp_path / "blobs")
        assert not file.exists()
        assert (await client.http.put(place["signed_url"], content=body, headers=headers)).status_code == 200
        assert file.read_bytes() == body
        assert (await client.http.get(await signed(client, place["native_url"]))).content == body
        for bad in ({"filename": "../../x"}, {"filename_root": "/"}, {"content_md5": ""}, {"project": ""}):
            assert (await client.refused("dataproxy/artifact_urn", {**request, **bad}))[0] == 400


async def test_a_deck(tmp_path: Path) -> None:
    async with open_admin(tmp_path) as client:
        await client.register()
        await client.post("executions", execution())
        await client.node_event("RUNNING", 1)
        node = {"node_id": "n0", "execution_id": {"project": "flytesnacks", "domain": "development", "name": "run-1"}}
        request = {"artifact_type": "ARTIFACT_TYPE_DECK", "node_execution_id": node}
        assert (await client.refused("dataproxy/artifact_link", request))[0] == 404
        assert (await client.refused("dataproxy/artifact_link", {"node_execution_id": node}))[0] == 400
        await client.node_event("SUCCEEDED", 2, deck_uri="s3://b/deck.html")
        (tmp_path / "blobs" / "b").mkdir()
        (tmp_path / "blobs" / "b" / "deck.html").write_bytes(b"<p>")
        link = await client.post("dataproxy/artifact_link", request)
        assert (await client.http.get(link["signed_url"][0])).content == b"<p>"
        data = await client.get("/api/v1/data", flyte_url="flyte://v1/flytesnacks/development/run-1/n0/d")
        assert (await client.http.get(data["pre_signed_urls"]["signed_url"][0])).content == b"<p>"


def test_the_key_is_made_once(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").ensure()

    async def several() -> set[str]:
        return set(await asyncio.gather(*(asyncio.to_thread(home.read_secret, home.signing_key) for _ in range(8))))

    assert len(asyncio.run(several())) == 1
    assert home.signing_key.stat().st_mode & 0o777 == 0o600
