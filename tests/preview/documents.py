"""Real documents and pictures, made with the libraries that people make them with."""

from __future__ import annotations

import io
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from typing import Any, BinaryIO

from flowtui.errors import PreviewError
from flowtui.preview.limits import Limits
from flowtui.preview.registry import preview
from flowtui.preview.result import Preview
from flowtui.preview.worker import Request
from flowtui.preview.workers import Show, Workers
from flowtui.storage import Reader, Storage
from tests.storage.store import Store
from tests.trusting import TrustsAll

ROWS = (
    ("CARDIAC DISORDERS", "13 (15.1%)", "9 (10.7%)", "40 (15.7%)"),
    ("  Atrial fibrillation", "1 (1.2%)", "2 (2.4%)", "3 (1.2%)"),
    ("GASTROINTESTINAL DISORDERS", "113 (15.1%)", "19 (10.7%)", "140 (15.7%)"),
)


@cache
def table_pdf(font: str = "Times-Roman", align: str = "RIGHT", password: str = "") -> bytes:
    """A page with a title, a table in a proportional font and a footnote; a second page."""
    from reportlab.lib import pagesizes, pdfencrypt
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Table

    stream = io.BytesIO()
    lock = pdfencrypt.StandardEncryption(password) if password else None
    made = SimpleDocTemplate(
        stream, pagesize=pagesizes.landscape(pagesizes.A4), title="Table 14.3.1", author="Biostat", encrypt=lock
    )
    styles = getSampleStyleSheet()
    head = ("System Organ Class", "Placebo", "Active", "Total")
    table = Table(
        [head, *ROWS],
        colWidths=[260, 110, 110, 90],
        style=[("FONTNAME", (0, 0), (-1, -1), font), ("ALIGN", (1, 0), (-1, -1), align)],
    )
    made.build(
        [
            Paragraph("Table 14.3.1 Adverse events", styles["Title"]),
            table,
            Paragraph("[1] Percentages are based on N.", styles["Normal"]),
            PageBreak(),
            Paragraph("The second page.", styles["Normal"]),
        ]
    )
    return stream.getvalue()


def pages_pdf(pages: int, padding: int) -> bytes:
    """As :func:`write_pages_pdf`, with noise for a picture."""
    stream = io.BytesIO()
    write_pages_pdf(stream, pages, random.Random(1).randbytes(padding))
    return stream.getvalue()


def write_pages_pdf(file: BinaryIO, pages: int, picture: bytes | int) -> None:
    """Many pages in one flat list, each followed by its content and a picture; a number leaves so many bytes out."""
    size = picture if isinstance(picture, int) else len(picture)
    places: dict[int, int] = {}
    file.write(b"%PDF-1.4\n")

    def add(number: int, body: bytes) -> None:
        places[number] = file.tell()
        file.write(b"%d 0 obj\n%b\nendobj\n" % (number, body))

    for page in range(pages):
        number = 4 + 3 * page
        text = b"BT /F1 10 Tf 50 800 Td (This is page %d) Tj ET" % (page + 1)
        add(
            number,
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R"
            b"/Resources<</Font<</F1 3 0 R>>/XObject<</X %d 0 R>>>>>>" % (number + 1, number + 2),
        )
        add(number + 1, b"<</Length %d>>stream\n%b\nendstream" % (len(text), text))
        places[number + 2] = file.tell()
        file.write(
            b"%d 0 obj\n<</Type/XObject/Subtype/Image/Width 1/Height 1/BitsPerComponent 8/ColorSpace/DeviceGray"
            b"/Length %d>>stream\n" % (number + 2, size)
        )
        if isinstance(picture, int):
            file.seek(picture, io.SEEK_CUR)
        else:
            file.write(picture)
        file.write(b"\nendstream\nendobj\n")
    add(3, b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
    kids = b" ".join(b"%d 0 R" % (4 + 3 * page) for page in range(pages))
    add(2, b"<</Type/Pages/Count %d/Kids[%b]>>" % (pages, kids))
    add(1, b"<</Type/Catalog/Pages 2 0 R>>")
    count = 4 + 3 * pages
    table = b"".join(b"%010d 00000 n \n" % places[number] for number in range(1, count))
    file.write(
        b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
        % (count, table, count, file.tell())
    )


@cache
def report_docx() -> bytes:
    """A report with a header, headings, a list, a table and a footnote-free body."""
    import docx

    made = docx.Document()
    made.add_heading("Clinical Study Report", 0)
    made.add_heading("1 Introduction", 1)
    made.add_paragraph("Some text of the introduction.")
    made.add_paragraph("first item", style="List Bullet")
    table = made.add_table(rows=1, cols=3)
    for row in (("Parameter", "Placebo", "Active"), ("AE", "1 (1.2%)", "3 (4%)")):
        cells = table.rows[0].cells if row[0] == "Parameter" else table.add_row().cells
        for cell, text in zip(cells, row, strict=True):
            cell.text = text
    made.sections[0].header.paragraphs[0].text = "Protocol CDISC01"
    made.core_properties.title = "CSR"
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


@cache
def picture(format_: str, width: int = 60, height: int = 40, *, mode: str = "RGB", noise: bool = False) -> bytes:
    """A picture whose left half is red and whose right half is blue."""
    from PIL import Image

    if noise:
        made = Image.frombytes("RGB", (width, height), random.Random(1).randbytes(3 * width * height))
    else:
        made = Image.new("RGB", (width, height), (255, 0, 0))
        made.paste((0, 0, 255), (width // 2, 0, width, height))
    stream = io.BytesIO()
    made.convert(mode).save(stream, format_, **({"dpi": (300, 300)} if format_ in ("PNG", "JPEG", "TIFF") else {}))
    return stream.getvalue()


def show_here(
    show: Show, content: bytes, name: str, limits: Limits | None = None, format_: str = ""
) -> Preview | PreviewError:
    """What a function of a worker makes of a content, in this process."""
    file: BinaryIO = io.BytesIO(content)
    try:
        return show(file, Request(name, format_ or name.rpartition(".")[2], len(content), limits or Limits()))
    except PreviewError as error:
        return error


@asynccontextmanager
async def in_store(content: bytes, name: str) -> AsyncIterator[Reader]:
    """A reader of a file in an object store."""
    store = Store({f"bucket/{name}": content})
    async with (
        Storage(TrustsAll(), sign=store.sign, transport=store.transport) as storage,
        storage.open(f"s3://bucket/{name}") as reader,
    ):
        yield reader


async def look_in_store(
    content: bytes, name: str, workers: Workers | None = None, **limits: Any
) -> tuple[Preview, int, int]:
    """The preview of a file in an object store, how many requests it took, and how many bytes."""
    async with in_store(content, name) as reader:
        found = await preview(reader, name=name, limits=replace(Limits(), **limits), workers=workers)
        return found, reader.requests, reader.bytes_read
