"""What a place that takes files must be able to do, and what it is told.

An export comes to a target as one :class:`Stage`: files are written there one by one, unseen, and ``publish`` gives
them their names. Another package's target is a :class:`TargetParser` behind the entry point ``flowtui.export_targets``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from flowtui.storage import StoreAccess

if TYPE_CHECKING:
    from flowtui.exports.domino import DominoClient

IfExists = Literal["keep-both", "replace", "stop"]
"""What to do where another file lies at a planned path."""

Layout = Literal["flat", "snapshots"]
"""``snapshots``: every export is a folder ``snapshots/<n>`` of its own, counted from 1."""


@dataclass(frozen=True, slots=True)
class TargetOptions:
    """What a person chooses beside the place. A target ignores what it has no use for.

    Attributes:
        layout: of a directory or an object store.
        folder: folder in the target that the files go below, relative.
        snapshot: of a Domino dataset: make a snapshot when the files are there.
        tag: of that snapshot, empty for none.
        create: make the dataset where there is none of that name.
        project: of a Domino dataset that is named without one; empty for the one of the settings.
    """

    layout: Layout = "flat"
    folder: str = ""
    snapshot: bool = True
    tag: str = ""
    create: bool = False
    project: str = ""

    def to_json(self) -> dict[str, Any]:
        """For the journal; ``TargetOptions(**that)`` gives it back."""
        return asdict(self)


def _no_domino() -> DominoClient:
    from flowtui.errors import ConfigError

    raise ConfigError("No Domino is configured.", "Name it with FLOWTUI_DOMINO_URL, or in the configuration file.")


@dataclass(frozen=True, slots=True)
class TargetAccess:
    """How targets reach outside.

    Attributes:
        stores: credentials of object stores.
        domino: gives the Domino client of the session, the same each time; raises ConfigError where none is configured.
    """

    stores: StoreAccess = field(default_factory=StoreAccess)
    domino: Callable[[], DominoClient] = _no_domino


@dataclass(frozen=True, slots=True)
class Existing:
    """What lies at a path of a target.

    Attributes:
        size: bytes.
        modified: when it was last changed (UTC), None where the target does not tell.
    """

    size: int
    modified: datetime | None
    directory: bool = False


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file that is to come.

    Attributes:
        path: in the target, parts joined by ``/``, each made by ``flowtui.text.file_name``.
        key: names the version of the source, so that only the same one is taken up again.
        size: bytes, None where they are not known.
        replaces: something lies at the path now and is to be replaced.
    """

    path: str
    key: str
    size: int | None
    replaces: bool = False


class Notes(Protocol):
    """Words that a stage keeps in the export's journal, written through at once: what it needs after a kill."""

    def get(self, name: str) -> str:
        """The value, empty where there is none."""

    def set(self, name: str, value: str) -> None:
        """Keep a value."""


@dataclass(frozen=True, slots=True)
class StageRequest:
    """An export on its way to a target.

    Attributes:
        export: its id, the same when it is taken up again; hex digits.
        files: all that will be opened, in order, those included that an earlier try has written.
        notes: what the stage wrote down in an earlier try.
    """

    export: str
    files: tuple[StagedFile, ...]
    if_exists: IfExists
    notes: Notes


@dataclass(frozen=True, slots=True)
class Publication:
    """Where a published export can be seen.

    Attributes:
        place: in words (``/data/out/snapshots/3``, ``snapshot 4 of CDISC01-ADaM``).
        manifest: where the manifest is.
        url: a page that shows it, else empty.
    """

    place: str
    manifest: str
    url: str = ""


class Sink(Protocol):
    """One file on its way into a stage.

    Attributes:
        offset: bytes that are already there, of an earlier try with the same key.
    """

    offset: int

    def written(self) -> AsyncGenerator[bytes, None]:
        """The bytes that are already there."""

    async def restart(self) -> None:
        """Throw away what is there; ``offset`` is 0 afterwards."""

    async def write(self, data: bytes) -> None:
        """Append bytes. Raises ExportError where the target does not take them."""

    async def commit(self) -> datetime | None:
        """The file is whole: safe in the stage. Its time of change as ``Target.existing`` will tell it."""

    async def abort(self, *, keep: bool) -> None:
        """Stop; ``keep`` leaves what is there for a later try."""


class Stage(Protocol):
    """The files of one export on their way, seen by nobody before :meth:`publish`. Methods raise ExportError.

    Attributes:
        files_at_once: how many files may be on their way at the same time.
    """

    files_at_once: int

    async def has(self, file: StagedFile) -> bool:
        """Whether a file that the journal has as written is still whole in the stage, or published."""

    async def open(self, file: StagedFile) -> Sink:
        """Begin a file, or take it up again."""

    async def publish(self, manifest: Callable[[Mapping[str, Any]], bytes]) -> Publication:
        """Give all files their names, the manifest last, as atomically as the place can.

        It may be called again after a kill at any point, and then ends what was begun.

        Args:
            manifest: gives the manifest's bytes; its argument is the content of the one that is there, or empty.
        """

    async def discard(self) -> None:
        """Remove all that is not published."""

    async def aclose(self) -> None:
        """Let go; what is staged stays for a later try."""


class Target(Protocol):
    """A place for files. Every method raises ExportError where the place cannot be read or written.

    Attributes:
        kind: the name of this kind of target (``directory``, ``dataset``, ``store``).
        text: the place, in the words that :func:`parse_target` takes; without secrets.
        whole: every export stands for itself there (a snapshot folder), so that it holds all of its files or none.
        in_place: each file is seen as soon as it is whole, as in a download: what could be written stays and is in the
            manifest, whatever becomes of the others.
    """

    kind: str
    text: str
    whole: bool
    in_place: bool

    async def existing(self, paths: Iterable[str]) -> dict[str, Existing]:
        """What lies at these paths (in the latest snapshot, where ``whole``); those where nothing lies are left out."""

    async def read(self, path: str) -> bytes | None:
        """A small file of the same place; None where it is not there."""

    async def free(self) -> int | None:
        """Bytes that the target still takes; None where that is not known."""

    async def stage(self, request: StageRequest) -> Stage:
        """Begin an export, or take it up again."""


class TargetParser(Protocol):
    """What an entry point of ``flowtui.export_targets`` is."""

    def __call__(self, text: str, options: TargetOptions, access: TargetAccess) -> Target | None:
        """The target that a text names, None where it is of another kind. Nothing is asked or written yet."""
