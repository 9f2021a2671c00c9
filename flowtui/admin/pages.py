"""Web pages that come in the place of Flyte Admin's answers: logins, consoles, front pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Literal

from flowtui import text

Kind = Literal["login", "cookies", "console", "domino", "other"]

_LOGIN_WORDS = re.compile(r"(?i)\b(?:log|sign)[ -]?(?:in|on)\b|single sign|\bsso\b|\bsaml\b|authenticat")
_LOGIN_PATH = re.compile(r"(?i)log-?in|sign-?in|sso|saml|oauth|openid|authorize|/auth\b|/realms/|adfs|\bidp\b")
_COOKIE_WORDS = re.compile(
    r"(?i)(?:enable|allow|accept|requires?|needs?)\s+(?:\w+\s+){0,3}cookies|checking your browser"
)
_HEAD = 200_000
_TITLE = 300


@dataclass(frozen=True, slots=True)
class Page:
    """A web page: its title on one line, and what it is for."""

    title: str
    kind: Kind


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self.words = ""
        self.wants_password = False
        self.leads_to_login = False
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        found = {name: value or "" for name, value in attrs}
        if tag == "input" and found.get("type", "").lower() == "password":
            self.wants_password = True
        target = found.get("action", "") if tag == "form" else found.get("content", "") if tag == "meta" else ""
        if target and (tag == "form" or found.get("http-equiv", "").lower() == "refresh"):
            self.leads_to_login = self.leads_to_login or is_login_address(target)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.title += data
        elif self._inside not in ("script", "style") and len(self.words) < _HEAD:
            self.words += f" {data}"


def read_page(body: bytes) -> Page:
    """What a page is; never raises, whatever it holds."""
    reader = _Reader()
    head = body[:_HEAD].decode(errors="replace")
    reader.feed(head)
    title = " ".join(text.plain(reader.title[:_TITLE]).split())
    return Page(title, _kind(reader, title, head))


def _kind(reader: _Reader, title: str, head: str) -> Kind:
    if reader.wants_password or reader.leads_to_login or _LOGIN_WORDS.search(title):
        return "login"
    if _COOKIE_WORDS.search(reader.words):
        return "cookies"
    if "flyte" in title.lower() or "flyteconsole" in head.lower():
        return "console"
    if "domino" in title.lower() or "dominodatalab" in head.lower():
        return "domino"
    return "login" if _LOGIN_WORDS.search(reader.words[:2000]) else "other"


def is_login_address(address: str) -> bool:
    """Whether a URL or path looks like that of a login."""
    return bool(_LOGIN_PATH.search(address.partition("?")[0]))


def is_page(body: bytes, content_type: str) -> bool:
    """Whether an answer is a web page, by its type or its first characters."""
    mime = content_type.partition(";")[0].strip().lower()
    return mime in ("text/html", "application/xhtml+xml") or body[:15].lstrip().lower().startswith(
        (b"<!doctype", b"<html")
    )
