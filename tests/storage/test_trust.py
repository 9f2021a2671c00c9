"""What is read for a run: its server's own places, what the settings name, what a person typed, and nothing else."""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.config import StorageSettings
from flowtui.errors import NotFoundError, StorageError
from flowtui.storage import Storage, Trust, UntrustedError
from flowtui.storage.directory_tree import DirectoryTree, LinkError
from flowtui.storage.known_buckets import KnownBuckets

BODY = b"USUBJID,AGE\n01,63\n"


@pytest.fixture
def places(tmp_path: Path) -> Path:
    """A shared folder, and a private one beside it with a name that begins alike."""
    for name in ("shared/sub", "shared-private"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "shared" / "adsl.csv").write_bytes(BODY)
    (tmp_path / "shared" / "sub" / "adae.csv").write_bytes(BODY)
    (tmp_path / "shared-private" / "key").write_bytes(b"private")
    return tmp_path


def allowing(folder: Path) -> Trust:
    return Trust(StorageSettings(local=(folder,)))


async def read(trust: Trust, uri: str) -> bytes:
    async with Storage(trust) as storage:
        return await storage.read(uri, 1000)


@pytest.mark.parametrize("form", ["{}", "file://{}", "file://localhost{}"])
async def test_a_path_is_read_below_a_folder_that_is_named_and_nowhere_else(places: Path, form: str) -> None:
    private = form.format(places / "shared-private" / "key")
    shared = form.format(places / "shared" / "sub" / "adae.csv")
    for trust in (Trust(), Trust(own_folders=list)):
        for uri in (private, shared):
            with pytest.raises(UntrustedError, match="is not read: "):
                await read(trust, uri)
    assert await read(allowing(places / "shared"), shared) == BODY
    with pytest.raises(UntrustedError, match="a run of another server names it"):
        await read(allowing(places / "shared"), private)


async def test_every_way_of_the_storage_is_refused(places: Path) -> None:
    key, folder = str(places / "shared-private" / "key"), str(places / "shared-private")
    async with Storage(Trust()) as storage:
        with pytest.raises(UntrustedError):
            await storage.stat(key)
        with pytest.raises(UntrustedError):
            await storage.stat(key, remote=False)
        with pytest.raises(UntrustedError):
            await storage.list(folder)
        with pytest.raises(UntrustedError):
            await anext(storage.stream(key))
        async with storage.open(key) as reader:
            for reading in (reader.read(0, 1), reader.read_ranges([(0, 1)]), reader.size()):
                with pytest.raises(UntrustedError):
                    await reading
            assert not reader.is_local
        assert await storage.local_stats([key]) == {}


@pytest.mark.parametrize(
    "path",
    [
        "shared/../shared-private/key",
        "shared/sub/../../shared-private/key",
        "shared/./../shared-private/key",
        "shared//..//shared-private/key",
        "shared/none/../../shared-private/key",
    ],
)
async def test_dots_lead_nowhere_else(places: Path, path: str) -> None:
    with pytest.raises((UntrustedError, NotFoundError)):
        await read(allowing(places / "shared"), f"{places}/{path}")


async def test_dots_within_the_folder_are_read(places: Path) -> None:
    assert await read(allowing(places / "shared"), f"{places}/shared/sub/../adsl.csv") == BODY


async def test_a_link_is_read_where_it_leads_to_a_place_that_is_read(places: Path) -> None:
    shared = places / "shared"
    (shared / "good.csv").symlink_to(shared / "adsl.csv")
    (shared / "bad.csv").symlink_to(places / "shared-private" / "key")
    (shared / "far").symlink_to(places / "shared-private")
    (shared / "broken").symlink_to(places / "none")
    trust = allowing(shared)
    assert await read(trust, f"{shared}/good.csv") == BODY
    for name in ("bad.csv", "far/key", "far/../shared-private/key"):
        with pytest.raises(UntrustedError, match=r"a link in it leads to|is not read"):
            await read(trust, f"{shared}/{name}")
    with pytest.raises(NotFoundError):
        await read(trust, f"{shared}/broken")


async def test_a_folder_is_taken_without_links_that_leave_it(places: Path) -> None:
    shared = places / "shared"
    (shared / "good.csv").symlink_to(shared / "adsl.csv")
    (shared / "bad.csv").symlink_to(places / "shared-private" / "key")
    (shared / "far").symlink_to(places / "shared-private")
    async with Storage(allowing(shared)) as storage:
        assert [entry.name for entry in await storage.list(str(shared))] == ["adsl.csv", "good.csv", "sub/adae.csv"]


