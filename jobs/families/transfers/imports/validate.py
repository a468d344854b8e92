"""The dry run: every row and every rule, against what is there; nothing of the domain is written.

One job, without slices: it writes nothing that a kill could leave half done, and a table of this
session (`seen.sql`) finds what comes twice in the whole file, which no slice could see.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog
from django.conf import settings
from django.db import Error, connection, transaction

from jobs.execution.job import Run
from jobs.families.transfers.files.issues import Issue
from jobs.families.transfers.imports import decide, files, reading, staging, transitions, work
from jobs.families.transfers.imports.errors import NotApprovable
from jobs.families.transfers.imports.issue_log import IssueLog, read
from jobs.families.transfers.imports.progress import Meter
from jobs.families.transfers.imports.skipped import Skipped
from jobs.families.transfers.imports.staging import Namer
from jobs.families.transfers.imports.statements import run as sql
from jobs.families.transfers.imports.work import ImportWork
from jobs.families.transfers.models import Import
from jobs.families.transfers.rules.choices import Choices
from jobs.families.transfers.store import store

log = structlog.get_logger(__name__)

OUTCOMES = ("added", "changed", "unchanged", "removed", "failed", "skipped")


class DryRun:
    """What was found so far."""

    def __init__(self, run: Run[ImportWork], of: Import, folder: Path) -> None:
        self.run, self.of = run, of
        choices = Choices.from_json(of.choices)
        self.namer = Namer(choices, (of.survey or {})["columns"])
        self.log = IssueLog(folder)
        self.counts: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))
        self.skipped = Skipped()
        self.rows = self.blank = 0

    def read(self, path: Path) -> None:
        """All rows of the file. Raises FileRefused, Superseded."""
        meter = Meter(self.run, self.of, "validate", total=(self.of.survey or {}).get("rows"))
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
            for row in sql("counts"):
                self.counts[row["outcome"]] += row["rows"]
            problems = self.namer.problems()
            sql("see")
        issues = [Issue.from_json(one) for one in frame.head["issues"]]
        self.log.add(issues, problems)
        self.counts["failed"] += len(frame.head["failed"])
        self.rows += frame.head["rows"]
        self.skipped.add(frame.head["failed"])
        self.skipped.add(problem.row for problem in problems if problem.row)

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

    @property
    def plan(self) -> dict[str, Any]:
        """What would become of the rows; the outcomes sum to them, but for what is removed."""
        return {"rows": self.rows, "blank": self.blank, **self.counts}


def validate(run: Run[ImportWork], of: Import) -> None:
    """Find out what a commit would do. Raises what `reading` does, and Superseded."""
    with (
        TemporaryDirectory(prefix="import-") as folder,
        reading.local(of) as path,
        _seen(run),
    ):
        dry = DryRun(run, of, Path(folder))
        dry.read(path)
        dry.find_twice()
        store().put(files.skipped(of), [dry.skipped.bytes()])
        store().put(files.issues(of), read(dry.log.path))
        with run.settling():
            of = transitions.locked(of.organization_id, of.pk)
            dry.log.store(of)
            transitions.validate(of, dry.plan, dry.log.counts)
            if not dry.log.is_empty:
                work.send_report(of, "bad")
            approve_if_wanted(of)


def approve_if_wanted(of: Import) -> None:
    """As whoever uploaded it asked for; a plan that has to be confirmed waits for a person."""
    if not of.approve_when_valid:
        return
    try:
        decide.approve(of)
    except NotApprovable as error:
        log.info("import_waits_for_a_person", code=error.code)


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
