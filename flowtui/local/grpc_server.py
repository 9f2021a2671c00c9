"""Flyte's gRPC services over the embedded Admin, for flytekit: FlyteRemote and pyflyte speak nothing else.

The handlers and the store are those of the REST port; signed URLs lead there. As in Flyte, where no token is wanted
there is no AuthMetadataService and no IdentityService. Where one is, AuthMetadataService answers anybody, since
flytekit asks it under which name to send the token that its configuration's command prints. There is no host name and
no origin to check as over REST: a page in a browser cannot speak gRPC.

How large an answer may be is the client's setting (gRPC's default is 4 MiB, flytekit's 20 MiB); a request may be as
large as over REST.
"""

from __future__ import annotations

import importlib.util
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from flyteidl.service import auth_pb2

from flowtui.errors import UnreachableError
from flowtui.local import marshal, routes
from flowtui.local.dispatch import Dispatcher
from flowtui.local.guard import WANTED, is_bearer
from flowtui.local.status import UNAUTHENTICATED, AdminError

if TYPE_CHECKING:
    import grpc

THREADS = 16
"""Calls that are answered at the same time; more wait."""

MAX_REQUEST = 64 * 1024 * 1024
MAX_MESSAGE = 6000
"""Bytes of a refusal's message: gRPC's clients take 8 KiB of headers by default."""

TOKEN_KEY = "flyte-authorization"  # noqa: S105
"""The metadata key that Flyte's clients are told to send their token as."""

NO_LOGIN = "http://localhost:no-login-here-set-authType-to-ExternalCommand"
"""No address: flytekit fails on it at once and shows it, where it would open a browser for a login that is not here."""

_TOKEN_KEYS = ("authorization", TOKEN_KEY)
_STOP_SECONDS = 2.0
_OTHER_PORT = "Name another one with --grpc-port."
_AUTH = "flyteidl.service.AuthMetadataService"


def is_installed() -> bool:
    """Whether grpcio is: flytekit brings it, and the extra ``grpc``."""
    return importlib.util.find_spec("grpc") is not None


class GrpcServer:
    """The services on a loopback port, answered in threads of their own from :meth:`start` to :meth:`stop`.

    Args:
        base_url: of the REST port, for signed URLs.
        token: what metadata must carry as ``authorization: Bearer`` or ``flyte-authorization: Bearer``; None: nothing.
        host: a loopback address; that it is one is checked by the caller.
        port: 0 for one that is free.

    Attributes:
        endpoint: ``HOST:PORT``, as Flyte's configuration has it.

    Raises:
        UnreachableError: the port cannot be had.
    """

    def __init__(
        self, dispatcher: Dispatcher, *, base_url: str, token: str | None, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        import grpc
        from flyteidl.service import admin_pb2_grpc, auth_pb2_grpc, dataproxy_pb2_grpc, identity_pb2_grpc
        from flyteidl.service import signal_pb2_grpc as signal_grpc

        _check_free(host, port)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="grpc")
        options = [
            # A second server must not share the port unnoticed.
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", MAX_REQUEST),
            ("grpc.max_send_message_length", -1),
            # flytekit pings an idle connection every 30 s, which gRPC answers with hanging up by default.
            ("grpc.http2.max_ping_strikes", 0),
        ]
        self._server: Any = grpc.server(self._threads, options=options)
        guard = None if token is None else _TokenGuard(token)
        for name, add in (
            ("AdminService", admin_pb2_grpc.add_AdminServiceServicer_to_server),
            ("DataProxyService", dataproxy_pb2_grpc.add_DataProxyServiceServicer_to_server),
            ("SignalService", signal_grpc.add_SignalServiceServicer_to_server),
            ("AuthMetadataService", auth_pb2_grpc.add_AuthMetadataServiceServicer_to_server),
            ("IdentityService", identity_pb2_grpc.add_IdentityServiceServicer_to_server),
        ):
            add(_Servicer(f"flyteidl.service.{name}", dispatcher, base_url, guard), self._server)
        shown = f"[{host}]" if ":" in host else host
        try:
            self.endpoint = f"{shown}:{self._server.add_insecure_port(f'{shown}:{port}')}"
        except RuntimeError as error:
            raise UnreachableError(f"Port {port} on {host} cannot be opened for gRPC: {error}", _OTHER_PORT) from error

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        """Take no more calls, let those that run end for two seconds, then cut them off."""
        self._server.stop(_STOP_SECONDS).wait()
        self._threads.shutdown()


