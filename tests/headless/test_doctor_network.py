"""`flowtui doctor` against what people run into: every failure is named in a sentence, with what to do."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from flyteidl.admin import execution_pb2, project_pb2, version_pb2
from flyteidl.service import dataproxy_pb2
from google.protobuf.message import Message
from google.rpc import status_pb2

from flowtui.cli import main
from tests.headless.servers import MISSING, answering, grpc_server, http, talking, tls_of

BINARY = "application/octet-stream"
LOGIN = b"<html><head><title>Sign in to Example</title></head><body><form><input type='password'></form></body></html>"
CONSOLE = b"<!doctype html><html><head><title>Flyte Dashboard</title></head><body><div id=root></div></body></html>"
DOMINO = b"<!DOCTYPE html><html><head><title>Domino</title></head><body><div id=app></div></body></html>"
COOKIES = b"<html><head><title>Just a moment</title></head><body>Please enable cookies to continue.</body></html>"


def message(found: Message, status: int = 200) -> bytes:
    return http(status, found.SerializeToString(), BINARY)


def admin(method: str, path: str, headers: dict[str, str]) -> bytes:
    """A Flyte Admin with one project."""
    place = path.partition("?")[0]
    if place == "/healthcheck":
        return http(200, b"", "")
    if place == "/api/v1/version":
        version = version_pb2.Version(Version="v1.16.8")
        return message(version_pb2.GetVersionResponse(control_plane_version=version))
    if place == "/api/v1/projects":
        project = project_pb2.Project(id="p", domains=[project_pb2.Domain(id="development")])
        return message(project_pb2.Projects(projects=[project]))
    if place == "/api/v1/executions/p/development":
        return message(execution_pb2.ExecutionList())
    if place == "/api/v1/dataproxy/artifact_urn":
        url = "https://store.test/x?X-Amz-Signature=hush"
        return message(dataproxy_pb2.CreateDownloadLocationResponse(signed_url=url))
    return message(status_pb2.Status(code=5, message="Not Found"), 404)


@dataclass
class Told:
    """What a person was told: the exit code, the steps, and the last lines."""

    code: int
    steps: list[dict[str, Any]]
    message: str
    hint: str
    text: str

    @property
    def failed(self) -> str:
        """The step that failed first."""
        return next((step["step"] for step in self.steps if not step["ok"]), "")

    def found(self, step: str) -> str:
        return next(str(one["found"]) for one in self.steps if one["step"] == step)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def doctor(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `flowtui doctor` twice, as text and with --json, which must tell the same."""
    monkeypatch.setenv("FLOWTUI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FLOWTUI_TOKEN", "hush")
    # These failures do not pass, so that waiting for it is left out.
    monkeypatch.setattr("flowtui.admin.connection.READ_ATTEMPTS", 2)

    def run(endpoint: str, *words: str) -> Told:
        common = ["doctor", "--endpoint", endpoint, "-p", "p", "--timeout", "5", *words]
        code = main(common)
        printed = capsys.readouterr()
        assert main([*common, "--json"]) == code
        said = capsys.readouterr()
        assert "hush" not in printed.out + printed.err + said.out + said.err
        if code == 0:
            assert printed.err == said.err == ""
            return Told(0, json.loads(said.out), "", "", printed.out)
        assert said.out == ""
        error = json.loads(said.err)["error"]
        told = Told(code, error["steps"], error["message"], error["hint"], printed.err)
        assert error["hint"]
        assert error["message"] in printed.err
        assert error["hint"] in printed.err
        failing = next(step for step in told.steps if not step["ok"])
        assert (failing["found"], failing["hint"]) == (error["message"], error["hint"])
        assert f"✖ {failing['step']}" in printed.err or f"x {failing['step']}" in printed.err
        return told

    return run


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(organization_name="Example Authority")


