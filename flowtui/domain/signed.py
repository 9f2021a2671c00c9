"""A URL that a server signed for a limited time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SignedUrl:
    """A URL that reads one object without credentials until ``expires_at``; it is a secret, so its repr hides it."""

    url: str = field(repr=False)
    expires_at: datetime | None
