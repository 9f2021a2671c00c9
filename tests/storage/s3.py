"""A real S3 server as a process on loopback, and a line in front of it that counts, refuses and misbehaves."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

from flowtui.config import StorageSettings
from flowtui.domain.signed import SignedUrl
from flowtui.storage import StoreAccess

KEY, SECRET = "flowtui-key", "flowtui-secret"
Manner = Callable[[str, bytes], "bytes | None"]
"""Gets the head of a request and the store's answer; gives the answer to send, None to reset the connection."""

_REFUSAL = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
DENIED = (
    b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/xml\r\nConnection: close\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_REFUSAL), _REFUSAL)
)


@contextmanager
def s3_server() -> Iterator[str]:
    """moto's server on a free port; its base URL."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            for line in server.stderr:
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    break
            else:
                raise AssertionError("moto's server did not start")
            # Its log would fill the pipe.
            import threading

            threading.Thread(target=server.stderr.read, daemon=True).start()
            yield found.group()
        finally:
            server.terminate()
            server.wait(20)


def s3_client(endpoint: str) -> Any:
    """boto3's client with the key that the tests use."""
    import boto3
    from botocore.config import Config

    config = Config(s3={"addressing_style": "path"}, signature_version="s3v4")
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        region_name="us-east-1",
        config=config,
    )


def access(endpoint: str, **settings: Any) -> StoreAccess:
    """Credentials for the server, with nothing else of this machine."""
    found = StorageSettings(
        endpoint=endpoint, access_key_id=KEY, secret_access_key=SECRET, region="us-east-1", addressing_style="path"
    )
    values = {name: getattr(found, name) for name in found.__dataclass_fields__} | settings
    return StoreAccess(StorageSettings(**values), timeout=5.0)


@dataclass
class Signer:
    """Signs as Admin does: Go's Flyte trims the slashes of a key."""

    client: Any
    signed: list[str] = field(default_factory=list)
    lifetime: int = 600

    async def __call__(self, uri: str) -> SignedUrl:
        self.signed.append(uri)
        bucket, _, key = uri.partition("://")[2].partition("/")
        url = self.client.generate_presigned_url(
            "get_object", {"Bucket": bucket, "Key": key.strip("/")}, ExpiresIn=self.lifetime
        )
        return SignedUrl(url, datetime.now(timezone.utc) + timedelta(seconds=self.lifetime))


@dataclass
class Line:
    """A line to a server that can change what goes over it.

    Attributes:
        seen: the heads of all requests.
    """

    upstream: str
    url: str = ""
    manner: Manner | None = None
    seen: list[str] = field(default_factory=list)
    keeps_ranges: bool = True

    @property
    def direct(self) -> list[str]:
        """Requests with credentials."""
        return [head for head in self.seen if "\r\nauthorization:" in head.lower()]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.seen.append(head)
            answer = await self._ask(head)
            sent = self.manner(head, answer) if self.manner else answer
            if sent is not None and head.startswith("HEAD "):
                sent = sent.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
            if sent is None:
                writer.transport.abort()
                return
            writer.write(sent)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _ask(self, head: str) -> bytes:
        lines = [line for line in head.split("\r\n") if not line.lower().startswith("connection:")]
        if not self.keeps_ranges:
            lines = [line for line in lines if not line.lower().startswith("range:")]
        lines.insert(1, "Connection: close")
        parts = urlsplit(self.upstream)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            writer.write("\r\n".join(lines).encode("latin-1"))
            return await reader.read()
        finally:
            writer.close()


@asynccontextmanager
async def line_to(upstream: str) -> AsyncIterator[Line]:
    """A :class:`Line` on a loopback port."""
    line = Line(upstream)
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    line.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield line
    finally:
        server.close()


def deny_direct(head: str, answer: bytes) -> bytes:
    """A bucket that these credentials do not open."""
    return DENIED if "\r\nauthorization:" in head.lower() else answer