async def test_a_named_folder_may_be_a_link_itself(places: Path) -> None:
    (places / "link").symlink_to(places / "shared")
    trust = allowing(places / "link")
    assert await read(trust, f"{places}/link/adsl.csv") == BODY
    assert await read(trust, f"{places}/shared/adsl.csv") == BODY
    with pytest.raises(UntrustedError):
        await read(trust, f"{places}/shared-private/key")


def test_what_becomes_a_link_after_it_was_looked_at_is_not_followed(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust = allowing(places / "shared")
    uri = f"{places}/shared/sub/adae.csv"
    resolved = Trust._resolved

    def swapped(self: Trust, path: str) -> tuple[DirectoryTree, str]:
        found = resolved(self, path)
        (places / "shared" / "sub" / "adae.csv").unlink()
        (places / "shared" / "sub" / "adae.csv").symlink_to(places / "shared-private" / "key")
        return found

    (places / "shared" / "link.csv").symlink_to(uri)
    monkeypatch.setattr(Trust, "_resolved", swapped)
    with pytest.raises(OSError, match="it is a link"):
        trust.open_file(f"{places}/shared/link.csv")


async def test_what_a_person_typed_is_read_and_nothing_beside_it(places: Path) -> None:
    trust = Trust(typed=[str(places / "shared" / "adsl.csv")])
    assert await read(trust, str(places / "shared" / "adsl.csv")) == BODY
    with pytest.raises(UntrustedError):
        await read(trust, str(places / "shared" / "sub" / "adae.csv"))


async def test_a_typed_path_may_be_relative_a_link_or_encoded(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(places)
    (places / "link.csv").symlink_to(places / "shared" / "adsl.csv")
    (places / "a b.csv").write_bytes(BODY)
    assert await read(Trust(typed=["shared/adsl.csv"]), str(places / "shared" / "adsl.csv")) == BODY
    assert await read(Trust(typed=["link.csv"]), str(places / "link.csv")) == BODY
    encoded = f"file://{places}/a%20b.csv"
    assert await read(Trust(typed=[encoded]), encoded) == BODY


async def test_an_encoded_path_of_a_run_is_refused_or_read_by_what_it_means(places: Path) -> None:
    (places / "a b").mkdir()
    (places / "a b" / "adsl.csv").write_bytes(BODY)
    uri = f"file://{places}/a%20b/adsl.csv"
    assert allowing(places / "a b").refusal(uri) is None
    assert await read(allowing(places / "a b"), uri) == BODY
    assert allowing(places / "shared").refusal(uri) is not None
    assert not Trust(own_folders=lambda: [places / "a b"]).is_elsewhere(uri)
    assert allowing(places / "a b").is_elsewhere(uri)
    up = f"file://{places}/shared/%2e%2e/shared-private/key"
    with pytest.raises((UntrustedError, NotFoundError)):
        await read(allowing(places / "shared"), up)


def test_a_typed_folder_is_read_with_what_lies_below_it(places: Path) -> None:
    trust = Trust(typed=[str(places / "shared")])
    assert trust.refusal(str(places / "shared" / "sub" / "adae.csv")) is None
    assert trust.refusal(str(places / "shared-private" / "key")) is not None


async def test_opening_a_file_of_an_own_run_looks_at_nothing(places: Path) -> None:
    """It is done where keys are answered; the folders are asked of a database."""
    asked: list[int] = []

    def folders() -> list[Path]:
        asked.append(1)
        return [places / "shared"]

    async with Storage(Trust(own_folders=folders)) as storage:
        reader = storage.open(str(places / "shared" / "adsl.csv"))
        assert (reader.is_local, asked) == (True, [])
        assert await reader.read(0, 100) == BODY
        assert asked == [1]


async def test_the_folders_of_the_embedded_server_are_asked_for_again(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders: list[Path] = []
    monkeypatch.setattr("flowtui.storage.trust._FOLDERS_SECONDS", 0)
    trust = Trust(own_folders=lambda: folders)
    uri = str(places / "shared" / "adsl.csv")
    assert trust.refusal(uri) is not None
    folders.append(places / "shared")
    assert await read(trust, uri) == BODY


@given(
    parts=st.lists(st.sampled_from(["shared", "..", ".", "", "sub", "shared-private", "key", "link", "adsl.csv", "\0"]))
)
def test_no_path_reads_what_is_private(tmp_path_factory: pytest.TempPathFactory, parts: list[str]) -> None:
    root = tmp_path_factory.mktemp("places")
    (root / "shared" / "sub").mkdir(parents=True)
    (root / "shared-private").mkdir()
    (root / "shared" / "adsl.csv").write_bytes(BODY)
    (root / "shared-private" / "key").write_bytes(b"private")
    (root / "shared" / "link").symlink_to(root / "shared-private")
    trust = allowing(root / "shared")
    try:
        descriptor = trust.open_file("/".join((str(root), *parts)))
    except (StorageError, NotFoundError, OSError):
        return
    try:
        if os.path.isfile(f"/proc/self/fd/{descriptor}"):
            assert os.read(descriptor, 100) == BODY
    finally:
        os.close(descriptor)


def test_what_cannot_be_a_folder_of_runs_is_no_setting() -> None:
    from flowtui.config import load_settings
    from flowtui.errors import ConfigError

    environ = {
        "HOME": "/nowhere",
        "FLOWTUI_STORAGE_LOCAL": f"/mnt/a{os.pathsep}/mnt/b",
        "FLOWTUI_STORAGE_HOSTS": "a.b, c:1",
    }
    found = load_settings({}, environ).storage
    assert (found.local, found.hosts) == ((Path("/mnt/a"), Path("/mnt/b")), ("a.b", "c:1"))
    for name, value in (
        ("LOCAL", "/"),
        ("HOSTS", "http://a"),
        ("HOSTS", "*"),
        ("BUCKETS", "bucket"),
        ("BUCKETS", "s3://a/b"),
    ):
        with pytest.raises(ConfigError, match=r"it names all|it is not a list"):
            load_settings({}, {"HOME": "/nowhere", f"FLOWTUI_STORAGE_{name}": value})


def test_nothing_allowed_goes_with_the_settings_to_another_server() -> None:
    from flowtui.config import load_settings

    environ = {"HOME": "/nowhere", "FLOWTUI_STORAGE_LOCAL": "/mnt/a", "FLOWTUI_STORAGE_HOSTS": "a.b"}
    other = load_settings({"endpoint": "https://flyte.test"}, environ).at("https://other.test").storage
    assert (other.local, other.hosts, other.buckets) == ((), (), ())


PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"]
PRIVATE = [
    "127.0.0.1", "127.8.9.10", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::", "fec0::1", "::127.0.0.1", "::ffff:0:127.0.0.1",
    "64:ff9b:1::7f00:1", "4000::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_asked(address: str) -> None:
    assert Trust().allows_address(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_only_this_machine_reaches_may_not(address: str) -> None:
    assert not Trust().allows_address(ipaddress.ip_address(address))


def test_a_network_of_the_settings_may_be_asked() -> None:
    trust = Trust(StorageSettings(hosts=("10.1.0.0/16", "fd00::/8")))
    allowed = [
        one for one in (*PRIVATE, "10.1.2.3", "fd00::7", "10.2.0.1") if trust.allows_address(ipaddress.ip_address(one))
    ]
    assert allowed == ["10.1.2.3", "fd00::7"]


@pytest.mark.parametrize(
    ("hosts", "asked", "allowed"),
    [
        (("files.example.com",), ("https", "files.example.com", None), True),
        (("files.example.com",), ("https", "FILES.example.com.", None), True),
        (("files.example.com",), ("https", "xfiles.example.com", None), False),
        (("*.example.com",), ("https", "files.example.com", None), True),
        (("*.example.com",), ("https", "example.com", None), False),
        (("*.example.com",), ("https", "files.example.com.evil.test", None), False),
        (("localhost:9000",), ("http", "localhost", 9000), True),
        (("localhost:9000",), ("http", "localhost", 9001), False),
        (("files.example.com:443",), ("https", "files.example.com", None), True),
        (("[::1]:9000",), ("http", "::1", 9000), True),
        (("::1",), ("http", "::1", 9000), True),
    ],
)
def test_hosts_of_the_settings(hosts: tuple[str, ...], asked: tuple[str, str, int | None], allowed: bool) -> None:
    assert Trust(StorageSettings(hosts=hosts)).allows_host(*asked) is allowed


def test_a_typed_url_allows_its_own_host_and_port() -> None:
    trust = Trust(typed=["http://localhost:9000/a.csv"])
    assert trust.allows_host("http", "localhost", 9000)
    assert not trust.allows_host("http", "localhost", 9001)
    assert not trust.allows_host("http", "127.0.0.1", 9000)


@pytest.mark.parametrize("url", ["http://localhost:99999999/a.csv", "http://localhost:x/a.csv", "http://[::1/a.csv"])
async def test_a_typed_url_that_is_none_is_told_to_be_none(url: str) -> None:
    with pytest.raises(StorageError):
        await read(Trust(typed=[url]), url)


@pytest.fixture
def known(tmp_path: Path) -> KnownBuckets:
    return KnownBuckets(tmp_path / "state.sqlite3", "https://flyte.test")


async def test_a_bucket_is_known_by_what_the_server_keeps_in_it(known: KnownBuckets, tmp_path: Path) -> None:
    trust = Trust(known=known)
    assert not trust.knows_bucket("s3://flyte/data/x")
    await trust.learn(["s3://flyte/metadata/run/n0/outputs.pb", "", "/a/path"])
    assert trust.knows_bucket("s3://flyte/data/x")
    assert trust.knows_bucket("s3a://flyte/data/x")
    assert not trust.knows_bucket("s3://flyte2/data/x")
    later = Trust(known=KnownBuckets(tmp_path / "state.sqlite3", "https://flyte.test"))
    assert later.knows_bucket("s3://flyte/data/x")
    elsewhere = Trust(known=KnownBuckets(tmp_path / "state.sqlite3", "https://other.test"))
    assert not elsewhere.knows_bucket("s3://flyte/data/x")


def test_a_file_of_buckets_that_is_damaged_knows_none(tmp_path: Path) -> None:
    (tmp_path / "state.sqlite3").write_bytes(b"no database at all, but long enough to be looked at" * 50)
    assert "s3://flyte" not in KnownBuckets(tmp_path / "state.sqlite3", "https://flyte.test")


@pytest.mark.parametrize(
    ("uri", "elsewhere"),
    [
        ("s3://flyte/any/key.csv", False),
        ("s3://named/any/key.csv", False),
        ("s3://other/payroll.csv", True),
        ("s3://other/data/9y/run-n0-0/907c492e944c3e75f48a29c2f305b364/adsl.csv", False),
        ("s3://other//3482d41e-5fea-4e4c-9459-7411421929d1/adsl", False),
        ("s3://other/run-0/adsl.csv", True),
        ("http://files.example.com/adsl.csv", True),
        ("/mnt/shared/adsl.csv", True),
    ],
)
async def test_where_a_file_lies_that_no_run_keeps_there(uri: str, elsewhere: bool) -> None:
    trust = Trust(StorageSettings(local=(Path("/mnt/shared"),), buckets=("s3://named",)))
    await trust.learn(["s3://flyte/metadata/x"])
    assert trust.is_elsewhere(uri) is elsewhere


class TestDirectoryTree:
    @pytest.fixture
    def tree(self, tmp_path: Path) -> DirectoryTree:
        (tmp_path / "root" / "a").mkdir(parents=True)
        (tmp_path / "out").mkdir()
        (tmp_path / "root" / "a" / "x").write_bytes(b"x")
        (tmp_path / "root" / "link").symlink_to(tmp_path / "out")
        (tmp_path / "root" / "a" / "far").symlink_to(tmp_path / "root" / "a" / "x")
        return DirectoryTree(tmp_path / "root")

    @pytest.mark.parametrize("path", ["..", "a/..", "a/../..", "a/."])
    def test_no_path_ends_above_where_it_began(self, tree: DirectoryTree, path: str) -> None:
        for work in (lambda: os.close(tree.open(path, os.O_RDONLY)), lambda: tree.lstat(path)):
            if path == "a/.":
                work()
                continue
            with pytest.raises(LinkError):
                work()
        told = "it leads upwards" if path.endswith("..") else "Invalid argument|Is a directory"
        with pytest.raises(OSError, match=told):
            tree.unlink(path)

    @pytest.mark.parametrize("path", ["link/new", "../out/new", "a/../../out/new", "a/far"])
    def test_nothing_is_written_through_a_link_or_upwards(self, tree: DirectoryTree, tmp_path: Path, path: str) -> None:
        with pytest.raises(LinkError):
            os.close(tree.open(path, os.O_WRONLY | os.O_CREAT, make=True))
        assert not list((tmp_path / "out").iterdir())

    def test_folders_are_made(self, tree: DirectoryTree, tmp_path: Path) -> None:
        os.close(tree.open("b/c/y", os.O_WRONLY | os.O_CREAT, make=True))
        assert (tmp_path / "root" / "b" / "c" / "y").stat().st_mode & 0o777 == 0o600

    def test_a_link_is_seen_and_removed_itself(self, tree: DirectoryTree, tmp_path: Path) -> None:
        tree.unlink("a/far")
        assert (tmp_path / "root" / "a" / "x").read_bytes() == b"x"

    @pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs another user")
    def test_folders_that_may_only_be_entered_are(self, tree: DirectoryTree, tmp_path: Path) -> None:
        tmp_path.chmod(0o711)
        with tree.folder("a") as folder:
            assert os.stat("x", dir_fd=folder).st_size == 1
