"""httpx against httpx2: what an import, a request and a long body cost, and where the two behave differently.

Two new virtual environments hold the two sides: httpx with what flowtui installs beside it (sniffio, and rich, click
and pygments, which Textual and uvicorn bring), httpx2 with the same. Both ask one server in a process of its own, over
loopback, each round in a fresh process, in turn. The figures are medians; the ratio is that of the pairs of a round.
Then each side says what it does: which requests of a list pass the proxy of the environment, which certificates it
takes, which headers survive a redirect, and its defaults.

    .venv/bin/python benchmarks/http_clients.py [--rounds 9] [--environments FOLDER]

The environments are made with pip, and kept where a folder is given. httpx2 needs Python 3.11.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import multiprocessing
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import venv
from multiprocessing.connection import Connection
from pathlib import Path

import trustme

REPOSITORY = Path(__file__).resolve().parent.parent
BESIDE = ["rich", "click", "pygments", "backports.zstd", "trustme"]
SIDES = {"httpx": ["httpx==0.28.1", "sniffio", *BESIDE], "httpx2": ["httpx2==2.16.2", *BESIDE]}
REQUESTS = 1000
AT_ONCE = 16
LONG = 64 << 20
BOMB = gzip.compress(bytes(LONG))

IMPORTS = {
    "httpx, as flowtui imports it": ("httpx", "from flowtui.httpclient import httpx"),
    "httpx, bare": ("httpx", "import httpx"),
    "httpx2, bare": ("httpx2", "import httpx2"),
}
IMPORT = """
import sys, time
start = time.perf_counter()
{statement}
seconds = time.perf_counter() - start
found = [name for name in ("rich", "click", "pygments", "certifi", "truststore", "ssl") if name in sys.modules]
import json; print(json.dumps({{"seconds": seconds, "modules": len(sys.modules), "found": found}}))
"""

WORK = """
import asyncio, importlib, json, sys, time
name, url, requests, at_once = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
http = importlib.import_module(name)

