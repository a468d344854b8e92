"""CSV and its relatives, read with the standard library: the one reader that tells true lines.

    row     every record counts, blank lines too: what a spreadsheet shows
    line    the physical line on which the record begins: what an editor shows

After a record that is malformed, reading goes on at the next physical line. It cannot after a quote
that never closes: everything behind it would be guessed, so that refuses the file.

The loop in `_records` runs for every record of files of ten millions; whatever is rare is behind
one comparison there.
"""

import csv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Self

from jobs.families.transfers.files import counts, quoting
from jobs.families.transfers.files.columns import columns_of, too_long_cells
from jobs.families.transfers.files.encoding import BadBytes, Undecodable
from jobs.families.transfers.files.issues import Refused, refused
from jobs.families.transfers.files.limits import Limits
from jobs.families.transfers.files.lines import Lines, Overflow
from jobs.families.transfers.files.records import Record

_UNCLOSED = "unexpected end of data"
_TOO_LONG = "field larger than field limit"


class DelimitedReader:
    """Records of one file. Raises Refused, Undecodable: when made, and while iterating."""

    def __init__(
        self,
        path: Path,
        *,
        encoding: str,
        mark_bytes: int,
        delimiter: str,
        has_header: bool,
        limits: Limits,
    ) -> None:
        self.blank = 0
        self.row = self.line = 0  # of the last record, and the line on which it ended
        self.encoding, self.delimiter = encoding, delimiter
        self._limits = limits
        self._file = path.open("rb")
        self._file.seek(mark_bytes)
        self._lines = Lines(self._file, encoding, limits.record_characters)
        self._restart()
        try:
            self.header = self._first_record()
            self.columns = columns_of(self.header, has_header=has_header, limits=limits)
        except BaseException:
            self.close()
            raise
        self._has_header = has_header

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    @property
    def position(self) -> int:
        """How many bytes were read."""
        return self._file.tell()

    def __iter__(self) -> Iterator[Record]:
        if not self._has_header:
            first = self._checked(self.header)
            if first is not None:
                yield first
        while True:
            try:
                yield from self._records()
                return
            except csv.Error as error:
                record = self._malformed(str(error))
            if record is not None:
                yield record

    def _records(self) -> Iterator[Record]:
        """Up to the end of the file, or the next malformed record."""
        width, row, line = len(self.columns), self.row, self.line
        lines, reader, base = self._lines, self._reader, self._base
        csv.field_size_limit(self._limits.cell_characters)
        try:
            for cells in reader:
                row += 1
                first, line = line + 1, base + reader.line_num
                if len(cells) == width and not lines.long and any(cells):
                    self.row = row
                    self.line = lines.done = line
                    yield Record(row, first, cells)
                    continue
                self.row = row
                record = self._checked(Record(row, first, cells), last=line)
                self.line = lines.done = line
                if record is not None:
                    yield record
        except Overflow as error:
            raise self._overflow(row + 1, line + 1, error.text) from None
        except BadBytes as error:
            raise Undecodable(row + 1, line + 1, error) from None

    def _first_record(self) -> Record:
        """The first that is not blank: the header, or data. Raises Refused when there is none."""
        csv.field_size_limit(self._limits.record_characters)
        try:
            for cells in self._reader:
                self.row += 1
                first, self.line = self.line + 1, self._base + self._reader.line_num
                if any(cell.strip() for cell in cells):
                    self._lines.done = self.line
                    return Record(self.row, first, cells)
                self._lines.done = self.line
                self.blank += 1
        except Overflow as error:
            raise self._overflow(self.row + 1, self.line + 1, error.text) from None
        except BadBytes as error:
            raise Undecodable(self.row + 1, self.line + 1, error) from None
        except csv.Error as error:
            raise self._malformed_first(str(error)) from None
        raise refused("empty_file", "The file is empty: there is no header and no record in it.")

    def _checked(self, record: Record, *, last: int | None = None) -> Record | None:
        """A record with an odd number of cells, or none in them; None when it is blank."""
        cells, width = record.cells, len(self.columns)
        last = last or record.line or 0
        if self._lines.long and record.line:
            size = self._lines.characters(record.line, last)
            if size > self._limits.record_characters:
                raise self._overflow(
                    record.row, record.line, self._lines.text(record.line, last), size
                )
        if not any(cells) or (len(cells) != width and not any(cell.strip() for cell in cells)):
            self.blank += 1
            return None
        if len(cells) > width and not any(cells[width:]) and not counts.spaced(cells):
            record.issues = (counts.extra_empty(record, width),)
            del cells[width:]
        elif len(cells) != width:
            record.issues = (counts.cell_count(record, width, self.delimiter),)
            record.raw = self._lines.text(record.line or 0, last).rstrip("\r\n")
        return record

    def _malformed(self, error: str) -> Record | None:
        """What became of the record at which the parser stopped; sets it up again behind it."""
        row, first = self.row + 1, self.line + 1
        last = self._base + self._reader.line_num
        if error.startswith(_UNCLOSED):
            raise self._unclosed(row, first, self._lines.text(first))
        self.row = row
        if error.startswith(_TOO_LONG):
            return self._too_long(row, first)
        self.line = self._lines.done = last
        raw = self._lines.text(first, last).rstrip("\r\n")
        issue = quoting.malformed(raw, self.delimiter, row=row, line=first)
        return Record(row, first, [], (issue,), raw)

    def _too_long(self, row: int, first: int) -> Record | None:
        """Read the record once more, with room, to see which of its cells are too long."""
        self._restart()
        csv.field_size_limit(self._limits.record_characters * 2)
        try:
            cells = next(self._reader)
        except csv.Error as error:
            if not str(error).startswith(_UNCLOSED):
                return self._malformed_here(row, first)
            raise self._unclosed(row, first, self._lines.text(first)) from None
        except Overflow as error:
            raise self._overflow(row, first, error.text) from None
        except BadBytes as error:
            raise Undecodable(row, first, error) from None
        finally:
            csv.field_size_limit(self._limits.cell_characters)
        last = self._base + self._reader.line_num
        record = self._checked(Record(row, first, cells), last=last)
        self.line = self._lines.done = last
        if record is not None:
            record.issues = (*record.issues, *too_long_cells(record, self.columns, self._limits))
            record.raw = record.raw or self.delimiter.join(cells)
        return record

    def _malformed_here(self, row: int, first: int) -> Record:
        self.line = self._lines.done = self._base + self._reader.line_num
        raw = self._lines.text(first, self.line).rstrip("\r\n")
        issue = quoting.malformed(raw, self.delimiter, row=row, line=first)
        return Record(row, first, [], (issue,), raw)

    def _malformed_first(self, error: str) -> Refused:
        row, first = self.row + 1, self.line + 1
        text = self._lines.text(first)
        if error.startswith(_UNCLOSED):
            return self._unclosed(row, first, text)
        if error.startswith(_TOO_LONG):
            return self._overflow(row, first, text)
        last = self._base + self._reader.line_num
        raw = self._lines.text(first, last).rstrip("\r\n")
        return Refused(quoting.malformed(raw, self.delimiter, row=row, line=first, level="file"))

    def _restart(self) -> None:
        """A parser that begins behind the last complete record."""
        self._base = self.line
        lines = chain.from_iterable(self._lines.feed(self.line + 1))
        self._reader = csv.reader(lines, strict=True, delimiter=self.delimiter)

    def _overflow(self, row: int, line: int, text: str, size: int | None = None) -> Refused:
        """Too long a record: most often a quote was never closed, and that is what to say."""
        if quoting.open_cell(text, self.delimiter) is not None:
            return self._unclosed(row, line, text)
        limit = self._limits.record_characters
        return refused(
            "record_too_long",
            f"The record in row {row} (line {line}) is longer than {limit:,} characters, which is "
            "the limit for one record.",
            row=row,
            line=line,
            detail={"limit": limit, "found": size or len(text)},
        )

    def _unclosed(self, row: int, line: int, text: str) -> Refused:
        cell = quoting.open_cell(text, self.delimiter)
        columns = getattr(self, "columns", [])
        column = columns[cell] if cell is not None and cell < len(columns) else None
        where = f", in column {column.letter}" if column else ""
        return refused(
            "quote_unclosed",
            f"A quote opens in row {row} (line {line}){where} and does not close, so that "
            "everything after it would be one cell. Close it, or double it if it is part of the "
            "text.",
            row=row,
            line=line,
            column=column.name if column else None,
            letter=column.letter if column else None,
        )
