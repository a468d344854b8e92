"""Files that somebody might upload, and what reading them says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jobs.families.transfers.files.issues import Issue, Refused
from jobs.families.transfers.files.limits import Limits
from jobs.families.transfers.files.reader import open_reader
from jobs.families.transfers.files.records import Record
from jobs.families.transfers.files.survey import survey
from jobs.families.transfers.rules.choices import Choices

HEADER = "external_id,mission,kind,title,starts_at,ends_at,location,notes"
NAMES = HEADER.split(",")


def good(number: int, **cells: str) -> str:
    """One good record of a timeline, without its end of line."""
    usual = {
        "external_id": f"E-{number}",
        "mission": "M-1",
        "kind": "task",
        "title": f"Entry {number}",
        "starts_at": "2026-01-01T00:00:00Z",
    }
    return ",".join((usual | cells).get(name, "") for name in NAMES)


def timeline(*records: str, header: str = HEADER, end: str = "\n") -> bytes:
    """A CSV with this header, one line for each record."""
    return end.join((header, *records, "")).encode()


class File:
    """A file with this content."""

    def __init__(self, folder: Path, content: bytes, name: str = "upload") -> None:
        self.path = folder / name
        self.path.write_bytes(content)

    def survey(self, *, name: str = "", limits: Limits | None = None, **choices: Any) -> Any:
        """What a survey says. Raises Refused."""
        made = Choices(kind="timeline", **choices)
        return survey(self.path, made, limits or Limits(), name=name)

    def refusal(self, *, name: str = "", limits: Limits | None = None, **choices: Any) -> Issue:
        """Why a survey refuses it."""
        try:
            self.survey(name=name, limits=limits, **choices)
        except Refused as refused:
            return refused.issue
        raise AssertionError("the file was not refused")

    def question(self, code: str, **choices: Any) -> Issue:
        """The one question of a survey, which has this code."""
        (found,) = self.survey(**choices)["questions"]
        assert found["code"] == code, found
        return Issue.from_json(found)

    def records(self, *, limits: Limits | None = None, **choices: Any) -> list[Record]:
        """All records."""
        return list(self.iterate(limits=limits, **choices))

    def iterate(self, *, limits: Limits | None = None, **choices: Any) -> Iterator[Record]:
        """One record after the other."""
        made = Choices(kind="timeline", **choices)
        with open_reader(self.path, made, limits or Limits()) as reader:
            yield from reader

    def issues(self, *, limits: Limits | None = None, **choices: Any) -> list[Issue]:
        """Of all records."""
        return [
            issue for record in self.iterate(limits=limits, **choices) for issue in record.issues
        ]


def places(issues: list[Issue]) -> list[tuple[str, int | None, int | None, str]]:
    """Level, row, line and code of each."""
    return [(issue.level, issue.row, issue.line, issue.code) for issue in issues]
