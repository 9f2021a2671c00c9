"""Numbers of IBM's mainframes, as SAS transport files hold them, with SAS's missing values among them."""

from __future__ import annotations

import math

from flowtui.preview.special_missing import SpecialMissing

_LETTERS = frozenset(b"_ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def ibm_float(value: bytes) -> float | SpecialMissing:
    """A number of 2 to 8 bytes; NaN for SAS's missing value ``.``, and its special ones as they are.

    A missing value has its letter in the first byte and zeros in all others. The others hold 56 bits of a fraction, to
    be multiplied with 16 to the power of the first byte's seven lower bits less 64.
    """
    first = value[0]
    fraction = int.from_bytes(value[1:].ljust(7, b"\0"), "big")
    if not fraction:
        if first in _LETTERS:
            return SpecialMissing(chr(first))
        return math.nan if first == 0x2E else 0.0
    number = math.ldexp(fraction, 4 * (first & 0x7F) - 312)
    return -number if first & 0x80 else number


def is_likely(value: bytes) -> bool:
    """Whether bytes may be a number that a program wrote: a missing value, zero, or one that is normalized, from 5e-20
    to 2e19 and not all of printable characters, as a text is."""
    first, rest = value[0], value[1:]
    if not any(rest):
        return first in (0, 0x2E, 0x80) or first in _LETTERS
    if not 0x30 <= first & 0x7F <= 0x50 or not rest[0] & 0xF0:
        return False
    return any(not 32 <= byte < 127 for byte in value)
