"""Cells of a sheet of OpenDocument (1.3 part 3, 9.1) that are errors, as LibreOffice marks them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping

from flowtui.preview.sheet_xml import DoneError, local_name, xml_parser
from flowtui.preview.stored_cells import StoredCells

_CHUNK = 256 * 1024
_MOST = 256 << 20
_MOST_REPEATED = 1 << 20


def stored_cells(archive: zipfile.ZipFile, sheet: str, rows: int) -> StoredCells:
    """The errors in the first ``rows`` rows of a sheet.

    Raises:
        PreviewError: it is hostile.
        zipfile.BadZipFile, zlib.error, EOFError, KeyError, expat.ExpatError: it is damaged.
    """
    found = StoredCells()
    row = column = next_row = next_column = 0
    is_here = False
    error: str | None = None

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        nonlocal row, column, next_row, next_column, is_here, error
        name = local_name(tag)
        if name == "table":
            is_here = attributes.get("table:name") == sheet
        elif not is_here:
            return
        elif name == "table-row":
            row, next_row = next_row, next_row + _times(attributes.get("table:number-rows-repeated", "1"))
            next_column = 0
            if row >= rows:
                raise DoneError
        elif name in ("table-cell", "covered-table-cell"):
            times = _times(attributes.get("table:number-columns-repeated", "1"))
            column, next_column = next_column, next_column + times
            error = "" if attributes.get("calcext:value-type") == "error" else None

    def text(data: str) -> None:
        nonlocal error
        if error is not None and len(error) < 40:
            error += data

    def end(tag: str) -> None:
        nonlocal error
        name = local_name(tag)
        if name == "table" and is_here:
            raise DoneError
        if name == "table-cell" and error is not None:
            found.errors[row, column] = error.strip()[:40] or "error"
            error = None

    parser = xml_parser()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    read = 0
    try:
        with archive.open("content.xml") as stream:
            while read < _MOST and (data := stream.read(_CHUNK)):
                read += len(data)
                parser.Parse(data, False)
    except DoneError:
        pass
    return found


def _times(text: str) -> int:
    return min(int(text), _MOST_REPEATED) if text.isascii() and text.isdecimal() else 1
