"""Where exports go and went: pure parts of the dialog and of the fourth place."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from flowtui.errors import UsageError
from flowtui.exports import ExportRecord, Progress, TargetOptions
from flowtui.tui.destination import DATASET, DIRECTORY, STORE, Destination, last_used, usual_speed
from flowtui.tui.export_rows import export_row, exported_words, run_words
from flowtui.tui.exporting import Exporting
from flowtui.tui.formatting import ASCII, UNICODE
from flowtui.tui.widgets.form import Field, fitted

NOW = datetime(2026, 11, 23, 18, 0, tzinfo=timezone.utc)
HOME, HERE = Path("/home/ann/.flowtui"), Path("/home/ann/work")


def record(target: str, kind: str = "directory", **changes: object) -> ExportRecord:
    made = ExportRecord(
        id="aa", executions=("p/d/run-1",), target=target, kind=kind, road="here", server="", options=TargetOptions(),
        state="done", files=1, bytes=4_000_000, unknown_sizes=0, bytes_done=4_000_000, speed=0.0, created_at=NOW,
        started_at=NOW - timedelta(seconds=2), finished_at=NOW, error="", place="", url="", manifest="",
        is_publishing=False,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def test_the_newest_place_is_proposed_and_each_kind_keeps_its_own() -> None:
    records = [
        record(str(HERE)),
        record(str(HOME / "datasets" / "x")),
        record("dataset:ann/cdisc/ADaM", "dataset", options=TargetOptions(snapshot=False, folder="q4")),
        record("/data/out"),
        record("/data/older"),
        record("s3://b/p", "store"),
    ]
    found = last_used(records, Destination(places={DIRECTORY: "/first"}), HOME, HERE)
    assert (found.kind, found.snapshot, found.folder) == (DATASET, False, "q4")
    assert found.places == {DATASET: "ann/cdisc/ADaM", DIRECTORY: "/data/out", STORE: "s3://b/p"}
    assert found.text == "dataset:ann/cdisc/ADaM"
    first = Destination(places={DIRECTORY: "/first"})
    assert last_used(records[:2], first, HOME, HERE) == first


@pytest.mark.parametrize(
    ("kind", "place", "text"),
    [
        (DIRECTORY, "/data", "directory:/data"),
        (DIRECTORY, "s3://b/p", "s3://b/p"),
        (STORE, " gs://b/p ", "gs://b/p"),
        (DATASET, "cdisc/ADaM", "dataset:cdisc/ADaM"),
    ],
)
def test_a_place_in_the_words_of_targets(kind: str, place: str, text: str) -> None:
    assert Destination(kind, {kind: place}).text == text


@pytest.mark.parametrize("kind", [DIRECTORY, STORE, DATASET])
def test_no_place_is_told_with_what_to_do(kind: str) -> None:
    with pytest.raises(UsageError) as told:
        _ = Destination(kind).text
    assert told.value.hint


def test_options_are_those_of_the_kind() -> None:
    chosen = Destination(DATASET, {DATASET: "x"}, tag="v1", layout="snapshots", create=True)
    assert chosen.options == TargetOptions(tag="v1", create=True)
    assert replace(chosen, snapshot=False).options.tag == ""
    assert replace(chosen, kind=DIRECTORY).options == TargetOptions(layout="snapshots")


def test_a_speed_is_said_only_where_exports_of_some_size_were_measured() -> None:
    assert usual_speed([], DIRECTORY) is None
    small = record("/a", bytes_done=10)
    others = [record("dataset:x", "dataset"), record("/a", state="failed"), small]
    assert usual_speed(others, DIRECTORY) is None
    assert usual_speed([*others, record("/a")], DIRECTORY) == 2_000_000


def test_the_mark_of_the_header() -> None:
    exporting = Exporting()
    assert exporting.mark() == ()
    assert exporting.note("a", Progress("a", "running", 2, 1, 100, 43, speed=12_000_000.0))
    assert exporting.mark()[0].text == "⇡ 43% 12.0 MB/s"
    assert exporting.mark(ASCII)[0].text == "^ 43% 12.0 MB/s"
    assert not exporting.note("a", Progress("a", "running", 2, 1, 100, 44))
    exporting.note("b", Progress("b", "planned", 1, 0, 100, 0))
    assert exporting.mark()[0].text == "⇡ 2 exports 22%"
    assert exporting.note("a", None)
    assert exporting.mark()[0].text == "⇡ waits"


def test_rows_say_state_runs_and_why_one_failed() -> None:
    failed = record("/data", state="failed", error="no \x1b[2Jroom\nmore", executions=("p/d/a", "p/d/b"))
    row = export_row(failed, NOW, UNICODE)
    assert row.cells[0][0].text == "✖ failed"
    assert row.note[0].text == "no room more" or row.note[0].text == "no room"
    assert run_words(failed) == "a +1"
    assert export_row(failed, NOW, ASCII).cells[0][0].text == "x failed"


def test_where_a_version_went_in_a_few_words() -> None:
    to_dataset = record("dataset:ann/cdisc/CDISC01-ADaM", "dataset", finished_at=NOW.replace(month=3, day=3))
    assert exported_words(to_dataset, NOW, UNICODE) == "3 Mar → CDISC01-ADaM"
    assert exported_words(to_dataset, NOW, ASCII) == "3 Mar -> CDISC01-ADaM"


def test_choices_that_do_not_fit_are_cut_the_chosen_one_never() -> None:
    field = Field("kind", "To", "b", (("a", "first and long"), ("b", "second and long"), ("c", "third and longer")))
    assert fitted(field, 80, UNICODE) == (3, ["first and long", "second and long", "third and longer"])
    gap, texts = fitted(field, 40, UNICODE)
    assert texts[1] == "second and long"
    assert sum(len(text) + 2 for text in texts) + 2 * gap <= 40
