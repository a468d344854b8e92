"""The rows that a commit leaves out, one bit for each row of the file: its number is its place."""

from collections.abc import Iterable


class Skipped:
    """Grows with the largest row; ten million rows are 1.25 MB."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, rows: Iterable[int]) -> None:
        """Leave these out."""
        for row in rows:
            place = row >> 3
            if place >= len(self._bits):
                self._bits.extend(bytes(place + 1 - len(self._bits)))
            self._bits[place] |= 1 << (row & 7)

    def bytes(self) -> bytes:
        """As the child reads it: bit `row & 7` of byte `row >> 3`."""
        return bytes(self._bits)
