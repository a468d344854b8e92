"""A text as physical lines, block by block, and a window back to where a record began.

A line ends with CR, LF or CRLF, whatever the others end with, and with nothing else: U+0085 and
U+2028 are characters of a cell (`str.splitlines` would end a line there).
"""

import io
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO

from jobs.families.transfers.files import encoding


class Overflow(Exception):
    """A record is longer than it may be. `text` is what there is of it."""

    def __init__(self, text: str) -> None:
        super().__init__("a record is too long")
        self.text = text


class Lines:
    """The lines of a file, counted from 1; used by one reader.

    `done` is for the reader to set: the last line of the last record that is complete. What comes
    after it is kept, so that a record can be read again or shown as it stands; if that grows beyond
    `limit` characters, `feed` raises Overflow.
    """

    def __init__(self, file: BinaryIO, name: str, limit: int) -> None:
        self.done = 0
        self.long = False  # a record that is complete now may be longer than the limit
        self._limit = limit
        self._texts = encoding.decoded(file, name)
        self._bad: encoding.BadBytes | None = None
        self._tail = ""
        self._kept: deque[tuple[int, list[str]]] = deque()
        self._next = 1  # the number of the first line that was not read yet

    def feed(self, line: int) -> Iterator[list[str]]:
        """Lists of lines, from this one on. Raises BadBytes, Overflow."""
        for first, lines in list(self._kept):
            if first + len(lines) > line:
                yield lines[max(0, line - first) :]
        while (block := self._block()) is not None:
            self._forget()
            open_characters = self._open_characters()
            if open_characters > self._limit:
                raise Overflow(self.text(self.done + 1))
            self.long = open_characters + sum(map(len, block)) > self._limit
            self._kept.append((self._next, block))
            self._next += len(block)
            yield block

    def text(self, first: int, last: int | None = None) -> str:
        """The lines from first to last, or to the end of what was read, as they stand."""
        pieces: list[str] = []
        for start, lines in self._kept:
            end = len(lines) if last is None else max(0, last + 1 - start)
            pieces += lines[max(0, first - start) : end]
        return "".join(pieces)

    def characters(self, first: int, last: int) -> int:
        """How long these lines are, without the end of the last one."""
        return len(self.text(first, last).rstrip("\r\n"))

    def _block(self) -> list[str] | None:
        """The next complete lines; of the end of the file also one without a newline."""
        try:
            return self._complete()
        except encoding.BadBytes:
            if not self._tail.endswith("\r"):
                raise
            # That line is complete after all; the next call finds the same bytes again.
            tail, self._tail = self._tail, ""
            return [tail]

    def _complete(self) -> list[str] | None:
        if self._bad is not None:
            raise self._bad
        for text in self._good():
            lines = io.StringIO(self._tail + text, newline="").readlines()
            # A line that ends with CR may have its LF in the next block.
            self._tail = "" if lines[-1].endswith("\n") else lines.pop()
            longest = lines[0] if lines else self._tail
            if len(longest) > self._limit + 2:
                raise Overflow(self.text(self.done + 1) + longest)
            if lines:
                return lines
        tail, self._tail = self._tail, ""
        return [tail] if tail else None

    def _good(self) -> Iterator[str]:
        try:
            yield from filter(None, self._texts)
        except encoding.BadBytes as error:
            self._bad = error
            raise

    def _forget(self) -> None:
        while self._kept and self._kept[0][0] + len(self._kept[0][1]) <= self.done + 1:
            self._kept.popleft()

    def _open_characters(self) -> int:
        first = self.done + 1
        return sum(
            sum(map(len, lines[max(0, first - start) :] if start < first else lines))
            for start, lines in self._kept
        )
