"""Where an export goes, as the dialog has it: the kind of place, the place, and its options; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, cast

from flowtui.errors import UsageError
from flowtui.tui.widgets.form import Field

if TYPE_CHECKING:
    from flowtui.exports import ExportRecord, IfExists, TargetOptions
    from flowtui.exports.targets.base import Layout

DATASET, DIRECTORY, STORE = "dataset", "directory", "store"
KINDS = ((DATASET, "Dataset"), (DIRECTORY, "Directory"), (STORE, "Bucket"))
IF_EXISTS = (("keep-both", "keep both"), ("replace", "replace"), ("stop", "stop"))
LAYOUTS = (("flat", "flat"), ("snapshots", "a folder snapshots/<n> for each export"))
SNAPSHOTS = (("yes", "after the copy"), ("no", "none"))

_DATASET = "dataset:"
_SMALLEST = 1_000_000
_LAST = 5


@dataclass(frozen=True)
class Destination:
    """A place and its options.

    Attributes:
        kind: one of ``KINDS``, or the name of a road.
        places: what was chosen or typed for each kind.
        dataset: the words for the chosen dataset.
        needs: what a road asks for, by the names of its fields.
    """

    kind: str = DIRECTORY
    places: Mapping[str, str] = field(default_factory=dict)
    dataset: str = ""
    layout: Layout = "flat"
    folder: str = ""
    snapshot: bool = True
    tag: str = ""
    create: bool = False
    if_exists: IfExists = "replace"
    needs: Mapping[str, str] = field(default_factory=dict)

    @property
    def place_kind(self) -> str:
        """The kind of place; a road of a name of its own goes to a dataset."""
        return self.kind if self.kind in dict(KINDS) else DATASET

    @property
    def place(self) -> str:
        """What was chosen or typed."""
        return self.places.get(self.place_kind, "").strip()

    @property
    def text(self) -> str:
        """The place in the words of ``flowtui.exports.parse_target``. Raises UsageError where there is none."""
        place, kind = self.place, self.place_kind
        if not place:
            wanted = {
                DATASET: ("Which dataset?", "enter lists them."),
                DIRECTORY: ("Where to? Type a directory.", "It is made where it is not there."),
                STORE: ("Which bucket?", "Type s3://BUCKET/FOLDER, gs://BUCKET/FOLDER or abfs://CONTAINER/FOLDER."),
            }
            raise UsageError(*wanted[kind])
        if kind == DATASET:
            return f"{_DATASET}{place}"
        if kind == STORE and "://" not in place:
            raise UsageError(f"{place} names no bucket.", "Such a place begins with s3://, gs:// or abfs://.")
        return place if kind == STORE or "://" in place else f"directory:{place}"

    @property
    def options(self) -> TargetOptions:
        """What the target is told."""
        from flowtui.exports import TargetOptions

        is_dataset = self.place_kind == DATASET
        return TargetOptions(
            layout="flat" if is_dataset else self.layout,
            folder=self.folder.strip(),
            snapshot=self.snapshot,
            tag=self.tag.strip() if is_dataset and self.snapshot else "",
            create=self.create and is_dataset,
        )

    def fields(self, roads: Iterable[tuple[str, str]] = (), needs: Iterable[Field] = ()) -> tuple[Field, ...]:
        """The lines of the dialog.

        Args:
            roads: name and words of what can carry the export out elsewhere.
            needs: what the chosen one asks for.
        """
        fields = [Field("kind", "To", self.kind, (*KINDS, *roads))]
        if self.place_kind == DATASET:
            new = "will be made" if self.create else ""
            fields.append(
                Field("place", "Dataset", self.dataset or self.place, kind="list", hint=new, empty="enter lists them")
            )
        else:
            label, empty = (
                ("Directory", "enter types one") if self.place_kind == DIRECTORY else ("URL", "s3://BUCKET/FOLDER")
            )
            fields.append(Field("place", label, self.places.get(self.place_kind, ""), kind="text", empty=empty))
        fields.append(Field("folder", "In folder", self.folder, kind="text", empty="none: at the top"))
        if self.place_kind == DATASET:
            fields.append(Field("snapshot", "Snapshot", "yes" if self.snapshot else "no", SNAPSHOTS))
            if self.snapshot:
                fields.append(Field("tag", "Snapshot tag", self.tag, kind="text", empty="none"))
        else:
            fields.append(Field("layout", "Layout", self.layout, LAYOUTS))
        if self.place_kind == DATASET or self.layout == "flat":
            fields.append(Field("if_exists", "If it exists", self.if_exists, IF_EXISTS))
        return (*fields, *needs)

    def changed(self, name: str, value: str) -> Destination:
        """The same with another value of a field."""
        if name == "kind":
            return replace(self, kind=value)
        if name == "place":
            return replace(self, places={**self.places, self.place_kind: value})
        if name == "snapshot":
            return replace(self, snapshot=value == "yes")
        if name == "layout":
            return replace(self, layout=cast("Layout", value))
        if name == "if_exists":
            return replace(self, if_exists=cast("IfExists", value))
        if name == "folder":
            return replace(self, folder=value)
        if name == "tag":
            return replace(self, tag=value)
        return replace(self, needs={**self.needs, name: value})

    def in_dataset(self, place: str, words: str, *, create: bool = False) -> Destination:
        """The same with a dataset.

        Args:
            place: as behind ``dataset:``.
            words: what it is called on the screen.
            create: it is to be made.
        """
        return replace(self, places={**self.places, DATASET: place}, dataset=words, create=create)


def last_used(records: Iterable[ExportRecord], first: Destination, home: Path, here: Path) -> Destination:
    """The place of the newest export, and for the other kinds their newest ones.

    Args:
        first: what is taken where there is none.
        home: flowtui's own folder; what flows export into it was not chosen by a person.
        here: where downloads go, which says nothing of exports.
    """

    def counts(record: ExportRecord) -> bool:
        target = Path(record.target)
        return _kind(record) != DIRECTORY or (target != here and not target.is_relative_to(home))

    usable = [(_kind(record), record) for record in records if _kind(record) and counts(record)]
    if not usable:
        return first
    places = {kind: record.target.removeprefix(_DATASET) for kind, record in reversed(usable)}
    kind, newest = usable[0]
    options = newest.options
    return replace(
        first,
        kind=kind,
        places={**first.places, **places},
        layout=options.layout,
        folder=options.folder,
        snapshot=options.snapshot,
    )


def _kind(record: ExportRecord) -> str:
    return record.kind if record.kind in dict(KINDS) else STORE if "://" in record.target else ""


def usual_speed(records: Iterable[ExportRecord], kind: str) -> float | None:
    """Bytes a second of the last exports from here to this kind of place; None where none of a megabyte is known."""
    speeds = []
    for record in records:
        if record.state != "done" or record.kind != kind or record.road != "here" or record.bytes_done < _SMALLEST:
            continue
        if record.started_at is not None and record.finished_at is not None:
            seconds = (record.finished_at - record.started_at).total_seconds()
            if seconds > 0:
                speeds.append(record.bytes_done / seconds)
    return median(speeds[:_LAST]) if speeds else None
