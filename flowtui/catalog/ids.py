"""Ids of node executions, as the engine makes them: never taken apart, only made for nodes that have not run."""

from __future__ import annotations

import base64

_ID_LENGTH = 20
_DIGITS = str.maketrans("234567", "123456")


def would_be_id(parent: str, attempt: str, spec_id: str) -> str:
    """The id that the engine gives to a node below the top level: joined, or hashed beyond 20 characters.

    Source: ``FixedLengthUniqueIDForParts`` of Flyte's pluginmachinery: FNV-32a in lower-case base32 after an ``f``.
    """
    joined = f"{parent}-{attempt}-{spec_id}"
    if len(joined.encode()) <= _ID_LENGTH:
        return joined
    hashed = 0x811C9DC5
    for byte in joined.encode():
        hashed = ((hashed ^ byte) * 0x01000193) & 0xFFFFFFFF
    letters = base64.b32encode(hashed.to_bytes(4, "big")).decode().rstrip("=")
    return "f" + letters.translate(
        str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "abcdefghijklmnopqrstuvwxyz123456")
    )
