"""Cells of a sheet of Office Open XML (ECMA-376 part 1, 18.3): errors, formulas without a result, and plain numbers."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Callable, Mapping, Sequence
from xml.parsers import expat

from flowtui.errors import PreviewError
from flowtui.preview.stored_cells import FORMULA, NumberFormat, StoredCells, built_in_format, number_format

_CHUNK = 256 * 1024
_MOST_STYLES = 8 << 20
_MOST_SHEET = 256 << 20
_ERRORS = (b't="e"', b"t='e'")
_FORMULAS = (b"<f>", b"<f ", b"<f/")
_NEGATIVES = (b"<v>-",)
_OFFICE_DOCUMENT = "/officeDocument"


class DoneError(Exception):
    """Enough was read."""


def xml_parser() -> expat.XMLParserType:
    """A parser of XML that refuses declarations of entities.

    Its ``Parse`` raises PreviewError where there are some.
    """
    parser = expat.ParserCreate()

    def refuse(*_: object) -> None:
        raise PreviewError("it declares XML entities, as an attack on its reader would")

    parser.EntityDeclHandler = refuse
    parser.StartDoctypeDeclHandler = refuse
    parser.buffer_text = True
    return parser


def local_name(tag: str) -> str:
    """The name of an element or attribute without the prefix of its namespace."""
    return tag.rpartition(":")[2]


def stored_cells(
    archive: zipfile.ZipFile, sheet: str, rows: int, *, has_blanks: bool, has_dates: bool
) -> tuple[StoredCells, bool]:
    """What the first ``rows`` rows of a sheet store, and whether the workbook asks to be calculated when it is opened.

    Args:
        sheet: its name.
        has_blanks: whether python-calamine gave blanks; else formulas and errors are not looked for.
        has_dates: whether it gave dates or times; else numbers are not looked for.

    Raises:
        PreviewError: it is no such workbook, or hostile.
        zipfile.BadZipFile, zlib.error, EOFError, KeyError, expat.ExpatError: it is damaged.
    """
    workbook = _workbook_part(archive)
    places: dict[str, str] = {}
    is_stale = False

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        nonlocal is_stale
        name = local_name(tag)
        if name == "sheet":
            at = next((value for key, value in attributes.items() if key.endswith(":id")), "")
            places.setdefault(attributes.get("name", ""), at)
        elif name == "calcPr":
            is_stale = attributes.get("fullCalcOnLoad") in ("1", "true")

    _parse(archive, workbook, start)
    formats = _formats(archive, workbook) if has_dates else []
    part = related_parts(archive, workbook).get(places.get(sheet, ""), "")
    if not part:
        raise PreviewError("a workbook whose sheet is not there")
    is_mixed = any(one is not None and len(one.sections) > 1 for one in formats)
    if not (has_blanks or has_dates or is_stale):
        return StoredCells(), False
    data = _first_rows(archive, part, rows)
    signs = (_ERRORS if has_blanks else ()) + (_FORMULAS if has_blanks or is_stale else ())
    signs += _NEGATIVES if has_dates else ()
    is_usual = data[:1] == b"<" and b"<row" in data
    # Bytes are looked for much faster than elements are gone through.
    if is_usual and not is_mixed and not any(sign in data for sign in signs):
        return StoredCells(), False
    return _cells(data, rows, formats), is_stale


def _first_rows(archive: zipfile.ZipFile, part: str, rows: int) -> bytes:
    """The beginning of a sheet, up to a row behind those that are wanted."""
    pieces: list[bytes] = []
    seen = total = 0
    with archive.open(part) as stream:
        while piece := stream.read(_CHUNK):
            pieces.append(piece)
            total += len(piece)
            seen += piece.count(b"<row")
            if seen > rows + 1 or total > _MOST_SHEET:
                break
    return b"".join(pieces)


def _cells(data: bytes, rows: int, formats: Sequence[NumberFormat | None]) -> StoredCells:
    found = StoredCells()
    row = column = -1
    kind, style, formula, value = "", 0, None, ""
    into = ""

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        nonlocal row, column, kind, style, formula, value, into
        name = local_name(tag)
        if name == "c":
            column = _column(attributes.get("r", "")) if "r" in attributes else column + 1
            kind = attributes.get("t", "")
            style = int(attributes.get("s", "0"))
            formula, value = None, ""
        elif name == "row":
            row = int(attributes["r"]) - 1 if "r" in attributes else row + 1
            column = -1
            if row >= rows:
                raise DoneError
        elif name == "f":
            formula, into = "", "f"
        elif name == "v":
            into = "v"

    def text(data: str) -> None:
        nonlocal formula, value
        if into == "v" and len(value) < FORMULA:
            value += data
        elif into == "f" and len(formula or "") < FORMULA:
            formula = f"{formula or ''}{data}"

    def end(tag: str) -> None:
        nonlocal into
        name = local_name(tag)
        if name in ("f", "v"):
            into = ""
        elif name == "c":
            place = row, column
            if kind == "e":
                found.errors[place] = value.strip()[:20]
            elif formula is not None and not value and kind not in ("str", "s", "inlineStr"):
                found.formulas[place] = f"={formula}" if formula else "=…"
            else:
                found.results += formula is not None
                if value and kind in ("", "n"):
                    format_ = formats[style] if style < len(formats) else None
                    if format_ is not None:
                        found.take_number(place, float(value), format_)

    parser = xml_parser()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    try:
        parser.Parse(data, False)
    except DoneError:
        pass
    except ValueError as error:
        raise PreviewError("a workbook whose cells have no numbers") from error
    return found


def _column(reference: str) -> int:
    """The column of ``BC12``, from 0."""
    column = 0
    for letter in reference[:4]:
        if not letter.isalpha():
            break
        column = column * 26 + ord(letter.upper()) - 64
    return column - 1


def _workbook_part(archive: zipfile.ZipFile) -> str:
    types = _relations(archive, "")
    part = next((target for kind, target in types.values() if kind.endswith(_OFFICE_DOCUMENT)), "")
    return part or "xl/workbook.xml"


def related_parts(archive: zipfile.ZipFile, part: str) -> dict[str, str]:
    """The parts that a part refers to, by the ids of the relations."""
    return {name: target for name, (_, target) in _relations(archive, part).items()}


def _relations(archive: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """Type and part of every relation of a part, by its id (ECMA-376 part 2, 9.3)."""
    folder, _, name = part.rpartition("/")
    path = posixpath.join(folder, "_rels", f"{name}.rels")
    found: dict[str, tuple[str, str]] = {}

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        if local_name(tag) == "Relationship" and attributes.get("TargetMode") != "External":
            target = attributes.get("Target", "")
            whole = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            found[attributes.get("Id", "")] = attributes.get("Type", ""), whole

    if path in archive.NameToInfo:
        _parse(archive, path, start)
    return found


def _formats(archive: zipfile.ZipFile, workbook: str) -> list[NumberFormat | None]:
    """The number format of each style of cells that is of dates or times, None for others."""
    part = next((target for kind, target in _relations(archive, workbook).values() if kind.endswith("/styles")), "")
    if part not in archive.NameToInfo:
        return []
    custom: dict[int, NumberFormat | None] = {}
    found: list[NumberFormat | None] = []
    is_in_cells = False

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        nonlocal is_in_cells
        name = local_name(tag)
        if name == "numFmt":
            custom[int(attributes.get("numFmtId", "0"))] = number_format(attributes.get("formatCode", ""))
        elif name == "cellXfs":
            is_in_cells = True
        elif name == "xf" and is_in_cells:
            number = int(attributes.get("numFmtId", "0"))
            found.append(custom[number] if number in custom else built_in_format(number))

    def end(tag: str) -> None:
        if local_name(tag) == "cellXfs":
            raise DoneError

    try:
        _parse(archive, part, start, end)
    except ValueError as error:
        raise PreviewError("a workbook whose styles have no numbers") from error
    return found


def _parse(
    archive: zipfile.ZipFile,
    part: str,
    start: Callable[[str, Mapping[str, str]], None],
    end: Callable[[str], None] | None = None,
) -> None:
    """Go through the elements of a part, up to its first 8 MB."""
    parser = xml_parser()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    read = 0
    try:
        with archive.open(part) as stream:
            while read < _MOST_STYLES and (data := stream.read(_CHUNK)):
                read += len(data)
                parser.Parse(data, False)
    except DoneError:
        return
