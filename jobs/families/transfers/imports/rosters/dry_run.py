"""What a judged file leaves behind for people: the plan, every issue, the files of both."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jobs.families.transfers.files.issues import Issue
from jobs.families.transfers.imports import files, issue_log
from jobs.families.transfers.imports.issue_log import IssueLog
from jobs.families.transfers.imports.planned import KINDS, Planned
from jobs.families.transfers.imports.rosters.judged import Judged
from jobs.families.transfers.imports.rosters.people import People
from jobs.families.transfers.imports.skipped import Skipped
from jobs.families.transfers.models import Import
from jobs.families.transfers.store import store
from tenancy.roster import Plan


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
        planned = Planned(of, folder)
        for kind, lines in _planned(people, judged.found).items():
            planned.add_values(kind, lines)
        planned.put()

    @property
    def counts(self) -> list[dict[str, Any]]:
        """As `IssueLog.counts`, with those at row 0."""
        return _counted(self._of_file) + self._log.counts

    def store(self, of: Import) -> None:
        """Put the issues into the database, in the place of earlier ones."""
        self._log.store(of)
        issue_log.insert(of, (one.as_json() for one in self._of_file))


def _planned(people: People, found: Plan) -> dict[str, list[tuple[str, ...]]]:
    """Each right that would be given, changed or taken, in the order of the file."""
    lines: dict[str, list[tuple[str, ...]]] = {kind: [] for kind in KINDS}
    for step in found.allowed:
        listed = people.listed.get(step.email)
        kind = "removed" if listed is None else "added" if step.deed == "invited" else "changed"
        role = step.row.role if step.row is not None else ""
        where = (str(listed.row) if listed else "", step.email)
        if role != step.role:
            lines[kind].append((*where, "role", role, step.role))
        if step.was_active != step.active:
            lines[kind].append((*where, "status", _status(step.was_active), _status(step.active)))
    for of_kind in lines.values():
        of_kind.sort(key=lambda line: int(line[0] or 0))
    return lines


def _status(active: bool) -> str:
    return "active" if active else "inactive"


def _counted(issues: Sequence[Issue]) -> list[dict[str, Any]]:
    counts = Counter((one.level, one.code) for one in issues)
    return [
        {"level": level, "code": code, "column": None, "count": count}
        for (level, code), count in counts.most_common()
    ]
