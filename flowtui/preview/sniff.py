"""What a file is: by its declared format, by its name, by its first bytes; and the encoding of text."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PAR1", "parquet"),
    (b"PARE", "parquet"),
    (b"%PDF-", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    # BigTIFF, with places of 64 bits.
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
    (b"{\\rtf", "rtf"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"(\xb5/\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"SQLite format 3\x00", "sqlite"),
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"\x93NUMPY", "npy"),
    (b"ARROW1\x00\x00", "arrow"),
    (b"Obj\x01", "avro"),
    (b"HEADER RECORD*******LIBRARY HEADER RECORD", "xpt"),
    (b"HEADER RECORD*******LIBV8", "xpt"),
    (b"\x7fELF", "elf"),
    (b"RDX2\n", "rdata"),
    (b"RDX3\n", "rdata"),
    (b"$FL2@(#)", "sav"),
    (b"$FL3@(#)", "sav"),
    (b"<stata_dta>", "dta"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"GGUF", "gguf"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\xca\xfe\xba\xbe", "class"),
    (b"\x00asm", "wasm"),
    (b"CDF\x01", "netcdf"),
    (b"CDF\x02", "netcdf"),
    (b"OggS\x00", "ogg"),
    (b"fLaC\x00", "flac"),
)
"""First bytes of formats; the longer names are those of the formats' own documents."""

_SAS7BDAT = b"\xc2\xea\x81\x60\xb3\x14\x11\xcf\xbd\x92\x08\x00\x09\xc7\x31\x8c\x18\x1f\x10\x11"
_SAS7BCAT = _SAS7BDAT[:3] + b"\x63" + _SAS7BDAT[4:]
_PORTABLE = b"SPSSPORT"
_PORTABLE_WITHIN = 512
"""SPSS's portable files begin with 200 characters for a reader and a table of 256, in lines of 80, before this mark."""

_EXTENSION = re.compile(r"\.([A-Za-z0-9_+-]{1,16})$")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b\b\x1a")) + b"\x7f"
_SAMPLE = 64 * 1024
_MOST_CONTROL = 0.02
_MOST_CONTROL_NAMED = 0.05
_MOST_NULS_NAMED = 0.3
_TEXT_NAMES = frozenset(
    {
        "cfg",
        "conf",
        "csv",
        "err",
        "ini",
        "ipynb",
        "json",
        "jsonl",
        "log",
        "lst",
        "md",
        "ndjson",
        "out",
        "psv",
        "py",
        "r",
    }
    | {"sas", "sh", "sql", "tab", "toml", "tsv", "txt", "xml", "yaml", "yml"}
)
"""Names that promise text; a crash can leave blocks of NULs in a log, and it is a log still."""


_FROM_THE_END = {"parquet": "parquet", "pq": "parquet", "arrow": "arrow", "feather": "arrow", "pdf": "pdf"}
"""Extensions of formats whose directory is at the end, and their magic: a long head would be read in vain."""


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What a file seems to be.

    Attributes:
        formats: the declared format and the extension of the name, in that order, lower case, without doubles.
        magic: the format that the first bytes tell, empty where they tell nothing.
        encoding: the text encoding, None where the content is binary.
        guessed: True where the encoding is a guess rather than what the bytes prove.
    """

    formats: tuple[str, ...]
    magic: str
    encoding: str | None
    guessed: bool = False

    def is_any(self, *formats: str) -> bool:
        """True where the declared format or the extension is one of these."""
        return any(name in formats for name in self.formats)


def is_from_the_end(sniffed: Sniffed) -> bool:
    """True where the file is named and begins like a format that is read from its end."""
    return any(_FROM_THE_END.get(name) == sniffed.magic for name in sniffed.formats)


def is_named_from_the_end(name: str, format: str) -> bool:  # noqa: A002
    """True where the name or the declared format is one of a format that is read from its end."""
    return not _FROM_THE_END.keys().isdisjoint((format.lower().lstrip("."), extension(name)))


def extension(name: str) -> str:
    """The extension of a file name in lower case without its dot; empty where it has none."""
    found = _EXTENSION.search(name)
    return found.group(1).lower() if found else ""


def sniff(head: bytes, *, name: str = "", format: str = "") -> Sniffed:  # noqa: A002
    """Judge a file by its declared format, its name and its first bytes (64 KB of them are looked at)."""
    formats = dict.fromkeys(part for part in (format.lower().lstrip("."), extension(name)) if part)
    encoding, guessed = encoding_of(head, named_text=not _TEXT_NAMES.isdisjoint(formats))
    return Sniffed(tuple(formats), magic(head), encoding, guessed)


def magic(head: bytes) -> str:
    """The format that the first bytes tell, empty where they tell nothing."""
    for beginning, format_ in _MAGIC:
        if head.startswith(beginning):
            return format_
    if head[12:32] == _SAS7BDAT:
        return "sas7bdat"
    if head[12:32] == _SAS7BCAT:
        return "sas7bcat"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[:2] == b"BM" and head[6:10] == bytes(4) and head[15:18] == bytes(3):
        return "bmp"
    if head[8:12] == b"DUCK":
        return "duckdb"
    if head[257:262] == b"ustar":
        return "tar"
    if _PORTABLE in head[:_PORTABLE_WITHIN].translate(None, b"\r\n"):
        return "por"
    if len(head) > 1 and head[0] == 0x80 and 2 <= head[1] <= 5:
        return "pickle"
    return ""


def encoding_of(head: bytes, *, named_text: bool = False) -> tuple[str | None, bool]:
    """The encoding of text and whether it is a guess; None for binary content.

    A byte order mark and valid UTF-8 are proof. Else UTF-16 is guessed where every other byte is NUL, and an older
    encoding where control characters are rare; ``named_text`` lets more of them pass.
    """
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding, False
    sample = head[:_SAMPLE]
    if not sample:
        return "utf-8", False
    nuls = sample.count(0)
    if nuls > len(sample) * 0.2:
        wide = _utf16(sample)
        if wide:
            return wide, True
    controls = len(sample) - len(sample.translate(None, _CONTROL))
    if named_text and nuls <= len(sample) * _MOST_NULS_NAMED:
        # Hive parts fields by the control code 1, others by 31.
        controls -= nuls + sample.count(b"\x01") + sample.count(b"\x1f")
    if controls > max(len(sample) * (_MOST_CONTROL_NAMED if named_text else _MOST_CONTROL), 1):
        return None, False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        if nuls and not named_text:
            return None, False
        from flowtui.preview.legacy_encoding import legacy_encoding

        return legacy_encoding(sample), True
    return "utf-8", False


def _utf16(sample: bytes) -> str | None:
    pairs = len(sample) // 2
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    for high, low, encoding in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if pairs >= 4 and high > pairs * 0.7 and low < pairs * 0.05:
            text = sample[: pairs * 2].decode(encoding, errors="replace")
            controls = sum(ord(char) < 32 and char not in "\t\n\r\f" for char in text)
            if controls <= pairs * _MOST_CONTROL:
                return encoding
    return None