async def main():
    found = {}
    start = time.perf_counter()
    context = http.create_ssl_context()
    found["context"] = time.perf_counter() - start
    async with http.AsyncClient(verify=context, trust_env=False, limits=http.Limits(max_connections=at_once)) as client:
        await client.get(url + "/small")
        for label, tasks in (("one", 1), ("many", at_once)):
            async def some():
                for _ in range(requests // tasks):
                    response = await client.get(url + "/small")
                    assert len(response.content) == 1000
            start, cpu = time.perf_counter(), time.process_time()
            await asyncio.gather(*(some() for _ in range(tasks)))
            found[label] = (time.perf_counter() - start) / requests
            found[label + " cpu"] = (time.process_time() - cpu) / requests
        start, cpu, size = time.perf_counter(), time.process_time(), 0
        async with client.stream("GET", url + "/long") as response:
            async for piece in response.aiter_raw():
                size += len(piece)
        found["long"], found["long cpu"], found["size"] = time.perf_counter() - start, time.process_time() - cpu, size
    return found

print(json.dumps(asyncio.run(main())))
"""

BEHAVIOUR = """
import asyncio, importlib, json, os, ssl, sys
name, plain, secure, proxy, other, ca, folder = sys.argv[1:]
http = importlib.import_module(name)

NO_PROXY = [
    ("localhost", "http://localhost:9"), ("127.0.0.1", "http://127.0.0.1:9"), ("::1", "http://[::1]:9"),
    ("[::1]", "http://[::1]:9"), ("127.0.0.0/8", "http://127.0.0.1:9"), ("::/64", "http://[::1]:9"),
    ("[::]/64", "http://[::1]:9"), ("test", "http://a.test:9"), (".test", "http://a.test:9"),
    ("*.test", "http://a.test:9"), ("a.test:9", "http://a.test:9"), ("a.test:8", "http://a.test:9"),
    ("http://a.test", "http://a.test:9"), ("A.TEST", "http://a.test:9"), ("a.test b.test", "http://b.test:9"),
    ("*", "http://a.test:9"), ("a.test,*", "http://b.test:9"), ("127.0.0.0/99", "http://a.test:9"),
]

async def word(client, url):
    try:
        response = await client.get(url)
        return response.headers.get("via", "direct")
    except http.TransportError as error:
        return "direct" if isinstance(error, (http.ConnectError, http.ConnectTimeout)) else type(error).__name__

async def passes(value, url):
    os.environ.update(HTTP_PROXY=proxy, http_proxy=proxy, NO_PROXY=value, no_proxy=value)
    try:
        async with http.AsyncClient(verify=False, timeout=1.0) as client:
            return await word(client, url)
    except (ValueError, http.InvalidURL) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        for key in ("HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"):
            del os.environ[key]

async def proxied(url):
    os.environ.update(http_proxy=url, HTTP_PROXY=url)
    try:
        async with http.AsyncClient(verify=False, timeout=1.0) as client:
            return await word(client, "http://a.test:9")
    except (ValueError, ImportError, http.InvalidURL) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        del os.environ["HTTP_PROXY"], os.environ["http_proxy"]

async def trusted(variables, **options):
    os.environ.update(variables)
    try:
        async with http.AsyncClient(timeout=2.0, **options) as client:
            return str((await client.get(secure)).status_code)
    except http.ConnectError as error:
        return "refused" if "CERTIFICATE_VERIFY_FAILED" in str(error) else str(error)
    except OSError as error:
        return f"{type(error).__name__}: {error}"
    finally:
        for key in variables:
            del os.environ[key]

async def redirected(target, status, method="GET", **options):
    headers = {"Authorization": "Bearer secret", "Cookie": "a=1", "X-Own": "kept"}
    async with http.AsyncClient(verify=False, follow_redirects=True) as client:
        response = await client.request(method, f"{plain}/to/{status}/{target}", headers=headers, **options)
    seen = response.json()
    kept = [key for key in ("authorization", "cookie", "x-own", "content-length") if key in seen["headers"]]
    return seen["method"] + " " + ", ".join(kept)

async def largest():
    async with http.AsyncClient(trust_env=False) as client:
        async with client.stream("GET", plain + "/bomb") as response:
            return max([len(piece) async for piece in response.aiter_bytes()])

async def main():
    client = http.AsyncClient()
    context = http.create_ssl_context()
    found = {"defaults": {
        "timeout": str(client.timeout), "redirects": f"{client.follow_redirects}, at most {client.max_redirects}",
        "Accept-Encoding": client.headers["accept-encoding"], "User-Agent": client.headers["user-agent"],
        "largest piece of a gzip body": await largest(),
    }}
    await client.aclose()
    found["NO_PROXY"] = {f"{value} for {url}": await passes(value, url) for value, url in NO_PROXY}
    found["HTTP_PROXY"] = {url.replace(proxy, "http://HOST:PORT"): await proxied(url)
                           for url in (proxy, proxy.removeprefix("http://"), "socks5://127.0.0.1:9", "ftp://127.0.0.1:9")}
    found["certificates"] = {
        "authorities at first": len(context.get_ca_certs()) or str(context.cert_store_stats()),
        "kind": type(context).__module__,
        "minimum": context.minimum_version.name,
        "strict flags": str(ssl.VerifyFlags(context.verify_flags)),
        "no variable": await trusted({}),
        "SSL_CERT_FILE": await trusted({"SSL_CERT_FILE": ca}),
        "SSL_CERT_DIR": await trusted({"SSL_CERT_DIR": folder}),
        "SSL_CERT_FILE wrong, SSL_CERT_DIR right": await trusted({"SSL_CERT_FILE": other, "SSL_CERT_DIR": folder}),
        "SSL_CERT_FILE missing": await trusted({"SSL_CERT_FILE": "/nowhere.pem"}),
        "SSL_CERT_FILE empty, SSL_CERT_DIR right": await trusted({"SSL_CERT_FILE": "", "SSL_CERT_DIR": folder}),
        "SSL_CERT_FILE, trust_env=False": await trusted({"SSL_CERT_FILE": ca}, trust_env=False),
        "SSL_CERT_FILE, a context of the caller": await trusted(
            {"SSL_CERT_FILE": other}, verify=ssl.create_default_context(cafile=ca)),
    }
    found["redirects"] = {
        "302 to the same origin": await redirected("same", 302),
        "302 to another host": await redirected("host", 302),
        "302 to another port": await redirected("port", 302),
        "302 to https of the same host": await redirected("https", 302),
        "302 of a POST": await redirected("same", 302, "POST", content=b"x"),
        "307 of a POST to another host": await redirected("host", 307, "POST", content=b"x"),
        "303 of a PUT": await redirected("same", 303, "PUT", content=b"x"),
        "https:/// without a host": None,
    }
    async with http.AsyncClient(trust_env=False) as client:
        for label, location in (("https:/// without a host", "nohost"), ("a Location that is no URL", "bad")):
            try:
                response = await client.get(f"{plain}/to/302/{location}")
                found["redirects"][label] = f"{response.status_code}, next {bool(response.next_request)}"
            except http.HTTPError as error:
                found["redirects"][label] = type(error).__name__
    return found

print(json.dumps(asyncio.run(main())))
"""


class Server:
    """Answers GET, POST and PUT of this script on loopback, plain or with TLS, and as a proxy (``via: proxy``)."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.places: dict[str, str] = {}
        self.port = 0

    async def start(self, context: ssl.SSLContext | None = None) -> None:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, ssl=context, limit=1 << 20)
        self.port = server.sockets[0].getsockname()[1]

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode("latin-1").strip().split("\r\n")
                headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
                await reader.readexactly(int(headers.get("content-length", 0)))
                method, path, _ = first.split(" ")
                writer.write(self._response(method, path, headers))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _response(self, method: str, path: str, headers: dict[str, str]) -> bytes:
        status, extra, body = "200 OK", "", b"x" * 1000
        if self.name:
            extra = f"via: {self.name}\r\n"
        elif path == "/long":
            body = bytes(LONG)
        elif path == "/bomb":
            extra, body = "content-encoding: gzip\r\n", BOMB
        elif path == "/seen":
            body = json.dumps({"method": method, "headers": headers}).encode()
        elif path.startswith("/to/"):
            _, _, code, target = path.split("/")
            status, extra, body = f"{code} Moved", f"location: {self.places[target]}\r\n", b""
        return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{extra}\r\n".encode() + body


