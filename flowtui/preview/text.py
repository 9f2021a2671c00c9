"""Text of any kind, line by line."""

from __future__ import annotations

import asyncio
import re

from flowtui.preview.result import Preview
from flowtui.preview.subject import Subject
from flowtui.text import plain

_LANGUAGES = {
    "bash": "bash", "bat": "bat", "c": "c", "cfg": "ini", "conf": "ini", "cpp": "cpp", "css": "css", "diff": "diff",
    "go": "go", "h": "c", "htm": "html", "html": "html", "ini": "ini", "ipynb": "json", "java": "java",
    "js": "javascript", "json": "json", "jsonl": "json", "log": "", "markdown": "markdown", "md": "markdown",
    "ndjson": "json", "patch": "diff", "pl": "perl", "properties": "properties", "ps1": "powershell", "py": "python",
    "qmd": "markdown", "r": "r", "rb": "ruby", "rmd": "markdown", "rs": "rust", "rst": "rst", "sas": "sas",
    "scala": "scala", "sh": "bash", "sql": "sql", "stan": "stan", "svg": "xml", "tex": "tex", "toml": "toml",
    "ts": "typescript", "txt": "", "xml": "xml", "xsd": "xml", "yaml": "yaml", "yml": "yaml",
}  # fmt: skip
_TEXT_FORMATS = ("rtf", "dta")
LINE_BREAK = re.compile(r"\r\n|\n|\r")
_TAB = 4


def accepts(subject: Subject) -> bool:
    """Text in a known encoding that is no other format's beginning."""
    return subject.sniffed.encoding is not None and subject.sniffed.magic in ("", *_TEXT_FORMATS)


async def show(subject: Subject) -> Preview:
    if subject.limits.from_end and subject.size is not None:
        # Characters of UTF-16 and UTF-32 begin at multiples of their width.
        start = max(subject.size - subject.limits.head, 0) // 4 * 4
        tail = subject.head if subject.whole else await subject.reader.read(start, subject.size - start)
        return await asyncio.to_thread(_last_lines, subject, tail, not start)
    return await asyncio.to_thread(_show, subject)


def _show(subject: Subject) -> Preview:
    return lines_of(subject, subject.text(), language=_language(subject))


def _language(subject: Subject) -> str:
    return next((_LANGUAGES[name] for name in subject.sniffed.formats if name in _LANGUAGES), "")


def _last_lines(subject: Subject, tail: bytes, is_whole: bool) -> Preview:
    limits = subject.limits
    encoding = subject.sniffed.encoding or "latin-1"
    if not is_whole and encoding in ("utf-16", "utf-32"):
        # The byte order is told at the beginning of the file only.
        encoding += "-be" if subject.head.startswith((b"\xfe\xff", b"\0\0\xfe\xff")) else "-le"
    lines = LINE_BREAK.split(tail.decode(encoding, "replace").replace("\0", ""))
    if not is_whole and len(lines) > 1:
        del lines[0]
    if len(lines) > 1 and not lines[-1]:
        del lines[-1]
    shown = lines[max(len(lines) - limits.lines, 0) :]
    long = sum(len(line) > limits.line for line in shown)
    is_cut = not is_whole or len(shown) < len(lines)
    notices = subject.text_notices()
    if is_cut:
        notices.append(f"last {len(shown):,} lines")
    if long:
        notices.append(_long_notice(long, limits.line))
    return Preview(
        kind="text",
        lines=tuple(_line(line[: limits.line]) for line in shown),
        notices=tuple(notices),
        language=_language(subject),
        more=is_cut,
        format=next(iter(subject.sniffed.formats), "text"),
    )


def lines_of(subject: Subject, text: str, *, language: str = "", family: str = "") -> Preview:
    """The first lines of ``text``, which is the decoded head of the file; long ones are cut."""
    limits = subject.limits
    lines: list[str] = []
    long = 0
    position = 0
    ended = False
    while len(lines) < limits.lines:
        found = LINE_BREAK.search(text, position)
        end = found.start() if found else len(text)
        if not found and end == position:
            ended = True
            break
        long += end - position > limits.line
        lines.append(_line(text[position : min(end, position + limits.line)]))
        if not found:
            ended = True
            break
        position = found.end()
    ended = ended or position >= len(text)
    notices = subject.text_notices()
    if not ended:
        notices.append(f"first {len(lines):,} lines")
    if not subject.whole:
        notices.append(subject.amount())
    if long:
        notices.append(_long_notice(long, limits.line))
    return Preview(
        kind="text",
        lines=tuple(lines),
        notices=tuple(notices),
        language=language,
        more=not ended or not subject.whole,
        format=family or next(iter(subject.sniffed.formats), "text"),
    )


def _long_notice(count: int, width: int) -> str:
    return f"{count:,} {'line is' if count == 1 else 'lines are'} longer than {width:,} characters and cut"


def _line(text: str) -> str:
    return plain(text.expandtabs(_TAB) if "\t" in text else text)
