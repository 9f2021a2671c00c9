"""HTML as tags and text, in linear time whatever is left unclosed (WHATWG HTML, 13.2.5 Tokenization).

``html.parser`` takes quadratic time over comments and quotation marks that are never closed, before Python 3.13.6.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

_NAME = re.compile(r"[A-Za-z][^\s/>]{0,100}")
_ATTRIBUTE = re.compile(r"""[\s/]*([^\s/>=][^\s/>=]*)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s>]*))?""")
_AFTER = re.compile(r"[\s/]*")
_RAW = frozenset({"script", "style", "iframe", "xmp", "noembed", "noframes"})
_TEXT_ONLY = frozenset({"title", "textarea"})
_MOST_ATTRIBUTES = 100


class Tag(NamedTuple):
    """A tag: its name in lower case; of a start tag the attributes, the first of each name."""

    name: str
    ends: bool
    attributes: dict[str, str]


def tokens(source: str) -> Iterator[Tag | str]:
    """Tags and texts; comments, declarations and the content of scripts and styles are left out."""
    at = 0
    length = len(source)
    while at < length:
        begin = source.find("<", at)
        if begin < 0:
            yield unescape(source[at:])
            return
        if begin > at:
            yield unescape(source[at:begin])
        at = begin + 1
        if source.startswith("!--", at):
            at = _after(source, "-->", at + 1)
        elif source.startswith(("!", "?"), at):
            at = _after(source, ">", at)
        else:
            ends = source.startswith("/", at)
            name = _NAME.match(source, at + ends)
            if name is None:
                yield "<"
                continue
            attributes, at = _attributes(source, name.end())
            if at > length:
                return
            tag = Tag(name.group().lower(), ends, attributes)
            yield tag
            if not ends and tag.name in _RAW | _TEXT_ONLY:
                stop = re.compile(f"</{tag.name}(?=[\\s/>])", re.IGNORECASE).search(source, at)
                until = stop.start() if stop else length
                if tag.name in _TEXT_ONLY:
                    yield unescape(source[at:until])
                at = until


def _after(source: str, mark: str, at: int) -> int:
    found = source.find(mark, at)
    return found + len(mark) if found >= 0 else len(source)


def _attributes(source: str, at: int) -> tuple[dict[str, str], int]:
    """The attributes of a tag, and where it ends; beyond the end of the text where it is not closed."""
    found: dict[str, str] = {}
    while True:
        after = _AFTER.match(source, at)
        at = after.end() if after else at
        if at >= len(source):
            return found, len(source) + 1
        if source[at] == ">":
            return found, at + 1
        attribute = _ATTRIBUTE.match(source, at)
        if attribute is None:
            at += 1
            continue
        at = attribute.end()
        name, value = attribute.group(1).lower(), attribute.group(2) or ""
        if value[:1] in ("'", '"') and value[-1:] == value[0] and len(value) > 1:
            value = value[1:-1]
        if len(found) < _MOST_ATTRIBUTES:
            found.setdefault(name[:100], unescape(value[:10_000]))
