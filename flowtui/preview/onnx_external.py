"""Tensors of an ONNX model whose data is in files beside it: which, and whether these are there.

A tensor then has ``location``, a path relative to the model, and mostly ``offset`` and ``length`` in bytes
(``onnx/docs/ExternalData.md``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from flowtui.domain.size import human_size
from flowtui.errors import FlowtuiError, NotFoundError
from flowtui.preview.subject import Subject
from flowtui.storage import Reader
from flowtui.text import cut

_MOST_FILES = 1000
_ASKED = 3


@dataclass(slots=True)
class External:
    """A file that holds data of a model.

    Attributes:
        location: its path, relative to the model.
        tensors: names of those that it holds.
        end: bytes that it has at least, as far as the tensors say where their data is.
    """

    location: str
    tensors: list[str] = field(default_factory=list)
    end: int = 0


def note_external(files: dict[str, External], name: str, place: dict[str, str]) -> None:
    """Note where the data of a tensor is."""
    location = place.get("location", "")
    if location not in files and len(files) >= _MOST_FILES:
        return
    one = files.setdefault(location, External(location or "a file that is not named"))
    one.tensors.append(name)
    offset, length = (place.get(key, "0")[:18] for key in ("offset", "length"))
    if offset.isdecimal() and length.isdecimal():
        one.end = max(one.end, int(offset) + int(length))


async def said_of_external(subject: Subject, files: dict[str, External]) -> tuple[list[str], list[tuple[str, str]]]:
    """Notices and facts of the files that hold tensors; the first of them are asked for."""
    notices: list[str] = []
    for location, one in list(files.items())[:_ASKED]:
        state = await _state(subject, location, one)
        tensors = f"{len(one.tensors):,} {'tensor' if len(one.tensors) == 1 else 'tensors'}"
        notices.append(cut(f"the data of {tensors} is in the file {one.location}, {state}", 500))
    if len(files) > _ASKED:
        notices.append(f"further data is in {len(files) - _ASKED:,} more files, which were not looked for")
    names = ", ".join(one.location for one in list(files.values())[:20])
    return notices, [("data in", cut(names, subject.limits.cell))]


async def _state(subject: Subject, location: str, one: External) -> str:
    """Whether a file is there, in words."""
    parts = location.split("/")
    if not location or location.startswith("/") or "\\" in location or any(part in ("", "..") for part in parts):
        return "a place outside the model's folder: it was not looked for"
    if not isinstance(subject.reader, Reader):
        return "which cannot be looked for from within an archive"
    try:
        size = await subject.reader.size_beside(location)
    except NotFoundError:
        return "which is not there"
    except FlowtuiError as error:
        return f"which was not found out: {error.message}"
    if size is None:
        return "which cannot be looked for beside it"
    if size < one.end:
        return f"which is there with {human_size(size)}, and {human_size(one.end)} are needed: it is cut"
    return f"which is there ({human_size(size)})"
