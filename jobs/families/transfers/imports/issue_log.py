"""Every issue of an import's rows: in a file while it is read, then in the store and the database.

Issues come in two streams, each in the order of the file: what is wrong with a row by itself or
against what is there, chunk by chunk, and at the end what comes twice. A million bad rows must not
fill the memory, so only counts are kept there; nor may they fill the disk, so the file has a limit,
and what has more than that to be said of it is refused as a whole.
"""

import heapq
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import batched, islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from jobs.families.transfers.files.issues import Issue, Refused
from jobs.families.transfers.models import Import, RowIssue

MOST_IN_DATABASE = 100_000
BATCH = 1_000

_INSERT = """
    INSERT INTO jobs_rowissue (organization_id, import_id, level, code, message, row, line,
        "column", letter, field, value, detail)
    SELECT %(organization_id)s, %(import_id)s, level, code, message, row, line, "column", letter,
        field, value, coalesce(detail, '{}')
    FROM jsonb_to_recordset(%(issues)s::jsonb) AS i (level text, code text, message text,
        row bigint, line bigint, "column" text, letter text, field text, value text, detail jsonb)
"""


class IssueLog:
    """Of one dry run, in a folder of its own on this machine.

    At most IMPORTS_MAX_ISSUE_BYTES, and while it is closed twice that. `add` and `close` raise
    Refused `too_many_issues` where it would be more.
    """

    def __init__(self, folder: Path) -> None:
        self._found = folder / "found.jsonl"
        self._found.touch()
        self.path = folder / "issues.jsonl"
        self._counts: Counter[tuple[str, str, str | None]] = Counter()
        self._bytes = 0

    def add(self, *issues: Sequence[Issue]) -> None:
        """Those of one chunk, from several finders, each in the order of the file."""
        with self._found.open("ab") as file:
            for issue in heapq.merge(*issues, key=_row):
                file.write(self._counted(issue))

    def close(self, late: Iterable[Issue]) -> None:
        """Write all to `path`, with those that were found at the end."""
        at_end = ((_row(issue), self._counted(issue)) for issue in late)
        with self._found.open("rb") as lines, self.path.open("wb") as file:
            found = ((json.loads(line).get("row") or 0, line) for line in lines)
            for _, line in heapq.merge(found, at_end, key=lambda one: one[0]):
                file.write(line)
        self._found.unlink()

    def _counted(self, issue: Issue) -> bytes:
        """Its line, which there is room for."""
        line = _line(issue.as_json())
        self._counts[issue.level, issue.code, issue.column] += 1
        self._bytes += len(line)
        if self._bytes > settings.IMPORTS_MAX_ISSUE_BYTES:
            raise Refused(self._too_many(issue))
        return line

    def _too_many(self, last: Issue) -> Issue:
        found, limit = self._counts.total(), settings.IMPORTS_MAX_ISSUE_BYTES
        [((level, code, column), count)] = self._counts.most_common(1)
        where = f" in column {column}" if column else ""
        return Issue(
            level="file",
            code="too_many_issues",
            message=f"By row {last.row or 0:,} there are {found:,} errors and warnings, which take "
            f"more than {limit:,} bytes. Most frequent: {code}{where}, {count:,} times. Is the "
            "mapping right? Correct the file, or divide it.",
            detail={
                "limit_bytes": limit,
                "found": found,
                "row": last.row,
                "most": {"level": level, "code": code, "column": column, "count": count},
            },
        )

    @property
    def counts(self) -> list[dict[str, Any]]:
        """How many of each level, code and column, the most frequent first."""
        return [
            {"level": level, "code": code, "column": column, "count": count}
            for (level, code, column), count in self._counts.most_common()
        ]

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is wrong."""
        return not self._counts

    def store(self, of: Import) -> None:
        """Put the first MOST_IN_DATABASE into the database, in the place of earlier ones."""
        RowIssue.objects.filter(organization_id=of.organization_id, of_import=of).delete()
        with self.path.open("rb") as lines:
            insert(of, (json.loads(line) for line in islice(lines, MOST_IN_DATABASE)))


def insert(of: Import, issues: Iterable[Mapping[str, Any]]) -> None:
    """Write issues into the database, in the caller's transaction."""
    for batch in batched(issues, BATCH):
        with connection.cursor() as cursor:
            cursor.execute(
                _INSERT,
                {
                    "organization_id": of.organization_id,
                    "import_id": of.pk,
                    "issues": json.dumps(batch),
                },
            )


def read(path: Path) -> Iterator[bytes]:
    """A file's bytes, for the store."""
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            yield piece


def _row(issue: Issue) -> int:
    return issue.row or 0


def _line(issue: Mapping[str, Any]) -> bytes:
    return json.dumps(issue, ensure_ascii=False).encode() + b"\n"
