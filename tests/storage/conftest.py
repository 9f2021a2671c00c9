"""The S3 server of a worker, and a bucket for each test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.storage.s3 import s3_client, s3_server


@dataclass
class Bucket:
    """An empty bucket of a real S3 server.

    Attributes:
        url: of the server; client: boto3's; name: of the bucket.
    """

    url: str
    client: Any
    name: str

    def put(self, key: str, body: bytes, **more: Any) -> str:
        """Stores an object; its URI, spelled as Python's tools do."""
        self.client.put_object(Bucket=self.name, Key=key, Body=body, **more)
        return f"s3://{self.name}/{key}"


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture
def bucket(s3_url: str, request: pytest.FixtureRequest) -> Bucket:
    import re

    client = s3_client(s3_url)
    name = "t-" + re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[-50:].strip("-")
    client.create_bucket(Bucket=name)
    return Bucket(s3_url, client, name)


@pytest.fixture
def unused_url() -> Iterator[str]:
    """The URL of a port on which nothing listens."""
    import socket

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}"
