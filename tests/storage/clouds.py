"""Google's and Azure's stores on loopback: an emulator of the one, and what reading needs of the other's protocol."""

from __future__ import annotations

import hashlib
import http.client
import http.server
import re
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

AZURE_ACCOUNT = "account"


@contextmanager
def google_server(bucket: str) -> Iterator[str]:
    """The emulator of Google Cloud Storage in a process of its own, with a bucket in it; its URL."""
    command = [sys.executable, "-m", "tests.storage.google_emulator", bucket]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.stdin.close()
            server.wait(20)


def put_google(url: str, bucket: str, key: str, body: bytes) -> None:
    """Stores an object in the emulator."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    path = f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={quote(key, safe='')}"
    connection.request("POST", path, body, {"Content-Type": "application/octet-stream"})
    assert connection.getresponse().status == 200
    connection.close()


class AzureServer(http.server.ThreadingHTTPServer):
    """Blobs by container and name, as in Azure's Blob service REST API: Get, Put, Copy, Delete, List Blobs, Put Block.

    Attributes:
        blocks: parts of blobs that are not whole, by blob and block id.
        pending: how often the copy of a blob is still on its way when it is asked for.
    """

    def __init__(self, blobs: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Azure)
        self.blobs = blobs
        self.blocks: dict[tuple[str, str], bytes] = {}
        self.copies: dict[str, int] = {}
        self.pending = 0
        self.lock = threading.Lock()
        self.seen: list[str] = []
        self.refuses = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that leave in the middle of a request are part of the tests."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    @property
    def connection_string(self) -> str:
        key = b64encode(b"secret").decode()
        return (
            f"DefaultEndpointsProtocol=http;AccountName={AZURE_ACCOUNT};AccountKey={key};"
            f"BlobEndpoint=http://127.0.0.1:{self.server_address[1]}/{AZURE_ACCOUNT};"
        )


def _etag(body: bytes | None) -> str:
    return "" if body is None else f'"{hashlib.md5(body).hexdigest()[:16]}"'


class _Azure(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: AzureServer

    def log_message(self, *words: object) -> None:
        return None

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        ranged = self.headers.get("x-ms-range") or self.headers.get("Range") or ""
        self.server.seen.append(f"{self.command} {self.path} {ranged}".strip())
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        name = unquote(parts.path).removeprefix(f"/{AZURE_ACCOUNT}/")
        if self.server.refuses or "Authorization" not in self.headers:
            self._refuse(403, "AuthorizationFailure")
        elif query.get("comp") == ["list"]:
            self._list(name, query.get("prefix", [""])[0], query.get("delimiter", [""])[0])
        elif name not in self.server.blobs:
            self._refuse(404, "BlobNotFound")
        else:
            self._blob(self.server.blobs[name], ranged)

    def _blob(self, body: bytes, ranged: str) -> None:
        headers = {
            "ETag": _etag(body),
            "x-ms-blob-type": "BlockBlob",
            "Last-Modified": "Mon, 23 Nov 2026 18:00:00 GMT",
            "Content-MD5": b64encode(hashlib.md5(body).digest()).decode(),
        }
        name = unquote(urlsplit(self.path).path).removeprefix(f"/{AZURE_ACCOUNT}/")
        if name in self.server.copies:
            headers |= {"x-ms-copy-id": "1", "x-ms-copy-source": "http://127.0.0.1/source"}
            headers["x-ms-copy-status"] = "pending" if self.server.copies[name] else "success"
            self.server.copies[name] = max(0, self.server.copies[name] - 1)
        status = 200
        if found := re.fullmatch(r"bytes=(\d+)-(\d+)", ranged):
            start, end = int(found[1]), min(int(found[2]) + 1, len(body))
            if start >= len(body):
                self._refuse(416, "InvalidRange")
                return
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(body)}"
            body, status = body[start:end], 206
        self._send(status, body, headers)

    def do_PUT(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        name = unquote(parts.path).removeprefix(f"/{AZURE_ACCOUNT}/")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.server.lock:
            self._put(name, query, body)

    def _put(self, name: str, query: dict[str, list[str]], body: bytes) -> None:
        told = self.headers.get("Content-MD5", "")
        if self.server.refuses or "Authorization" not in self.headers:
            self._refuse(403, "AuthorizationFailure")
        elif name.partition("/")[0] not in {blob.partition("/")[0] for blob in self.server.blobs}:
            self._refuse(404, "ContainerNotFound")
        elif told and told != b64encode(hashlib.md5(body).digest()).decode():
            self._refuse(400, "Md5Mismatch")
        elif self.headers.get("If-None-Match") == "*" and name in self.server.blobs:
            self._refuse(409, "BlobAlreadyExists")
        elif (wanted := self.headers.get("If-Match")) and wanted != _etag(self.server.blobs.get(name)):
            self._refuse(412, "ConditionNotMet")
        elif source := self.headers.get("x-ms-copy-source"):
            self._copy(unquote(urlsplit(source).path).removeprefix(f"/{AZURE_ACCOUNT}/"), name)
        else:
            if query.get("comp") == ["block"]:
                self.server.blocks[name, query["blockid"][0]] = body
            elif query.get("comp") == ["blocklist"]:
                blocks = re.findall(rb"<Latest>([^<]+)</Latest>", body)
                self.server.blobs[name] = b"".join(self.server.blocks.pop((name, id_.decode())) for id_ in blocks)
            else:
                self.server.blobs[name] = body
            self._send(201, b"", {"ETag": '"1"', "Last-Modified": "Mon, 23 Nov 2026 18:00:00 GMT"})

    def _copy(self, source: str, name: str) -> None:
        if source not in self.server.blobs:
            self._refuse(404, "BlobNotFound")
            return
        self.server.blobs[name], self.server.copies[name] = self.server.blobs[source], self.server.pending
        state = "pending" if self.server.pending else "success"
        self._send(202, b"", {"ETag": '"1"', "x-ms-copy-id": "1", "x-ms-copy-status": state})

    def do_DELETE(self) -> None:
        name = unquote(urlsplit(self.path).path).removeprefix(f"/{AZURE_ACCOUNT}/")
        if self.server.blobs.pop(name, None) is None:
            self._refuse(404, "BlobNotFound")
        else:
            self._send(202, b"", {})

    def _list(self, container: str, prefix: str, delimiter: str) -> None:
        names = sorted(name.partition("/")[2] for name in self.server.blobs if name.startswith(f"{container}/"))
        found = {}
        for name in (name for name in names if name.startswith(prefix)):
            rest, apart, _ = name[len(prefix) :].partition(delimiter) if delimiter else (name, "", "")
            if apart:
                found[prefix + rest] = f"<BlobPrefix><Name>{escape(prefix + rest + apart)}</Name></BlobPrefix>"
            else:
                found[name] = (
                    f"<Blob><Name>{escape(name)}</Name><Properties><Etag>0x1</Etag>"
                    f"<Content-Length>{len(self.server.blobs[f'{container}/{name}'])}</Content-Length>"
                    "<BlobType>BlockBlob</BlobType></Properties></Blob>"
                )
        text = (
            f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>{"".join(found.values())}</Blobs>'
            "</EnumerationResults>"
        )
        self._send(200, text.encode(), {"Content-Type": "application/xml"})

    def _refuse(self, status: int, code: str) -> None:
        text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>No.</Message></Error>"
        self._send(status, text.encode(), {"x-ms-error-code": code, "Content-Type": "application/xml"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "x-ms-version": "2021-12-02"}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def azure_server(blobs: dict[str, bytes]) -> Iterator[AzureServer]:
    """An :class:`AzureServer` in a thread."""
    with AzureServer(blobs) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
