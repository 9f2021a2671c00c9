"""A TCP proxy on loopback that adds latency, and counts what passes: bytes both ways, and calls.

Every chunk is handed on half a round trip after it came, in either direction; what follows it waits no longer, so that
the link has a latency and no limit of throughput. The first chunk of a connection waits one round trip more: TCP's
handshake, which the system answers here at once. Calls are counted on the wire: requests of HTTP/1.1 without bodies,
and HEADERS frames of HTTP/2 that a client sends.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import queue
import socket
import threading
import time
from multiprocessing.connection import Connection
from typing import NamedTuple

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEADERS = 1


class Traffic(NamedTuple):
    """What passed since the last time it was asked."""

    calls: int
    bytes: int
    connections: int


class CallCounter:
    """Counts the requests in what one client sends over one connection."""

    def __init__(self) -> None:
        self.calls = 0
        self._kept = b""
        self._is_http2: bool | None = None
        self._skip = 0

    def feed(self, chunk: bytes) -> None:
        data = self._kept + chunk
        if self._is_http2 is None:
            if len(data) < len(_PREFACE) and _PREFACE.startswith(data):
                self._kept = data
                return
            self._is_http2 = data.startswith(_PREFACE)
            if self._is_http2:
                data = data[len(_PREFACE) :]
        self._kept = self._frames(data) if self._is_http2 else self._heads(data)

    def _heads(self, data: bytes) -> bytes:
        *heads, rest = data.split(b"\r\n\r\n")
        self.calls += len(heads)
        return rest

    def _frames(self, data: bytes) -> bytes:
        while True:
            skipped = min(self._skip, len(data))
            data, self._skip = data[skipped:], self._skip - skipped
            if self._skip or len(data) < 9:
                return data
            self.calls += data[3] == _HEADERS
            self._skip = 9 + int.from_bytes(data[:3], "big")


class _Proxy:
    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.round_trip = 0.0
        self.counters: list[CallCounter] = []
        self.bytes = 0
        self.connections = 0
        self.seen = 0
        self.lock = threading.Lock()

    def serve(self, listener: socket.socket) -> None:
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(self.target)
            counter = CallCounter()
            with self.lock:
                self.counters.append(counter)
                self.connections += 1
            for source, sink, count, extra in (
                (client, server, counter, self.round_trip),
                (server, client, None, 0.0),
            ):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                chunks: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
                threading.Thread(target=self._read, args=(source, chunks, count, extra), daemon=True).start()
                threading.Thread(target=self._write, args=(sink, chunks), daemon=True).start()

    def _read(
        self,
        source: socket.socket,
        chunks: queue.SimpleQueue[tuple[float, bytes]],
        counter: CallCounter | None,
        extra: float,
    ) -> None:
        chunk = b"first"
        not_before = time.perf_counter() + extra
        while chunk:
            try:
                chunk = source.recv(1 << 18)
            except OSError:
                chunk = b""
            chunks.put((max(time.perf_counter(), not_before) + self.round_trip / 2, chunk))
            with self.lock:
                self.bytes += len(chunk)
                if counter is not None:
                    counter.feed(chunk)

    def _write(self, sink: socket.socket, chunks: queue.SimpleQueue[tuple[float, bytes]]) -> None:
        while True:
            due, chunk = chunks.get()
            if (left := due - time.perf_counter()) > 0:
                time.sleep(left)
            with contextlib.suppress(OSError):
                if not chunk:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(chunk)

    def traffic(self) -> Traffic:
        with self.lock:
            calls = sum(counter.calls for counter in self.counters)
            found = Traffic(calls - self.seen, self.bytes, self.connections)
            self.seen, self.bytes, self.connections = calls, 0, 0
        return found


def _run(target: tuple[str, int], channel: Connection) -> None:
    proxy = _Proxy(target)
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    threading.Thread(target=proxy.serve, args=(listener,), daemon=True).start()
    channel.send(listener.getsockname()[1])
    with contextlib.suppress(EOFError):
        while True:
            asked = channel.recv()
            if asked is None:
                channel.send(proxy.traffic())
            else:
                proxy.round_trip = asked
                channel.send(None)


class DelayProxy:
    """The proxy in a process of its own, in front of one port of this machine.

    Attributes:
        port: where it listens on 127.0.0.1.
    """

    def __init__(self, port: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._channel, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(("127.0.0.1", port), theirs), daemon=True)
        self._process.start()
        theirs.close()
        self.port = int(self._channel.recv())

    def set_round_trip(self, seconds: float) -> None:
        """Delay what comes from now on."""
        self._channel.send(seconds)
        self._channel.recv()

    def traffic(self) -> Traffic:
        """What passed since the last call."""
        self._channel.send(None)
        found: Traffic = self._channel.recv()
        return found

    def close(self) -> None:
        self._channel.close()
        self._process.terminate()
        self._process.join()
