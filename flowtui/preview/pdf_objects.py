"""The objects of a PDF whose own list of them cannot be used, found by going through the file (ISO 32000-1, 7.5)."""

from __future__ import annotations

import re
from itertools import pairwise

_OBJECT = re.compile(rb"(?<![0-9])([0-9]{1,9})[ \t\r\n]+([0-9]{1,5})[ \t\r\n]+obj\b")
_CATALOG = re.compile(rb"/Type[ \t\r\n]*/Catalog\b")
_MOST_OBJECTS = 1_000_000


def with_new_list(data: bytes) -> bytes | None:
    """The same file with a cross-reference table and a trailer at its end; None where it has no catalogue.

    Objects within compressed ones are not found, and what is encrypted cannot be read without its own trailer.
    """
    begin = data.find(b"%PDF-")
    if begin < 0 or b"/Encrypt" in data:
        return None
    data = data[begin:]
    places: dict[int, tuple[int, int]] = {}
    for found in _OBJECT.finditer(data):
        number = int(found[1])
        if number < _MOST_OBJECTS:
            # A later one stands in the place of an earlier one.
            places[number] = found.start(), int(found[2])
    starts = {place: (number, generation) for number, (place, generation) in places.items()}
    root = None
    for place, following in pairwise([*sorted(starts), len(data)]):
        if _CATALOG.search(data, place, following):
            root = starts[place]
    if root is None:
        return None
    rows = [b"%d 1\n%010d %05d n \n" % (number, *places[number]) for number in sorted(places)]
    size = max(places) + 1
    return b"%b\nxref\n0 1\n0000000000 65535 f \n%btrailer\n<</Size %d/Root %d %d R>>\nstartxref\n%d\n%%%%EOF\n" % (
        data, b"".join(rows), size, *root, len(data) + 1,
    )  # fmt: skip
