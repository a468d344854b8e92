"""What a judged file leaves behind for people: the plan, every issue, the files of both."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jobs.families.transfers.files.issues import Issue
from jobs.families.transfers.imports import files, issue_log
from jobs.families.transfers.imports.issue_log import IssueLog
from jobs.families.transfers.imports.rosters.judged import Judged
from jobs.families.transfers.imports.rosters.people import People
from jobs.families.transfers.imports.skipped import Skipped
from jobs.families.transfers.models import Import
from jobs.families.transfers.store import store


class DryRun:
    """Of one file, in a folder of its own on this machine."""

    def __init__(self, of: Import, people: People, judged: Judged, folder: Path) -> None:
        self._of_file = judged.of_file
        self.plan = judged.plan
        self._log = IssueLog(folder)
        self._log.add(judged.of_rows)
        self._log.close(())
        skipped = Skipped()
        skipped.add(sorted(judged.failed | people.same))
        store().put(files.skipped(of), [skipped.bytes()])
        store().put(files.issues(of), issue_log.read(self._log.path))

    @property
    def counts(self) -> list[dict[str, Any]]:
        """As `IssueLog.counts`, with those at row 0."""
        return _counted(self._of_file) + self._log.counts

    def store(self, of: Import) -> None:
        """Put the issues into the database, in the place of earlier ones."""
        self._log.store(of)
        issue_log.insert(of, (one.as_json() for one in self._of_file))


def _counted(issues: Sequence[Issue]) -> list[dict[str, Any]]:
    counts = Counter((one.level, one.code) for one in issues)
    return [
        {"level": level, "code": code, "column": None, "count": count}
        for (level, code), count in counts.most_common()
    ]
