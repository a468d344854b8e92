"""The people of a roster's file, read whole: it has few rows, and two of them may meet."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from jobs.execution.job import Run
from jobs.families.transfers.files.issues import Issue
from jobs.families.transfers.imports import reading
from jobs.families.transfers.imports.progress import Meter
from jobs.families.transfers.imports.staging import Namer
from jobs.families.transfers.imports.work import ImportWork
from jobs.families.transfers.models import Import
from jobs.families.transfers.rules import copy_text
from jobs.families.transfers.rules.choices import Choices
from tenancy.models import Role
from tenancy.roster import Wanted

ACTIVE = {"active": True, "inactive": False}
"""What a status says of a member; `invited` leaves them, or invites."""
TWICE = {
    "duplicate_key": "The mail address is in row {first} already, with other values. Keep one.",
    "duplicate_same": "Row {first} says the same of this mail address. It is taken once.",
}


class Row(NamedTuple):
    """One row that could be read, as `rules.roster.STAGED` has it."""

    row: int
    line: int | None
    key: str
    mail: str
    name: str | None
    role: str | None
    status: str | None

    @property
    def values(self) -> tuple[str | None, ...]:
        """What it says, wherever it stands."""
        return self[2:]

    @property
    def wanted(self) -> Wanted:
        """The same in the words of `tenancy`."""
        return Wanted(
            email=self.key,
            name=self.name or "",
            role=Role(self.role) if self.role else None,
            active=ACTIVE.get(self.status or ""),
        )


@dataclass(kw_only=True)
class People:
    """What the file says.

    listed: by address, of each the first row. issues: in the order of the file. failed: rows that
    cannot be used; same: rows that say what an earlier one said.
    """

    namer: Namer
    listed: dict[str, Row] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    failed: set[int] = field(default_factory=set)
    same: set[int] = field(default_factory=set)
    rows: int = 0
    blank: int = 0
    last_row: int = 0

    def add(self, frame: Any) -> None:
        """One chunk of the file."""
        issues = [Issue.from_json(one) for one in frame.head["issues"]]
        for line in frame.body.decode().split("\n")[:-1]:
            self._add(_row(copy_text.values(line)), issues)
        self.issues += sorted(issues, key=lambda one: one.row or 0)
        self.failed.update(frame.head["failed"])
        self.rows += frame.head["rows"]
        self.last_row = frame.head["last_row"]

    def _add(self, row: Row, issues: list[Issue]) -> None:
        first = self.listed.setdefault(row.key, row)
        if first is row:
            return
        is_same = first.values == row.values
        (self.same if is_same else self.failed).add(row.row)
        code = "duplicate_same" if is_same else "duplicate_key"
        issues.append(
            Issue(
                level="warn" if is_same else "row",
                code=code,
                message=TWICE[code].format(first=first.row),
                row=row.row,
                line=row.line,
                value=row.mail,
                detail={"first_row": first.row},
                **self.namer.place("mail"),
            )
        )


def _row(staged: Sequence[str | None]) -> Row:
    row, line, key, mail, *rest = staged
    return Row(int(row or 0), int(line) if line else None, key or "", mail or "", *rest)


def read(run: Run[ImportWork], of: Import, path: Path, phase: str) -> People:
    """All of the file. Raises FileRefused, Superseded."""
    survey = of.survey or {}
    found = People(namer=Namer(Choices.from_json(of.choices), survey["columns"]))
    meter = Meter(run, of, phase, total=survey.get("rows"))
    with reading.frames(run, path, "rows", {"choices": of.choices}) as frames:
        for frame in frames:
            if frame.kind == "chunk":
                found.add(frame)
            elif frame.kind == "end":
                found.blank = frame.head["blank"]
            meter.tell(rows=found.rows, errors=len(found.failed))
    return found
