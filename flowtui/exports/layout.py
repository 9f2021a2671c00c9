"""Names of exported files: ``<artifact>/<file>[.<format>]``, each part through one sanitiser, no two alike.

Where several nodes of a run make files of one name, every one of them has its node in parentheses, also when it is
exported alone: ``inner (n0-0-n0).csv``. So a file has one name however much of its artifact goes along.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from flowtui.domain.artifact import ArtifactFile
from flowtui.exports import manifest
from flowtui.text import file_name

_EXTENSION = re.compile(r"\.(?=[^.]*[A-Za-z])[A-Za-z0-9_-]{1,10}$")


def declared_name(file: ArtifactFile) -> str:
    """The file's name with the declared format appended where the name has no extension (``v1.2`` has none)."""
    format_ = file.format.lstrip(".")
    if not format_ or file.directory:
        return file.file
    if file.file.lower().endswith(f".{format_.lower()}") or _EXTENSION.search(file.file):
        return file.file
    return f"{file.file}.{format_}"


def item_names(file: ArtifactFile) -> tuple[str, ...]:
    """A name for each URI of the file: its own, or for a list numbered from 0 before the extension."""
    name = declared_name(file)
    if len(file.uris) == 1:
        return (name,)
    stem, extension = split(name)
    width = len(str(len(file.uris) - 1))
    return tuple(f"{stem}-{index:0{width}}{extension}" for index in range(len(file.uris)))


def split(name: str) -> tuple[str, str]:
    """A name without its extension, and the extension with its dot; ``.tar.gz`` and its like are one extension."""
    found = re.search(r"\.tar\.[A-Za-z0-9]{1,5}$", name) or _EXTENSION.search(name)
    return (name[: found.start()], found.group()) if found and found.start() else (name, "")


class Names:
    """Hands out paths that differ from each other on every file system, also where case or composition do not count."""

    def __init__(self) -> None:
        self._files = {_key(manifest.NAME)}
        self._folders = {""}

    def take(self, folder: str, name: str, apart: tuple[str, ...] = (), *, plain: bool = True) -> str:
        """The path ``folder/name`` or, where it is taken, one with a word of ``apart`` or a number in parentheses.

        Args:
            plain: False where the name never stands alone, but always with a word.
        """
        path, key = self._free(folder, name, apart, plain)
        self._files.add(key)
        return path

    def take_folder(self, folder: str, name: str, apart: tuple[str, ...] = (), *, plain: bool = True) -> str:
        """As :meth:`take`, for a directory that files are then taken in."""
        path, key = self._free(folder, name, apart, plain)
        self._folders.add(key)
        return path

    @staticmethod
    def choices(folder: str, name: str, apart: tuple[str, ...] = (), *, plain: bool = True) -> Iterator[str]:
        """Paths for a name in the order in which they are tried; without end."""
        clean = file_name(name)
        prefix = f"{folder}/" if folder else ""
        if plain:
            yield prefix + clean
        stem, extension = split(clean)
        words = [file_name(word) for word in apart if word]
        number = 2
        while True:
            word = words.pop(0) if words else str(number)
            number += not words and word == str(number)
            tail = f" ({word}){extension}"
            room = 255 - len(tail.encode())
            if room > 0:
                yield prefix + stem.encode()[:room].decode(errors="ignore") + tail

    def _free(self, folder: str, name: str, apart: tuple[str, ...], plain: bool) -> tuple[str, str]:
        """The first choice that is free, and its key; the folders above it are taken."""
        for path in self.choices(self._folder(folder), name, apart, plain=plain):
            key = _key(path)
            if key not in self._files and key not in self._folders:
                return path, key
        raise AssertionError("choices do not end")

    def _folder(self, folder: str) -> str:
        """Take a folder and those above it; where a file has such a name, one with a number in parentheses."""
        if _key(folder) in self._folders:
            return folder
        taken = ""
        for name in folder.split("/"):
            taken = next(path for path in self.choices(taken, name) if _key(path) not in self._files)
            self._folders.add(_key(taken))
        return taken


def maker(file: ArtifactFile) -> str:
    """The node of a file in a word, with the output where the node makes several files of one name."""
    output = f" output {file.variable}"
    return f"{file.node}{output}" if file.distinction.endswith(f"node {file.node}{output}") else file.node


def folder_name(artifact: str) -> str:
    """The directory of an artifact; never the manifest's name."""
    name = file_name(artifact)
    return f"_{name}" if _key(name) == _key(manifest.NAME) else name


def _key(path: str) -> str:
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
