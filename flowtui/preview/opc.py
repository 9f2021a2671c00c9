"""Packages of Office documents: which part is which, by their relationships (ECMA-376 part 2).

Names of parts are the writer's choice: ``word/document.xml`` is what Word takes, others take ``word/document2.xml``.
"""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from dataclasses import dataclass
from urllib.parse import unquote
from xml.parsers import expat

from flowtui.errors import PreviewError

MOST_ENTRIES = 20_000
_MOST_RELATIONS = 4 * 1024 * 1024
_FIRST_PIECE = 16 * 1024


@dataclass(frozen=True, slots=True)
class Relation:
    """How one part refers to another.

    Attributes:
        id: what the text of the part calls it.
        kind: the last word of its type: ``officeDocument``, ``slide``, ``header``.
        part: the name of the other part within the archive; empty where it has none.
    """

    id: str
    kind: str
    part: str


class Package:
    """The parts of a package by their names in the archive, whose case and slashes do not count."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.names = [one.filename for one in archive.infolist()[:MOST_ENTRIES]]
        self._found = {_plain_name(name): name for name in reversed(self.names)}

    def part(self, name: str) -> str:
        """The name of a part as the archive has it; empty where there is none."""
        return self._found.get(_plain_name(name)) or self._found.get(_plain_name(unquote(name)), "")

    def relations(self, part: str = "") -> list[Relation]:
        """The relationships of a part, in the order of the file; those of the whole package without a name.

        What is broken is as if it were not there. Raises PreviewError for hostile XML.
        """
        folder, _, name = part.replace("\\", "/").rpartition("/")
        own = self.part(posixpath.join(folder, "_rels", f"{name}.rels"))
        if not own:
            return []
        found: list[Relation] = []

        def start(tag: str, attributes: dict[str, str]) -> None:
            if local(tag) != "Relationship" or attributes.get("TargetMode") == "External":
                return
            target = attributes.get("Target", "").replace("\\", "/")
            place = posixpath.normpath(posixpath.join("/", folder, target))
            kind = attributes.get("Type", "").rpartition("/")[2]
            found.append(Relation(attributes.get("Id", ""), kind, self.part(place)))

        reader = xml_parser()
        reader.StartElementHandler = start
        try:
            with self.archive.open(own) as stream:
                reader.Parse(stream.read(_MOST_RELATIONS), True)
        except (expat.ExpatError, zipfile.BadZipFile, zlib.error, EOFError):
            return found
        return found

    def root(self, part: str) -> str:
        """The name of the first element of a part, without its prefix; empty where it is no XML."""
        found: list[str] = []
        reader = xml_parser()
        reader.StartElementHandler = lambda tag, _: found.append(local(tag))
        try:
            with self.archive.open(part) as stream:
                reader.Parse(stream.read(_FIRST_PIECE), False)
        except (expat.ExpatError, zipfile.BadZipFile, zlib.error, EOFError):
            pass
        return found[0] if found else ""


def xml_parser() -> expat.XMLParserType:
    """A parser that refuses XML which declares anything: raises PreviewError."""
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise PreviewError("it declares XML entities, as an attack on its reader would")

    parser.EntityDeclHandler = refuse
    parser.StartDoctypeDeclHandler = refuse
    parser.buffer_text = True
    return parser


def local(tag: str) -> str:
    """The name of an element or attribute without its prefix."""
    return tag.rpartition(":")[2]


def _plain_name(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").casefold()
