"""What the title of a preview says, and which previews are pictures; pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowtui.domain.size import human_size
from flowtui.preview.result import Preview
from flowtui.text import plain
from flowtui.words import count

if TYPE_CHECKING:
    from flowtui.tui.subject import Subject


def shown_name(subject: Subject) -> str:
    """The name of a file, or of an archive and its member: ``archive > member``."""
    return plain(subject.name) if subject.archive is None else f"{plain(subject.archive.name)} > {plain(subject.path)}"


def title_facts(subject: Subject, preview: Preview | None) -> list[str]:
    """The format of a file, its size, and how many rows, pages or pixels it has, as far as they are known."""
    kind = preview.format if preview and preview.format else plain(subject.format)
    facts = [kind, human_size(subject.size)]
    if preview and preview.kind == "table":
        rows = preview.total_rows if preview.total_rows is not None else len(preview.rows)
        more = "" if preview.total_rows is not None or not preview.more else "+"
        row = "row" if rows == 1 and not more else "rows"
        facts.append(f"{rows:,}{more} {row} x {count(len(preview.columns), 'column')}")
    if preview and preview.page:
        facts.append(page_words(preview))
    if preview and preview.image and preview.kind == "image":
        facts.append(f"{preview.image.full_width:,} x {preview.image.full_height:,}")
    return [fact for fact in facts if fact]


def has_pages_of_text(subject: Subject) -> bool:
    return "pdf" in (subject.format.lower().lstrip("."), subject.name.lower().rpartition(".")[2])


def is_only_a_picture(preview: Preview) -> bool:
    """Whether there is nothing to be seen but a picture, which was not made: what is called pdf may be anything."""
    is_scanned = preview.format == "pdf" and preview.page > 0 and not preview.lines
    return preview.image is None and (preview.kind == "image" or is_scanned)


def page_words(preview: Preview) -> str:
    """``page 2 of 14``, or the name of the sheet."""
    index = preview.page - 1
    name = preview.page_names[index] if index < len(preview.page_names) else ""
    of = f" of {preview.pages:,}" if preview.pages is not None else ""
    return f"{'sheet' if name else 'page'} {preview.page:,}{of}{' ' + name if name else ''}"


def is_delimited(preview: Preview | None) -> bool:
    """Whether it is, or may be, a table in delimited text: a csv, or a text of no language."""
    if preview is None:
        return False
    return preview.format in ("csv", "tsv") or (preview.kind == "text" and not preview.language and not preview.page)
