"""The manifest as bytes: what is written is read again, whatever names hold, and each file is a line."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from flowtui.exports.manifest import VERSION, manifest_bytes, merged_manifest, parse_manifest

TEXT = st.text(st.characters(), max_size=20)
ENTRIES = st.lists(
    st.fixed_dictionaries({"path": TEXT, "file": TEXT, "size": st.integers(0)}), unique_by=lambda entry: entry["path"]
)


@given(st.dictionaries(TEXT, st.dictionaries(TEXT, TEXT)), ENTRIES)
def test_what_is_written_is_read_again(facts: dict[str, dict[str, str]], files: list[dict[str, str | int]]) -> None:
    content = {"version": VERSION, "exports": facts, "runs": facts, "files": files}
    data = manifest_bytes(content)
    assert parse_manifest(data, "here") == content
    lines = data.decode().splitlines()
    assert lines[-1 - len(files) : -1] == [
        json.dumps(file) + ("," if number < len(files) else "") for number, file in enumerate(files, 1)
    ]


def test_what_belongs_to_no_file_any_more_is_left_out() -> None:
    first = merged_manifest({}, {"e1": {}}, {"r1": {}}, [{"path": "a", "export": "e1", "run": "r1"}])
    there = parse_manifest(first, "here")
    again = merged_manifest(there, {"e2": {}}, {"r2": {}}, [{"path": "a", "export": "e2", "run": "r2"}])
    assert parse_manifest(again, "here") == {
        "version": VERSION,
        "exports": {"e2": {}},
        "runs": {"r2": {}},
        "files": [{"path": "a", "export": "e2", "run": "r2"}],
    }