def serve(ports: Connection, certificate: Path) -> None:
    """Start the servers in this process, send their ports, and answer until it is ended."""

    async def answer() -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        plain, second, secure, proxy = Server(), Server(), Server(), Server("proxy")
        await plain.start()
        await second.start()
        await secure.start(context)
        await proxy.start()
        plain.places = {
            "same": "/seen",
            "host": f"http://localhost:{plain.port}/seen",
            "port": f"http://127.0.0.1:{second.port}/seen",
            "https": f"https://127.0.0.1:{secure.port}/seen",
            "nohost": "https:///seen",
            "bad": "https://[",
        }
        ports.send((plain.port, secure.port, proxy.port))
        await asyncio.Event().wait()

    asyncio.run(answer())


def environments(folder: Path) -> dict[str, str]:
    """The interpreters of the two sides, whose environments are made where they are not there."""
    found = {}
    for name, packages in SIDES.items():
        place = folder / name
        found[name] = str(place / "bin" / "python")
        if not place.exists():
            venv.create(place, with_pip=True)
            subprocess.run([found[name], "-m", "pip", "install", "-q", *packages], check=True)
    return found


def answer_of(python: str, program: str, *arguments: str, **variables: str) -> dict[str, object]:
    kept = ("PATH", "HOME", "TMPDIR", "LANG")
    environment = {key: value for key, value in os.environ.items() if key in kept} | variables
    done = subprocess.run([python, "-c", program, *arguments], env=environment, stdout=subprocess.PIPE, check=True)
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def show(label: str, sides: list[list[float]], names: list[str], unit: str, factor: float) -> None:
    print(f"{label}")
    for name, values in zip(names, sides, strict=True):
        ratios = [value / first for value, first in zip(values, sides[0], strict=True)]
        print(
            f"  {name:30} median {statistics.median(values) * factor:8.2f} {unit}  min {min(values) * factor:8.2f}"
            f"  max {max(values) * factor:8.2f}  ratio {statistics.median(ratios):.2f}"
        )


