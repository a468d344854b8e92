"""The file again, with what is wrong in each row beside it: to be corrected and uploaded as it is.

Its own format, encoding, delimiter and cells, and besides them `_row`, `_line`, `_status`,
`_errors`, `_warnings`, and `_raw` where a record could not be split. An import ignores columns that
begin with `_`. The issues come sorted by row, so that memory does not grow with them.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobs.families.transfers.files.issues import Issue
from jobs.families.transfers.files.records import Reader, Record

OURS = ("_row", "_line", "_status", "_errors", "_warnings", "_raw")
FAILED, COMMITTED = "failed", "committed"
PROGRESS_SECONDS = 1.0


@dataclass(kw_only=True, slots=True)
class Marked:
    """A record and what is to be said of it."""

    record: Record
    status: str
    errors: list[Issue] = field(default_factory=list)
    warnings: list[Issue] = field(default_factory=list)

    def ours(self) -> dict[str, Any]:
        """The values of our columns, as they are in JSON."""
        return {
            "_row": self.record.row,
            "_line": self.record.line,
            "_status": self.status,
            "_errors": [said(issue) for issue in self.errors],
            "_warnings": [said(issue) for issue in self.warnings],
            "_raw": self.record.raw,
        }


def said(issue: Issue) -> str:
    """An issue for a person: its column, its words, its code."""
    where = issue.column or issue.letter
    text = f"{where}: {issue.message}" if where else issue.message
    return f"{text} [{issue.code}]"


class Wanted:
    """Which rows are written, and the status of each.

    which: "bad" (those with an error), "all", or one of a commit's three: "committed" (up to row
    `done`, without those that failed or are left out), "failed" (with an error, up to `done`) and
    "not_attempted" (behind it). left_out: as `imports.skipped` writes it, one bit a row. rest: the
    status of what is behind `done` and has no error.
    """

    def __init__(
        self, which: str, *, done: int = 0, left_out: bytes = b"", rest: str = "valid"
    ) -> None:
        self._which, self._done, self._left_out, self._rest = which, done, left_out, rest

    def takes(self, row: int, *, failed: bool) -> bool:
        """Whether this row is written."""
        match self._which:
            case "all":
                return True
            case "bad":
                return failed
            case "committed":
                return row <= self._done and not failed and not is_set(self._left_out, row)
            case "failed":
                return failed and row <= self._done
            case "not_attempted":
                return row > self._done
        raise ValueError(f"There is no report of {self._which!r} rows.")

    def status(self, row: int, *, failed: bool) -> str:
        """What became of this row."""
        if failed:
            return FAILED
        return COMMITTED if row <= self._done else self._rest


def is_set(bits: bytes, row: int) -> bool:
    """Whether the row is in the bitmap: bit `row % 8` of byte `row // 8`."""
    place = row >> 3
    return place < len(bits) and bool(bits[place] >> (row & 7) & 1)


def marked(records: Reader, issues: Path, wanted: Wanted) -> Iterator[Marked]:
    """The wanted records, each with its issues."""
    found = _by_row(issues)
    for record in records:
        errors, warnings = found(record.row)
        failed = bool(errors)
        if wanted.takes(record.row, failed=failed):
            status = wanted.status(record.row, failed=failed)
            yield Marked(record=record, status=status, errors=errors, warnings=warnings)


class Counted:
    """The same rows, counted; says once a second how far they are."""

    def __init__(
        self, rows: Iterator[Marked], records: Reader, progress: Callable[[Mapping[str, Any]], None]
    ) -> None:
        self.count = 0
        self._rows, self._records, self._progress = rows, records, progress

    def __iter__(self) -> Iterator[Marked]:
        next_look = time.monotonic() + PROGRESS_SECONDS
        for row in self._rows:
            self.count += 1
            if not self.count % 256 and time.monotonic() > next_look:
                self._progress({"rows": self.count, "bytes": self._records.position})
                next_look = time.monotonic() + PROGRESS_SECONDS
            yield row


def _by_row(path: Path) -> Callable[[int], tuple[list[Issue], list[Issue]]]:
    """Asked for one row after the other, gives its errors and its warnings."""
    issues = _read(path)
    waiting = next(issues, None)

    def of(row: int) -> tuple[list[Issue], list[Issue]]:
        nonlocal waiting
        errors: list[Issue] = []
        warnings: list[Issue] = []
        while waiting is not None and (waiting.row or 0) <= row:
            if waiting.row == row:
                (errors if waiting.level == "row" else warnings).append(waiting)
            waiting = next(issues, None)
        return errors, warnings

    return of


def _read(path: Path) -> Iterator[Issue]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield Issue.from_json(json.loads(line))
