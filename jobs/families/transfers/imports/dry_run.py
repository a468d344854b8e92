"""The dry run: every row and every rule, against what is there; nothing of the domain is written.

One job, without slices: it writes nothing that a kill could leave half done, and a table of this
session (`seen.sql`) finds what comes twice in the whole file, which no slice could see.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import Error, connection, transaction

from jobs.execution.job import Run
from jobs.families.transfers.files.issues import Issue
from jobs.families.transfers.imports import files, issue_log, planned, reading, staging, unlisted
from jobs.families.transfers.imports.issue_log import IssueLog, read
from jobs.families.transfers.imports.planned import Planned
from jobs.families.transfers.imports.progress import Meter
from jobs.families.transfers.imports.skipped import Skipped
from jobs.families.transfers.imports.staging import Namer
from jobs.families.transfers.imports.statements import lines
from jobs.families.transfers.imports.statements import run as sql
from jobs.families.transfers.imports.work import ImportWork
from jobs.families.transfers.models import Import
from jobs.families.transfers.rules.choices import Choices
from jobs.families.transfers.store import store

OUTCOMES = ("added", "changed", "unchanged", "removed", "failed", "skipped")


class DryRun:
    """What was found so far."""

    def __init__(self, run: Run[ImportWork], of: Import, folder: Path, phase: str) -> None:
        self.run, self.of, self.phase = run, of, phase
        choices = Choices.from_json(of.choices)
        self.namer = Namer(choices, (of.survey or {})["columns"])
        self.log = IssueLog(folder)
        self.counts: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))
        self.skipped = Skipped()
        self.rows = self.blank = 0
        self.planned = Planned(of, folder)
        self.unlisted: dict[str, Any] = {}

    def read(self, path: Path) -> None:
        """All rows of the file. Raises FileRefused, Superseded."""
        meter = Meter(self.run, self.of, self.phase, total=(self.of.survey or {}).get("rows"))
        spec = {"choices": self.of.choices, "chunk_rows": settings.IMPORTS_CHUNK_ROWS}
        with reading.frames(self.run, path, "rows", spec) as frames:
            for frame in frames:
                if frame.kind == "chunk":
                    self._chunk(frame)
                elif frame.kind == "end":
                    self.blank = frame.head["blank"]
                meter.tell(rows=self.rows, errors=self.counts["failed"])

    def _chunk(self, frame: Any) -> None:
        with self.run.transaction():
            staging.stage(self.of.organization_id, frame.body, commits=False)
            counts = {row["outcome"]: row["rows"] for row in sql("counts")}
            self._add_lines(counts)
            self.counts.update(counts)
            problems = self.namer.problems()
            sql("see")
        issues = [Issue.from_json(one) for one in frame.head["issues"]]
        self.log.add(issues, problems)
        self.counts["failed"] += len(frame.head["failed"])
        self.rows += frame.head["rows"]
        self.skipped.add(frame.head["failed"])
        self.skipped.add(problem.row for problem in problems if problem.row)

    def _add_lines(self, counts: dict[str, int]) -> None:
        """Of the plan: each value that changes, and those of the first that are added."""
        most = {"changed": None, "added": max(0, planned.MOST_SHOWN - self.counts["added"])}
        for outcome, rows in most.items():
            if outcome in counts and rows != 0:
                of_chunk = {"organization_id": self.of.organization_id, "outcome": outcome}
                self.planned.add(outcome, lines("planned", of_chunk | {"most": rows}))

    def find_twice(self) -> None:
        """What is about the entry of an earlier row: counted as failed, or skipped."""
        with self.run.transaction():
            self.log.close(self._twice())

    def _twice(self) -> Iterator[Issue]:
        for row in sql("twice"):
            self.counts[row["outcome"]] -= 1
            self.counts["skipped" if row["is_same"] else "failed"] += 1
            self.skipped.add([row["row"]])
            yield self.namer.twice(row)

    def find_unlisted(self) -> None:
        """What a replacing file does not have; not known as long as a row cannot be read."""
        if self.of.choices.get("mode") == "replace" and not self.counts["failed"]:
            with self.run.transaction():
                self.unlisted = unlisted.find(self.of, self.planned)

    @property
    def plan(self) -> dict[str, Any]:
        """What would become of the rows; the outcomes sum to them, but for what is removed."""
        return {"rows": self.rows, "blank": self.blank, **self.counts, **self.unlisted}

    @property
    def issue_counts(self) -> list[dict[str, Any]]:
        """As `IssueLog.counts`, with what stands at row 0."""
        removed = self.unlisted.get("removed", 0)
        left_out = {"level": "warn", "code": "not_listed", "column": None, "count": removed}
        return self.log.counts + ([left_out] if removed else [])

    def put(self) -> None:
        """Keep its files beside the import's."""
        store().put(files.skipped(self.of), [self.skipped.bytes()])
        store().put(files.issues(self.of), read(self.log.path))
        self.planned.put()

    def store(self, of: Import) -> None:
        """Put the issues into the database, in the place of earlier ones."""
        self.log.store(of)
        if self.unlisted:
            found = unlisted.issues(self.planned, self.unlisted)
            issue_log.insert(of, (one.as_json() for one in found))


def dry_run(run: Run[ImportWork], of: Import, path: Path, folder: Path, phase: str) -> DryRun:
    """Make it, for a plan or to see whether that still holds, and tell progress as of `phase`.

    Raises what `reading` does, and Superseded.
    """
    with _seen(run):
        dry = DryRun(run, of, folder, phase)
        dry.read(path)
        dry.find_twice()
        dry.find_unlisted()
    return dry


@contextmanager
def _seen(run: Run[ImportWork]) -> Iterator[None]:
    """The session's table, gone when the block ends: the next job here is somebody else's."""
    with run.transaction():
        _drop_seen()
        sql("seen")
    try:
        yield
    finally:
        try:
            with transaction.atomic():
                _drop_seen()
        except Error:
            connection.close()


def _drop_seen() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.imports_seen")
