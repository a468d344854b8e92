"""The rows that a commit leaves out, one bit for each row of the file: its number is its place."""

from collections.abc import Iterable, Iterator


class Skipped:
    """Grows with the largest row; ten million rows are 1.25 MB."""

    def __init__(self, bits: bytes = b"") -> None:
        self._bits = bytearray(bits)

    def add(self, rows: Iterable[int]) -> None:
        """Leave these out."""
        for row in rows:
            place = row >> 3
            if place >= len(self._bits):
                self._bits.extend(bytes(place + 1 - len(self._bits)))
            self._bits[place] |= 1 << (row & 7)

    def between(self, first: int, last: int) -> Iterator[list[int]]:
        """The ranges of rows between these, both included, that are not left out."""
        begin = first
        for place in range(first >> 3, min(len(self._bits), (last >> 3) + 1)):
            if not self._bits[place]:
                continue
            for row in range(place << 3, (place << 3) + 8):
                if self._bits[place] >> (row & 7) & 1 and first <= row <= last:
                    if begin < row:
                        yield [begin, row - 1]
                    begin = row + 1
        if begin <= last:
            yield [begin, last]

    def bytes(self) -> bytes:
        """As the child reads it: bit `row & 7` of byte `row >> 3`."""
        return bytes(self._bits)
