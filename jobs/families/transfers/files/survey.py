"""One pass over the whole file: what is in it, and what a person has to decide before it is read.

A survey that could not get to the end, for want of an encoding or a sheet, says what it knows so
far and `complete: false`; after the choice it is made again, from the same bytes.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jobs.families.transfers.files import detect, encoding, preview, questions, reader
from jobs.families.transfers.files.delimited import DelimitedReader
from jobs.families.transfers.files.encoding import Undecodable
from jobs.families.transfers.files.issues import Issue, refused
from jobs.families.transfers.files.limits import Limits
from jobs.families.transfers.files.records import Column, Reader, Record
from jobs.families.transfers.files.xlsx import Workbook, XlsxReader, sheets_of
from jobs.families.transfers.rules.date_formats import Formats

SAMPLE_RECORDS = 20
ACCENTS = 20
DATE_PROBE_RECORDS = 1_000
"""After so many records a column without a single date in them is no longer looked at."""
PROGRESS_SECONDS = 1.0

Progress = Callable[[Mapping[str, Any]], None]


def survey(
    path: Path,
    choices: reader.Choice,
    limits: Limits,
    *,
    name: str = "",
    progress: Progress = lambda _: None,
) -> dict[str, Any]:
    """What is in the file. `name` is what a person called it. Raises Refused."""
    found = detect.detect(path, name=name, chosen=choices.format)
    made = Survey(limits.rows, progress)
    made.facts["format"] = found.format
    if found.expected and not choices.format:
        made.add(questions.other_format(found))
    if found.format in ("csv", "jsonl"):
        _text(made, path, choices, limits, found)
    elif found.format == "xlsx":
        with Workbook(path, limits) as workbook:
            _workbook(made, workbook, choices)
    else:
        _parquet(made, path, limits)
    return made.as_json()


class Survey:
    """Gathers while the records pass by."""

    def __init__(self, most: int, progress: Progress) -> None:
        self.facts: dict[str, Any] = {"complete": True, "hidden_rows": 0, "blank": 0}
        self.questions: list[Issue] = []
        self.warnings: list[Issue] = []
        self.not_mappable: set[int] = set()
        self._columns: list[Column] = []
        self._rows = self._unreadable = 0
        self._sample: list[list[str]] = []
        self._accents: list[dict[str, Any]] = []
        self._most, self._progress = most, progress
        self._formats: dict[int, Formats] = {}
        self._dates: list[tuple[int, Formats]] = []
        self._unnamed: set[int] = set()
        self._next_progress = time.monotonic() + PROGRESS_SECONDS

    def add(self, issue: Issue) -> None:
        """A question or a warning."""
        (self.questions if issue.level == "question" else self.warnings).append(issue)

    def take(self, found: Reader) -> None:
        """Go through all records. Raises Refused, Undecodable."""
        self._begin(found.columns)
        for record in found:
            self._rows += 1
            if self._rows > self._most:
                raise too_many_rows(record, self._most)
            if record.issues or self._unnamed or self._rows <= SAMPLE_RECORDS:
                self._look_closely(record)
            if len(self._accents) < ACCENTS:
                self._find_accents(record)
            self._see_dates(record)
            if not self._rows % 1024:
                self._report(found)
        self.facts["blank"] = found.blank
        if not self._rows:
            raise refused("no_rows", "The file has a header and no record below it.")

    def as_json(self) -> dict[str, Any]:
        """The survey frame."""
        formats = {index: one.found() for index, one in self._formats.items()}
        return self.facts | {
            "columns": [
                {
                    "index": one.index,
                    "letter": one.letter,
                    "name": one.name,
                    "mappable": one.index not in self.not_mappable,
                }
                for one in self._columns
            ],
            "rows": self._rows,
            "unreadable": self._unreadable,
            "sample": self._sample,
            "accents": self._accents,
            "date_formats": {str(i): one.as_json() for i, one in formats.items() if one},
            "questions": [issue.as_json() for issue in self.questions],
            "warnings": [issue.as_json() for issue in self.warnings],
        }

    def _begin(self, columns: list[Column]) -> None:
        self._columns = columns
        self._formats = {column.index: Formats() for column in columns}
        self._dates = list(self._formats.items())
        self._unnamed = {column.index for column in columns if not column.name}

    def _see_dates(self, record: Record) -> None:
        cells = record.cells
        for index, formats in self._dates:
            if index < len(cells) and type(cell := cells[index]) is str and cell[:1].isdigit():
                formats.see(cell, record.row)

    def _report(self, found: Reader) -> None:
        if self._rows == 1024:
            self._dates = [pair for pair in self._dates if pair[1].found() is not None]
        if time.monotonic() > self._next_progress:
            self._progress({"rows": self._rows, "bytes": found.position})
            self._next_progress = time.monotonic() + PROGRESS_SECONDS

    def _look_closely(self, record: Record) -> None:
        if record.failed:
            self._unreadable += 1
        if self._rows <= SAMPLE_RECORDS:
            cells = record.cells or [record.raw or ""]
            self._sample.append([preview.text_of(cell) for cell in cells])
        for index in list(self._unnamed):
            if index < len(record.cells) and record.cells[index] not in ("", None):
                self._unnamed.discard(index)
                self.warnings.append(questions.no_name(self._columns[index], record))

    def _find_accents(self, record: Record) -> None:
        for column, cell in zip(self._columns, record.cells, strict=False):
            if type(cell) is str and not cell.isascii():
                self._accents.append(
                    {"row": record.row, "letter": column.letter, "text": preview.text_of(cell)}
                )


def _text(
    made: Survey, path: Path, choices: reader.Choice, limits: Limits, found: detect.Found
) -> None:
    start = found.start
    if start.zeros and not choices.encoding:
        made.add(questions.zeros_between(start))
        made.facts |= {"complete": False, "encodings_proposed": preview.encodings(path, start)[1]}
        return
    name = reader.encoding_of(choices, start)
    made.facts |= {"encoding": name, "encodings_proposed": []}
    try:
        if found.format == "jsonl":
            with reader.open_jsonl(path, choices, limits, start) as objects:
                made.take(objects)
        else:
            _delimited(made, path, choices, limits, start)
    except Undecodable as error:
        tally, proposed = preview.encodings(path, start)
        made.add(questions.unknown_encoding(error, name, mixed=tally.mixed))
        made.facts |= {"complete": False, "encodings_proposed": proposed}


def _delimited(
    made: Survey, path: Path, choices: reader.Choice, limits: Limits, start: encoding.Start
) -> None:
    name = reader.encoding_of(choices, start)
    delimiter = reader.delimiter_of(path, choices, name, start)
    made.facts |= {"format": "tsv" if delimiter == "\t" else "csv", "delimiter": delimiter}
    with reader.open_delimited(path, choices, limits, start) as records:
        _ask_about_layout(made, records, path, choices, start)
        made.take(records)


def _workbook(made: Survey, workbook: Workbook, choices: reader.Choice) -> None:
    sheets = sheets_of(workbook)
    made.facts["sheets"] = sheets
    filled = [sheet for sheet in sheets if sheet["filled"]]
    if choices.sheet is None and len(filled) > 1:
        made.add(questions.choose_sheet(filled))
        made.facts["complete"] = False
        return
    sheet = workbook.sheet(choices.sheet)
    with reader.open_xlsx(workbook, sheet, choices) as records:
        made.facts["sheet"] = sheet.name
        _ask_about_header(made, records, choices)
        made.take(records)
        made.facts["hidden_rows"] = records.hidden_rows
        for issue in questions.about_sheet(records):
            made.add(issue)


def _parquet(made: Survey, path: Path, limits: Limits) -> None:
    with reader.open_parquet(path, limits) as records:
        for issue in questions.duplicate_columns(records.columns):
            made.add(issue)
        for column in records.nested:
            made.add(questions.not_mappable(column))
        made.not_mappable = {column.index for column in records.nested}
        made.take(records)


def _ask_about_header(
    made: Survey, records: DelimitedReader | XlsxReader, choices: reader.Choice
) -> None:
    made.facts["header"] = choices.has_header is not False
    if choices.has_header is None and questions.looks_like_data(records.header):
        made.add(questions.header_missing(records.header))
    for issue in questions.duplicate_columns(records.columns):
        made.add(issue)


def _ask_about_layout(
    made: Survey,
    records: DelimitedReader,
    path: Path,
    choices: reader.Choice,
    start: encoding.Start,
) -> None:
    _ask_about_header(made, records, choices)
    if len(records.columns) == 1 and choices.delimiter:
        name = reader.encoding_of(choices, start)
        better = questions.better_delimiter(reader.probe(path, name, start))
        if better:
            made.add(questions.single_column(choices.delimiter, better))


def too_many_rows(record: Record, most: int) -> Exception:
    return refused(
        "too_many_rows",
        f"The file has more than {most:,} records, which is the limit. Split it.",
        row=record.row,
        line=record.line,
        detail={"limit": most, "found": most + 1},
    )