@contextmanager
def trusting(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    yield


def test_a_good_server(doctor: Any) -> None:
    with answering(admin) as server:
        told = doctor(f"http://127.0.0.1:{server.port}")
    assert told.code == 0
    names = [step["step"] for step in told.steps]
    wanted = ["name", "connect", "healthcheck", "login", "version", "project", "list", "signed url", "clock"]
    assert [name for name in names if name in wanted] == wanted
    assert told.found("name") == "127.0.0.1 is 127.0.0.1"
    assert told.found("version") == "Flyte Admin v1.16.8"
    assert told.found("signed url") == "files are read from store.test"
    assert "authorization" in server.requests[0][2]


def test_a_good_server_with_tls(
    doctor: Any, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = authority.issue_cert("localhost", not_after=datetime.now(timezone.utc) + timedelta(days=3))
    with trusting(authority, tmp_path, monkeypatch), answering(admin, tls_of(certificate)) as server:
        told = doctor(f"https://localhost:{server.port}")
    assert told.code == 0
    assert told.found("tls").startswith("TLSv1.3, certificate of localhost signed by Example Authority")
    assert told.found("tls").endswith("which is soon")
    # The step that looks at the certificate sends nobody's token.
    assert "authorization" not in server.requests[0][2]


def test_a_name_that_is_not_known(doctor: Any) -> None:
    told = doctor("https://flyte.invalid/flows")
    assert told.failed == "name"
    assert "flyte.invalid is not known" in told.message
    assert "VPN" in told.hint


def test_a_port_that_refuses(doctor: Any) -> None:
    told = doctor("http://127.0.0.1:1")
    assert told.failed == "connect"
    assert told.message == "http://127.0.0.1:1 cannot be reached: 127.0.0.1:1 refuses the connection."
    assert "port-forward" in told.hint


def test_a_grpc_port(doctor: Any) -> None:
    with grpc_server() as port:
        told = doctor(f"http://127.0.0.1:{port}")
    assert told.failed == "healthcheck"
    assert told.message == f"127.0.0.1:{port} speaks HTTP/2 only: it is a port for gRPC."
    assert "8088" in told.hint


def test_a_grpc_port_asked_with_tls(doctor: Any) -> None:
    with grpc_server() as port:
        told = doctor(f"https://127.0.0.1:{port}")
    assert told.failed == "tls"
    assert told.message == f"127.0.0.1:{port} speaks HTTP/2 without TLS: it is a port for gRPC."


def test_a_grpc_port_with_tls(
    doctor: Any, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = authority.issue_cert("localhost")
    with trusting(authority, tmp_path, monkeypatch), grpc_server(certificate) as port:
        told = doctor(f"https://localhost:{port}")
        assert told.failed == "tls"
        assert told.message == f"localhost:{port} speaks HTTP/2 only: it is a port for gRPC."
        plain = doctor(f"http://localhost:{port}")
    assert plain.failed == "healthcheck"
    assert plain.message == f"localhost:{port} speaks TLS and HTTP/2: it may be a port for gRPC."
    assert f"https://localhost:{port}" in plain.hint


def test_an_ingress_that_leads_to_grpc_only(doctor: Any) -> None:
    def answer(method: str, path: str, headers: dict[str, str]) -> bytes:
        return http(415, b"", "application/grpc", grpc_status="3", grpc_message='invalid gRPC request content-type ""')

    with answering(answer) as server:
        told = doctor(f"http://127.0.0.1:{server.port}")
    assert told.failed == "healthcheck"
    assert "speaks gRPC only" in told.message
    assert "HTTP port" in told.hint


def test_tls_where_plain_http_is_spoken(doctor: Any) -> None:
    async def plain(reader: Any, writer: Any) -> None:
        # As Go's server: the first line is no request, and it says so in plain words.
        await reader.read(5)
        writer.write(http(400, b"Bad Request"))
        await writer.drain()

    with talking(plain) as port:
        told = doctor(f"https://127.0.0.1:{port}")
    assert told.failed == "tls"
    assert told.message == f"127.0.0.1:{port} does not speak TLS."
    assert "http:// instead of https://" in told.hint


def test_plain_http_where_tls_is_spoken(doctor: Any, authority: trustme.CA) -> None:
    with answering(admin, tls_of(authority.issue_cert("localhost"))) as server:
        told = doctor(f"http://localhost:{server.port}")
    assert told.failed == "healthcheck"
    assert told.message == f"localhost:{server.port} speaks TLS."
    assert f"https://localhost:{server.port}" in told.hint


@pytest.mark.parametrize(
    "page",
    [
        http(400, b"Client sent an HTTP request to an HTTPS server.\n"),
        http(400, b"<html><title>400</title>The plain HTTP request was sent to HTTPS port</html>", "text/html"),
    ],
)
def test_a_server_that_says_itself_that_it_speaks_tls(doctor: Any, page: bytes) -> None:
    with answering(lambda method, path, headers: page) as server:
        told = doctor(f"http://127.0.0.1:{server.port}")
    assert told.message == f"http://127.0.0.1:{server.port} speaks TLS."
    assert "https://" in told.hint


def test_certificates_that_are_not_to_be_trusted(
    doctor: Any, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(timezone.utc)
    cases = {
        "has expired": authority.issue_cert("localhost", not_before=now - timedelta(9), not_after=now - timedelta(2)),
        "is not valid yet": authority.issue_cert("localhost", not_before=now + timedelta(2)),
        "is for another name than localhost": authority.issue_cert("flyte.example.com", "*.example.org"),
    }
    remedies = {"has expired": "renew", "is not valid yet": "clock", "is for another name than localhost": "the name"}
    details = {
        "has expired": f"It ended on {now - timedelta(2):%Y-%m-%d}",
        "is not valid yet": f"It begins on {now + timedelta(2):%Y-%m-%d}",
        "is for another name than localhost": "It is for flyte.example.com, *.example.org.",
    }
    with trusting(authority, tmp_path, monkeypatch):
        for said, certificate in cases.items():
            with answering(admin, tls_of(certificate)) as server:
                told = doctor(f"https://localhost:{server.port}")
            assert told.failed == "tls"
            assert told.message.startswith(f"The certificate of localhost:{server.port} {said}.")
            assert details[said] in told.message
            assert "signed by Example Authority" in told.message
            assert remedies[said] in told.hint
            # Nothing was sent to it.
            assert server.requests == []


def test_an_authority_that_is_not_known(doctor: Any, authority: trustme.CA) -> None:
    with answering(admin, tls_of(authority.issue_cert("localhost"))) as server:
        told = doctor(f"https://localhost:{server.port}")
    assert told.failed == "tls"
    assert "signed by an authority that is not trusted here" in told.message
    assert "signed by Example Authority" in told.message
    for setting in ("--ca-file", "[tls]", "admin.caCertFilePath"):
        assert setting in told.hint


def test_a_certificate_signed_by_itself(doctor: Any, tmp_path: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(1))
        .not_valid_after(now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "own.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with answering(admin, context) as server:
        told = doctor(f"https://localhost:{server.port}")
    assert "signed by itself" in told.message
    assert "--ca-file" in told.hint


def test_a_flyte_2_server(doctor: Any) -> None:
    def flyte_2(method: str, path: str, headers: dict[str, str]) -> bytes:
        if path in ("/healthz", "/readyz"):
            return http(200, b"OK")
        if (method, path) == ("POST", "/flyteidl2.project.ProjectService/ListProjects"):
            assert "authorization" not in headers
            return http(200, b'{"projects":{"projects":[]}}', "application/json")
        return http(404, MISSING)

    with answering(flyte_2) as server:
        told = doctor(f"http://127.0.0.1:{server.port}")
    assert told.failed == "healthcheck"
    assert "is a Flyte 2 server" in told.message
    assert "Flyte 1" in told.hint


def test_a_flyte_2_server_with_a_login(doctor: Any) -> None:
    def flyte_2(method: str, path: str, headers: dict[str, str]) -> bytes:
        if path == "/healthcheck":
            return http(200, b"", "")
        if path.startswith("/flyteidl2."):
            return http(401, b'{"code":"unauthenticated","message":"log in"}', "application/json")
        return http(404, MISSING)

    with answering(flyte_2) as server:
        told = doctor(f"http://127.0.0.1:{server.port}")
    assert told.failed == "version"
    assert "is a Flyte 2 server" in told.message


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (http(200, LOGIN, "text/html"), "a login page (Sign in to Example)"),
        (http(403, LOGIN, "text/html"), "a login page (Sign in to Example)"),
        (http(302, b"", "", location="https://login.test/authorize?state=hush"), "sends on to https://login.test"),
        (http(303, b"", "", location="/oauth2/start?rd=hush"), "which looks like a login"),
        (http(200, COOKIES, "text/html"), "wants a browser with cookies"),
    ],
)
def test_a_login_for_browsers(doctor: Any, answer: bytes, said: str) -> None:
    with answering(lambda method, path, headers: answer) as server:
        told = doctor(f"http://127.0.0.1:{server.port}")
    assert (told.failed, told.code) == ("healthcheck", 4)
    assert said in told.message
    assert "flowtui login" in told.hint


def test_a_login_that_admin_wants_itself(doctor: Any) -> None:
    def answer(method: str, path: str, headers: dict[str, str]) -> bytes:
        if path == "/healthcheck":
            return http(200, b"", "")
        return http(
            401, b'{"code":16,"message":"token parse error"}', "application/json", www_authenticate="token parse error"
        )

    with answering(answer) as server:
        told = doctor(f"http://127.0.0.1:{server.port}")
    assert (told.failed, told.code) == ("version", 4)
    assert "does not accept the token of FLOWTUI_TOKEN: token parse error" in told.message
    assert "token of this server" in told.hint
    # The place is right: nothing else on the host is asked.
    assert not [path for _, path, _ in server.requests if path.startswith(("/flows", "/flyteidl2"))]


def under(prefix: str, page: bytes) -> Any:
    """A host with Flyte Admin below a path, and a web page everywhere else."""

    def answer(method: str, path: str, headers: dict[str, str]) -> bytes:
        if path.startswith(f"{prefix}/") and not path.startswith(f"{prefix}{prefix}"):
            return admin(method, path.removeprefix(prefix), headers)
        return http(200, page, "text/html")

    return answer


def test_dominos_front_page(doctor: Any) -> None:
    with answering(under("/flows", DOMINO)) as server:
        told = doctor(f"http://127.0.0.1:{server.port}")
    assert told.failed == "healthcheck"
    assert "is Domino's web page" in told.message
    assert told.hint == f"Flyte Admin answers at http://127.0.0.1:{server.port}/flows: use that as the endpoint."


def test_a_path_that_stands_twice(doctor: Any) -> None:
    with answering(under("/flows", DOMINO)) as server:
        told = doctor(f"http://127.0.0.1:{server.port}/flows/flows")
    assert told.hint == f"Flyte Admin answers at http://127.0.0.1:{server.port}/flows: use that as the endpoint."


def test_a_path_where_nothing_is_known_of_the_right_one(doctor: Any) -> None:
    with answering(lambda method, path, headers: http(404, DOMINO, "text/html")) as server:
        told = doctor(f"http://127.0.0.1:{server.port}/flows/flows")
    assert "The path /flows stands twice" in told.hint


def test_the_console_in_the_place_of_admin(doctor: Any) -> None:
    def answer(method: str, path: str, headers: dict[str, str]) -> bytes:
        return http(200, CONSOLE, "text/html") if path.startswith("/console") else admin(method, path, headers)

    with answering(answer) as server:
        told = doctor(f"http://127.0.0.1:{server.port}/console/projects/p")
    # Settings may have taken the console's path away by themselves.
    if told.code:
        assert "Flyte's console" in told.message
        assert told.hint == f"Flyte Admin answers at http://127.0.0.1:{server.port}: use that as the endpoint."


def test_an_old_admin_tells_no_version_and_is_read_all_the_same(doctor: Any) -> None:
    def old(method: str, path: str, headers: dict[str, str]) -> bytes:
        return admin(method, "/nowhere" if path == "/api/v1/version" else path, headers)

    with answering(old) as server:
        told = doctor(f"http://127.0.0.1:{server.port}")
    assert told.code == 0
    assert told.found("version") == "Flyte Admin, which does not tell its version"


def test_a_server_that_accepts_and_says_nothing(doctor: Any) -> None:
    async def silent(reader: Any, writer: Any) -> None:
        await reader.read()

    with talking(silent) as port:
        told = doctor(f"http://127.0.0.1:{port}", "--timeout", "0.2")
    assert told.failed == "healthcheck"
    assert "did not answer about health check within 0.2 s" in told.message
    assert "--timeout" in told.hint


def test_a_proxy_that_wants_a_login(doctor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(lambda method, path, headers: http(407)) as proxy:
        for scheme in ("http", "https"):
            monkeypatch.setenv(f"{scheme}_proxy", f"http://someone:hush@127.0.0.1:{proxy.port}")
            told = doctor(f"{scheme}://flyte.invalid")
            assert told.found("proxy").startswith(f"http://127.0.0.1:{proxy.port}")
            assert told.failed == ("healthcheck" if scheme == "http" else "tls")
            assert "wants a login" in told.message
            assert "user and password" in told.hint
            assert told.code == 4


def test_a_proxy_that_lets_nothing_through(doctor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(lambda method, path, headers: http(502, b"no")) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        told = doctor("https://flyte.invalid")
    assert told.failed == "tls"
    assert f"The proxy http://127.0.0.1:{proxy.port} does not let flyte.invalid:443 through: 502" in told.message
    assert "NO_PROXY" in told.hint


def test_a_proxy_that_is_not_there(doctor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    told = doctor("https://flyte.invalid")
    assert told.failed == "connect"
    assert "the proxy http://127.0.0.1:1 refuses the connection" in told.message
    assert "HTTPS_PROXY" in told.hint


def test_a_server_that_signs_nothing_is_read_all_the_same(doctor: Any) -> None:
    def blocked(method: str, path: str, headers: dict[str, str]) -> bytes:
        return http(404, MISSING) if "dataproxy" in path else admin(method, path, headers)

    with answering(blocked) as server:
        told = doctor(f"http://127.0.0.1:{server.port}")
    assert told.failed == "signed url"
    assert [step["step"] for step in told.steps][-1] == "clock"
    assert "artifact_urn" in told.hint


@pytest.mark.parametrize(("hours", "said"), [(3, "3h00 behind the server's"), (-3, "3h00 ahead of the server's")])
def test_a_clock_that_is_off(doctor: Any, hours: int, said: str) -> None:
    def skewed(method: str, path: str, headers: dict[str, str]) -> bytes:
        date = format_datetime(datetime.now(timezone.utc) + timedelta(hours=hours), usegmt=True)
        return admin(method, path, headers).replace(b"\r\n", f"\r\ndate: {date}\r\n".encode(), 1)

    with answering(skewed) as server:
        told = doctor(f"http://127.0.0.1:{server.port}")
    assert told.failed == "clock"
    assert said in told.message
    assert "NTP" in told.hint


def test_ports_are_free_again() -> None:
    """The servers above are closed with their tests: nothing of them is left listening."""
    with ExitStack() as stack:
        server = stack.enter_context(answering(admin))
    with socket.socket() as again:
        assert again.connect_ex(("127.0.0.1", server.port)) != 0
