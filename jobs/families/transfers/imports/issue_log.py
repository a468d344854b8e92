"""Every issue of an import's rows: in a file while it is read, then in the store and the database.

Issues come in two streams, each in the order of the file: what is wrong with a row by itself or
against what is there, chunk by chunk, and at the end what comes twice. A million bad rows must not
fill the memory, so only counts are kept there.
"""

import heapq
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import batched, islice
from pathlib import Path
from typing import Any

from django.db import connection

from jobs.families.transfers.files.issues import Issue
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
    """Of one dry run, in a folder of its own on this machine."""

    def __init__(self, folder: Path) -> None:
        self._found = (folder / "found.jsonl").open("w+", encoding="utf-8")
        self.path = folder / "issues.jsonl"
        self._counts: Counter[tuple[str, str, str | None]] = Counter()

    def add(self, *issues: Sequence[Issue]) -> None:
        """Those of one chunk, from several finders, each in the order of the file."""
        for issue in heapq.merge(*issues, key=_row):
            self._found.write(_line(issue.as_json()))

    def close(self, late: Iterable[Issue]) -> None:
        """Write all to `path`, with those that were found at the end."""
        self._found.seek(0)
        found = (json.loads(line) for line in self._found)
        at_end = (issue.as_json() for issue in late)
        with self.path.open("w", encoding="utf-8") as file:
            for issue in heapq.merge(found, at_end, key=lambda one: one.get("row") or 0):
                self._counts[issue["level"], issue["code"], issue.get("column")] += 1
                file.write(_line(issue))
        self._found.close()

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
        with self.path.open(encoding="utf-8") as lines:
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


def _line(issue: Mapping[str, Any]) -> str:
    return json.dumps(issue, ensure_ascii=False) + "\n"
