"""Which previewer shows a file: the first one in the list that accepts it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import cache

from flowtui.errors import PreviewError
from flowtui.preview import (
    archives,
    arrow,
    avro,
    catboost,
    compressed,
    coreml,
    dataset_json,
    delimited,
    duckdb_file,
    executorch,
    gguf,
    hdf5,
    html,
    image,
    json,
    keras,
    lance_vortex,
    lightgbm,
    markdown,
    mlflow,
    netcdf,
    notebook,
    numpy_files,
    onnx,
    ooxml,
    orc,
    parquet,
    pdf,
    pickle,
    r_data,
    rtf,
    safetensors,
    sas7bcat,
    sas7bdat,
    skops,
    spreadsheet,
    spreadsheetml,
    spss_stata,
    sqlite,
    text,
    tflite,
    tfrecord,
    torch_archive,
    xgboost,
    xpt,
)
from flowtui.preview import hex as hex_dump
from flowtui.preview.limits import DEFAULT, Limits
from flowtui.preview.model_folders import words_of_folder
from flowtui.preview.result import Cell, Column, Preview
from flowtui.preview.siblings import Siblings
from flowtui.preview.sniff import is_from_the_end, is_named_from_the_end, sniff
from flowtui.preview.source import Source
from flowtui.preview.subject import Subject
from flowtui.preview.table_folders import TableFolder, table_folder
from flowtui.preview.workers import Workers
from flowtui.storage import Entry, Storage
from flowtui.text import plain

_SHORT_HEAD = 64 * 1024
"""Bytes of the head of a file that is read from its end."""


@dataclass(frozen=True, slots=True)
class Previewer:
    """One family of formats.

    Attributes:
        name: for notices and errors.
        accepts: True where it can try; it looks at the head only.
        show: makes the preview. It raises PreviewError where the content is not what it seemed; the next previewer
            that accepts the file is then asked, and the error's message becomes a notice.
    """

    name: str
    accepts: Callable[[Subject], bool]
    show: Callable[[Subject], Awaitable[Preview]]


ENTRY_POINT = "flowtui.previewers"
"""The group of entry points whose objects are further previewers; they are asked before those of flowtui."""

PREVIEWERS: tuple[Previewer, ...] = (
    Previewer("parquet", parquet.accepts, parquet.show),
    Previewer("arrow", arrow.accepts, arrow.show),
    Previewer("orc", orc.accepts, orc.show),
    Previewer("avro", avro.accepts, avro.show),
    Previewer("sqlite", sqlite.accepts, sqlite.show),
    Previewer("r data", r_data.accepts, r_data.show),
    Previewer("duckdb", duckdb_file.accepts, duckdb_file.show),
    Previewer("netcdf", netcdf.accepts, netcdf.show),
    Previewer("xpt", xpt.accepts, xpt.show),
    Previewer("sas7bdat", sas7bdat.accepts, sas7bdat.show),
    Previewer("sas7bcat", sas7bcat.accepts, sas7bcat.show),
    Previewer("spss and stata", spss_stata.accepts, spss_stata.show),
    Previewer("spreadsheet", spreadsheet.accepts, spreadsheet.show),
    Previewer("spreadsheetml", spreadsheetml.accepts, spreadsheetml.show),
    Previewer("pdf", pdf.accepts, pdf.show),
    Previewer("rtf", rtf.accepts, rtf.show),
    Previewer("ooxml", ooxml.accepts, ooxml.show),
    Previewer("image", image.accepts, image.show),
    Previewer("svg", image.accepts_svg, image.show_svg),
    Previewer("torch", torch_archive.accepts, torch_archive.show),
    Previewer("skops", skops.accepts, skops.show),
    Previewer("npz", numpy_files.accepts_npz, numpy_files.show_npz),
    Previewer("npy", numpy_files.accepts_npy, numpy_files.show_npy),
    Previewer("safetensors", safetensors.accepts, safetensors.show),
    Previewer("keras", keras.accepts, keras.show),
    Previewer("hdf5", hdf5.accepts, hdf5.show),
    Previewer("gguf", gguf.accepts, gguf.show),
    Previewer("onnx", onnx.accepts, onnx.show),
    Previewer("xgboost", xgboost.accepts, xgboost.show),
    Previewer("lightgbm", lightgbm.accepts, lightgbm.show),
    Previewer("catboost", catboost.accepts, catboost.show),
    Previewer("tensorflow lite", tflite.accepts, tflite.show),
    Previewer("executorch", executorch.accepts, executorch.show),
    Previewer("core ml", coreml.accepts, coreml.show),
    Previewer("tfrecord", tfrecord.accepts, tfrecord.show),
    Previewer("lance and vortex", lance_vortex.accepts, lance_vortex.show),
    Previewer("pickle", pickle.accepts, pickle.show),
    Previewer("zip", archives.accepts_zip, archives.show_zip),
    Previewer("tar", archives.accepts_tar, archives.show_tar),
    Previewer("compressed dataset-json", dataset_json.accepts_compressed, dataset_json.show_compressed),
    Previewer("compressed", compressed.accepts, compressed.show),
    Previewer("mlflow", mlflow.accepts, mlflow.show),
    Previewer("notebook", notebook.accepts, notebook.show),
    Previewer("html", html.accepts, html.show),
    Previewer("markdown", markdown.accepts, markdown.show),
    Previewer("dataset-json", dataset_json.accepts, dataset_json.show),
    Previewer("json", json.accepts, json.show),
    Previewer("delimited", delimited.accepts, delimited.show),
    Previewer("text", text.accepts, text.show),
    Previewer("hex", hex_dump.accepts, hex_dump.show),
)


@cache
def plugins() -> tuple[tuple[Previewer, ...], tuple[str, ...]]:
    """Previewers of other packages (entry point ``flowtui.previewers``), and why some could not be loaded."""
    from importlib.metadata import entry_points

    found: list[Previewer] = []
    problems: list[str] = []
    for entry in entry_points(group=ENTRY_POINT):
        try:
            previewer = entry.load()
        except (ImportError, AttributeError) as error:
            problems.append(f"the previewer {plain(entry.name)} cannot be loaded: {plain(error)}")
            continue
        if isinstance(previewer, Previewer):
            found.append(previewer)
        else:
            problems.append(f"the previewer {plain(entry.name)} is no Previewer")
    return tuple(found), tuple(problems)


async def preview(
    reader: Source,
    *,
    name: str,
    format: str = "",  # noqa: A002
    limits: Limits = DEFAULT,
    workers: Workers | None = None,
    member: str = "",
    siblings: Siblings | None = None,
) -> Preview:
    """Show the beginning of a file; call it again with ``limits.more()`` for more of it.

    Args:
        reader: of the file.
        name: its declared name, whose extension counts.
        format: its declared format (``csv``), empty where none is declared.
        workers: processes to show it in, where its format needs one; None to end them with this preview.
        member: name of the member of the archive to show in place of the archive itself.
        siblings: the other files of its artifact, None where they are not known.

    Raises:
        NotFoundError, StorageError: the file cannot be read.
        PreviewError: no previewer can show it, or there is no such member.
    """
    async with AsyncExitStack() as stack:
        if workers is None:
            workers = await stack.enter_async_context(Workers())
        return await _preview(reader, name, format, limits, workers, member=member, siblings=siblings)


async def _preview(
    reader: Source,
    name: str,
    format_: str,
    limits: Limits,
    workers: Workers,
    *,
    member: str = "",
    inside: bool = False,
    siblings: Siblings | None = None,
) -> Preview:
    first = min(_SHORT_HEAD, limits.head) if is_named_from_the_end(name, format_) else limits.head
    head = await reader.read(0, first)
    size = await reader.size()
    sniffed = await asyncio.to_thread(sniff, head, name=name, format=format_)
    is_short = size is not None and size > limits.head > first and is_from_the_end(sniffed)
    if len(head) == first < limits.head and not is_short:
        head += await reader.read(first, limits.head - first)
    if not head:
        return Preview(kind="text", notices=("the file is empty",), format=next(iter(sniffed.formats), "text"))

    async def show_inside(inner: Source, inner_name: str) -> Preview:
        return await _preview(inner, inner_name, "", limits, workers, inside=True)

    subject = Subject(
        reader, name, sniffed, head, size, limits, workers, None if inside else show_inside, is_short, siblings
    )
    if member:
        return await archives.member(subject, member)
    others, problems = await asyncio.to_thread(plugins)
    notices = list(problems)
    for previewer in (*others, *PREVIEWERS):
        if not previewer.accepts(subject):
            continue
        try:
            found = await previewer.show(subject)
        except PreviewError as error:
            notices.append(plain(error.message))
            continue
        return replace(found, notices=(*notices, *found.notices), more=found.more and limits.can_grow)
    raise PreviewError(f"No preview for {plain(name)}.", "; ".join(notices))


async def preview_folder(storage: Storage, uri: str, *, limits: Limits = DEFAULT) -> Preview:
    """The files of a directory; of one that is a table together, what each file is.

    Raises NotFoundError, StorageError where it cannot be listed.
    """
    entries = await storage.list(uri)
    return preview_directory(entries, told=await table_folder(storage, uri, entries), limits=limits)


def preview_directory(
    entries: tuple[Entry, ...], *, told: TableFolder | None = None, limits: Limits = DEFAULT
) -> Preview:
    """The files of a directory as a table of names and sizes, with what is ``told`` of them."""
    states = told.states if told else {}
    rows: list[tuple[Cell, ...]] = [
        (plain(entry.name), entry.size, *([states[entry.name]] if states else [])) for entry in entries[: limits.rows]
    ]
    cut = len(entries) > len(rows)
    is_of = words_of_folder(entry.name for entry in entries)
    notices = [is_of] if is_of else []
    if cut:
        notices.append(f"first {len(rows):,} of {len(entries):,} files")
    return Preview(
        kind="table",
        columns=(Column("name", "text"), Column("size", "integer"), *([Column("state", "text")] if states else [])),
        rows=tuple(rows),
        total_rows=len(entries),
        notices=(*notices, *(told.notices if told else ())),
        more=cut and limits.can_grow,
        format=told.format if told else "directory",
        facts=told.facts if told else (),
    )
