"""Answers that say no, in the two forms that Domino has: of the public API and of the internal one below ``/v4``."""

from __future__ import annotations

import secrets
from typing import Any


class Refusal(Exception):
    """An answer with an error status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def unauthorized() -> Refusal:
    """Nobody is logged in."""
    return Refusal(401, "The current user cannot perform this operation because they are not logged in")


def forbidden() -> Refusal:
    """The user may not do it."""
    return Refusal(403, "The current user is not authorized to perform this operation")


def not_found(what: str) -> Refusal:
    """Something does not exist."""
    return Refusal(404, f"{what} does not exist")


def bad_request(message: str) -> Refusal:
    """The request makes no sense."""
    return Refusal(400, message)


def error_body(path: str, status: int, message: str) -> dict[str, Any]:
    """The JSON of an error."""
    if path.startswith("/v4/"):
        return {"success": False, "message": message}
    if status in (401, 403):
        return {"requestId": request_id(), "errors": [message]}
    return {"error": message}


def request_id() -> str:
    """Names an answer."""
    digits = secrets.token_hex(16)
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
