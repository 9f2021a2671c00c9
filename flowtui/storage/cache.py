"""Blocks of objects in memory, bounded: the ones used longest ago leave first."""

from __future__ import annotations

from collections import OrderedDict

BLOCK_SIZE = 64 * 1024
"""Bytes of a block; only the last one of an object is shorter."""

_OBJECTS = 1024


class BlockCache:
    """Blocks by URI and index, and what is known of each object's size and version."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._blocks: OrderedDict[tuple[str, int, int], bytes] = OrderedDict()
        self._facts: OrderedDict[str, tuple[int | None, str]] = OrderedDict()

    def block(self, uri: str, index: int) -> bytes | None:
        return self._kept((uri, index, BLOCK_SIZE))

    def put(self, uri: str, index: int, data: bytes) -> None:
        self._keep((uri, index, BLOCK_SIZE), data)

    def part(self, uri: str, start: int, length: int) -> bytes | None:
        """Exact bytes: those that :meth:`put_part` was given, or of blocks; None where some are missing."""
        found = self._kept((uri, -1 - start, length))
        if found is not None:
            return found
        first, last = start // BLOCK_SIZE, (start + length - 1) // BLOCK_SIZE
        blocks = []
        for index in range(first, last + 1):
            block = self.block(uri, index)
            if block is None:
                return None
            blocks.append(block)
        begin = start - first * BLOCK_SIZE
        joined = b"".join(blocks)[begin : begin + length]
        return joined if len(joined) == length else None

    def put_part(self, uri: str, start: int, data: bytes) -> None:
        """Keep exact bytes that are not whole blocks; they are found again by the same start and length."""
        # Below zero, where no block's index is.
        self._keep((uri, -1 - start, len(data)), data)

    def _kept(self, key: tuple[str, int, int]) -> bytes | None:
        found = self._blocks.get(key)
        if found is not None:
            self._blocks.move_to_end(key)
        return found

    def _keep(self, key: tuple[str, int, int], data: bytes) -> None:
        old = self._blocks.pop(key, b"")
        self._blocks[key] = data
        self._bytes += len(data) - len(old)
        while self._bytes > self._max_bytes:
            self._bytes -= len(self._blocks.popitem(last=False)[1])

    def size(self, uri: str) -> int | None:
        """The size of the object in bytes, None where it is not known."""
        return self._facts.get(uri, (None, ""))[0]

    def etag(self, uri: str) -> str | None:
        """The mark of the object's version; None where no answer of this session has told of the object."""
        found = self._facts.get(uri)
        return None if found is None else found[1]

    def learn(self, uri: str, size: int | None, etag: str) -> None:
        """Keep what an answer said of the object; blocks of another version of it are dropped."""
        old_size, old_etag = self._facts.get(uri, (None, ""))
        changed = (etag and old_etag and etag != old_etag) or (size is not None and old_size not in (None, size))
        if changed:
            self.forget(uri)
        elif size is None:
            size = old_size
        self._facts[uri] = (size, etag or old_etag)
        self._facts.move_to_end(uri)
        while len(self._facts) > _OBJECTS:
            self._facts.popitem(last=False)

    def forget(self, uri: str) -> None:
        """Drop everything about an object, so that the next read asks anew."""
        self._facts.pop(uri, None)
        for key in [key for key in self._blocks if key[0] == uri]:
            self._bytes -= len(self._blocks.pop(key))