def measure_imports(pythons: dict[str, str], rounds: int) -> None:
    times: dict[str, list[float]] = {label: [] for label in IMPORTS}
    said = {}
    for number in range(rounds * 3 + 1):  # The first writes the bytecode.
        for label, (side, statement) in IMPORTS.items():
            program = IMPORT.format(statement=statement)
            answer = answer_of(pythons[side], program, PYTHONPATH=str(REPOSITORY) if "flowtui" in statement else "")
            said[label] = f"{answer['modules']} modules, with {', '.join(answer['found'])}"  # type: ignore[arg-type]
            if number:
                times[label].append(float(answer["seconds"]))  # type: ignore[arg-type]
    show("import", list(times.values()), list(times), "ms", 1000)
    for label, words in said.items():
        print(f"    {label}: {words}")


def measure_requests(pythons: dict[str, str], rounds: int, url: str) -> None:
    answers: dict[str, list[dict[str, object]]] = {name: [] for name in pythons}
    for number in range(rounds + 1):
        order = list(pythons) if number % 2 else list(reversed(pythons))
        for name in order:
            answer = answer_of(pythons[name], WORK, name, url, str(REQUESTS), str(AT_ONCE))
            assert answer["size"] == LONG
            if number:
                answers[name].append(answer)
    for label, key, unit, factor in (
        ("create_ssl_context()", "context", "ms", 1e3),
        ("a GET of 1,000 bytes, one after the other", "one", "ms", 1e3),
        ("    of it computed by the client", "one cpu", "ms", 1e3),
        (f"a GET of 1,000 bytes, {AT_ONCE} at once", "many", "ms", 1e3),
        ("    of it computed by the client", "many cpu", "ms", 1e3),
        ("a body of 64 MiB, streamed", "long", "ms", 1e3),
        ("    of it computed by the client", "long cpu", "ms", 1e3),
    ):
        sides = [[float(answer[key]) for answer in answers[name]] for name in pythons]  # type: ignore[arg-type]
        show(label, sides, list(pythons), unit, factor)


def tell_behaviour(pythons: dict[str, str], folder: Path, ports: tuple[int, int, int]) -> None:
    plain, secure, proxy = ports
    addresses = f"http://127.0.0.1:{plain}", f"https://localhost:{secure}/seen", f"http://127.0.0.1:{proxy}"
    files = str(folder / "other.pem"), str(folder / "ca.pem"), str(folder / "hashed")
    told = {name: answer_of(python, BEHAVIOUR, name, *addresses, *files) for name, python in pythons.items()}
    old, new = told.values()
    for part, rows in old.items():
        print(part)
        for row, value in rows.items():  # type: ignore[attr-defined]
            theirs = new[part][row]  # type: ignore[index]
            same = "same" if str(value) == str(theirs).replace("2.16.2", "0.28.1") else "DIFFERS"
            print(f"  {same:8}{row}: {value}" + ("" if same == "same" else f"  ->  {theirs}"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--environments", type=Path)
    options = parser.parse_args()
    if sys.version_info < (3, 11):
        sys.exit("httpx2 needs Python 3.11 or newer.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pythons = environments(options.environments or folder)
        authority, other = trustme.CA(), trustme.CA()
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        other.cert_pem.write_to_path(str(folder / "other.pem"))
        certificate = folder / "server.pem"
        authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
        (folder / "hashed").mkdir()
        (folder / "hashed" / "ca.pem").write_bytes((folder / "ca.pem").read_bytes())
        subprocess.run(["openssl", "rehash", str(folder / "hashed")], check=True)
        ours, theirs = multiprocessing.Pipe()
        server = multiprocessing.Process(target=serve, args=(theirs, certificate), daemon=True)
        server.start()
        try:
            ports = ours.recv()
            print(f"Python {sys.version.split()[0]}, {', '.join(SIDES[name][0] for name in SIDES)}")
            measure_imports(pythons, options.rounds)
            measure_requests(pythons, options.rounds, f"http://127.0.0.1:{ports[0]}")
            tell_behaviour(pythons, folder, ports)
        finally:
            server.terminate()
            server.join()


if __name__ == "__main__":
    main()
