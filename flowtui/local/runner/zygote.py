"""The process that starts worker processes: flytekit is loaded once, each worker is a fork of it.

Started as ``python -m flowtui.local.runner.zygote FD``, FD being one end of a socket pair. It reads one JSON object per
line, ``{"id", "call", "request", "log", "env", "cwd"}``, forks, and lets the child call ``MODULE:FUNCTION(request)``;
the child is the leader of its own session, with its output in the file ``log``. It answers ``{"id", "pid"}`` when the
child runs and ``{"id", "status"}`` when it has ended (the exit code, or minus the signal). When the other end closes,
that is when the runner ends or is killed, every child's process group is killed.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import tempfile
import traceback
import warnings
from typing import Any

_OFTEN_USED = ("flytekit.types.file", "mashumaro.jsonschema", "flytekitplugins.domino.helpers")
"""What most flows import sooner or later."""


def _detach(request: dict[str, Any]) -> None:
    """In the child: a session of its own, default signals, output to the log."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    descriptor = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    os.close(null)
    os.environ.update(request["env"])
    if request["cwd"]:
        os.chdir(request["cwd"])
    if "numpy" in sys.modules:
        # numpy's global generator does not notice a fork: every attempt would draw the same numbers.
        sys.modules["numpy"].random.seed()


def _child(request: dict[str, Any]) -> int:
    try:
        _detach(request)
        module, _, function = request["call"].partition(":")
        code = getattr(importlib.import_module(module), function)(request["request"])
        return int(code or 0)
    except SystemExit as leaving:
        if isinstance(leaving.code, str):
            sys.stderr.write(leaving.code + "\n")
            return 1
        return int(leaving.code or 0)
    except BaseException:  # noqa: BLE001  (the outermost door of the worker process)
        traceback.print_exc()
        return 1
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()


class _Zygote:
    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: dict[int, int] = {}
        self._buffer = b""
        self._wake_out, self._wake_in = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)

    def serve(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_in.fileno(), warn_on_full_buffer=False)
        selector = selectors.DefaultSelector()
        selector.register(self._control, selectors.EVENT_READ)
        selector.register(self._wake_out, selectors.EVENT_READ)
        self._send({"ready": os.getpid()})
        try:
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._wake_out:
                        self._reap()
                    elif not self._read():
                        return
        finally:
            for pid in self._children:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)

    def _send(self, answer: dict[str, int]) -> None:
        self._control.sendall(json.dumps(answer).encode() + b"\n")

    def _read(self) -> bool:
        try:
            data = self._control.recv(1 << 16)
        except ConnectionError:
            return False
        if not data:
            return False
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._start(json.loads(line))
        return True

    def _start(self, request: dict[str, Any]) -> None:
        with warnings.catch_warnings():
            # Native threads of numpy's linear algebra are counted too; its library prepares them for a fork.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            for end in (self._control, self._wake_in, self._wake_out):
                end.close()
            os._exit(_child(request))
        self._children[pid] = request["id"]
        self._send({"id": request["id"], "pid": pid})

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._wake_out.recv(4096):
                pass
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            number = self._children.pop(pid, None)
            if number is None:
                continue
            # What the worker left running in its session ends with it.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            self._send({"id": number, "status": os.waitstatus_to_exitcode(status)})


def _preload(names: list[str]) -> None:
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def main(arguments: list[str]) -> int:
    """Serve the socket whose descriptor is the first argument; the others are modules to load first."""
    control = socket.socket(fileno=int(arguments[0]))
    # flytekit makes temporary folders when it is loaded, and leaves them.
    scratch = tempfile.mkdtemp(prefix="flowtui-")
    try:
        tempfile.tempdir = scratch
        _preload(["flowtui.local.runner.worker", *_OFTEN_USED, *arguments[1:]])
        tempfile.tempdir = None
        with contextlib.suppress(BrokenPipeError, ConnectionError):
            _Zygote(control).serve()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
