"""RTF read into pages: groups, destinations, characters, paragraphs and rows (Rich Text Format 1.9.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from flowtui.preview.rtf_book import PAGE, PAGES, Book
from flowtui.preview.rtf_story import Format, Story
from flowtui.preview.rtf_tokens import (
    BYTE,
    CHARSETS,
    CLOSE,
    NAMED,
    OPEN,
    SUPERSCRIPTS,
    SYMBOL,
    SYMBOL_CHARSET,
    SYMBOLS,
    TEXT,
    Token,
    code_page,
    tokens,
)
from flowtui.text import plain

_DEEPEST = 500
_MOST_FONTS = 5000
_SKIPPED = frozenset(
    {"colortbl", "stylesheet", "object", "themedata", "datastore", "listtable", "listoverridetable", "revtbl"}
    | {"rsidtbl", "generator", "xmlnstbl", "latentstyles", "filetbl", "pnseclvl", "ftnsep", "ftnsepc", "aftnsep"}
    | {"aftnsepc", "nonesttables", "pn", "bkmkstart", "bkmkend", "xe", "tc", "annotation", "atnid", "atnauthor"}
    | {"operator", "company", "category", "manager", "doccomm", "hlinkbase", "creatim", "revtim", "printim"}
)
_HEADERS = frozenset({"header", "headerl", "headerr"})
_FOOTERS = frozenset({"footer", "footerl", "footerr"})
_INFO = frozenset({"title", "subject", "author", "keywords", "comment"})
_ALIGNS: dict[str, str] = {"ql": "left", "qc": "center", "qr": "right", "qj": "left"}
_BORDERS = frozenset({"brdrs", "brdrth", "brdrdb", "brdrdot", "brdrdash", "brdrhair"})


@dataclass(slots=True)
class _Group:
    """What a group inherits and may change.

    Attributes:
        story: where its text goes; None: nowhere.
        kind: the destination that it is in, where that matters.
        skip: characters that stand in for each ``\\u``.
    """

    story: Story | None
    kind: str = ""
    skip: int = 1
    codec: str = ""
    symbols: bool = False
    raised: bool = False
    hidden: bool = False
    format: Format | None = None


class RtfReader:
    """Reads a document, page by page.

    Attributes:
        book: its pages; a document that says nothing of pages has one.
        info: title and author, where the document says them.
        pictures: what kind of pictures there are.

    Args:
        wanted: the page whose text is kept, and that of the last page.
    """

    def __init__(self, wanted: int) -> None:
        self.book = Book(wanted)
        self.info: dict[str, str] = {}
        self.pictures: list[str] = []
        self._group = _Group(self.book.body)
        self._stack: list[_Group] = []
        self._too_deep = 0
        self._star = False
        self._bytes = bytearray()
        self._to_skip = 0
        self._codec = "cp1252"
        self._fonts: dict[int, tuple[str, bool]] = {}
        self._font = 0
        self._field = ""
        self._field_shown = False
        self._border = ""
        self._words: dict[str, Callable[[int | None], None]] = self._control_words()

    def read(self, source: str) -> None:
        """Read the whole text."""
        for token in tokens(source):
            kind = token.kind
            if kind == TEXT:
                self._write(token.text)
            elif kind == BYTE:
                self._byte(token.text)
            elif kind == OPEN:
                self._open()
            elif kind == CLOSE:
                self._close()
            elif kind == SYMBOL:
                self._symbol(token.text)
            else:
                self._word(token)
        self._flush_bytes()
        self.book.end_page()

    def _open(self) -> None:
        self._flush_bytes()
        self._star = False
        if len(self._stack) >= _DEEPEST:
            self._too_deep += 1
            return
        self._stack.append(self._group)
        self._group = replace(self._group)
        if self._group.story is not None:
            self._group.format = replace(self._group.story.format)

    def _close(self) -> None:
        self._flush_bytes()
        self._to_skip = 0
        if self._too_deep:
            self._too_deep -= 1
            return
        if not self._stack:
            return
        ended, self._group = self._group, self._stack.pop()
        if ended.kind == "fldinst" and self._group.kind != "fldinst":
            self._end_field_instruction()
        elif ended.kind == "field" and self._group.kind != "field":
            self._field, self._field_shown = "", False
        if ended.story is not self._group.story and ended.story is not None:
            ended.story.end()
        elif ended.story is not None and ended.format is not None:
            # Of what a paragraph looks like, its end is what counts; a group may have changed it for itself.
            in_table = ended.story.format.in_table
            ended.story.format = replace(ended.format, in_table=in_table)

    def _end_field_instruction(self) -> None:
        words = self._field.split()
        name = words[0].upper() if words else ""
        if name in ("PAGE", "NUMPAGES", "SECTIONPAGES"):
            self._put(PAGE if name == "PAGE" else PAGES)
            self._field_shown = True

    def _symbol(self, symbol: str) -> None:
        if symbol == "*":
            self._star = True
        elif symbol in "\\{}":
            self._write(symbol)
        elif symbol == "~":
            self._write("\xa0")
        elif symbol == "_":
            self._write("-")
        elif symbol in "\r\n":
            self._flush_bytes()
            self._end_paragraph(None)

    def _byte(self, char: str) -> None:
        if self._to_skip:
            self._to_skip -= 1
        elif self._group.symbols:
            self._put(SYMBOLS.get(ord(char), char))
        elif len(self._bytes) < 1 << 20:
            self._bytes.append(ord(char))

    def _write(self, text: str) -> None:
        if self._to_skip:
            skipped = min(self._to_skip, len(text))
            self._to_skip -= skipped
            text = text[skipped:]
        if not text:
            return
        if self._group.symbols:
            self._flush_bytes()
            self._put("".join(SYMBOLS.get(ord(char), char) for char in text))
        elif text.isascii():
            self._flush_bytes()
            self._put(text)
        else:
            self._flush_bytes()
            self._put(_raw(text, self._group.codec or self._codec))

    def _flush_bytes(self) -> None:
        if self._bytes:
            text = bytes(self._bytes).decode(self._group.codec or self._codec, errors="replace")
            self._bytes.clear()
            self._put(text)

    def _put(self, text: str) -> None:
        group = self._group
        if group.kind == "fldinst":
            if len(self._field) < 200:
                self._field += text
        elif group.kind in _INFO:
            self.info[group.kind] = plain(self.info.get(group.kind, "") + text)[:200]
        elif group.story is not None and not group.hidden and not (group.kind == "fldrslt" and self._field_shown):
            group.story.write(text.translate(SUPERSCRIPTS) if group.raised else text)

    def _word(self, token: Token) -> None:
        word, number = token.text, token.number
        if word == "u":
            self._flush_bytes()
            self._put(chr((number or 0) % 65536))
            self._to_skip = self._group.skip
            return
        self._flush_bytes()
        self._to_skip = 0
        star, self._star = self._star, False
        if word in _SKIPPED or word in _HEADERS or word in _FOOTERS or word in _INFO or word in _DESTINATIONS:
            self._destination(word)
            return
        if self._group.kind == "fonttbl":
            self._font_word(word, number)
            return
        handle = self._words.get(word)
        if handle is not None:
            handle(number)
        elif word in NAMED:
            if word == "tab" and self._group.story is not None and not self._group.hidden:
                self._group.story.tab()
            else:
                self._put(NAMED[word])
        elif star:
            self._group.story, self._group.kind = None, "skipped"

    def _destination(self, word: str) -> None:
        group = self._group
        if word in ("shppict", "nesttableprops", "rtf"):
            return
        if group.kind == "skipped" or (word in _INFO and group.kind != "info"):
            return
        if word in _HEADERS or word == "headerf":
            story = Story()
            group.story = story
            if word == "headerf":
                self.book.first_header = story
            else:
                self.book.header = story
        elif word in _FOOTERS:
            group.story = self.book.footer = Story()
        elif word == "footerf":
            group.story = Story()
        elif word == "footnote":
            note = Story()
            if group.story is not None:
                group.story.write(f"[{len(self.book.notes) + 1}]")
            note.write(f"[{len(self.book.notes) + 1}] ")
            self.book.notes.append(note)
            group.story = note
        elif word == "field":
            self._field, self._field_shown = "", False
        elif word == "pict":
            if group.story is not None and not group.hidden and group.kind != "nonshppict":
                group.story.write("[picture]")
            group.story = None
        elif word in ("fldinst", "fldrslt"):
            pass
        else:
            group.story = None
        group.kind = word if word not in _SKIPPED else "skipped"

    def _font_word(self, word: str, number: int | None) -> None:
        if word == "f":
            self._font = number or 0
        elif word == "fcharset" and len(self._fonts) < _MOST_FONTS:
            self._fonts[self._font] = CHARSETS.get(number or 0, ""), number == SYMBOL_CHARSET

    def _control_words(self) -> dict[str, Callable[[int | None], None]]:
        words: dict[str, Callable[[int | None], None]] = {
            "ansicpg": self._set_code_page,
            "uc": self._set_skip,
            "f": self._set_font,
            "plain": self._set_plain,
            "super": lambda number: self._set("raised", number != 0),
            "nosupersub": lambda _: self._set("raised", False),
            "v": lambda number: self._set("hidden", number != 0),
            "deleted": lambda number: self._set("hidden", number != 0),
            "par": self._end_paragraph,
            "pard": self._reset_paragraph,
            "intbl": lambda _: self._format(in_table=True),
            "itap": lambda number: self._format(in_table=bool(number)),
            "li": lambda number: self._format(indent=number or 0),
            "tx": self._add_tab,
            "chpgn": lambda _: self._put(PAGE),
            "page": lambda _: self._break_page(),
            "pagebb": lambda _: self._break_page() if not self.book.body.is_empty else None,
            "sect": lambda _: self._end_section(),
            "sbknone": lambda _: self.book.continue_section(),
            "pngblip": lambda _: self._name_picture("png"),
            "jpegblip": lambda _: self._name_picture("jpeg"),
            "emfblip": lambda _: self._name_picture("emf"),
            "wmetafile": lambda _: self._name_picture("wmf"),
            "dibitmap": lambda _: self._name_picture("bmp"),
        }
        for name, align in _ALIGNS.items():
            words[name] = lambda _, align=align: self._format(align=align)  # type: ignore[misc]
        for name in _BORDERS:
            words[name] = lambda _: self._draw_border()
        for name, border in (("clbrdrt", "over"), ("clbrdrb", "under"), ("clbrdrl", ""), ("clbrdrr", "")):
            words[name] = lambda _, border=border: setattr(self, "_border", border)  # type: ignore[misc]
        for name in ("brdrt", "brdrb", "brdrl", "brdrr", "trbrdrt", "trbrdrb", "trbrdrl", "trbrdrr", "box"):
            words[name] = lambda _: setattr(self, "_border", "")
        return words | {
            name: self._row_word(name)
            for name in ("trowd", "trleft", "trhdr", "cellx", "clmrg", "cell", "row", "nestcell", "nestrow")
        }

    def _row_word(self, name: str) -> Callable[[int | None], None]:
        def handle(number: int | None) -> None:
            story = self._group.story
            if story is None:
                return
            if name == "trowd":
                # What defines a nested row says nothing of the row that it stands in.
                if self._group.kind != "nesttableprops":
                    story.begin_row()
            elif name == "trleft":
                story.left = number or 0
            elif name == "trhdr":
                story.head = True
            elif name == "cellx":
                story.define_cell(number or 0)
            elif name == "clmrg":
                story.pending.merged = True
            elif name == "cell":
                story.end_cell()
            elif name == "row":
                story.end_row()
            elif name == "nestcell":
                story.end_nested_cell()
            else:
                story.end_nested_row()

        return handle

    def _set(self, name: str, value: bool) -> None:
        setattr(self._group, name, value)

    def _set_code_page(self, number: int | None) -> None:
        self._codec = code_page(number)

    def _set_skip(self, number: int | None) -> None:
        self._group.skip = min(max(number or 0, 0), 16)

    def _set_font(self, number: int | None) -> None:
        self._group.codec, self._group.symbols = self._fonts.get(number or 0, ("", False))

    def _set_plain(self, _: int | None) -> None:
        self._group.codec, self._group.symbols, self._group.raised, self._group.hidden = "", False, False, False

    def _format(self, **changes: object) -> None:
        if self._group.story is not None:
            self._group.story.format = replace(self._group.story.format, **changes)  # type: ignore[arg-type]

    def _add_tab(self, number: int | None) -> None:
        story = self._group.story
        if story is not None and len(story.format.tabs) < 100:
            self._format(tabs=tuple(sorted((*story.format.tabs, number or 0))))

    def _reset_paragraph(self, _: int | None) -> None:
        if self._group.story is not None:
            self._group.story.format = Format()

    def _end_paragraph(self, _: int | None) -> None:
        if self._group.story is not None and not self._group.hidden:
            self._group.story.end_paragraph()

    def _draw_border(self) -> None:
        story = self._group.story
        if story is not None and self._border:
            setattr(story.pending, self._border, True)

    def _name_picture(self, name: str) -> None:
        if self._group.kind == "pict" and len(self.pictures) < 1000:
            self.pictures.append(name)

    def _break_page(self) -> None:
        if self._group.story is self.book.body:
            self.book.end_page()

    def _end_section(self) -> None:
        if self._group.story is self.book.body:
            self.book.end_section()


_DESTINATIONS = frozenset(
    {"rtf", "fonttbl", "info", "pict", "field", "fldinst", "fldrslt", "footnote", "headerf", "footerf"}
    | {"shppict", "nonshppict", "nesttableprops"}
)


def _raw(text: str, codec: str) -> str:
    """Characters beyond ASCII that stand unescaped: some writers leave them in UTF-8, whatever they declare."""
    data = text.encode("latin-1", "replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode(codec, "replace")