class _TokenGuard:
    """Wants the token of whoever calls, and says how to send it.

    flytekit calls without one first, and asks how to send it then; or asks first, from another thread.
    """

    def __init__(self, token: str) -> None:
        self._token = token

    def check(self, context: grpc.ServicerContext) -> None:
        """Refuse a call without the token.

        Raises:
            AdminError: 16, unauthenticated.
        """
        given = [value for key, value in context.invocation_metadata() if key in _TOKEN_KEYS]
        if not any(isinstance(value, str) and is_bearer(value, self._token) for value in given):
            raise AdminError(UNAUTHENTICATED, WANTED)

    def describe(self, rpc: str) -> Any:
        """The answer of AuthMetadataService: under which key to send a token, and no address of a login."""
        if rpc == "GetPublicClientConfig":
            return auth_pb2.PublicClientAuthConfigResponse(authorization_metadata_key=TOKEN_KEY, redirect_uri=NO_LOGIN)
        return auth_pb2.OAuth2MetadataResponse()


class _Servicer:
    """One service: whatever method flyteidl's stubs ask for is answered by the dispatcher."""

    def __init__(self, service: str, dispatcher: Dispatcher, base_url: str, guard: _TokenGuard | None) -> None:
        self._service = service
        self._dispatcher = dispatcher
        self._base_url = base_url
        self._guard = guard

    def __getattr__(self, rpc: str) -> Callable[[Any, grpc.ServicerContext], Any]:
        if rpc.startswith("_"):
            raise AttributeError(rpc)
        return partial(self._answer, rpc)

    def _answer(self, rpc: str, request: Any, context: grpc.ServicerContext) -> Any:
        try:
            if self._guard is not None:
                if self._service == _AUTH:
                    return self._guard.describe(rpc)
                self._guard.check(context)
            handler = self._dispatcher.handler(self._service, rpc)
            return self._dispatcher.answer(handler, request, self._base_url, writes=rpc in _writing())
        except AdminError as error:
            refusal = error
        return _abort(context, refusal)


@lru_cache(maxsize=1)
def _writing() -> frozenset[str]:
    """The RPCs that may change something: those that REST has another method than GET for."""
    return frozenset(route.call for route in routes.routes() if route.method != "GET")


def _abort(context: grpc.ServicerContext, error: AdminError) -> Any:
    import grpc

    message = shortened(error.message, MAX_MESSAGE)
    if error.details:
        # The status has the message once more.
        message = shortened(error.message, MAX_MESSAGE // 3)
        status = marshal.status_message(AdminError(error.code, message, error.details))
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    codes = {code.value[0]: code for code in grpc.StatusCode}
    return context.abort(codes.get(error.code, grpc.StatusCode.UNKNOWN), message)


def shortened(message: str, limit: int) -> str:
    """The head of a message that takes at most ``limit`` bytes as gRPC's header, with an ellipsis where it was cut."""
    size = 0
    for position, character in enumerate(message):
        # All else than printable ASCII is percent-encoded, byte by byte.
        size += 1 if " " <= character <= "~" and character != "%" else 3 * len(character.encode("utf-8", "replace"))
        if size > limit:
            return message[:position] + " ..."
    return message


def _check_free(host: str, port: int) -> None:
    """Refuse a port that is taken, with the reason; gRPC itself would log it and not say.

    Raises:
        UnreachableError: it cannot be had.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            told = f"Port {port} on {host} cannot be opened for gRPC: {error.strerror}."
            raise UnreachableError(told, _OTHER_PORT) from error
